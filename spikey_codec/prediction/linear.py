"""Stage 3: the codebook of fixed linear predictors, and predictors made for one recording.

A predictor is ORDER integer weights in 2^-WEIGHT_BITS, newest sample first; the prediction is
their sum with the past levels and keeps its fraction (kernels/linear.py). The encoder chooses by
the residual's power, which for every candidate follows from one covariance matrix; all of it
is exact or integer arithmetic, so that every machine makes the same choice.
"""

from __future__ import annotations

import math

import numpy as np

from ..constants import ORDER, WEIGHT_BITS
from ..kernels.estimate import lagged_products

# |prediction| stays within 32 bits for levels of 16: the weights' magnitudes sum to less than this.
GREATEST_SUM = 8 << WEIGHT_BITS
POWER_BITS = 28  # bits of the covariance matrix that the integer comparison keeps


def covariance(levels: np.ndarray) -> np.ndarray:
    """Covariance matrix about zero of a lead with its own past.

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


def residual_powers(matrix: np.ndarray, predictors: np.ndarray) -> np.ndarray:
    """Residual power that each predictor leaves, in units of `power_shift`: int64, shape (n,).

    matrix : from `covariance`; predictors : integer weights, shape (n, ORDER).
    """
    scaled = np.floor(matrix / (1 << power_shift(matrix))).astype(np.int64)
    filters = np.empty((len(predictors), ORDER + 1), np.int64)
    filters[:, 0] = 1 << WEIGHT_BITS
    filters[:, 1:] = -predictors.astype(np.int64)
    return ((filters @ scaled) * filters).sum(1)


def power_shift(matrix: np.ndarray) -> int:
    """Residual powers are in units of 2^(this - 2 * WEIGHT_BITS) squared levels."""
    return max(0, int(np.abs(matrix).max()).bit_length() - POWER_BITS)


def fitted(matrix: np.ndarray, order: int = ORDER) -> np.ndarray:
    """The predictor of least residual power for a covariance matrix, as integer weights.

    Cholesky's method in plain double-precision steps, which every machine rounds alike. Returns
    int16, shape (ORDER,); all zero where the matrix gives nothing to go by. Weights whose
    magnitudes sum too high for the arithmetic are taken from a lower order instead.
    """
    ridge = 1e-7 * float(matrix[0, 0]) + 1e-9
    while order > 0:
        a = [[float(matrix[i + 1, j + 1]) for j in range(order)] for i in range(order)]
        b = [float(matrix[0, i + 1]) for i in range(order)]
        weights = _solve(a, b, ridge)
        if weights is not None:
            result = np.zeros(ORDER, np.int64)
            result[:order] = [round(w * (1 << WEIGHT_BITS)) for w in weights]
            if np.abs(result).sum() < GREATEST_SUM and np.abs(result).max() <= 32767:
                return result.astype(np.int16)
        order //= 2
    return np.zeros(ORDER, np.int16)


def _solve(a: list[list[float]], b: list[float], ridge: float) -> list[float] | None:
    """Solution of (a + ridge) x = b for a symmetric positive definite a; None if it is not."""
    n = len(b)
    lower = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            total = a[i][j] + (ridge if i == j else 0.0)
            for m in range(j):
                total -= lower[i][m] * lower[j][m]
            if i > j:
                lower[i][j] = total / lower[j][j]
            elif total <= 0.0:
                return None
            else:
                lower[i][i] = math.sqrt(total)
    x = list(b)
    for i in range(n):
        for m in range(i):
            x[i] -= lower[i][m] * x[m]
        x[i] /= lower[i][i]
    for i in range(n - 1, -1, -1):
        for m in range(i + 1, n):
            x[i] -= lower[m][i] * x[m]
        x[i] /= lower[i][i]
    return x
