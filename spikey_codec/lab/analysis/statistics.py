"""What is measured channel by channel, and distributions over all usable channels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...constants import CHALLENGE, LOWEST_CODE
from ...events.spikes import MEDIAN_TO_SIGMA, Spikes, find_spikes
from ..simulate import shipped_transition_levels
from .prediction import predict, warm_up
from .rails import RAILED, railed_share
from .recordings import Channel, levels

BINS = np.linspace(-8, 8, 161)  # of normalised values, in standard deviations
FAR = 4  # standard deviations beyond which values are counted
NARROWEST = 1e-3  # levels: the least scale that amplitudes are divided by


class Statistics(NamedTuple):
    """What was measured on one channel; deviations in levels, shares from 0 to 1."""

    deviation: float
    residual: float  # standard deviation of the prediction's residual
    kurtosis: float  # excess, of the residual over its tracked scale; NaN for a constant channel
    railed: float  # share of samples at the converter's end
    constant: bool
    spikes: Spikes | None  # None where the rate is too low or not known

    @property
    def usable(self) -> bool:
        """Whether the channel varies and stays off the rail, so that it tells of a signal."""
        return not self.constant and self.railed < RAILED


class Distributions(NamedTuple):
    """Counts of normalised values in `BINS`, float64, shape (bins,); some values lie beyond.

    amplitude : about the channel's median, over its quartiles' scale
    residual : over the channel's own deviation of residuals
    tracked : the same residuals over their tracked scale
    beyond_far : shares beyond FAR standard deviations, in that order
    """

    amplitude: np.ndarray
    residual: np.ndarray
    tracked: np.ndarray
    beyond_far: tuple[float, float, float]


def measure(channels: list[Channel]) -> tuple[list[Statistics], Distributions]:
    """What is measured channel by channel, and distributions over all usable channels."""
    counts = np.zeros((3, len(BINS) - 1))
    beyond, values = np.zeros(3), np.zeros(3)
    measured = []
    for channel in channels:
        own, residual, tracked = _measure_one(channel)
        measured.append(own)
        if not own.usable:
            continue
        amplitude, far = _amplitudes(channel)
        counts[0] += amplitude
        beyond[0] += far
        values[0] += len(channel.codes)
        for i, normalised in ((1, residual / (own.residual or 1.0)), (2, tracked)):
            counts[i] += np.histogram(normalised, BINS)[0]
            beyond[i] += np.count_nonzero(np.abs(normalised) > FAR)
            values[i] += len(normalised)
    first, second, third = (float(share) for share in beyond / np.maximum(values, 1))
    return measured, Distributions(counts[0], counts[1], counts[2], (first, second, third))


def _measure_one(channel: Channel) -> tuple[Statistics, np.ndarray, np.ndarray]:
    """Of one channel: its statistics, residuals, and residuals over their tracked scale."""
    x = levels(channel)
    spikes = find_spikes(x, channel.rate)
    share = railed_share(channel)
    if bool((channel.codes == channel.codes[0]).all()):
        nothing = np.zeros(0)
        return Statistics(0.0, 0.0, math.nan, share, True, spikes), nothing, nothing
    mean, sigma = predict(x, channel.mapping.kind == CHALLENGE)
    start = warm_up(len(x))
    residual = (x - mean)[start:]
    tracked = residual / sigma[start:]
    kurtosis = float(np.mean(tracked**4) / max(np.mean(tracked**2), 1e-12) ** 2 - 3)
    own = Statistics(float(x.std()), float(residual.std()), kurtosis, share, False, spikes)
    return own, residual, tracked


def _amplitudes(channel: Channel) -> tuple[np.ndarray, float]:
    """Samples in each of `BINS`, over the channel's own scale, and how many lie beyond FAR of it.

    Every code's samples are spread evenly over its interval, because whole codes would fall into
    some bins and none into others. Zero is the median; the scale is that of a Gaussian with the
    same quartiles.
    """
    codes, counts = np.unique(channel.codes.astype(np.int64), return_counts=True)
    if channel.mapping.kind == CHALLENGE:
        edges = shipped_transition_levels()
        lower, upper = edges[codes - LOWEST_CODE], edges[codes - LOWEST_CODE + 1]
    else:
        lower, upper = codes - 0.5, codes + 0.5
    total = np.cumsum(counts)
    ends = np.stack([lower, upper], 1).ravel()
    below = np.stack([total - counts, total], 1).ravel()
    first, median, third = np.interp(np.array([0.25, 0.5, 0.75]) * total[-1], below, ends)
    scale = max((third - first) / (2 * MEDIAN_TO_SIGMA), NARROWEST)
    in_bins = np.diff(np.interp(median + BINS * scale, ends, below))
    low, high = np.interp(median + np.array([-FAR, FAR]) * scale, ends, below)
    return in_bins, float(total[-1] - high + low)
