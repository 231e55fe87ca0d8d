"""The state of a lane: rings of what is past, averages of |residual|, and logarithms of them."""

from __future__ import annotations

from ..constants import (
    LARGEST_SCALE,
    LOG_BITS,
    LONG_TERM_SHIFT,
    SHORT_TERM_SHIFT,
    SMALLEST_SCALE,
)
from ..engine.marks import bit_length, helper, index


@helper
def limited(x, most):
    return min(max(x, -most), most)


# A ring of n values is kept twice over in 2 n places, so that any n in a row lie in one stretch.


@helper
def fill(ring, lane, size, value):
    """As if a lane had always had this value; `size` is that of the ring, 2 n.

    Where it is a constant the loop is unrolled, so that the loop around it stays small enough for
    the compiler to take the first row out of it."""
    for k in range(size):
        ring[index(lane), index(k)] = value


@helper
def slot_of(row, ring):
    """Where the value of a row goes: over the oldest one."""
    return row % (ring.shape[1] >> 1)


@helper
def newest(row, ring):
    """Where the last value before a row stands, with the older ones before it."""
    return (ring.shape[1] >> 1) + slot_of(row - 1, ring)


@helper
def remember(ring, lane, slot, value):
    ring[index(lane), index(slot)] = value
    ring[index(lane), index(slot + (ring.shape[1] >> 1))] = value


@helper
def follow(scales, lane, term, size, shift):
    """Move one average towards a size; it is kept times 2^shift, and forgets 2^-shift of itself."""
    scales[index(lane), index(term)] += size - (int(scales[index(lane), index(term)]) >> shift)


@helper
def track(scales, lane, residual):
    """Move a linear lane's averages of |residual| (1/32 code)."""
    size = abs(residual)
    follow(scales, lane, 0, size, SHORT_TERM_SHIFT)
    follow(scales, lane, 1, size, LONG_TERM_SHIFT)


@helper
def scale_from(short_term, long_term):
    """The present scale (1/4096 code): the long-term average with 1/16 of the short-term one mixed
    in, but at least 3/4 of the short-term one, which alone follows a spike."""
    # the short-term average is 2^(LONG_TERM_SHIFT - SHORT_TERM_SHIFT) = 16 times coarser
    return max(long_term - (long_term >> 4) + short_term, 12 * short_term)


@helper
def mitchell_log(x, bits):
    """2^bits * log2(x), x > 0, with the fraction bits of x in place of the logarithm's: monotone,
    exact (Mitchell, "Computer multiplication and division using binary logarithms", 1962)."""
    octave = bit_length(x) - 1
    return (octave << bits) + (((x << bits) >> octave) & ((1 << bits) - 1))


@helper
def log_of(scale):
    """A scale's logarithm in 1/64 octaves."""
    return mitchell_log(min(max(scale, SMALLEST_SCALE), LARGEST_SCALE), LOG_BITS)


@helper
def scale_of(log):
    """The inverse of `log_of`, up to what that drops."""
    mantissa = (1 << LOG_BITS) + (log & ((1 << LOG_BITS) - 1))
    return (mantissa << (log >> LOG_BITS)) >> LOG_BITS
