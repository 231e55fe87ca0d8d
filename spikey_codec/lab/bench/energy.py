"""Published energies, and what the operations and memories of a list of steps take by them.

The numbers in brackets are those by which docs/power.md cites the publications.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .operations import CHANNELS, Step, accesses, memories, operations

# Energies in pJ; 45 nm, 0.9 V [2]. What lies between or beyond the published widths and sizes is
# taken from the line through the nearest two, in logarithms.
ADD = {8: 0.03, 32: 0.1}
MULTIPLY = {8: 0.2, 32: 3.1}
ACCESS = {8: 10.0, 32: 20.0, 1024: 100.0}  # of 64 bits, by size of the memory in KB
INSTRUCTION = 70.0  # what a processor spends on any instruction [2]
NEAR_THRESHOLD = 2.56 + 2.5  # core and SRAM, a cycle; 55 nm, 0.5 V [3]
LEAKAGE = 100e6 / 1024, 3.13  # nW a KB: last-level cache at 45 to 32 nm [2]; retention [3]
# The contexts used most take this little memory, and serve this share of samples: KB, share.
HOTTEST = {"first_symbols": (8, 0.9875), "codewords": (128, 0.934)}


class Radio(NamedTuple):
    """A published transmitter: pJ a bit, and the Mbit/s at which that holds, its fastest."""

    name: str
    reference: int
    energy: float
    fastest: float


RADIOS = (
    Radio("ultra-wideband, 28 nm", 4, 5.8, 1660),
    Radio("ultra-wideband, 65 nm", 5, 9.7, 200),
    Radio("Bluetooth LE chip", 6, 7.1 * 3 * 1000, 1),  # 7.1 mA at 3 V for 1 Mbit/s
)


def on_line(points: dict[int, float], x: float) -> float:
    """Value at x of the broken line through the points, both axes logarithmic.

    >>> round(on_line(MULTIPLY, 16), 3)  # nearly quadratic: between 0.2 pJ and 3.1 pJ
    0.787
    """
    known = sorted(points)
    after = next((i for i, at in enumerate(known) if at >= x), len(known) - 1)
    low, high = known[max(after, 1) - 1], known[max(after, 1)]
    slope = math.log(points[high] / points[low]) / math.log(high / low)
    return points[low] * math.pow(x / low, slope)


def operation_energy(kind: str) -> float:
    """pJ of a "kind bits". All but products and wires are charged as additions."""
    name, bits = kind.split()
    if name == "wire":
        return 0.0
    return on_line(MULTIPLY if name == "multiply" else ADD, int(bits))


def access_energy(size: float) -> float:
    """pJ of an access to a memory of so many KB; the smallest published one is the least."""
    return on_line(ACCESS, max(size, min(ACCESS)))


def access_energies(steps: tuple[Step, ...], channels: int = CHANNELS) -> dict[str, float]:
    """pJ a sample, by memory."""
    sizes = memories(channels)
    return {
        name: number * access_energy(sizes[name].size)
        for name, number in accesses(steps, channels).items()
    }


def energy(steps: tuple[Step, ...], channels: int = CHANNELS) -> tuple[float, float]:
    """pJ a sample: of the arithmetic, and of the memories."""
    arithmetic = sum(n * operation_energy(kind) for kind, n in operations(steps).items())
    return arithmetic, sum(access_energies(steps, channels).values())


def saved_by_hottest(steps: tuple[Step, ...], channels: int = CHANNELS) -> float:
    """pJ a sample saved if the contexts used most stand in small memories of their own."""
    spent = access_energies(steps, channels)
    return sum(share * spent[name] - access_energy(size) for name, (size, share) in HOTTEST.items())


def instructions(steps: tuple[Step, ...], channels: int = CHANNELS) -> float:
    """Instructions a sample if each operation and each access is one and there are no others."""
    return sum(operations(steps).values()) + sum(accesses(steps, channels).values())
