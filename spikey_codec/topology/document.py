"""The graph as a JSON document: `write` and its inverse `read`, which checks all that it reads.

The document's keys are a file format: "leads" are the channels, one on each line, with the numbers
that an update starts from ("weight", "deviation") and "peers" as [index, correlation].
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..errors import RecordingError
from .groups import THRESHOLDS
from .nodes import Channel, Links, Peer

FORMAT = "spikey topology"
VERSION = 1
LONGEST = (1 << 63) - 1  # samples: they are counted in 64 bits
LARGEST_DEVIATION = 1 << 64  # no series of 64-bit integers has a larger one


class Document(NamedTuple):
    """What a document holds.

    measure, most : how correlations were measured, and how many peers of a channel are kept
    weights, deviations : for each channel, as from `Moments.summary`
    """

    measure: str
    most: int
    channels: list[Channel]
    weights: list[float]
    deviations: list[float]
    links: Links


def write(document: Document) -> str:
    """The text of a document: a line for each channel; weights and deviations to six digits."""
    entries = [
        {
            "file": channel.file,
            "channel": channel.channel,
            "samples": channel.samples,
            "weight": float(f"{weight:.6g}"),
            "deviation": float(f"{deviation:.6g}"),
            "peers": peers,
        }
        for channel, weight, deviation, peers in zip(
            document.channels,
            document.weights,
            document.deviations,
            document.links.peers,
            strict=False,
        )
    ]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "measure": document.measure,
        "most": document.most,
    }
    rows = ",\n".join(map(json.dumps, entries))
    return (
        f'{json.dumps(head)[:-1]},\n"leads": [\n{rows}\n],\n'
        f'"groups": {json.dumps(document.links.groups)}}}\n'
    )


def read(text: str | bytes) -> Document:
    """The inverse of `write`; RecordingError for a text that it cannot have written."""
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise _InvalidError("it is no topology at all")
        if content.get("version") != VERSION:
            raise _InvalidError(f"it is of version {content.get('version')!r}")
        return _checked_content(content)
    except (_InvalidError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        damaged = "something is missing or damaged"
        why = str(error) if isinstance(error, _InvalidError) else damaged
        raise RecordingError(f"This is no topology that this release reads: {why}.") from error


class _InvalidError(Exception):
    """Why a text is no topology, the end of a sentence."""


def _insist(true: bool, why: str) -> None:
    if not true:
        raise _InvalidError(why)


def _checked_content(content: dict[str, Any]) -> Document:
    entries = content["leads"]
    measure, most = content["measure"], content["most"]
    _insist(measure in THRESHOLDS, "there is no such measure")
    _insist(type(most) is int and most > 0 < len(entries), "it has no leads or peers")
    channels = [Channel(e["file"], e["channel"], e["samples"]) for e in entries]
    for channel in channels:
        counts = channel.channel, channel.samples
        named = type(channel.file) is str and all(type(n) is int and n >= 0 for n in counts)
        _insist(named, "a lead is not a channel of a file")
        _insist(channel.samples <= LONGEST, "something is missing or damaged")
    peers = [[Peer(*peer) for peer in entry["peers"]] for entry in entries]
    _insist_on_peers(peers, most)
    groups = content["groups"]
    _insist_on_groups(groups, len(entries))
    weights = [_number(e["weight"], e["samples"]) for e in entries]
    deviations = [_number(e["deviation"], LARGEST_DEVIATION) for e in entries]
    lengths = [channel.samples for channel in channels]
    _insist(
        len(set(zip(lengths, weights, strict=False))) == len(set(lengths)),
        "leads of the same length have another weight",
    )
    return Document(measure, most, channels, weights, deviations, Links(peers, groups))


def _insist_on_peers(peers: list[list[Peer]], most: int) -> None:
    """Every list of peers must be possible, and two channels must agree on their correlation."""
    agreed: dict[tuple[int, int], float] = {}
    for channel, known in enumerate(peers):
        for other, correlation in known:
            good = type(other) is int and 0 <= other < len(peers) and other != channel
            good = good and type(correlation) in (int, float) and 0 < abs(correlation) <= 1
            _insist(good, f"lead {channel} has a peer that cannot be")
            pair = min(channel, other), max(channel, other)
            same = agreed.setdefault(pair, correlation) == correlation
            _insist(same, f"leads {pair[0]} and {pair[1]} differ about their correlation")
        strengths = [-abs(peer.correlation) for peer in known]
        good = len({peer.channel for peer in known}) == len(known) <= most
        good = good and strengths == sorted(strengths)
        _insist(good, f"the peers of lead {channel} are disordered")


def _insist_on_groups(groups: list[list[int]], count: int) -> None:
    """The groups must hold each of `count` channels once, in order of their first members."""
    members = [channel for group in groups for channel in group]
    _insist(all(type(channel) is int for channel in members), "a group is not made of leads")
    _insist(
        sorted(members) == list(range(count))
        and all(groups)
        and groups == sorted(map(sorted, groups)),
        "its groups do not hold every lead once and in order",
    )


def _number(value: object, most: float) -> float:
    """A number from 0 to `most`; not a bool, which JSON tells apart from numbers."""
    if type(value) is bool or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise _InvalidError("a lead's weight or deviation cannot be")
    return float(value)
