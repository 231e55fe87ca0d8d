"""What the runs have in common to show: how far they are, and what they found."""

import json
import platform
import sys

import numba
import numpy

from spikey_codec import __version__, engine


def advance(line, before: int, share: float) -> int:
    """Show how much of a run is over on a progress line; the percentage, given the one before."""
    percent = min(int(100 * share), 100)
    for _ in range(before, percent):
        line.advance(100)
    return percent


def surroundings() -> dict[str, str]:
    """What a run's figures depend on."""
    return {
        "spikey": f"{__version__}, kernels: {engine.name}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "machine": platform.platform(),
    }


def report(name: str, found: dict) -> int:
    """Print the figures for people and, as the last line, for programs; the exit status."""
    found = {"run": name, **surroundings(), **found}
    for key, value in found.items():
        for line in value if isinstance(value, list) else [value]:
            text = f"{line:,}" if isinstance(line, int) else line
            print(f"{key + ':':44}{text}")
    print(json.dumps(found))
    if found["failures"]:
        print(f"{name}: {len(found['failures'])} failures.", file=sys.stderr)
        return 1
    return 0
