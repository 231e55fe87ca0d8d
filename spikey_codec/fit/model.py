"""The codec's model in floating point, as far as fitting needs it.

The same predictor order and the same two trackers of |error| as in kernels/state.py; the density is
Gaussian here, which is close enough to weigh one code against its neighbours.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from ..constants import LONG_TERM_SHIFT, ORDER, SHORT_TERM_SHIFT, WEIGHT_BITS
from ..prediction import linear

MEAN_TO_SIGMA = math.sqrt(math.pi / 2)  # of a Gaussian
LEVEL_STEPS = 32  # covariances are taken over integers, levels in 1/32 code
WARM_UP = 500  # samples at the start that do not count


def own_predictor(levels: np.ndarray) -> np.ndarray:
    """The order-16 predictor of least residual power of this recording, float64."""
    matrix = linear.covariance(np.rint(levels * LEVEL_STEPS))
    return linear.fitted(matrix) / (1 << WEIGHT_BITS)


@numba.njit(cache=True)
def predictions(levels, weights):
    """Prediction of every sample from ORDER before it, and its scale (standard deviation)."""
    n = len(levels)
    mean = np.zeros(n)
    sigma = np.ones(n)
    fast = 4.0
    slow = 4.0
    for t in range(ORDER, n):
        m = 0.0
        for k in range(ORDER):
            m += weights[k] * levels[t - 1 - k]
        mean[t] = m
        sigma[t] = max(slow + (fast - slow) / 16, 0.75 * fast, 0.2) * MEAN_TO_SIGMA
        size = abs(levels[t] - m)
        fast += (size - fast) / (1 << SHORT_TERM_SHIFT)
        slow += (size - slow) / (1 << LONG_TERM_SHIFT)
    return mean, sigma


@numba.njit(cache=True)
def _below(x, mean, sigma):
    return 0.5 * math.erfc((mean - x) / sigma * 0.7071067811865476)


@numba.njit(cache=True)
def expected_counts(codes, mean, sigma, edges, expected, seen):
    """Add, for each code, how often it was to be expected and how often it came.

    Samples whose density reaches a rail are left out: there the clipped mass hides the width.
    """
    for t in range(WARM_UP, len(codes)):
        first = int(mean[t] - 4.5 * sigma[t]) + 512
        last = int(mean[t] + 4.5 * sigma[t]) + 512
        here = codes[t] + 512
        if sigma[t] > 20 or min(first, here) <= 0 or max(last, here) >= 1023:
            continue
        below = _below(edges[first], mean[t], sigma[t])
        for code in range(first, last + 1):
            above = _below(edges[code + 1], mean[t], sigma[t])
            expected[code] += above - below
            below = above
        seen[here] += 1


@numba.njit(cache=True)
def code_length(codes, mean, sigma, edges):
    """Ideal code length in bits of the samples after the warm-up, and their number."""
    bits = 0.0
    for t in range(WARM_UP, len(codes)):
        code = codes[t] + 512
        below = 0.0 if code == 0 else _below(edges[code], mean[t], sigma[t])
        above = 1.0 if code == 1023 else _below(edges[code + 1], mean[t], sigma[t])
        bits -= math.log2((above - below) * 0.999 + 0.001 / 1024)
    return bits, len(codes) - WARM_UP


def mean_code_length(leads: list[np.ndarray], edges: np.ndarray) -> float:
    """Ideal bits per sample over all leads, each with its own best order-16 predictor."""
    levels = (edges[1:] + edges[:-1]) / 2
    bits = samples = 0.0
    for lead in leads:
        x = levels[lead + 512]
        mean, sigma = predictions(x, own_predictor(x))
        b, n = code_length(lead, mean, sigma, edges)
        bits, samples = bits + b, samples + n
    return bits / max(samples, 1)
