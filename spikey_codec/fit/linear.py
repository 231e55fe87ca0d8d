"""`spikey fit linear`: the codebook of fixed linear predictors, by k-means.

The distance of a recording from a predictor is the residual power that the predictor leaves,
relative to the least that any predictor of that order leaves on it; the centre of a cluster is
the best predictor for the sum of its members' covariance matrices, each divided by that least
power (gain-normalised, as in vector quantisation of speech predictors: Buzo, Gray, Gray, Markel
1980). Logarithmic loss is what costs bits, and for distances this small it is the same.
"""

from __future__ import annotations

import numpy as np

from ..constants import WEIGHT_BITS
from ..prediction import linear
from .data import Report

PREDICTORS = 64
ROUNDS = 60


def normalised_covariance(levels: np.ndarray) -> np.ndarray:
    """Covariance matrix of a channel divided by the residual power of its own best predictor."""
    matrix = linear.covariance(levels)
    own = linear.fitted(matrix) / (1 << WEIGHT_BITS)
    return matrix / _power(matrix, own)


def _power(matrix: np.ndarray, weights: np.ndarray) -> float:
    filter_ = np.concatenate([[1.0], -weights])
    return float(filter_ @ matrix @ filter_)


def _losses(matrices: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Relative residual power, shape (recordings, predictors)."""
    filters = np.hstack([np.ones((len(codebook), 1)), -codebook / (1 << WEIGHT_BITS)])
    return np.einsum("pi,nij,pj->np", filters, matrices, filters, optimize=True)


def fit(
    channels: list[np.ndarray],
    seed: int,
    predictors: int = PREDICTORS,
    report: Report = lambda line: None,
) -> np.ndarray:
    """The codebook: int16, shape (predictors, ORDER), newest sample first, best known first.

    channels : levels of each recording, integers in 1/32 code
    """
    matrices = np.stack([normalised_covariance(levels) for levels in channels])
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = [int(rng.integers(len(matrices)))]
    codebook = linear.fitted(matrices[chosen[0]])[None]
    while len(codebook) < min(predictors, len(matrices)):  # k-means++: far ones first
        excess = np.maximum(_losses(matrices, codebook).min(1) - 1, 1e-9)
        chosen.append(int(rng.choice(len(matrices), p=excess / excess.sum())))
        codebook = np.vstack([codebook, linear.fitted(matrices[chosen[-1]])])
    for turn in range(ROUNDS):
        losses = _losses(matrices, codebook)
        nearest = losses.argmin(1)
        if turn % 10 == 0:
            report(f"round {turn} of {ROUNDS}: {mean_loss_bits(losses):.5f} bits over the best")
        codebook = np.stack(
            [
                linear.fitted(matrices[nearest == i].sum(0)) if (nearest == i).any() else old
                for i, old in enumerate(codebook)
            ]
        )
    nearest = _losses(matrices, codebook).argmin(1)
    popular = np.argsort(-np.bincount(nearest, minlength=len(codebook)), kind="stable")
    return codebook[popular].astype(np.int16)


def mean_loss_bits(losses: np.ndarray) -> float:
    """Mean bits per sample lost to each recording's own best predictor."""
    return float(0.5 * np.log2(losses.min(1)).mean())


def loss_bits(channels: list[np.ndarray], codebook: np.ndarray) -> float:
    """`mean_loss_bits` of a codebook on channels given as levels in 1/32 code."""
    matrices = np.stack([normalised_covariance(levels) for levels in channels])
    return mean_loss_bits(_losses(matrices, codebook))
