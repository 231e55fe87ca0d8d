"""Decides, in this one place, how the kernels run: ahead of time, compiled at first use, or plain.

A kernel is an ordinary function over NumPy arrays and integers, marked with `@kernel(SIGNATURE)`.
Three engines run it and give the same bytes:

aot     the extension module `_kernels`, made by `setup.py` where there is a C compiler;
jit     machine code that numba makes at first use and that is kept on disk (machine_code.py);
python  the interpreter (slow; the reference the other two are tested against).

`SPIKEY_ENGINE` in the environment names one; by default the first that is there is taken. What is
defined below for kernels to use is for the interpreter; compilation.py has the same for numba.
"""

from __future__ import annotations

import functools
import os
import zlib

from .errors import UsageError

ENGINES = ("aot", "jit", "python")
CPU_BASELINE = "x86-64-v3"  # what is compiled for on x86-64, where the processor has these:
CPU_FEATURES = ("AVX2", "FMA3")
FOLDER = os.path.dirname(os.path.abspath(__file__))
MODULES = ("kernels", "network_kernels", "mixing_kernels")  # later ones use earlier ones

signatures: dict[str, str] = {}  # of all kernels, as far as their modules have been imported


@functools.cache
def source_stamp() -> int:
    """CRC-32 of what compiled kernels are made from, by which they are known to be of today."""
    stamp = 0
    for name in (*MODULES, "compilation"):
        with open(os.path.join(FOLDER, f"{name}.py"), "rb") as file:
            stamp = zlib.crc32(file.read(), stamp)
    return stamp


def has_baseline() -> bool:
    """Whether this processor runs what is compiled for CPU_BASELINE."""
    import numpy as np

    have = np._core._multiarray_umath.__cpu_features__
    return all(have.get(feature) for feature in CPU_FEATURES)


def _compiled_module():
    """The ahead-of-time module if it is there, current and fit for this processor, else None."""
    try:
        from . import _kernels
    except ImportError:
        return None
    if _kernels.source_stamp() != source_stamp():
        return None
    return None if _kernels.needs_baseline() and not has_baseline() else _kernels


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


def kernel(signature: str):
    """Mark a kernel; `signature` gives its argument and result types in numba's notation."""

    def mark(function):
        signatures[function.__name__] = signature
        if name == "aot":
            return getattr(_module, function.__name__)
        if name == "python":
            return function

        @functools.wraps(function)
        def compiled(*arguments):
            from . import machine_code

            return machine_code.kernels()[function.__name__](*arguments)

        return compiled

    return mark


def helper(function):
    """Mark a function that only kernels call; it is compiled into them."""
    return function


def bit_length(x: int) -> int:
    """Bits of x > 0 up to its leading one: one machine instruction, which numba has not."""
    return x.bit_length()


def index(i: int) -> int:
    """A subscript that is never negative: compiled kernels need not look from an array's end."""
    return i
