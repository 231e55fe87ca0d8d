"""FORMAT.md, "State": Mitchell's logarithm of a scale, and differences in parts of it."""

from __future__ import annotations


def mitchell_logarithm(x: int) -> int:
    """The logarithm of a number in 2^-12 code, in 1/64 octave."""
    x = min(max(x, 512), (1 << 29) - 1)
    octave = x.bit_length() - 1
    return 64 * octave + ((x << 6) >> octave) % 64


def size_of(logarithm: int) -> int:
    """The number in 2^-12 code of which this is the Mitchell logarithm."""
    return ((64 + logarithm % 64) << (logarithm >> 6)) >> 6


class Norm:
    """Differences in 1/32 code, in parts of the expected error."""

    def __init__(self, logarithm: int):
        size = size_of(logarithm)
        self.unit = size >> 7
        self.reciprocal = (1 << 33) // size

    def of(self, d: int) -> int:
        """norm(d)."""
        return (max(-15 * self.unit, min(15 * self.unit, d)) * self.reciprocal) >> 16
