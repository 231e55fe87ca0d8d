"""Entropies and ideal code lengths of one channel."""

from __future__ import annotations

import numpy as np

from ...constants import CHALLENGE
from ...quantizer.mapping import code_range
from ..simulate import shipped_transition_levels
from .prediction import predict, warm_up
from .recordings import Channel

UNIFORM = 0.001  # share of the density that is spread evenly, so that no code costs infinitely much
NONUNIFORM = "the same + non-uniform converter"  # only where there is a recording from it
MODELS = (
    "order 0, samples",
    "order 0, first differences",
    "order 0, residuals of a linear prediction",
    "linear + Gaussian of tracked scale",
    NONUNIFORM,
)


def entropy(values: np.ndarray) -> float:
    """Bits per value of integers whose distribution is known, each on its own.

    >>> entropy(np.arange(256))
    8.0
    """
    counts = np.unique(values, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum()) or 0.0


def ideal_bits(channel: Channel, edges: np.ndarray | None) -> tuple[float, int]:
    """Ideal code length in bits of a channel after its warm-up, and the number of samples.

    edges : code transition levels of the challenge's converter, float64, shape (1025,), in codes;
        None: all codes are one wide

    Each code's probability is the mass of a Gaussian between the code's transition levels. Its mean
    is the best order-16 prediction, its deviation follows the residuals. Needs scipy.
    """
    from scipy.special import ndtr

    lowest, highest = code_range(channel.mapping)
    codes = channel.codes.astype(np.int64)
    if edges is None:
        x = codes.astype(float)
        lower, upper = x - 0.5, x + 0.5
    else:
        x = ((edges[1:] + edges[:-1]) / 2)[codes - lowest]
        lower, upper = edges[codes - lowest], edges[codes - lowest + 1]
    mean, sigma = predict(x, channel.mapping.kind == CHALLENGE)
    start = warm_up(len(x))
    lower = np.where(codes == lowest, -np.inf, lower - mean)[start:] / sigma[start:]
    upper = np.where(codes == highest, np.inf, upper - mean)[start:] / sigma[start:]
    # Taken on the side where the mass is small, lest it be a difference of two numbers near 1.
    swap = lower > 0
    lower, upper = np.where(swap, -upper, lower), np.where(swap, -lower, upper)
    mass = np.maximum(ndtr(upper) - ndtr(lower), 0)
    mass = mass * (1 - UNIFORM) + UNIFORM / (highest - lowest + 1)
    return float(-np.log2(mass).sum()), len(mass)


def model_bits(channel: Channel) -> np.ndarray:
    """Bits that all samples of a channel take by each of `MODELS`: float64, shape (5,)."""
    codes = channel.codes.astype(np.int64)
    count = len(codes)
    if (codes == codes[0]).all():
        return np.zeros(len(MODELS))
    even = channel.codes.astype(float)
    mean, _ = predict(even, channel.mapping.kind == CHALLENGE)
    residual = (codes - np.rint(mean).astype(np.int64))[warm_up(count) :]
    each = [entropy(codes), entropy(np.diff(codes)), entropy(residual)]
    bits, samples = ideal_bits(channel, None)
    each.append(bits / samples)
    if channel.mapping.kind == CHALLENGE:
        bits, samples = ideal_bits(channel, shipped_transition_levels())
    each.append(bits / samples)
    return np.array(each) * count
