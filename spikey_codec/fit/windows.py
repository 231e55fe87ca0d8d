"""What a network is trained on: every recording's trace, and random places in it.

All recordings lie one behind the other in a few flat tensors, each after as many rows of padding
as a window looks back, so that a window is a run of rows wherever it ends. Everything is kept in
16 bits: 20 bytes a sample, and 18 more for leads that have peers.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from .. import kernels
from ..chunk import LONGEST, coder_for
from ..quantizer.mapping import CHALLENGE, Mapping
from ..network_kernels import LATENT_AHEAD
from ..prediction import cross_channel as joint, network
from ..topology.correlation import common_activity

# Columns of a trace.
MEAN, ERROR, LOG, FAST, MID, SLOW, LONG, OFFSET = range(8)
COLUMNS = 8
SHORTEST = 1000  # frames of a recording worth learning from


class Alone(NamedTuple):
    """A recording that is predicted by itself: its first row, frames."""

    row: int
    frames: int


class Together(NamedTuple):
    """A recording that others help to predict.

    row, trace_row : its first row, and that of its trace with peers; frames : how many rows
    peers, correlations : first rows of the peers, and the correlation with each in 1/128
    """

    row: int
    trace_row: int
    frames: int
    peers: tuple[int, ...]
    correlations: tuple[int, ...]


class Places(NamedTuple):
    """Samples of recordings, as tensors of one shape.

    rows : int64, in levels and codes; trace_rows : int64, in the traces of leads alone, or where
    there are peers in those with peers
    peers, correlations, present : int64, float32, bool, with one more axis for the peers; None
    for leads alone
    """

    rows: object
    trace_rows: object
    peers: object = None
    correlations: object = None
    present: object = None


class Windows:
    """Levels, codes and traces of recordings on a device.

    leads : codes, 1-D int16 arrays; groups : of simultaneous ones, lists of indices into leads
    padding : rows before each recording that a window may look back on
    most_peers : peers a lead may have; 0: leads are only predicted alone
    """

    def __init__(self, leads, groups, padding: int, most_peers: int = 0, device: str = "cpu"):
        import torch

        self._torch, self.device, self.most_peers = torch, device, most_peers
        coder = coder_for(Mapping(CHALLENGE), encoding=True)
        self.alone: list[Alone] = []
        self.together: list[Together] = []
        frames = sum(len(leads[i]) + padding * -(-len(leads[i]) // LONGEST) for g in groups
                     for i in g)
        self.levels, self.codes = np.zeros((2, frames), np.int16)
        self.traces = np.zeros((frames, COLUMNS), np.int16)
        self.own_errors = np.zeros(frames if most_peers else 0, np.int16)
        self._end = 0
        joint_traces = []
        for group in groups:
            for first in range(0, min(len(leads[i]) for i in group), LONGEST):
                pieces = [leads[i][first : first + LONGEST] for i in group]
                members = [_Member(coder, piece) for piece in pieces if _usable(piece)]
                for member in members:
                    self._add(member, padding)
                if most_peers and len(members) > 1:
                    self._add_peers(members, padding, joint_traces)
        self.joint_traces = np.zeros((0, COLUMNS), np.int16)
        if joint_traces:
            self.joint_traces = np.concatenate(joint_traces)
        for name in ("levels", "codes", "traces", "own_errors", "joint_traces"):
            setattr(self, name, torch.from_numpy(getattr(self, name)).to(device))
        # the column that windows are taken from once more, close together
        self.errors = self.traces[:, ERROR].clone()
        self.joint_errors = self.joint_traces[:, ERROR].clone()

    def _add(self, member: _Member, padding: int) -> None:
        member.row = self._end + padding
        self._end = end = member.row + len(member.codes)
        self.levels[member.row - padding : member.row] = member.levels[0]
        self.levels[member.row : end] = member.levels
        self.codes[member.row : end] = member.codes
        self.traces[member.row : end] = member.trace()
        if self.most_peers:
            self.own_errors[member.row : end] = _narrow(member.own_errors)
        self.alone.append(Alone(member.row, len(member.codes)))

    def _add_peers(self, members: list[_Member], padding: int, traces: list[np.ndarray]) -> None:
        """Each member with the others as its peers, those first that have most in common."""
        measure = common_activity([member.codes for member in members])
        for i, member in enumerate(members):
            order = np.argsort(-measure[i], kind="stable")
            others = [members[j] for j in order if j != i][: self.most_peers]
            correlations, offsets = member.peers(others)
            rows = sum(map(len, traces)) + padding
            traces.append(np.zeros((padding, COLUMNS), np.int16))
            traces.append(member.trace(offsets))
            self.together.append(Together(
                member.row, rows, len(member.codes), tuple(other.row for other in others),
                correlations,
            ))

    def places_alone(self, count: int, generator, length: int = 1) -> Places:
        """Random runs of `length` samples of leads by themselves; tensors (count, length)."""
        first = np.array([lead.row for lead in self.alone])
        rows, _ = self._draw(first, self.alone, count, length, generator)
        return Places(rows, rows)

    def places_together(self, count: int, generator, length: int = 1) -> Places:
        """The same of leads with peers."""
        first = np.array([lead.row for lead in self.together])
        rows, which = self._draw(first, self.together, count, length, generator)
        return self._with_peers(rows, which)

    def _draw(self, first, leads, count: int, length: int, generator):
        torch = self._torch
        # row 0 has no prediction, and the last frames have no peer's latent
        usable = torch.tensor([max(lead.frames - length - LATENT_AHEAD, 0) for lead in leads])
        ends = usable.cumsum(0)
        drawn = torch.randint(int(ends[-1]), (count,), generator=generator)
        which = torch.searchsorted(ends, drawn, right=True)
        t = drawn - (ends - usable)[which] + 1
        rows = torch.from_numpy(first)[which] + t
        return (rows[:, None] + torch.arange(length)).to(self.device), which

    def every(self, leads: list, most: int, length: int = 1, at_once: int = 1 << 15):
        """At least one and about `most` samples of `self.alone` or `self.together`, in runs of
        `length` evenly spread; yields `Places` of up to about `at_once` samples."""
        torch = self._torch
        usable = [max(lead.frames - length - LATENT_AHEAD, 0) for lead in leads]
        step = max(1, sum(usable) * length // most)
        t = [torch.arange(1, n + 1, step) for n in usable]
        first = torch.cat([lead.row + x for lead, x in zip(leads, t)])
        which = torch.repeat_interleave(torch.tensor([len(x) for x in t]))
        count = max(1, at_once // length)
        for first, which in zip(first.split(count), which.split(count)):
            rows = (first[:, None] + torch.arange(length)).to(self.device)
            yield Places(rows, rows) if leads is self.alone else self._with_peers(rows, which)

    def _with_peers(self, rows, which) -> Places:
        torch, leads = self._torch, self.together
        most = max(len(lead.peers) for lead in leads)
        table = np.zeros((3, len(leads), most), np.int64)  # distance, correlation, whether there
        for i, lead in enumerate(leads):
            for j, peer in enumerate(lead.peers):
                table[:, i, j] = peer - lead.row, lead.correlations[j], 1
        shift = np.array([lead.trace_row - lead.row for lead in leads])
        which = which.to(self.device)
        shift = torch.from_numpy(shift).to(self.device)[which]
        distance, correlations, present = torch.from_numpy(table).to(self.device)[:, which, None]
        return Places(
            rows,
            rows + shift[:, None],
            rows[..., None] + distance,
            correlations.float().expand(*rows.shape, most),
            present.bool().expand(*rows.shape, most),
        )


class _Member:
    """One recording on its way into the tensors."""

    row = 0

    def __init__(self, coder, codes: np.ndarray):
        self.codes = codes
        self.levels = coder.levels[codes.astype(np.intp) - coder.lowest]
        side = coder.choose(codes)
        self.predictor = side.predictor
        # the codec's classes are twice as fine; after some hundred samples that is forgotten
        self.centre = int(coder.classes.table[side.scale, kernels.CENTRE])

    @functools.cached_property
    def own_errors(self) -> np.ndarray:
        """What it tells its peers, int32."""
        return joint.residuals(self.levels, self.predictor, kernels.MU_BITS)

    def peers(self, others: list[_Member]):
        """Correlation with each of the others, in 1/128, and what they add to the prediction."""
        errors = [other.own_errors for other in others]
        products = joint.Products([self.own_errors, *errors])
        fitted = joint.fit(products, 0, list(range(1, 1 + len(errors))))
        return tuple(peer.correlation for peer in fitted), joint.offsets(fitted, errors)

    def trace(self, offsets=None) -> np.ndarray:
        return _narrow(network.trace(self.levels, self.predictor, self.centre, offsets))


def _narrow(x: np.ndarray) -> np.ndarray:
    """As int16; only errors beyond the range of codes are cut, far above their own limit."""
    return np.clip(x, -32767, 32767).astype(np.int16)


def _usable(codes: np.ndarray) -> bool:
    return len(codes) >= SHORTEST and bool((codes != codes[0]).any())
