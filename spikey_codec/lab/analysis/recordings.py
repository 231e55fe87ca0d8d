"""Recordings as they were given, and their channels, whose levels are analysed.

A level is what is predicted: for recordings of the challenge's converter the middle of each code's
interval, in codes; for a palette the number of the value in the list of those in use, in steps; for
others the sample itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...constants import CHALLENGE, LOWEST_CODE
from ...errors import RecordingError
from ...fit.data import read_recording
from ...quantizer.detect import to_codes
from ...quantizer.mapping import Mapping
from ...readers.find import each_once
from ...topology import nodes
from ...topology.text import short_names
from ..simulate import shipped_transition_levels

KINDS = ("challenge 10-bit", "plain", "sparse")  # by the number of the mapping
UNITS = ("codes", "units", "steps")
SHORTEST = 1000  # samples of a channel; fewer show too little
MOST_ANALYSED = 1 << 25  # samples of all channels; of larger files only the beginning is analysed


class File(NamedTuple):
    """A recording as it was given, and what its values are. Rate in Hz, 0: not known."""

    path: Path
    size: int  # bytes
    channels: int
    rate: int
    frames: int
    analysed: int  # frames, from the first on
    mapping: Mapping
    used: int  # distinct values
    lowest: int
    highest: int
    step: int  # greatest common divisor of the distances between values, 0 for a constant

    @property
    def kind(self) -> str:
        """The converter that was recognised."""
        return KINDS[self.mapping.kind]


class Channel(NamedTuple):
    """One channel of one file: samples and codes are int16, shape (frames analysed,)."""

    label: str
    file: int  # index
    number: int  # in its file, from 0
    rate: int
    mapping: Mapping
    samples: np.ndarray
    codes: np.ndarray

    @property
    def unit(self) -> str:
        """The unit of levels."""
        return UNITS[self.mapping.kind]


def read(paths: Sequence[Path]) -> tuple[list[File], list[Channel]]:
    """Recordings, each counted once even if found twice, and their channels.

    Files too short to be analysed have no channels. Raises RecordingError for a file that is no
    16-bit WAV and where no channel is left, OSError where a file cannot be read.
    """
    found: list[File] = []
    parts: list[tuple[int, np.ndarray, np.ndarray]] = []  # file, samples and codes of all channels
    for path in each_once(list(paths)):
        recording = read_recording(path)
        size = len(recording.head) + recording.samples.nbytes + len(recording.tail)
        frames, channels = recording.samples.shape
        samples = recording.samples[: min(frames, MOST_ANALYSED // channels)]
        codes, mapping = to_codes(samples)
        values = np.unique(samples).astype(np.int64)
        lowest, highest = (values[0], values[-1]) if len(values) else (0, 0)
        step = int(np.gcd.reduce(np.diff(values))) if len(values) > 1 else 0
        found.append(
            File(
                path, size, channels, recording.rate, frames, len(samples), mapping,
                len(values), lowest, highest, step,
            )
        )  # fmt: skip
        if len(samples) >= SHORTEST:
            parts.append((len(found) - 1, samples, codes))
    if not parts:
        raise RecordingError(f"There is no recording of {SHORTEST:,} samples in what was given.")
    return found, _channels(found, parts)


def _channels(found: list[File], parts: list[tuple[int, np.ndarray, np.ndarray]]) -> list[Channel]:
    labels = iter(_labels(found, [number for number, _, _ in parts]))
    return [
        Channel(
            next(labels), number, channel, found[number].rate, found[number].mapping,
            np.ascontiguousarray(samples[:, channel], np.int16),
            np.ascontiguousarray(codes[:, channel], np.int16),
        )
        for number, samples, codes in parts
        for channel in range(found[number].channels)
    ]  # fmt: skip


def _labels(found: list[File], numbers: list[int]) -> list[str]:
    """A short name for each channel of these files, all different."""
    labels = short_names(
        [
            nodes.Channel(str(found[number].path), channel, found[number].frames)
            for number in numbers
            for channel in range(found[number].channels)
        ]
    )
    often = Counter(labels)
    # Files of one name in several folders have one label.
    seen: Counter[str] = Counter()
    for i, label in enumerate(labels):
        seen[label] += 1
        if often[label] > 1:
            labels[i] = f"{label} ({seen[label]})"
    return labels


def levels(channel: Channel) -> np.ndarray:
    """Levels of a channel: float64, shape (samples,), in `channel.unit`."""
    if channel.mapping.kind == CHALLENGE:
        edges = shipped_transition_levels()
        middles: np.ndarray = (edges[1:] + edges[:-1]) / 2
        return middles[channel.codes.astype(np.intp) - LOWEST_CODE]
    return channel.codes.astype(np.float64)
