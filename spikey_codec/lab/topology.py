"""What `spikey topology` does: find which channels belong together, then say, write and draw it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..fit.data import read_recording
from ..readers.find import each_once, find
from ..system import files, targets
from ..topology.graph import Topology
from ..topology.text import lines

Write = Callable[[str], None]


def read_channels(paths: list[Path]) -> tuple[list[np.ndarray], list[tuple[str, int]]]:
    """Every channel of every recording, and what each is: (file, channel), channels from 0.

    Folders are searched one level deep; a file that is found twice counts once. Channels are int16
    arrays of shape (samples,). Raises RecordingError for a file that is no 16-bit WAV and where
    there is none, OSError where one cannot be read.
    """
    channels, names = [], []
    for path in each_once(paths):
        recording = read_recording(path)
        for number in range(recording.samples.shape[1]):
            channels.append(recording.samples[:, number])
            names.append((str(path), number))
    return channels, names


def run(
    paths: list[Path], target: str, picture: str | None, measure: str, most: int, write: Write
) -> None:
    """Write the topology of recordings to `target`, as JSON, and draw it into `picture`.

    Parameters
    ----------
    paths : recordings, and folders that are searched one level deep
    measure, most : as for `Topology`
    write : called with each line about the groups

    `target` is written last: where anything fails it is left as it was. Raises UsageError,
    RecordingError and OSError.
    """
    if picture is not None:
        from .figures.style import kind_of

        kind = kind_of(picture)  # before the work, not after it
        if os.path.realpath(picture) == os.path.realpath(target):
            raise UsageError(f"The topology and its picture are the same file, {target}.")
    for path in find(paths):
        for other in filter(None, (target, picture)):
            files.refuse_same(str(path), other)
    for other in filter(None, (target, picture)):
        targets.check_file(other)
    channels, names = read_channels(paths)
    topology = Topology(channels, measure, names, most)
    if picture is not None:
        from .figures.topology import draw_topology

        files.write(picture, draw_topology(topology, kind))
    files.write(target, topology.to_json().encode())
    for line in lines(topology):
        write(line)
