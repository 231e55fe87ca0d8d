"""Compiles the kernels with numba, for `setup.py` and for load.py.

The kernels' modules are loaded a second time, in a package of another name whose `engine.marks`
marks functions for numba instead of for the interpreter.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import target

STAND_IN = "spikey_kernels"


def loaded_apart(package: str, **marks: Any) -> dict[str, ModuleType]:
    """The kernels' modules by name, loaded anew below `package` with other marks."""
    parent, engine = ModuleType(package), ModuleType(f"{package}.engine")
    parent.__path__ = [target.PACKAGE]
    stand_in = ModuleType(f"{package}.engine.marks")
    stand_in.__dict__.update(marks)
    for module in (parent, engine, stand_in):
        sys.modules[module.__name__] = module
    kernels = f"{package}.kernels"
    try:
        return {
            name: importlib.import_module(f"{kernels}.{name}")
            for path in target.sources()
            if os.path.basename(os.path.dirname(path)) == "kernels"
            and (name := os.path.basename(path)[:-3]) != "__init__"
        }
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]


def marked_for_numba() -> tuple[ModuleType, dict[str, tuple[Callable, str]]]:
    """A module of kernels, and all kernels with their helpers compiled: {name: (function, types)}.

    Raises ImportError where numba is missing.
    """
    import numba
    import numpy as np
    from llvmlite import ir
    from numba.extending import intrinsic

    exports: dict[str, tuple[Callable, str]] = {}

    def kernel(signature: str) -> Callable:
        def mark(function: Callable) -> Callable:
            exports[function.__name__] = (function, signature)
            return function

        return mark

    # Without numba's run time, because kernels allocate nothing: it would count references to every
    # array of every group. What is not said here would be inherited from the first caller.
    settings = {"error_model": "numpy", "_nrt": False}

    def helper(function: Callable) -> Callable:
        return numba.njit(forceinline=False, **settings)(function)

    def inlined(function: Callable) -> Callable:
        return numba.njit(forceinline=True, **settings)(function)

    @intrinsic
    def bit_length(typing_context, x):
        def generate(context, builder, signature, arguments):
            zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
            return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

        return numba.int64(numba.int64), generate

    @helper
    def index(i):
        return np.uint64(i)

    marks = {"kernel": kernel, "helper": helper, "inlined": inlined}
    modules = loaded_apart(STAND_IN, **marks, bit_length=bit_length, index=index)
    return modules["linear_huffman"], exports


def object_code(processor: str) -> bytes:
    """All kernels as an object file for a processor ("" for any), under their own names.

    They follow numba's calling convention (see load.py). No C compiler is needed.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # numba announces this module's future replacement
        from numba.core import sigutils, typing
        from numba.pycc.compiler import ExportEntry, ModuleCompiler

        entries = []
        for name, (function, types) in marked_for_numba()[1].items():
            arguments, result = sigutils.normalize_signature(types)
            entries.append(ExportEntry(name, typing.signature(result, *arguments), function))
        path = os.path.join(folder, "kernels.o")
        ModuleCompiler(entries, STAND_IN, cpu_name=processor).write_native_object(path)
        with open(path, "rb") as file:
            return file.read()
