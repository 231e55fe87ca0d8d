"""Cholesky's method, in steps that every machine rounds alike.

What is solved here decides which predictors and taps the encoder sends, so the bytes of a file
depend on every rounding. That is why there are two functions: they do their steps in different
orders (L L^T against L D L^T), round differently, and now and then give different integers.
Neither can stand in for the other without changing files.
"""

from __future__ import annotations

import math

import numpy as np


def solve(matrix: np.ndarray, right: np.ndarray, ridge: float) -> list[float] | None:
    """Solution x of (matrix + ridge) x = right; None if that is not positive definite.

    matrix : float64, shape (n, n), symmetric; right : float64, shape (n,)

    Row by row with square roots, on Python's floats: the fastest way for the 16 weights of a
    linear predictor.
    """
    a: list[list[float]] = matrix.tolist()
    n = len(right)
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
    x: list[float] = right.tolist()
    for i in range(n):
        for m in range(i):
            x[i] -= lower[i][m] * x[m]
        x[i] /= lower[i][i]
    for i in range(n - 1, -1, -1):
        for m in range(i + 1, n):
            x[i] -= lower[m][i] * x[m]
        x[i] /= lower[i][i]
    return x


def solve_large(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution x of matrix x = right, matrix positive definite but for rounding: float64, (n,).

    matrix : float64, shape (n, n), symmetric; right : float64, shape (n,)

    Column by column without square roots, on arrays: for the up to 104 taps of a channel's
    references. A ridge of 1e-6 of the mean diagonal keeps it from failing.
    """
    n = len(right)
    a = matrix + np.eye(n) * (1e-6 * float(np.trace(matrix)) / n + 1e-9)
    x = right.astype(float)
    for i in range(n):
        column = a[i + 1 :, i] / a[i, i]
        x[i + 1 :] -= column * x[i]
        a[i + 1 :, i + 1 :] -= column[:, None] * a[i, i + 1 :][None]
    for i in range(n - 1, -1, -1):
        x[i] /= a[i, i]
        x[:i] -= a[:i, i] * x[i]
    return x
