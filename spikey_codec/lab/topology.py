"""What `spikey topology` does: read leads, find out which belong together, say, write, draw it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..system import files
from ..errors import UsageError
from ..fit.data import read_recording
from ..readers.find import each_once, find
from ..topology.graph import THRESHOLDS, Topology

Write = Callable[[str], None]
MOST_NAMED = 6  # files of one group in a line
MOST_SIZES = 3  # of larger groups that the summary tells apart


def read_leads(paths: list[Path]) -> tuple[list[np.ndarray], list[tuple[str, int]]]:
    """Every channel of every recording, and what each is: (file, channel), channels from 0.

    Folders are searched one level deep; a file that is found twice counts once. Leads are int16
    arrays of shape (samples,). Raises RecordingError for a file that is no 16-bit WAV and where
    there is none, OSError where one cannot be read.
    """
    leads, names = [], []
    for path in each_once(paths):
        recording = read_recording(path)
        for channel in range(recording.samples.shape[1]):
            leads.append(recording.samples[:, channel])
            names.append((str(path), channel))
    return leads, names


def run(
    paths: list[Path], target: str, picture: str | None, measure: str, most: int, write: Write
) -> None:
    """Write the topology of recordings to `target`, as JSON, and draw it into `picture`.

    Prints the groups. `target` is written last: where anything fails it is as it was. Raises
    UsageError, RecordingError and OSError.
    """
    from . import plots  # which takes the summary from here

    if picture is not None:
        kind = plots.kind_of(picture)  # before the work, not after it
        if os.path.realpath(picture) == os.path.realpath(target):
            raise UsageError(f"The topology and its picture are the same file, {target}.")
    for path in find(paths):
        for other in filter(None, (target, picture)):
            files.refuse_same(str(path), other)
    leads, names = read_leads(paths)
    topology = Topology(leads, measure, names, most)
    if picture is not None:
        files.write(picture, plots.draw_topology(topology, kind))
    files.write(target, topology.to_json().encode())
    for line in lines(topology):
        write(line)


def lines(topology: Topology) -> Iterator[str]:
    """The groups of two and more, those with the strongest correlation first, and a summary."""
    related = []
    for group in topology.groups():
        inside = set(group)
        best = [
            next((peer.correlation for peer in topology.peers(lead) if peer.lead in inside), None)
            for lead in group
        ]
        known = sorted((r for r in best if r is not None), key=abs)
        if len(group) > 1:
            related.append((abs(known[-1]) if known else 0, group, known))
    for _, group, known in sorted(related, key=lambda entry: -entry[0]):
        if not known:
            strength = f"above {THRESHOLDS[topology.measure]}"
        elif len(group) == 2:
            strength = f"{known[-1]:+.3f}"
        else:
            strength = f"{abs(known[0]):.3f} to {abs(known[-1]):.3f}"
        count = "" if len(group) == 2 else f"{len(group)} leads: "
        yield f"{strength}  {count}{_names(topology, group)}"
    yield summary(topology)


def summary(topology: Topology) -> str:
    """One line: how many leads, larger groups, pairs and single ones there are."""
    sizes = Counter(map(len, topology.groups()))
    larger = sorted((size for size in sizes if size > 2), reverse=True)
    parts = [_count(sizes[size], "group", f" of {size}") for size in larger]
    if len(larger) > MOST_SIZES:
        parts = [_count(sum(sizes[size] for size in larger), "group", f" of 3 to {larger[0]}")]
    if sizes[2]:
        parts.append(_count(sizes[2], "pair"))
    if sizes[1]:
        parts.append(f"{sizes[1]} single")
    return f"{_count(len(topology.leads), 'lead')}: {', '.join(parts)}"


def _count(number: int, what: str, more: str = "") -> str:
    return f"{number} {what}{'s' * (number != 1)}{more}"


def _names(topology: Topology, group: list[int]) -> str:
    """Files, with the channels if they have several, neighbours as a range; a few of many."""
    held = Counter(lead.file for lead in topology.leads)
    channels: dict[str, list[int]] = {}
    for lead in group:
        channels.setdefault(topology.leads[lead].file, []).append(topology.leads[lead].channel)
    named = []
    for file, numbers in list(channels.items())[:MOST_NAMED]:
        name = files.printable(os.path.basename(file))
        named.append(name if held[file] == 1 else f"{name} {ranges(numbers)}")
    if len(channels) > MOST_NAMED:
        named.append(f"and {len(channels) - MOST_NAMED} more files")
    return ("  " if len(group) == 2 else ", ").join(named)


def ranges(numbers: list[int]) -> str:
    """
    >>> ranges([0, 1, 2, 5, 7, 8])
    '[0-2 5 7-8]'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return f"[{' '.join('-'.join(map(str, run)) for run in runs)}]"
