"""Compiles the kernels with numba, for `setup.py` and for machine_code.py.

The kernels' modules are loaded once more, with another `engine` beside them that marks functions
for numba instead of for the interpreter.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import warnings
from types import ModuleType

from . import engine


def marked_for_numba() -> tuple[ModuleType, dict[str, tuple[object, str]]]:
    """The last module of kernels, helpers compiled, and all kernels: {name: (function, types)}.

    Raises ImportError where numba is not there.
    """
    import numba
    import numpy as np
    from llvmlite import ir
    from numba.extending import intrinsic

    exports: dict[str, tuple[object, str]] = {}

    def kernel(signature: str):
        def mark(function):
            exports[function.__name__] = (function, signature)
            return function

        return mark

    def helper(function):
        return numba.njit(error_model="numpy")(function)

    @intrinsic
    def bit_length(typing_context, x):
        def generate(context, builder, signature, arguments):
            zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
            return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

        return numba.int64(numba.int64), generate

    @helper
    def index(i):
        return np.uint64(i)

    package = ModuleType("spikey_kernels")
    package.__path__ = []
    stand_in = ModuleType("spikey_kernels.engine")
    stand_in.__dict__.update(kernel=kernel, helper=helper, bit_length=bit_length, index=index)
    loaded = {"spikey_kernels": package, "spikey_kernels.engine": stand_in}
    sys.modules.update(loaded)
    try:
        for name in engine.MODULES:
            path = os.path.join(engine.FOLDER, f"{name}.py")
            spec = importlib.util.spec_from_file_location(f"spikey_kernels.{name}", path)
            loaded[spec.name] = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded[spec.name])
    finally:
        for name in loaded:
            del sys.modules[name]
    return loaded[spec.name], exports


def object_code(cpu: str) -> bytes:
    """All kernels as an object file for a processor ("" for any), under their own names.

    Calling convention: numba's, see machine_code.py. No C compiler is needed.
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
        ModuleCompiler(entries, "spikey_kernels", cpu_name=cpu).write_native_object(path)
        with open(path, "rb") as file:
            return file.read()
