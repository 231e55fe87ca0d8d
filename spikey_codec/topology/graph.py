"""Which leads were recorded at the same time and hear common activity.

The measure is the zero-lag correlation of first differences: differencing removes the drift
that makes unrelated leads look alike, and what is left in common is shared noise and activity.

    topology = Topology(samples.T)                    # samples: int16, shape (frames, leads)
    topology.peers(0, 4)                              # the four leads that tell most about lead 0
    topology.update(more.T, forgetting=0.9)           # when the threads have moved
    Topology.from_json(topology.to_json())            # the same graph
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import RecordingError, UsageError
from .correlation import DIFFERENCES, RAW, Moments

# Between unrelated leads the measure stays near 1/sqrt(samples), between simultaneous leads it
# is above 0.03; the gap between 0.017 and 0.032 was empty over 614 recordings.
SIMULTANEOUS = 0.024
# Drift alone gives unrelated leads raw correlations of up to 0.35 over the same recordings.
ALIKE = 0.36
THRESHOLDS = {DIFFERENCES: SIMULTANEOUS, RAW: ALIKE}
# Leads shorter than three seconds correlate more by chance: by 1/sqrt(samples), and by five times
# that somewhere among the pairs of a thousand leads.
CHANCE = 6.0
MOST_REFERENCES = 8
LARGEST_DEVIATION = 1 << 64  # what 64 bits can hold has none above this
DECIMALS = 6  # of a correlation: chance leaves three of them uncertain

FORMAT = "spikey topology"
VERSION = 1


def common_activity(leads: Sequence[np.ndarray]) -> np.ndarray:
    """Absolute zero-lag correlation of first differences between every two leads.

    Parameters
    ----------
    leads : list of 1-D integer arrays
        One recording each; every two are compared over the length of the shorter.

    Returns
    -------
    float32 array, shape (leads, leads), 0 on the diagonal; a constant lead has 0 to all others.
    Raises UsageError for anything but such leads.
    """
    leads = _checked(leads)
    return np.abs(Moments.of(leads, DIFFERENCES).correlation()).astype(np.float32)


def simultaneous_groups(leads: Sequence[np.ndarray]) -> list[list[int]]:
    """Indices of the leads in groups that were recorded together, in order of first member.

    Two leads belong together when their measure is above `SIMULTANEOUS`, and for short leads
    above what chance gives, and they have the same number of samples; a lead with no such peer
    is a group of its own. Leads as for `common_activity`.
    """
    return Topology(leads).groups()


class Lead(NamedTuple):
    """What a node of the graph is: channel (from 0) of a file, and its number of samples."""

    file: str
    channel: int
    samples: int


class Peer(NamedTuple):
    """Another lead, by its index, and its correlation with the one asked about, -1 to 1."""

    lead: int
    correlation: float


class _Graph(NamedTuple):
    """What follows from the correlations: each lead's peers, strongest first, and the groups."""

    peers: list[list[Peer]]
    groups: list[list[int]]


