"""`spikey fit density`: the shape of the residual's density, relative to its scale.

A histogram of residuals in units of the scale bin's middle, each code's mass spread evenly over
the code's own interval, made smooth and given a floor; what is shipped is its running sum.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from ..constants import (
    CDF_GRID_BITS,
    CDF_REACH,
    HIGHEST_CODE,
    LOWEST_CODE,
    MASS_BITS,
    TRANSITION_BITS,
    WEIGHT_BITS,
)
from ..prediction import linear
from . import model

CELLS = CDF_REACH << CDF_GRID_BITS  # to each side
SMOOTHING = 1.5  # cells, standard deviation
FLOOR = 2e-7  # of the mass per cell, so that nothing costs infinitely much
FINEST_SCALE = 3.0  # codes: below, one code covers too much of the density to see its shape


@numba.njit(cache=True)
def _spread(
    codes: np.ndarray,
    mean: np.ndarray,
    sigma: np.ndarray,
    transitions: np.ndarray,
    histogram: np.ndarray,
    per_scale: int,
    cells: int,
) -> None:
    for t in range(model.WARM_UP, len(codes)):
        code = codes[t] - LOWEST_CODE
        scale = sigma[t] / model.MEAN_TO_SIGMA
        if scale < FINEST_SCALE or code == 0 or code == HIGHEST_CODE - LOWEST_CODE:
            continue
        octave = math.floor(math.log2(scale))
        quarter = math.floor((scale / 2.0**octave - 1) * 4)
        middle = 2.0**octave * (9 + 2 * quarter) / 8
        left = (transitions[code] - mean[t]) / middle * per_scale + cells
        right = (transitions[code + 1] - mean[t]) / middle * per_scale + cells
        if left < 0 or right >= 2 * cells:
            continue
        first, last = int(left), int(right)
        for cell in range(first, last + 1):
            inside = min(right, cell + 1.0) - max(left, float(cell))
            histogram[cell] += inside / (right - left)


def fit(channels: list[np.ndarray], transitions: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Cumulative mass at -12 .. 12 mean |residuals|: int32, shape (2 * CELLS + 1,), in 2^-24.

    channels : codes; transitions : from fit.converter; codebook : from fit.linear
    """
    transitions = transitions / (1 << TRANSITION_BITS)
    levels = model.middles(transitions)
    histogram = np.zeros(2 * CELLS)
    for codes in channels:
        x = levels[codes - LOWEST_CODE]
        matrix = linear.covariance(np.rint(x * model.LEVEL_STEPS))
        best = codebook[linear.residual_powers(matrix, codebook).argmin()] / (1 << WEIGHT_BITS)
        mean, sigma = model.predictions(x, best)
        _spread(codes, mean, sigma, transitions, histogram, 1 << CDF_GRID_BITS, CELLS)
    taps = np.exp(-0.5 * (np.arange(-6, 7) / SMOOTHING) ** 2)
    mass = np.convolve(histogram, taps / taps.sum(), "same") / histogram.sum() + FLOOR
    running = np.concatenate([[0.0], np.cumsum(mass)])
    return np.rint(running / running[-1] * (1 << MASS_BITS)).astype(np.int32)


def excess_kurtosis(mass: np.ndarray) -> float:
    """Excess kurtosis of a density given as its cumulative mass; 0 for a Gaussian."""
    weight = np.diff(mass) / mass[-1]
    x = np.arange(len(weight)) + 0.5 - len(weight) / 2
    x = x - weight @ x
    return float(weight @ x**4 / (weight @ x**2) ** 2 - 3)
