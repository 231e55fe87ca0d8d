"""Channels that are unlike the others: railed, constant, far louder or quieter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...events.spikes import MEDIAN_TO_SIGMA
from .rails import RAILED
from .recordings import Channel
from .statistics import Statistics

FAR = 4.0  # robust standard deviations of the log deviation that make an outlier
FEWEST_TO_JUDGE = 8  # channels that tell what is usual
NARROWEST = 0.1  # octaves: channels that agree by chance to a hair make no outlier of the next one


class Outlier(NamedTuple):
    """A channel that is unlike the others, and the end of a sentence that says how."""

    channel: int
    what: str


def same_kind(channels: list[Channel]) -> dict[tuple[int, int], list[int]]:
    """Indices of channels of one kind of converter and one rate, whose levels can be compared."""
    kinds: dict[tuple[int, int], list[int]] = {}
    for i, channel in enumerate(channels):
        kinds.setdefault((channel.mapping.kind, channel.rate), []).append(i)
    return kinds


def outliers(channels: list[Channel], statistics: list[Statistics]) -> list[Outlier]:
    """Railed and constant channels, and those far louder or quieter than others of their kind."""
    named = []
    for i, own in enumerate(statistics):
        if own.constant:
            named.append(Outlier(i, "constant: every sample is the same"))
        elif own.railed >= RAILED:
            share = 100 * own.railed
            named.append(Outlier(i, f"railed: {share:.1f} % of its samples are at the rail"))
    known = {outlier.channel for outlier in named}
    for members in same_kind(channels).values():
        usual = [i for i in members if i not in known]
        if len(usual) < FEWEST_TO_JUDGE:
            continue
        unit = channels[usual[0]].unit
        for what, field in (("deviation", "amplitude"), ("residual", "residual")):
            values = [getattr(statistics[i], what) for i in usual]
            named += [Outlier(usual[n], said) for n, said in _unusual(values, field, unit)]
    return sorted(named, key=lambda outlier: outlier.channel)


def _unusual(values: list[float], field: str, unit: str) -> list[tuple[int, str]]:
    """Which values are far from the median of all, and the end of a sentence for each."""
    logs = np.log2(np.maximum(values, 1e-9))
    middle = float(np.median(logs))
    spread = max(float(np.median(np.abs(logs - middle))) / MEDIAN_TO_SIGMA, NARROWEST)
    return [
        (
            n,
            f"{field} {'large' if log > middle else 'small'}: standard deviation "
            f"{value:.3g} {unit}, the median is {2**middle:.3g}",
        )
        for n, (log, value) in enumerate(zip(logs, values, strict=False))
        if abs(log - middle) > FAR * spread
    ]
