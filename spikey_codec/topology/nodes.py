"""What the graph consists of: channels, and what each one knows of its peers."""

from __future__ import annotations

import warnings
from typing import NamedTuple


class Channel(NamedTuple):
    """A node of the graph: a channel (from 0) of a file, and its number of samples."""

    file: str
    channel: int
    samples: int


class Peer(NamedTuple):
    """Another channel, as an index, and its correlation with the one asked about, -1 to 1."""

    channel: int
    correlation: float

    @property
    def lead(self) -> int:
        """Deprecated name of `channel`."""
        warnings.warn("Peer.lead is now Peer.channel.", DeprecationWarning, stacklevel=2)
        return self.channel


class Links(NamedTuple):
    """What follows from the correlations: each channel's peers, strongest first, and the groups."""

    peers: list[list[Peer]]
    groups: list[list[int]]
