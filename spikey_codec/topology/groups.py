"""Which channels were recorded at the same time: those that hear common activity.

The measure is the zero-lag correlation of first differences. Differencing removes the drift that
makes unrelated channels look alike; what two channels still share is noise and activity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .correlation import DIFFERENCES, RAW, Channels, Moments, checked

# Between unrelated channels the measure stays near 1 / sqrt(samples), and between simultaneous
# ones it is above 0.03. Over 614 recordings the gap between 0.017 and 0.032 was empty.
SIMULTANEOUS = 0.024
# Over the same recordings, drift alone gives unrelated channels raw correlations of up to 0.35.
ALIKE = 0.36
THRESHOLDS = {DIFFERENCES: SIMULTANEOUS, RAW: ALIKE}
# Channels shorter than three seconds correlate more by chance: by 1 / sqrt(samples), and by five
# times that somewhere among the pairs of a thousand channels.
CHANCE = 6.0
DECIMALS = 6  # of a correlation: chance leaves three of them uncertain


def simultaneous_groups(channels: Channels) -> list[list[int]]:
    """Indices of the channels that were recorded together, in order of each group's first member.

    Parameters
    ----------
    channels : list of 1-D integer arrays
        One recording each; UsageError for anything else.

    Two channels belong together when they have the same number of samples and their measure is
    above `SIMULTANEOUS`, for short channels also above what chance gives. A channel without such
    a peer forms a group alone.
    """
    arrays = checked(channels)
    moments = Moments.of(arrays, DIFFERENCES)
    related = above_threshold(rounded_correlation(moments), moments)
    return grouped(related, [len(array) for array in arrays])


def rounded_correlation(moments: Moments) -> np.ndarray:
    """The correlations to the decimals that a file keeps: float64, shape (channels, channels)."""
    return np.round(moments.correlation(), DECIMALS)


def above_threshold(correlation: np.ndarray, moments: Moments) -> np.ndarray:
    """Whether every two channels are related: bool, shape (channels, channels), symmetric."""
    chance = CHANCE / np.sqrt(np.maximum(moments.common_weight(), 1))
    related: np.ndarray = np.abs(correlation) > np.maximum(THRESHOLDS[moments.measure], chance)
    return related


def grouped(related: np.ndarray, lengths: Sequence[int]) -> list[list[int]]:
    """Groups of channels of one length that are linked by relations, directly or through others."""
    samples = np.asarray(lengths)
    return connected(related & (samples[:, None] == samples))


def connected(linked: np.ndarray) -> list[list[int]]:
    """Connected components of a graph, each ascending, in order of their first members.

    linked : bool, shape (nodes, nodes), symmetric

    >>> connected(np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], bool))
    [[0, 2], [1]]
    """
    groups: list[list[int]] = []
    seen = np.zeros(len(linked), bool)
    for first in range(len(linked)):
        if seen[first]:
            continue
        group = np.zeros(len(linked), bool)
        reached = group.copy()
        reached[first] = True
        while reached.any():
            group |= reached
            reached = linked[reached].any(axis=0) & ~group
        seen |= group
        groups.append(np.flatnonzero(group).tolist())
    return groups
