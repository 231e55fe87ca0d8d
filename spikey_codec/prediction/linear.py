"""Linear predictors in integers: the codebook, the residual power they leave, the best one.

A predictor is ORDER integer weights in 2^-WEIGHT_BITS, newest sample first; the prediction is
their sum with the past levels and keeps its fraction (kernels/linear.py). The residual power of
every candidate follows from one covariance matrix. All of it is exact or integer arithmetic, or
plain double-precision steps, so that every machine makes the same choice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import weights
from ..constants import GREATEST_WEIGHT_SUM, ORDER, WEIGHT_BITS
from ..kernels.bind import lagged_products
from .cholesky import solve

POWER_BITS = 28  # bits of the covariance matrix that the integer comparison keeps


def codebook() -> npt.NDArray[np.int16]:
    """The fixed predictors: int16, shape (predictors, ORDER). Raises WeightsError."""
    return weights.load("linear")


def is_usable(predictor: np.ndarray) -> bool:
    """Whether the arithmetic can bear a predictor: its weights' magnitudes sum to less than 8."""
    return int(np.abs(predictor.astype(np.int64)).sum()) < GREATEST_WEIGHT_SUM


def covariance(levels: np.ndarray) -> npt.NDArray[np.float64]:
    """Covariance matrix about zero of a channel with its own past.

    levels : 1-D integer array, |level| <= 2^15, at most 2^23 samples

    Returns float64, shape (ORDER + 1, ORDER + 1): entry (a, b) is the sum over t >= ORDER of
    level[t - a] * level[t - b]. Every entry is an integer below 2^53 and hence exact.
    """
    x = np.ascontiguousarray(levels, np.int32)
    n = len(x)
    matrix = np.zeros((ORDER + 1, ORDER + 1))
    if n <= ORDER:
        return matrix
    products = np.empty(ORDER + 1, np.int64)
    lagged_products(x[ORDER:], x, -ORDER, products)
    matrix[0] = products
    start, end = x[ORDER - 1 :: -1].astype(float), x[: n - ORDER - 1 : -1].astype(float)
    for a in range(ORDER):  # one step down the diagonal drops a product and takes up another
        matrix[a + 1, 1:] = matrix[a, :ORDER] + start[a] * start - end[a] * end
    return np.triu(matrix) + np.triu(matrix, 1).T


def residual_powers(matrix: np.ndarray, predictors: np.ndarray) -> npt.NDArray[np.int64]:
    """Residual power that each predictor leaves, in units of `power_shift`: int64, shape (n,).

    matrix : from `covariance`; predictors : integer weights, shape (n, ORDER)
    """
    scaled = np.floor(matrix / (1 << power_shift(matrix))).astype(np.int64)
    filters = np.empty((len(predictors), ORDER + 1), np.int64)
    filters[:, 0] = 1 << WEIGHT_BITS
    filters[:, 1:] = -predictors.astype(np.int64)
    powers: npt.NDArray[np.int64] = ((filters @ scaled) * filters).sum(1)
    return powers


def power_shift(matrix: np.ndarray) -> int:
    """Residual powers are in units of 2^(this - 2 * WEIGHT_BITS) squared levels."""
    return max(0, int(np.abs(matrix).max()).bit_length() - POWER_BITS)


def fitted(matrix: np.ndarray, order: int = ORDER) -> npt.NDArray[np.int16]:
    """The predictor of least residual power for a covariance matrix: int16, shape (ORDER,).

    All zero where the matrix gives nothing to go by. Where the weights' magnitudes sum too high for
    the arithmetic, the predictor of half the order takes their place.
    """
    ridge = 1e-7 * float(matrix[0, 0]) + 1e-9
    while order > 0:
        solution = solve(matrix[1 : order + 1, 1 : order + 1], matrix[0, 1 : order + 1], ridge)
        if solution is not None:
            result = np.zeros(ORDER, np.int64)
            result[:order] = [round(w * (1 << WEIGHT_BITS)) for w in solution]
            if is_usable(result) and np.abs(result).max() <= 32767:
                return result.astype(np.int16)
        order //= 2
    return np.zeros(ORDER, np.int16)


def best_predictor(levels: np.ndarray) -> npt.NDArray[np.int16]:
    """The predictor of least residual power for a channel's levels: int16, shape (ORDER,)."""
    return fitted(covariance(levels))
