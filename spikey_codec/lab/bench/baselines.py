"""Simpler coders of the same codes, to see in `spikey bench ablation` what each step is worth.

A baseline is one of two predictors, the last code or a linear combination of the 16 last codes (as
if the converter were even), and one of four codes for what is left:

- Rice (1979) codes with one parameter for the whole recording, the best one;
- Rice codes with the parameter of the present mean |error|, as Weinberger, Seroussi and Sapiro
  (LOCO-I, 2000) choose it;
- a canonical Huffman code for a binomial distribution, the one of the recording's variance;
- such codes for a binomial distribution of each octave's quarter of the present mean |error|.

All of them really write and read bits. The loops run by numba where they are first called, and
belong to no file format.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from bitarray.util import canonical_huffman
from numba import njit

from ..errors import CorruptError
from ..prediction import linear

ORDER, WEIGHT_BITS = 16, 13
LAST = np.array([1 << WEIGHT_BITS] + [0] * (ORDER - 1), np.int64)  # the last code, as weights
CODES = 1024  # of the converter; errors are from -CODES to CODES
RAW_BITS = 11  # of an error that is sent as it is
LONGEST_UNARY = 24
TRACKER_SHIFT = 6  # the tracker of |error| forgets 2^-6 of it each sample
CLASSES, FIRST_OCTAVE = 44, -3  # quarter octaves of the mean |error|, from 2^-3 codes on
CLASS_BITS = 2
REACH = 6  # symbols reach so many standard deviations to each side
DEEPEST = 1 << 18  # no mass is below this part of all, so that no code word is much longer
RICE, ADAPTIVE_RICE, BINOMIAL, ADAPTIVE_BINOMIAL = range(4)
CODERS = ("Rice", "adaptive Rice", "binomial Huffman", "adaptive binomial Huffman")


class Tables(NamedTuple):
    """Canonical codes of all classes; symbol i is the error i - reach, the last one the escape.

    reach : int64, shape (CLASSES,)
    words, lengths : int64, shape (CLASSES, symbols)
    counts : int64, shape (CLASSES, longest + 1), code words of each length
    symbols : int64, shape (CLASSES, symbols), in order of code words
    """

    reach: np.ndarray
    words: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray
    symbols: np.ndarray


@functools.cache
def binomial_tables() -> Tables:
    """The codes for binomial distributions, in integers."""
    codes = []
    for number in range(CLASSES):
        mean_error = 2 ** (FIRST_OCTAVE + (number + 0.5) / (1 << CLASS_BITS))
        # of 2 half fair coins: variance half / 2, and mean |error| sqrt(half / pi)
        half = max(1, round(math.pi * mean_error**2))
        reach = min(half, 2 + math.ceil(REACH * math.sqrt(half / 2)))
        mass, masses = (math.comb(2 * half, half) << 120) >> 2 * half, []
        for distance in range(reach + 1):
            masses.append(mass >> 80)
            mass = mass * (half - distance) // (half + distance + 1)
        both = [*masses[:0:-1], *masses]
        both.append((1 << 40) - sum(both))
        least = (1 << 40) // DEEPEST
        codes.append((reach, canonical_huffman({i: max(m, least) for i, m in enumerate(both)})))
    width = max(len(words) for _, (words, _, _) in codes)
    longest = max(len(counts) for _, (_, counts, _) in codes)
    tables = Tables(
        np.array([reach for reach, _ in codes]),
        *(np.zeros((CLASSES, columns), np.int64) for columns in (width, width, longest, width)),
    )
    for number, (_, (words, counts, symbols)) in enumerate(codes):
        for symbol, word in words.items():
            tables.words[number, symbol] = int(word.to01(), 2)
            tables.lengths[number, symbol] = len(word)
        tables.counts[number, : len(counts)] = counts
        tables.symbols[number, : len(symbols)] = symbols
    return tables


def encode(codes: np.ndarray, use_linear: bool, coder: int) -> bytes:
    """One lead's codes, int16, shape (frames,), in the bits of a baseline; 40 bytes beside them."""
    weights = LAST
    if use_linear:
        weights = linear.fitted(linear.covariance(codes.astype(np.int32))).astype(np.int64)
    best = b""
    for parameter in _parameters(codes, weights, coder):
        out = np.zeros(len(codes) * (LONGEST_UNARY + RAW_BITS + 64) // 8 + 16, np.uint8)
        bits = _encode(codes, weights, coder, parameter, *binomial_tables(), out)
        packed = (
            len(codes).to_bytes(4, "little") + bytes([coder, parameter, *bytes(2)])
            + weights.astype("<i2").tobytes() + out[: (bits + 7) // 8].tobytes()
        )  # fmt: skip
        best = packed if not best or len(packed) < len(best) else best
    return best


def decode(packed: bytes) -> np.ndarray:
    """Inverse of `encode`. CorruptError where the bits end too early."""
    frames, coder, parameter = int.from_bytes(packed[:4], "little"), packed[4], packed[5]
    weights = np.frombuffer(packed, "<i2", ORDER, 8).astype(np.int64)
    bits = np.frombuffer(packed, np.uint8, offset=8 + 2 * ORDER)
    codes = np.empty(frames, np.int16)
    if not _decode(codes, weights, coder, parameter, *binomial_tables(), bits):
        raise CorruptError("The baseline's bits end before its last code.")
    return codes


def _parameters(codes, weights, coder: int) -> list[int]:
    """Parameters to try: two neighbours of what the mean |error| says."""
    if coder in (ADAPTIVE_RICE, ADAPTIVE_BINOMIAL):
        return [0]
    mean_error = max(_mean_error(codes, weights), 0.01)
    if coder == RICE:
        k = max(0, round(math.log2(mean_error)))
        return sorted({max(0, k - 1), k, k + 1})
    number = math.floor((math.log2(mean_error) - FIRST_OCTAVE) * (1 << CLASS_BITS))
    return sorted({min(max(number + step, 0), CLASSES - 1) for step in (-1, 0, 1, 2)})


@njit
def _predict(codes, t, weights):
    """The code that is expected at t, whole; codes before the first are as the first."""
    total = 0
    for k in range(ORDER):
        total += weights[k] * int(codes[max(t - 1 - k, 0)])
    expected = (total + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS
    return min(max(expected, -CODES // 2), CODES // 2 - 1)


@njit
def _mean_error(codes, weights):
    total = 0
    for t in range(1, len(codes)):
        total += abs(int(codes[t]) - _predict(codes, t, weights))
    return total / max(1, len(codes) - 1)


@njit
def _rice_parameter(tracker):
    """The least k with 2^k above the mean |error|."""
    k = 0
    while k < 10 and 1 << (k + TRACKER_SHIFT) <= tracker:
        k += 1
    return k


@njit
def _class_of(tracker):
    """Quarter octave of the mean |error|."""
    x = max(tracker, 1)
    octave = 0
    while x >> (octave + 1) > 0:
        octave += 1
    quarter = ((x << CLASS_BITS) >> octave) & 3
    number = ((octave - TRACKER_SHIFT - FIRST_OCTAVE) << CLASS_BITS) + quarter
    return min(max(number, 0), CLASSES - 1)


@njit
def _put(out, at, value, count):
    for i in range(count - 1, -1, -1):
        if (value >> i) & 1:
            out[at >> 3] |= 128 >> (at & 7)
        at += 1
    return at


@njit
def _encode(codes, weights, coder, parameter, reach, words, lengths, counts, symbols, out):
    """Bits written into `out`, which holds zeros."""
    at = _put(out, 0, int(codes[0]) & (CODES - 1), RAW_BITS)
    tracker = 8 << TRACKER_SHIFT
    for t in range(1, len(codes)):
        error = int(codes[t]) - _predict(codes, t, weights)
        if coder <= ADAPTIVE_RICE:
            k = parameter if coder == RICE else _rice_parameter(tracker)
            folded = 2 * error if error >= 0 else -2 * error - 1
            if folded >> k >= LONGEST_UNARY:
                at = _put(out, at, 0, LONGEST_UNARY)
                at = _put(out, at, folded, RAW_BITS)
            else:
                at = _put(out, at, 1, (folded >> k) + 1)
                at = _put(out, at, folded & ((1 << k) - 1), k)
        else:
            c = parameter if coder == BINOMIAL else _class_of(tracker)
            symbol = min(abs(error), reach[c] + 1)
            symbol = 2 * reach[c] + 1 if symbol > reach[c] else error + reach[c]
            at = _put(out, at, words[c, symbol], lengths[c, symbol])
            if symbol == 2 * reach[c] + 1:
                at = _put(out, at, error + CODES, RAW_BITS)
        tracker += abs(error) - (tracker >> TRACKER_SHIFT)
    return at


@njit
def _get(bits, at, count):
    value = 0
    for _ in range(count):
        value = (value << 1) | ((int(bits[at >> 3]) >> (7 - (at & 7))) & 1)
        at += 1
    return value


@njit
def _decode(codes, weights, coder, parameter, reach, words, lengths, counts, symbols, bits):
    """Fill `codes`; False where there are too few bits."""
    end = 8 * len(bits)
    if end < RAW_BITS:
        return False
    first = _get(bits, 0, RAW_BITS)
    codes[0] = first - CODES if first >= CODES // 2 else first
    at = RAW_BITS
    tracker = 8 << TRACKER_SHIFT
    for t in range(1, len(codes)):
        if coder <= ADAPTIVE_RICE:
            k = parameter if coder == RICE else _rice_parameter(tracker)
            high = 0
            while high < LONGEST_UNARY and at < end and _get(bits, at, 1) == 0:
                high += 1
                at += 1
            count = RAW_BITS if high == LONGEST_UNARY else k + 1
            if at + count > end:
                return False
            if high == LONGEST_UNARY:
                folded = _get(bits, at, RAW_BITS)
            else:
                folded = (high << k) | (_get(bits, at, k + 1) & ((1 << k) - 1))
            at += count
            error = folded >> 1 if folded & 1 == 0 else -((folded + 1) >> 1)
        else:
            c = parameter if coder == BINOMIAL else _class_of(tracker)
            word, first, rank, length = 0, 0, 0, 0
            while True:
                if at == end:
                    return False
                length += 1
                word = (word << 1) | _get(bits, at, 1)
                at += 1
                if word - first < counts[c, length]:
                    break
                rank += counts[c, length]
                first = (first + counts[c, length]) << 1
            symbol = symbols[c, rank + word - first]
            error = symbol - reach[c]
            if symbol == 2 * reach[c] + 1:
                if at + RAW_BITS > end:
                    return False
                error = _get(bits, at, RAW_BITS) - CODES
                at += RAW_BITS
        codes[t] = _predict(codes, t, weights) + error
        tracker += abs(error) - (tracker >> TRACKER_SHIFT)
    return True
