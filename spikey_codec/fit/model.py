"""The codec's model in floating point, as far as fitting needs it.

The same predictor order and the same short-term and long-term scale as in the kernels; the density
is Gaussian here, which is close enough to weigh one code against its neighbours.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from ..constants import (
    HIGHEST_CODE,
    LONG_TERM_SHIFT,
    LOWEST_CODE,
    ORDER,
    PREDICTION_BITS,
    SHORT_TERM_SHIFT,
    WEIGHT_BITS,
)
from ..prediction import linear

MEAN_TO_SIGMA = math.sqrt(math.pi / 2)  # of a Gaussian
LEVEL_STEPS = 1 << PREDICTION_BITS  # covariances are taken over integers, levels in 1/32 code
LAST = HIGHEST_CODE - LOWEST_CODE  # place of the last code
WARM_UP = 500  # samples at the start that do not count


def middles(transitions: np.ndarray) -> np.ndarray:
    """Middle of each code's interval: float64, shape (codes,), in the unit of the transitions."""
    levels: np.ndarray = (transitions[1:] + transitions[:-1]) / 2
    return levels


def own_predictor(levels: np.ndarray) -> np.ndarray:
    """The order-16 predictor of least residual power of this recording, float64."""
    return linear.best_predictor(np.rint(levels * LEVEL_STEPS)) / (1 << WEIGHT_BITS)


@numba.njit(cache=True)
def predictions(levels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prediction of every sample from ORDER before it, and its scale (standard deviation)."""
    n = len(levels)
    mean = np.zeros(n)
    sigma = np.ones(n)
    short_term = 4.0
    long_term = 4.0
    for t in range(ORDER, n):
        m = 0.0
        for k in range(ORDER):
            m += weights[k] * levels[t - 1 - k]
        mean[t] = m
        sigma[t] = (
            max(long_term + (short_term - long_term) / 16, 0.75 * short_term, 0.2) * MEAN_TO_SIGMA
        )
        size = abs(levels[t] - m)
        short_term += (size - short_term) / (1 << SHORT_TERM_SHIFT)
        long_term += (size - long_term) / (1 << LONG_TERM_SHIFT)
    return mean, sigma


@numba.njit(cache=True)
def _below(x: float, mean: float, sigma: float) -> float:
    return 0.5 * math.erfc((mean - x) / sigma * 0.7071067811865476)


@numba.njit(cache=True)
def expected_counts(
    codes: np.ndarray,
    mean: np.ndarray,
    sigma: np.ndarray,
    transitions: np.ndarray,
    expected: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Add, for each code, how often it was to be expected and how often it came.

    Samples whose density reaches a rail are left out: there the clipped mass hides the width.
    """
    for t in range(WARM_UP, len(codes)):
        first = int(mean[t] - 4.5 * sigma[t]) - LOWEST_CODE
        last = int(mean[t] + 4.5 * sigma[t]) - LOWEST_CODE
        here = codes[t] - LOWEST_CODE
        if sigma[t] > 20 or min(first, here) <= 0 or max(last, here) >= LAST:
            continue
        below = _below(transitions[first], mean[t], sigma[t])
        for code in range(first, last + 1):
            above = _below(transitions[code + 1], mean[t], sigma[t])
            expected[code] += above - below
            below = above
        seen[here] += 1


@numba.njit(cache=True)
def code_length(
    codes: np.ndarray, mean: np.ndarray, sigma: np.ndarray, transitions: np.ndarray
) -> tuple[float, int]:
    """Ideal code length in bits of the samples after the warm-up, and their number."""
    bits = 0.0
    for t in range(WARM_UP, len(codes)):
        code = codes[t] - LOWEST_CODE
        below = 0.0 if code == 0 else _below(transitions[code], mean[t], sigma[t])
        above = 1.0 if code == LAST else _below(transitions[code + 1], mean[t], sigma[t])
        bits -= math.log2((above - below) * 0.999 + 0.001 / (LAST + 1))
    return bits, len(codes) - WARM_UP


def mean_code_length(channels: list[np.ndarray], transitions: np.ndarray) -> float:
    """Ideal bits per sample over all channels, each with its own best order-16 predictor."""
    levels = middles(transitions)
    bits = samples = 0.0
    for codes in channels:
        x = levels[codes - LOWEST_CODE]
        mean, sigma = predictions(x, own_predictor(x))
        b, n = code_length(codes, mean, sigma, transitions)
        bits, samples = bits + b, samples + n
    return bits / max(samples, 1)
