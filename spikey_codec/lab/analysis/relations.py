"""Which channels were recorded together, and how strongly they correlate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...events.spikes import evenly_spread
from ...topology.correlation import common_activity
from ...topology.graph import Topology
from .recordings import Channel

MOST_RELATED = 1024  # channels between which correlations are taken
MOST_IN_MATRIX = 60


class Related(NamedTuple):
    """Simultaneous channels, as indices."""

    compared: list[int]
    groups: list[list[int]]  # of two and more channels, the strongest first
    strongest: list[float]  # |correlation| in each group
    shown: list[int]
    matrix: np.ndarray  # float32, shape (shown, shown): |correlation|


def related(channels: list[Channel]) -> Related:
    """Which channels were recorded together; see spikey_codec.topology.groups."""
    compared = [int(n) for n in evenly_spread(len(channels), MOST_RELATED)]
    topology = Topology([channels[n].samples for n in compared])
    # One array has one file, whose channels are all peers: only a group says what is related.
    found = []
    for group in topology.groups():
        if len(group) > 1:
            inside = set(group)
            strongest = max(
                abs(peer.correlation)
                for member in group
                for peer in topology.peers(member)
                if peer.channel in inside
            )
            found.append((strongest, [compared[n] for n in group]))
    found.sort(key=lambda entry: -entry[0])
    groups = [group for _, group in found]
    grouped = [n for group in groups for n in group]
    single = sorted(set(compared) - set(grouped))
    shown = (grouped + single)[:MOST_IN_MATRIX]
    matrix = common_activity([channels[n].samples for n in shown])
    return Related(compared, groups, [strongest for strongest, _ in found], shown, matrix)
