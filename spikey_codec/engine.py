"""Decides, in this one place, how the kernels run: ahead of time, compiled at first use, or plain.

A kernel is an ordinary function over NumPy arrays and integers, marked with `@kernel(SIGNATURE)`.
Three engines run it and give the same bytes:

aot     the extension module `_kernels`, made by `setup.py` where there is a C compiler;
jit     numba, compiled at first use and cached on disk;
python  the interpreter (slow; the reference the other two are tested against).

`SPIKEY_ENGINE` in the environment names one; by default the first that is there is taken.
"""

from __future__ import annotations

import functools
import os
import zlib
from pathlib import Path

from .errors import UsageError

ENGINES = ("aot", "jit", "python")
CPU_BASELINE = "x86-64-v3"  # what `setup.py` compiles for on x86-64; older processors use the JIT
CPU_FEATURES = ("AVX2", "FMA3")
SOURCE = Path(__file__).with_name("kernels.py")

exports: dict[str, tuple[object, str]] = {}  # name -> (plain function, signature), for setup.py


def source_stamp() -> int:
    """CRC-32 of the kernels' source, by which a compiled module is known to be of this source."""
    return zlib.crc32(SOURCE.read_bytes())


def _compiled_module():
    """The ahead-of-time module if it is there, current and fit for this processor, else None."""
    try:
        from . import _kernels
    except ImportError:
        return None
    if _kernels.source_stamp() != source_stamp():
        return None
    if _kernels.needs_baseline():
        import numpy as np

        have = np._core._multiarray_umath.__cpu_features__
        if not all(have.get(feature) for feature in CPU_FEATURES):
            return None
    return _kernels


def _choose():
    wanted = os.environ.get("SPIKEY_ENGINE") or "auto"
    if wanted not in ("auto", *ENGINES):
        raise UsageError(f"SPIKEY_ENGINE is {wanted!r}; it may be one of {', '.join(ENGINES)}.")
    compiled = _compiled_module() if wanted in ("auto", "aot") else None
    if wanted == "aot" and compiled is None:
        raise UsageError(
            "SPIKEY_ENGINE is 'aot', but no compiled kernels of this version are installed."
        )
    if compiled is not None:
        return "aot", compiled
    return ("jit" if wanted == "auto" else wanted), None


name, _module = _choose()


def _jit(function):
    import numba

    return numba.njit(cache=_cache_is_possible(), nogil=True, error_model="numpy")(function)


@functools.cache
def _cache_is_possible() -> bool:
    """Whether numba finds a folder to keep compiled kernels in; without one it compiles anew."""
    from numba.core.caching import FunctionCache

    try:
        FunctionCache(source_stamp)
    except RuntimeError:
        return False
    return True


def helper(function):
    """Mark a function that only kernels call; it is compiled into them."""
    return _jit(function) if name == "jit" else function


def _bit_length():
    """int.bit_length, which numba has not, for its engines: one machine instruction."""
    if name != "jit":
        return int.bit_length
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def bit_length(typing_context, x):
        def generate(context, builder, signature, arguments):
            zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))
            return builder.sub(ir.Constant(ir.IntType(64), 64), zeros)

        return types.int64(types.int64), generate

    return bit_length


bit_length = _bit_length()


def _index():
    """A subscript that is never negative: compiled kernels need not look from an array's end."""
    if name != "jit":
        return int
    import numpy as np

    @helper
    def index(i):
        return np.uint64(i)

    return index


index = _index()


def kernel(signature: str):
    """Mark a kernel; `signature` gives its argument and result types in numba's notation."""

    def mark(function):
        exports[function.__name__] = (function, signature)
        if name == "aot":
            return getattr(_module, function.__name__)
        return helper(function)

    return mark
