"""Which channels are drawn: a typical one and the extreme ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .outliers import same_kind
from .recordings import Channel
from .statistics import Statistics


class Pick(NamedTuple):
    """A channel to be drawn, and what it stands for."""

    channel: int
    why: str


def picks(channels: list[Channel], statistics: list[Statistics]) -> list[Pick]:
    """The most typical channel, the loudest and the one with most spikes, of the commonest kind."""
    members = max(same_kind(channels).values(), key=len)
    usable = [i for i in members if statistics[i].usable] or members
    own = [statistics[i] for i in usable]
    logs = np.log(
        np.maximum([(one.deviation, one.residual, 1 + _spike_rate(one)) for one in own], 1e-9)
    )
    apart = np.abs(logs - np.median(logs, axis=0)).sum(axis=1)
    chosen = [Pick(usable[int(apart.argmin())], "most typical")]
    for why, measure in (("loudest", _loudness), ("most spikes", _spike_rate)):
        rest = [i for i in usable if i not in {pick.channel for pick in chosen}]
        best = max(usable, key=lambda i: measure(statistics[i]))
        taken = [n for n, pick in enumerate(chosen) if pick.channel == best]
        if not measure(statistics[best]):
            continue
        if taken:
            chosen[taken[0]] = Pick(best, f"{chosen[taken[0]].why}, {why}")
        elif rest:
            chosen.append(Pick(best, why))
    return chosen


def _loudness(own: Statistics) -> float:
    return own.deviation


def _spike_rate(own: Statistics) -> float:
    return own.spikes.per_second if own.spikes else 0.0
