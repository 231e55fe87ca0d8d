"""Runs kernels from an object file that numba made, without importing numba, which is slow.

The object file is made at first use and kept beside the package, or in the user's cache folder
where that cannot be written to; its name tells the source and the processor that it was made for.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from ..errors import UsageError
from ..system import files, forks
from . import target

TYPES = {"i2": np.int16, "i4": np.int32, "i8": np.int64, "u1": np.uint8, "u2": np.uint16,
         "u4": np.uint32}  # fmt: skip
FREE = "NRT_MemInfo_call_dtor"


@functools.cache
def kernels() -> Kernels:
    """All kernels by name and types, from the object file on disk or a new one."""
    with _lock:
        return _kernels()


_lock = forks.lock_that_forks_wait_for()  # LLVM has locks of its own


def _kernels() -> Kernels:
    cpu = target.processor()
    machine = re.sub("[^A-Za-z0-9_-]", "_", f"{llvm.get_process_triple()}-{cpu or 'any'}")
    name = f"kernels-{target.source_stamp():08x}-{machine}.o"
    for folder in target.cache_folders():
        if code := _read(folder / name):
            return _load(code)
    from . import build

    if os.environ.get("NUMBA_CPU_NAME") and not _is_known(cpu):
        raise UsageError(f"NUMBA_CPU_NAME is {cpu!r}; LLVM knows no processor of this name here.")
    code = build.object_code(cpu)
    for folder in target.cache_folders():
        with contextlib.suppress(OSError):  # then it is made anew next time
            folder.mkdir(parents=True, exist_ok=True)
            files.write(str(folder / name), zlib.crc32(code).to_bytes(4, "little") + code)
            break
    return _load(code)


def _is_known(cpu: str) -> bool:
    """Whether LLVM has a processor of this name; another process asks, as it may not survive it."""
    ask = (
        "import sys, llvmlite.binding as llvm; llvm.initialize_native_target();"
        "llvm.Target.from_default_triple().create_target_machine(cpu=sys.argv[1])"
    )
    asked = subprocess.run([sys.executable, "-c", ask, cpu], capture_output=True)
    return b"not a recognized processor" not in asked.stderr


def _read(path: Path) -> bytes | None:
    """The object file that was kept under its CRC-32; None if it is not there or is damaged."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    code = kept[4:]
    return code if int.from_bytes(kept[:4], "little") == zlib.crc32(code) and code else None


def _load(code: bytes) -> Kernels:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    # Numba's arrays may own memory, which this would free; ours, from NumPy, never do. Where numba
    # is at work too, it has one that does, and all of the process shares it.
    if not llvm.address_of_symbol(FREE):
        never = ctypes.cast(ctypes.pythonapi.Py_FatalError, ctypes.c_void_p).value
        llvm.add_symbol(FREE, never)
    machine = llvm.Target.from_default_triple().create_target_machine()
    # llvmlite's own memory manager puts code and constants side by side. Otherwise they may come to
    # lie more than 2 GiB apart in a large process, which LLVM does not survive.
    linker = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine, use_lmm=True)
    linker.add_object_file(llvm.ObjectFileRef.from_data(code))
    linker.finalize_object()
    return Kernels(linker)


class Kernels(dict[tuple[str, str], Callable[..., int]]):
    """Kernels by name and types, each made callable at first use: most callers use few."""

    def __init__(self, linker: llvm.ExecutionEngine):
        super().__init__()
        self.linker = linker

    def __missing__(self, wanted: tuple[str, str]) -> Callable[..., int]:
        name, types = wanted
        with _lock:
            self[wanted] = _callable(self.linker, self.linker.get_function_address(name), types)
        return self[wanted]


def _callable(linker: llvm.ExecutionEngine, address: int, types: str) -> Callable[..., int]:
    """A function of the types "result(argument,...)" at an address; keeps its code alive.

    Numba's calling convention: a pointer for the result, one for an exception, then the
    arguments. An integer is one of 64 bits; an array is its owner's bookkeeping (two pointers, none
    here), number of items, size of one, address, shape and strides. The status returned is 0.
    """
    arguments = re.findall(r"(\w\d)(\[[^]]*\])?", types[types.index("(") :])
    kinds = [(TYPES[code], part.count(",") + 1 if part else 0) for code, part in arguments]
    words = sum(5 + 2 * dimensions if dimensions else 1 for _, dimensions in kinds)
    pointers, integers = [ctypes.c_void_p] * 2, [ctypes.c_int64] * words
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *pointers, *integers)(address)

    def call(*given: Any) -> int:
        if len(given) != len(kinds):
            raise TypeError(f"a kernel takes {len(kinds)} arguments, not {len(given)}")
        flat: list[int] = []
        for value, (dtype, dimensions) in zip(given, kinds, strict=False):
            if not dimensions:
                flat.append(int(value))
                continue
            if value.dtype != dtype or value.ndim != dimensions or not value.flags.c_contiguous:
                raise TypeError(f"a kernel takes a contiguous array of {dtype}, not {value.dtype}")
            flat += (0, 0, value.size, value.itemsize, value.ctypes.data)
            flat += value.shape + value.strides
        result, exception = ctypes.c_int64(), ctypes.c_void_p()
        if function(ctypes.addressof(result), ctypes.addressof(exception), *flat):
            raise RuntimeError("a kernel ended with an exception")
        return result.value

    call.code = linker  # type: ignore[attr-defined]
    return call
