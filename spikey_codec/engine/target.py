"""What the kernels are compiled for, what they are compiled from, and where the result is kept."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CPU_BASELINE = "x86-64-v3"  # the target on x86-64, where the processor has these:
CPU_FEATURES = ("AVX2", "FMA3")
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sources() -> list[str]:
    """Paths of the files that compiled kernels depend on, in a fixed order."""
    folder = os.path.join(PACKAGE, "kernels")
    kernels = sorted(set(os.listdir(folder)) - {"bind.py"})  # which compiled kernels do not need
    kernels = [name for name in kernels if name.endswith(".py")]
    return [
        os.path.join(PACKAGE, "constants.py"),
        os.path.join(PACKAGE, "engine", "build.py"),
        *(os.path.join(folder, name) for name in kernels),
    ]


@functools.cache
def source_stamp() -> int:
    """CRC-32 of the sources; compiled kernels carry it, so that outdated ones are recognised."""
    stamp = 0
    for path in sources():
        with open(path, "rb") as file:
            stamp = zlib.crc32(file.read(), stamp)
    return stamp


def has_baseline() -> bool:
    """Whether this processor runs code compiled for CPU_BASELINE."""
    have = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    return all(have.get(feature) for feature in CPU_FEATURES)


def processor() -> str:
    """The processor to compile for, by LLVM's name, "" for any; NUMBA_CPU_NAME names another."""
    wanted = os.environ.get("NUMBA_CPU_NAME")
    return wanted or (CPU_BASELINE if has_baseline() else "")


def cache_folders() -> list[Path]:
    """Where the object file may be kept, in the order in which they are tried."""
    from pathlib import Path  # costs a part of the start-up, and compiled kernels do without

    folders = [Path(PACKAGE) / "__pycache__"]
    if wanted := os.environ.get("XDG_CACHE_HOME"):
        return [*folders, Path(wanted) / "spikey"]
    with contextlib.suppress(RuntimeError):  # there is no home directory
        home = Path.home()
        if os.environ.get("HOME") != "" and home.is_dir():  # a missing one is not made
            folders.append(home / ".cache" / "spikey")
    return folders