class Topology:
    """A graph of the leads by common activity.

    Parameters
    ----------
    leads : list of 1-D integer arrays, or a 2-D one of shape (leads, samples)
        They begin at the same time, and every two are compared over the length of the shorter.
    measure : "differences", or "raw": the values themselves, whose correlation is mostly drift
    names : list of (file, channel), one per lead
        Leads of one file are its channels and so simultaneous. Default: channels of one array.
    most : how many peers of a lead are kept

    Raises UsageError for anything else.
    """

    def __init__(
        self,
        leads: Sequence[np.ndarray],
        measure: str = DIFFERENCES,
        names: Sequence[tuple[str, int]] | None = None,
        most: int = MOST_REFERENCES,
    ):
        leads = _checked(leads)
        if measure not in THRESHOLDS:
            raise UsageError(f"There is no measure {measure!r}; there are {', '.join(THRESHOLDS)}.")
        if most < 1:
            raise UsageError("A lead keeps one peer or more.")
        if names is None:
            names = [("", channel) for channel in range(len(leads))]
        if len(names) != len(leads):
            raise UsageError(f"There are {len(names)} names for {len(leads)} leads.")
        self.measure = measure
        self.most = most
        self.leads = [
            Lead(file, channel, len(lead)) for (file, channel), lead in zip(names, leads)
        ]
        self._moments = Moments.of(leads, measure)
        self._known: _Graph | None = None

    def peers(self, lead: int, count: int | None = None) -> list[Peer]:
        """Up to `count` peers of a lead, strongest first; default: all that are kept.

        Channels of one file are peers of each other whatever their correlation, as all leads are
        by the raw measure; other leads are where it is above the threshold. A correlation of 0
        makes no peer. Raises UsageError where there is no such lead.
        """
        if not 0 <= lead < len(self.leads):
            raise UsageError(f"There is no lead {lead}; there are {len(self.leads)}, from 0 on.")
        return self._graph.peers[lead][:count]

    def groups(self) -> list[list[int]]:
        """Indices of leads recorded together, in order of first member; see module functions.

        A group is what can be reached from lead to lead of the same number of samples by
        correlations above the threshold.
        """
        return [list(group) for group in self._graph.groups]

    def update(self, leads: Sequence[np.ndarray], forgetting: float) -> None:
        """Learn from new samples of all leads, that follow those before.

        Parameters
        ----------
        leads : as for the class, all of the same length
        forgetting : the weight that all known before keeps, from 1 (samples count the same
            whenever they came) down to 0 (only the new ones count)

        Raises UsageError for anything else. After `from_json` only the correlations of peers are
        known from before, the others begin at 0.
        """
        leads = _checked(leads)
        if len(leads) != len(self.leads) or len({len(lead) for lead in leads}) > 1:
            raise UsageError(
                f"An update takes new samples of all {len(self.leads)} leads, as many of each."
            )
        if not 0 <= forgetting <= 1:
            raise UsageError(f"A forgetting factor is between 0 and 1, not {forgetting}.")
        if not len(leads[0]):
            return
        self._moments.forget(forgetting)
        self._moments.add(leads)
        self.leads = [
            lead._replace(samples=lead.samples + len(new)) for lead, new in zip(self.leads, leads)
        ]
        self._known = None

    @property
    def _graph(self) -> _Graph:
        """Made when it is first asked for: samples come more often than questions."""
        if self._known is None:
            self._known = self._new_graph()
        return self._known

    def _new_graph(self) -> _Graph:
        correlation = np.round(self._moments.correlation(), DECIMALS)
        strength = np.abs(correlation)
        chance = CHANCE / np.sqrt(np.maximum(self._moments.common_weight(), 1))
        related = strength > np.maximum(THRESHOLDS[self.measure], chance)
        files = np.unique([lead.file for lead in self.leads], return_inverse=True)[1]
        lengths = np.array([lead.samples for lead in self.leads])
        candidates = related | (files[:, None] == files) | (self.measure == RAW)
        ranking = np.argsort(-np.where(candidates, strength, 0), axis=1, kind="stable")
        peers = [
            [
                Peer(int(other), float(correlation[lead, other]))
                for other in order[: self.most]
                if candidates[lead, other] and correlation[lead, other]
            ]
            for lead, order in enumerate(ranking)
        ]
        return _Graph(peers, connected(related & (lengths[:, None] == lengths)))

    def to_json(self) -> str:
        """The graph as text, a line per lead; `from_json` is the inverse."""
        weights, deviations = self._moments.summary()
        leads = [
            {
                **lead._asdict(),
                "weight": float(f"{weight:.6g}"),
                "deviation": float(f"{deviation:.6g}"),
                "peers": peers,
            }
            for lead, weight, deviation, peers in zip(
                self.leads, weights, deviations, self._graph.peers
            )
        ]
        head = {"format": FORMAT, "version": VERSION, "measure": self.measure, "most": self.most}
        rows = ",\n".join(map(json.dumps, leads))
        return (
            f'{json.dumps(head)[:-1]},\n"leads": [\n{rows}\n],\n'
            f'"groups": {json.dumps(self._graph.groups)}}}\n'
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Topology:
        """The inverse of `to_json`; RecordingError for a text that it cannot have written."""
        try:
            content = json.loads(text)
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise _Nonsense("it is no topology at all")
            if content.get("version") != VERSION:
                raise _Nonsense(f"it is of version {content.get('version')!r}")
            return cls._of_content(content)
        except (
            _Nonsense, ValueError, KeyError, TypeError, OverflowError, RecursionError
        ) as error:
            why = str(error) if isinstance(error, _Nonsense) else "something is missing or damaged"
            raise RecordingError(f"This is no topology that this release reads: {why}.") from error

    @classmethod
    def _of_content(cls, content: dict) -> Topology:
        entries = content["leads"]
        self = cls.__new__(cls)
        self.measure, self.most = content["measure"], content["most"]
        _insist(self.measure in THRESHOLDS, "there is no such measure")
        _insist(type(self.most) is int and self.most > 0 < len(entries), "it has no leads or peers")
        self.leads = [Lead(e["file"], e["channel"], e["samples"]) for e in entries]
        for lead in self.leads:
            counts = lead.channel, lead.samples
            named = type(lead.file) is str and all(type(n) is int and n >= 0 for n in counts)
            _insist(named, "a lead is not a channel of a file")
        peers = [[Peer(*peer) for peer in entry["peers"]] for entry in entries]
        _insist_on_peers(peers, self.most)
        groups = content["groups"]
        members = [lead for group in groups for lead in group]
        _insist(all(type(lead) is int for lead in members), "a group is not made of leads")
        _insist(
            sorted(members) == list(range(len(entries)))
            and all(groups)
            and groups == sorted(map(sorted, groups)),
            "its groups do not hold every lead once and in order",
        )
        self._known = _Graph(peers, groups)
        weights = [_number(e["weight"], e["samples"]) for e in entries]
        deviations = [_number(e["deviation"], LARGEST_DEVIATION) for e in entries]
        lengths = [lead.samples for lead in self.leads]
        _insist(
            len(set(zip(lengths, weights))) == len(set(lengths)),
            "leads of the same length have another weight",
        )
        self._moments = Moments.known(self.measure, lengths, weights, deviations, peers)
        return self


class _Nonsense(Exception):
    """Why a text is no topology, the end of a sentence."""


def _insist(true: bool, why: str) -> None:
    if not true:
        raise _Nonsense(why)


def _number(value, most: float) -> float:
    good = type(value) in (int, float) and 0 <= value <= most
    _insist(good, "a lead's weight or deviation cannot be")
    return float(value)


def _insist_on_peers(peers: list[list[Peer]], most: int) -> None:
    """That every list of peers is possible, and that two leads agree on their correlation."""
    agreed: dict[tuple[int, int], float] = {}
    for lead, known in enumerate(peers):
        for other, correlation in known:
            good = type(other) is int and 0 <= other < len(peers) and other != lead
            good = good and type(correlation) in (int, float) and 0 < abs(correlation) <= 1
            _insist(good, f"lead {lead} has a peer that cannot be")
            pair = min(lead, other), max(lead, other)
            same = agreed.setdefault(pair, correlation) == correlation
            _insist(same, f"leads {pair[0]} and {pair[1]} differ about their correlation")
        strengths = [-abs(peer.correlation) for peer in known]
        good = len({peer.lead for peer in known}) == len(known) <= most
        _insist(good and strengths == sorted(strengths), f"the peers of lead {lead} are disordered")


def _checked(leads: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The leads as a list; UsageError unless there are some, each a 1-D array of integers."""
    leads = [np.asarray(lead) for lead in leads]
    if not leads or any(lead.ndim != 1 or lead.dtype.kind not in "iu" for lead in leads):
        raise UsageError("Leads are given as one or more 1-D arrays of integers.")
    return leads


def connected(linked: np.ndarray) -> list[list[int]]:
    """Connected components of a graph: bool, shape (leads, leads), symmetric."""
    groups: list[list[int]] = []
    seen = np.zeros(len(linked), bool)
    for first in range(len(linked)):
        if seen[first]:
            continue
        group = np.zeros(len(linked), bool)
        reached = group.copy()
        reached[first] = True
        while reached.any():
            group |= reached
            reached = linked[reached].any(axis=0) & ~group
        seen |= group
        groups.append(np.flatnonzero(group).tolist())
    return groups
