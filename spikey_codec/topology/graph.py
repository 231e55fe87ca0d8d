"""A graph of channels: which were recorded together, and which tell most about each other.

topology = Topology(samples.T)                    # samples: int16, shape (frames, channels)
topology.peers(0, 4)                              # the four channels that tell most about 0
topology.update(more.T, forgetting=0.9)           # when the electrode's threads have moved
Topology.from_json(topology.to_json())            # the same graph
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from ..constants import MOST_REFERENCES
from ..errors import UsageError
from . import document
from .correlation import DIFFERENCES, RAW, Channels, Moments, checked
from .groups import THRESHOLDS, above_threshold, grouped, rounded_correlation
from .nodes import Channel, Links, Peer


class Topology:
    """A graph of channels by common activity.

    Parameters
    ----------
    channels : list of 1-D integer arrays, or a 2-D array of shape (channels, samples)
        They begin at the same time, and every two are compared over the length of the shorter.
    measure : "differences", or "raw": the values themselves, whose correlation is mostly drift
    names : list of (file, channel), one for each channel
        Channels of one file are simultaneous. Default: the channels of one array.
    most : how many peers of a channel are kept

    Raises UsageError for anything else.
    """

    def __init__(
        self,
        channels: Channels,
        measure: str = DIFFERENCES,
        names: Sequence[tuple[str, int]] | None = None,
        most: int = MOST_REFERENCES,
    ) -> None:
        arrays = checked(channels)
        if measure not in THRESHOLDS:
            raise UsageError(f"There is no measure {measure!r}; there are {', '.join(THRESHOLDS)}.")
        if most < 1:
            raise UsageError("A lead keeps one peer or more.")
        if names is None:
            names = [("", number) for number in range(len(arrays))]
        if len(names) != len(arrays):
            raise UsageError(f"There are {len(names)} names for {len(arrays)} leads.")
        self.measure = measure
        self.most = most
        self.channels = [
            Channel(file, number, len(array))
            for (file, number), array in zip(names, arrays, strict=False)
        ]
        self._moments = Moments.of(arrays, measure)
        self._known_links: Links | None = None

    @property
    def leads(self) -> list[Channel]:
        """Deprecated name of `channels`."""
        warnings.warn("Topology.leads is now Topology.channels.", DeprecationWarning, stacklevel=2)
        return self.channels

    def peers(self, channel: int, count: int | None = None) -> list[Peer]:
        """Up to `count` peers of a channel, strongest first; default: all that are kept.

        Channels of one file are peers of each other whatever their correlation; by the raw measure
        all channels are. Others are peers where the correlation is above the threshold. A
        correlation of 0 makes no peer. Raises UsageError where there is no such channel.
        """
        count_of_all = len(self.channels)
        if not 0 <= channel < count_of_all:
            raise UsageError(f"There is no lead {channel}; there are {count_of_all}, from 0 on.")
        return self._links.peers[channel][:count]

    def groups(self) -> list[list[int]]:
        """Indices of channels recorded together, in order of each group's first member.

        A group is what can be reached from channel to channel of the same number of samples by
        correlations above the threshold.
        """
        return [list(group) for group in self._links.groups]

    def update(self, channels: Channels, forgetting: float) -> None:
        """Learn from new samples of all channels, which follow those before.

        Parameters
        ----------
        channels : as for the class, all of the same length
        forgetting : the weight that everything known keeps, from 1 (samples count the same
            whenever they came) down to 0 (only the new ones count)

        Raises UsageError for anything else. After `from_json` only the correlations of peers are
        known from before; the others begin at 0.
        """
        arrays = checked(channels)
        if len(arrays) != len(self.channels) or len({len(array) for array in arrays}) > 1:
            raise UsageError(
                f"An update takes new samples of all {len(self.channels)} leads, as many of each."
            )
        if not 0 <= forgetting <= 1:
            raise UsageError(f"A forgetting factor is between 0 and 1, not {forgetting}.")
        if not len(arrays[0]):
            return
        self._moments.forget(forgetting)
        self._moments.add(arrays)
        self.channels = [
            channel._replace(samples=channel.samples + len(new))
            for channel, new in zip(self.channels, arrays, strict=False)
        ]
        self._known_links = None

    @property
    def _links(self) -> Links:
        """Made when first asked for: samples come more often than questions."""
        if self._known_links is None:
            self._known_links = self._new_links()
        return self._known_links

    def _new_links(self) -> Links:
        correlation = rounded_correlation(self._moments)
        strength = np.abs(correlation)
        related = above_threshold(correlation, self._moments)
        files = np.unique([channel.file for channel in self.channels], return_inverse=True)[1]
        candidates = related | (files[:, None] == files) | (self.measure == RAW)
        ranking = np.argsort(-np.where(candidates, strength, 0), axis=1, kind="stable")
        peers = [
            [
                Peer(int(other), float(correlation[channel, other]))
                for other in order[: self.most]
                if candidates[channel, other] and correlation[channel, other]
            ]
            for channel, order in enumerate(ranking)
        ]
        return Links(peers, grouped(related, [channel.samples for channel in self.channels]))

    def to_json(self) -> str:
        """The graph as text, a line for each channel; `from_json` is the inverse."""
        weights, deviations = self._moments.summary()
        return document.write(
            document.Document(
                self.measure,
                self.most,
                self.channels,
                weights.tolist(),
                deviations.tolist(),
                self._links,
            )
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Topology:
        """The inverse of `to_json`; RecordingError for a text that it cannot have written."""
        content = document.read(text)
        self = cls.__new__(cls)
        self.measure, self.most, self.channels = content.measure, content.most, content.channels
        self._known_links = content.links
        lengths = [channel.samples for channel in content.channels]
        self._moments = Moments.known(
            content.measure, lengths, content.weights, content.deviations, content.links.peers
        )
        return self
