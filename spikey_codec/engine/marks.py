"""Marks kernels, and decides how they run: ahead of time, compiled at first use, or plain.

A kernel is an ordinary function over NumPy arrays and integers, marked with `@kernel(SIGNATURE)`.
Three engines run it and give the same bytes:

aot     the extension module `_kernels`, which `setup.py` makes where there is a C compiler;
jit     machine code that numba makes at first use and that is kept on disk (load.py);
python  the interpreter (slow; the reference that the other two are tested against).

`SPIKEY_ENGINE` in the environment names one; by default the first that is available is taken. The
functions below that kernels use are for the interpreter; build.py has the same for numba.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..errors import UsageError
from . import target

ENGINES = ("aot", "jit", "python")

signatures: dict[str, str] = {}  # of all kernels whose modules have been imported


def _compiled_module() -> ModuleType | None:
    """The ahead-of-time module if it exists, is current and fits this processor, else None."""
    try:
        module = importlib.import_module("spikey_codec._kernels")
    except ImportError:
        return None
    if module.source_stamp() != target.source_stamp():
        return None
    return None if module.needs_baseline() and not target.has_baseline() else module


def _choose() -> tuple[str, ModuleType | None]:
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


name, compiled = _choose()  # the engine, and its module where it is "aot"


def kernel(signature: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Mark a kernel; `signature` gives its argument and result types in numba's notation."""

    def mark(function: Callable[..., int]) -> Callable[..., int]:
        own_name = function.__name__
        signatures[own_name] = signature
        if name == "aot":
            return getattr(compiled, own_name)
        if name == "python":
            return function

        @functools.wraps(function)
        def run(*arguments: Any) -> int:
            from . import load

            return load.kernels()[own_name, signature](*arguments)

        return run

    return mark


def helper(function: Callable) -> Callable:
    """Mark a function that only kernels call; it is compiled into them."""
    return function


def inlined(function: Callable) -> Callable:
    """Mark a helper that runs once a sample and takes large groups: it is compiled into its place,
    because to pass the groups on would cost more than to run it."""
    return function


def bit_length(x: int) -> int:
    """Bits of x > 0 up to its leading one: one machine instruction, which numba does not offer."""
    return x.bit_length()


def index(i: int) -> int:
    """A subscript that is never negative: compiled kernels need not count from an array's end."""
    return i
