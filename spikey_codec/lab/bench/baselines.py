"""Simpler coders of the same codes, to see in `spikey bench ablation` what each step is worth.

A baseline is one of two predictors, the last code or a linear combination of the 16 last codes (as
if the converter were even), and one of four codes for the residual:

- Rice (1979) codes with one parameter for the whole recording, the best one;
- Rice codes whose parameter follows the present mean |residual|, as in LOCO-I (Weinberger, Seroussi
  and Sapiro 2000);
- a canonical Huffman code for a binomial distribution, the one of the recording's variance;
- such codes for a binomial distribution of each quarter octave of the present mean |residual|.

All of them really write and read bits (baseline_loops.py).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from bitarray.util import canonical_huffman

from ...constants import ORDER, WEIGHT_BITS
from ...errors import CorruptError
from ...prediction import linear
from . import baseline_loops as loops
from .baseline_loops import (
    ADAPTIVE_BINOMIAL,
    ADAPTIVE_RICE,
    BIN_BITS,
    BINS,
    FIRST_OCTAVE,
    LONGEST_UNARY,
    RAW_BITS,
    RICE,
    Tables,
    mean_residual,
)

LAST = np.array([1 << WEIGHT_BITS] + [0] * (ORDER - 1), np.int64)  # the last code, as weights
REACH = 6  # symbols reach so many standard deviations to each side
DEEPEST = 1 << 18  # no mass is below this part of all, so that no codeword is much longer
CODERS = ("Rice", "adaptive Rice", "binomial Huffman", "adaptive binomial Huffman")


@functools.cache
def binomial_tables() -> Tables:
    """Canonical Huffman codes for the binomial distributions of all scale bins, in integers."""
    codes = []
    for number in range(BINS):
        mean = 2 ** (FIRST_OCTAVE + (number + 0.5) / (1 << BIN_BITS))
        # Of 2 * half fair coins: the variance is half / 2, the mean |residual| sqrt(half / pi).
        half = max(1, round(math.pi * mean**2))
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
        *(np.zeros((BINS, columns), np.int64) for columns in (width, width, longest, width)),
    )
    for number, (_, (words, counts, symbols)) in enumerate(codes):
        for symbol, word in words.items():
            tables.codewords[number, symbol] = int(word.to01(), 2)
            tables.lengths[number, symbol] = len(word)
        tables.counts[number, : len(counts)] = counts
        tables.symbols[number, : len(symbols)] = symbols
    return tables


def encode(codes: np.ndarray, use_linear: bool, coder: int) -> bytes:
    """One channel's codes in the bits of a baseline, after a header of 40 bytes.

    codes : int16, shape (frames,), -512..511
    use_linear : predict by the channel's best linear predictor, else by the last code
    coder : one of the four, by its number in CODERS
    """
    weights = LAST
    if use_linear:
        weights = linear.fitted(linear.covariance(codes.astype(np.int32))).astype(np.int64)
    best = b""
    for parameter in _parameters(codes, weights, coder):
        out = np.zeros(len(codes) * (LONGEST_UNARY + RAW_BITS + 64) // 8 + 16, np.uint8)
        bits = loops.encode(codes, weights, coder, parameter, binomial_tables(), out)
        packed = (
            len(codes).to_bytes(4, "little") + bytes([coder, parameter, *bytes(2)])
            + weights.astype("<i2").tobytes() + out[: (bits + 7) // 8].tobytes()
        )  # fmt: skip
        best = packed if not best or len(packed) < len(best) else best
    return best


def decode(packed: bytes) -> np.ndarray:
    """Inverse of `encode`; CorruptError where the bits end too early."""
    frames, coder, parameter = int.from_bytes(packed[:4], "little"), packed[4], packed[5]
    weights = np.frombuffer(packed, "<i2", ORDER, 8).astype(np.int64)
    bits = np.frombuffer(packed, np.uint8, offset=8 + 2 * ORDER)
    codes = np.empty(frames, np.int16)
    if not loops.decode(codes, weights, coder, parameter, binomial_tables(), bits):
        raise CorruptError("The baseline's bits end before its last code.")
    return codes


def _parameters(codes: np.ndarray, weights: np.ndarray, coder: int) -> list[int]:
    """Parameters to try: what the mean |residual| suggests, and its neighbours."""
    if coder in (ADAPTIVE_RICE, ADAPTIVE_BINOMIAL):
        return [0]
    mean = max(mean_residual(codes, weights), 0.01)
    if coder == RICE:
        k = max(0, round(math.log2(mean)))
        return sorted({max(0, k - 1), k, k + 1})
    number = math.floor((math.log2(mean) - FIRST_OCTAVE) * (1 << BIN_BITS))
    return sorted({min(max(number + step, 0), BINS - 1) for step in (-1, 0, 1, 2)})
