"""The graph in words: a line for each group, a summary, and short names for channels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from ..system.files import printable
from .graph import Topology
from .groups import THRESHOLDS
from .nodes import Channel

MOST_NAMED = 6  # files of one group in a line
MOST_SIZES = 3  # of larger groups that the summary tells apart
SHORTEST_NAME, LONGEST_NAME = 4, 10  # letters


def lines(topology: Topology) -> Iterator[str]:
    """The groups of two or more channels, the strongest correlation first, then the summary."""
    related = []
    for group in topology.groups():
        inside = set(group)
        best = [
            next(
                (peer.correlation for peer in topology.peers(channel) if peer.channel in inside),
                None,
            )
            for channel in group
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
        yield f"{strength}  {count}{_names(topology.channels, group)}"
    yield summary(topology)


def summary(topology: Topology) -> str:
    """One line: how many leads, larger groups, pairs and single leads there are."""
    sizes = Counter(map(len, topology.groups()))
    larger = sorted((size for size in sizes if size > 2), reverse=True)
    parts = [_count(sizes[size], "group", f" of {size}") for size in larger]
    if len(larger) > MOST_SIZES:
        parts = [_count(sum(sizes[size] for size in larger), "group", f" of 3 to {larger[0]}")]
    if sizes[2]:
        parts.append(_count(sizes[2], "pair"))
    if sizes[1]:
        parts.append(f"{sizes[1]} single")
    return f"{_count(len(topology.channels), 'lead')}: {', '.join(parts)}"


def _count(number: int, what: str, more: str = "") -> str:
    return f"{number} {what}{'s' * (number != 1)}{more}"


def _names(channels: Sequence[Channel], group: list[int]) -> str:
    """The group's files, with channel numbers where a file has several, and at most a few files."""
    channels_of = Counter(channel.file for channel in channels)
    numbers: dict[str, list[int]] = {}
    for index in group:
        numbers.setdefault(channels[index].file, []).append(channels[index].channel)
    named = []
    for file, own in list(numbers.items())[:MOST_NAMED]:
        name = printable(os.path.basename(file))
        named.append(name if channels_of[file] == 1 else f"{name} {ranges(own)}")
    if len(numbers) > MOST_NAMED:
        named.append(f"and {len(numbers) - MOST_NAMED} more files")
    return ("  " if len(group) == 2 else ", ").join(named)


def ranges(numbers: list[int]) -> str:
    """Numbers with neighbours joined.

    >>> ranges([0, 1, 2, 5, 7, 8])
    '[0-2 5 7-8]'
    """
    joined: list[list[int]] = []
    for number in sorted(numbers):
        if joined and joined[-1][-1] == number - 1:
            joined[-1] = [joined[-1][0], number]
        else:
            joined.append([number])
    return f"[{' '.join('-'.join(map(str, ends)) for ends in joined)}]"


def short_names(channels: Sequence[Channel]) -> list[str]:
    """A short name for each channel.

    Channels of the only file are called by their numbers. Files are called by the first letters of
    their names: by as few as tell the files apart, but at least 4. Where that takes more than 10
    letters, the ends of long names are taken instead.
    """
    stems = {
        channel.file: printable(os.path.splitext(os.path.basename(channel.file))[0])
        for channel in channels
    }
    channels_of = Counter(channel.file for channel in channels)
    if len(channels_of) == 1 and len(channels) > 1:
        return [str(channel.channel) for channel in channels]
    names = set(stems.values())
    length = SHORTEST_NAME
    while length < LONGEST_NAME and len({stem[:length] for stem in names}) < len(names):
        length += 1
    if len({stem[:length] for stem in names}) == len(names):
        short = {file: stem[:length] for file, stem in stems.items()}
    else:
        short = {
            file: stem if len(stem) <= LONGEST_NAME else f"…{stem[1 - LONGEST_NAME :]}"
            for file, stem in stems.items()
        }
    return [
        short[channel.file]
        if channels_of[channel.file] == 1
        else f"{short[channel.file]}:{channel.channel}"
        for channel in channels
    ]
