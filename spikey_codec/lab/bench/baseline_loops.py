"""The baselines' loops over samples and bits, both ways; numba compiles them at first call.

They belong to no file format. A bit string begins with the first code; every further sample is the
residual of a prediction, in one of the codes of baselines.py.

    codes : int16, shape (frames,), in -512..511
    weights : int64, shape (ORDER,), WEIGHT_BITS fraction bits, newest sample first
    tables : `Tables`
    out, bits : uint8, packed bits, the first one in each byte's highest
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ...constants import ORDER, WEIGHT_BITS

CODES = 1024  # of the converter; residuals are from -CODES to CODES
RAW_BITS = 11  # of a residual that is sent as it is
LONGEST_UNARY = 24
TRACKER_SHIFT = 6  # the mean |residual| forgets 2^-6 of itself each sample, and has 6 fraction bits
FIRST_SCALE = 8 << TRACKER_SHIFT
BINS, FIRST_OCTAVE = 44, -3  # quarter octaves of the mean |residual|, from 2^-3 codes on
BIN_BITS = 2
RICE, ADAPTIVE_RICE, BINOMIAL, ADAPTIVE_BINOMIAL = range(4)


class Tables(NamedTuple):
    """Canonical codes of all scale bins; symbol i is the residual i - reach, the last the escape.

    reach : int64, shape (BINS,)
    codewords, lengths : int64, shape (BINS, symbols)
    counts : int64, shape (BINS, longest + 1), codewords of each length
    symbols : int64, shape (BINS, symbols), in order of codewords
    """

    reach: np.ndarray
    codewords: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray
    symbols: np.ndarray


@njit
def predict(codes, t, weights):
    """The code that is expected at t, a whole one; codes before the first are as the first."""
    total = 0
    for k in range(ORDER):
        total += weights[k] * int(codes[max(t - 1 - k, 0)])
    expected = (total + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS
    return min(max(expected, -CODES // 2), CODES // 2 - 1)


@njit
def mean_residual(codes, weights):
    """The mean |residual| over a whole recording."""
    total = 0
    for t in range(1, len(codes)):
        total += abs(int(codes[t]) - predict(codes, t, weights))
    return total / max(1, len(codes) - 1)


@njit
def _rice_parameter(scale):
    """The least k with 2^k above the mean |residual|."""
    k = 0
    while k < 10 and 1 << (k + TRACKER_SHIFT) <= scale:
        k += 1
    return k


@njit
def _scale_bin(scale):
    """Quarter octave of the mean |residual|."""
    x = max(scale, 1)
    octave = 0
    while x >> (octave + 1) > 0:
        octave += 1
    quarter = ((x << BIN_BITS) >> octave) & 3
    number = ((octave - TRACKER_SHIFT - FIRST_OCTAVE) << BIN_BITS) + quarter
    return min(max(number, 0), BINS - 1)


@njit
def _put(out, at, value, count):
    """Write the low `count` bits of a value at bit `at`; returns the next bit."""
    for i in range(count - 1, -1, -1):
        if (value >> i) & 1:
            out[at >> 3] |= 128 >> (at & 7)
        at += 1
    return at


@njit
def _get(bits, at, count):
    """Inverse of `_put`: the value of `count` bits at bit `at`."""
    value = 0
    for _ in range(count):
        value = (value << 1) | ((int(bits[at >> 3]) >> (7 - (at & 7))) & 1)
        at += 1
    return value


@njit
def _put_rice(out, at, residual, k):
    """Write a residual as a Rice code, or as it is after LONGEST_UNARY zeros; the next bit."""
    mapped = 2 * residual if residual >= 0 else -2 * residual - 1
    if mapped >> k >= LONGEST_UNARY:
        at = _put(out, at, 0, LONGEST_UNARY)
        return _put(out, at, mapped, RAW_BITS)
    at = _put(out, at, 1, (mapped >> k) + 1)
    return _put(out, at, mapped & ((1 << k) - 1), k)


@njit
def _get_rice(bits, at, k):
    """Inverse of `_put_rice`: the residual and the next bit, which is -1 where bits are missing."""
    end = 8 * len(bits)
    high = 0
    while high < LONGEST_UNARY and at < end and _get(bits, at, 1) == 0:
        high += 1
        at += 1
    count = RAW_BITS if high == LONGEST_UNARY else k + 1
    if at + count > end:
        return 0, -1
    if high == LONGEST_UNARY:
        mapped = _get(bits, at, RAW_BITS)
    else:
        mapped = (high << k) | (_get(bits, at, k + 1) & ((1 << k) - 1))
    residual = mapped >> 1 if mapped & 1 == 0 else -((mapped + 1) >> 1)
    return residual, at + count


@njit
def _put_binomial(out, at, residual, c, tables):
    """Write a residual in the canonical code of scale bin c, or as it is after the escape."""
    reach = tables.reach[c]
    escape = 2 * reach + 1
    symbol = escape if abs(residual) > reach else residual + reach
    at = _put(out, at, tables.codewords[c, symbol], tables.lengths[c, symbol])
    if symbol == escape:
        at = _put(out, at, residual + CODES, RAW_BITS)
    return at


@njit
def _get_binomial(bits, at, c, tables):
    """Inverse of `_put_binomial`: the residual and the next bit, -1 where bits are missing."""
    end = 8 * len(bits)
    word, first, rank, length = 0, 0, 0, 0
    while True:
        if at == end:
            return 0, -1
        length += 1
        word = (word << 1) | _get(bits, at, 1)
        at += 1
        if word - first < tables.counts[c, length]:
            break
        rank += tables.counts[c, length]
        first = (first + tables.counts[c, length]) << 1
    symbol = tables.symbols[c, rank + word - first]
    reach = tables.reach[c]
    if symbol < 2 * reach + 1:
        return symbol - reach, at
    if at + RAW_BITS > end:
        return 0, -1
    return _get(bits, at, RAW_BITS) - CODES, at + RAW_BITS


@njit
def encode(codes, weights, coder, parameter, tables, out):
    """Write all codes into `out`, which holds zeros; returns the number of bits."""
    at = _put(out, 0, int(codes[0]) & (CODES - 1), RAW_BITS)
    scale = FIRST_SCALE
    for t in range(1, len(codes)):
        residual = int(codes[t]) - predict(codes, t, weights)
        if coder <= ADAPTIVE_RICE:
            k = parameter if coder == RICE else _rice_parameter(scale)
            at = _put_rice(out, at, residual, k)
        else:
            c = parameter if coder == BINOMIAL else _scale_bin(scale)
            at = _put_binomial(out, at, residual, c, tables)
        scale += abs(residual) - (scale >> TRACKER_SHIFT)
    return at


@njit
def decode(codes, weights, coder, parameter, tables, bits):
    """Inverse of `encode`: fill `codes`; False where there are too few bits."""
    if 8 * len(bits) < RAW_BITS:
        return False
    first = _get(bits, 0, RAW_BITS)
    codes[0] = first - CODES if first >= CODES // 2 else first
    at = RAW_BITS
    scale = FIRST_SCALE
    for t in range(1, len(codes)):
        if coder <= ADAPTIVE_RICE:
            k = parameter if coder == RICE else _rice_parameter(scale)
            residual, at = _get_rice(bits, at, k)
        else:
            c = parameter if coder == BINOMIAL else _scale_bin(scale)
            residual, at = _get_binomial(bits, at, c, tables)
        if at < 0:
            return False
        codes[t] = predict(codes, t, weights) + residual
        scale += abs(residual) - (scale >> TRACKER_SHIFT)
    return True
