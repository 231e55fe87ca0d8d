"""What a network is trained on: every recording's trace, and random places in it.

All recordings lie one after the other in a few flat tensors, each after as many rows of padding
as a window looks back, so that a window is a stretch of rows wherever it ends. Everything is kept
in 16 bits: 20 bytes a sample, and 18 more for channels that have references.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import weights
from ..constants import (
    CENTRE,
    HIGHEST_CODE,
    LATENT_AHEAD,
    LONGEST_CHUNK,
    LOWEST_CODE,
    PREDICTION_BITS,
)
from ..entropy.contexts import ScaleBins, bin_of, scale_bins
from ..prediction import cross_channel, linear, network
from ..prediction.choose import choose
from ..quantizer.nonuniform import reconstruction_levels
from ..topology.correlation import common_activity

if TYPE_CHECKING:
    import torch

# Columns of a trace.
MEAN, RESIDUAL, LOG, SHORT, MEDIUM, LONG, LONGEST, OFFSET = range(8)
COLUMNS = 8
SHORTEST = 1000  # frames of a recording worth learning from


class Alone(NamedTuple):
    """A recording that is predicted by itself: its first row, frames."""

    row: int
    frames: int


class Together(NamedTuple):
    """A recording that others help to predict.

    row, trace_row : its first row, and that of its trace with references; frames : how many rows
    references, correlations : first rows of the references; the correlation with each in 1/128
    """

    row: int
    trace_row: int
    frames: int
    references: tuple[int, ...]
    correlations: tuple[int, ...]


class Places(NamedTuple):
    """Samples of recordings, as tensors of one shape.

    rows : int64, in levels and codes
    trace_rows : int64, in the traces of channels alone, or in those of channels with references
    references, correlations, present : int64, float32, bool, with one more axis for the
        references; None for channels alone
    """

    rows: torch.Tensor
    trace_rows: torch.Tensor
    references: torch.Tensor | None = None
    correlations: torch.Tensor | None = None
    present: torch.Tensor | None = None


class Windows:
    """Levels, codes and traces of recordings on a device.

    Parameters
    ----------
    channels : codes, 1-D int16 arrays
    groups : of simultaneous channels, lists of indices into channels
    padding : rows before each recording that a window may look back on
    most_references : that a channel may have; 0: channels are only predicted alone
    """

    def __init__(
        self,
        channels: Sequence[np.ndarray],
        groups: Sequence[Sequence[int]],
        padding: int,
        most_references: int = 0,
        device: str = "cpu",
    ) -> None:
        import torch

        self._torch, self.device, self.most_references = torch, device, most_references
        levels = reconstruction_levels(weights.load("converter"))
        bins = scale_bins(LOWEST_CODE, HIGHEST_CODE, even=False)
        self.alone: list[Alone] = []
        self.together: list[Together] = []
        lengths = [len(channels[i]) for group in groups for i in group]
        frames = sum(length + padding * -(-length // LONGEST_CHUNK) for length in lengths)
        # Arrays as long as they are filled, then tensors.
        self.levels: Any = np.zeros(frames, np.int16)
        self.codes: Any = np.zeros(frames, np.int16)
        self.traces: Any = np.zeros((frames, COLUMNS), np.int16)
        self.own_residuals: Any = np.zeros(frames if most_references else 0, np.int16)
        self._end = 0
        joint_traces: list[np.ndarray] = []
        for group in groups:
            for first in range(0, min(len(channels[i]) for i in group), LONGEST_CHUNK):
                pieces = [channels[i][first : first + LONGEST_CHUNK] for i in group]
                members = [_Member(levels, bins, piece) for piece in pieces if _usable(piece)]
                for member in members:
                    self._add(member, padding)
                if most_references and len(members) > 1:
                    self._add_references(members, padding, joint_traces)
        joint_traces = joint_traces or [np.zeros((0, COLUMNS), np.int16)]
        self.joint_traces: Any = np.concatenate(joint_traces)
        self.levels, self.codes, self.traces, self.own_residuals, self.joint_traces = (
            torch.from_numpy(array).to(device)
            for array in (
                self.levels, self.codes, self.traces, self.own_residuals, self.joint_traces
            )
        )  # fmt: skip
        # The column that windows are taken from, once more and close together.
        self.residuals = self.traces[:, RESIDUAL].clone()
        self.joint_residuals = self.joint_traces[:, RESIDUAL].clone()

    def _add(self, member: _Member, padding: int) -> None:
        member.row = self._end + padding
        self._end = end = member.row + len(member.codes)
        self.levels[member.row - padding : member.row] = member.levels[0]
        self.levels[member.row : end] = member.levels
        self.codes[member.row : end] = member.codes
        self.traces[member.row : end] = member.trace()
        if self.most_references:
            self.own_residuals[member.row : end] = _narrow(member.own_residuals)
        self.alone.append(Alone(member.row, len(member.codes)))

    def _add_references(
        self, members: list[_Member], padding: int, traces: list[np.ndarray]
    ) -> None:
        """Each member with the others as its references, those first that have most in common."""
        measure = common_activity([member.codes for member in members])
        for i, member in enumerate(members):
            order = np.argsort(-measure[i], kind="stable")
            others = [members[j] for j in order if j != i][: self.most_references]
            correlations, offsets = member.fit(others)
            rows = sum(map(len, traces)) + padding
            traces.append(np.zeros((padding, COLUMNS), np.int16))
            traces.append(member.trace(offsets))
            self.together.append(
                Together(
                    member.row,
                    rows,
                    len(member.codes),
                    tuple(other.row for other in others),
                    correlations,
                )
            )

    def places_alone(self, count: int, generator: torch.Generator, length: int = 1) -> Places:
        """Random segments of `length` samples of channels alone: tensors (count, length)."""
        first = np.array([channel.row for channel in self.alone])
        rows, _ = self._draw(first, self.alone, count, length, generator)
        return Places(rows, rows)

    def places_together(self, count: int, generator: torch.Generator, length: int = 1) -> Places:
        """The same of channels with references."""
        first = np.array([channel.row for channel in self.together])
        rows, which = self._draw(first, self.together, count, length, generator)
        return self._with_references(rows, which)

    def _draw(
        self,
        first: np.ndarray,
        channels: Sequence[Alone | Together],
        count: int,
        length: int,
        generator: torch.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of segments, (count, length), and which channel each is of."""
        torch = self._torch
        # Row 0 has no prediction, and the last frames have no reference's latent.
        usable = torch.tensor([max(c.frames - length - LATENT_AHEAD, 0) for c in channels])
        ends = usable.cumsum(0)
        drawn = torch.randint(int(ends[-1]), (count,), generator=generator)
        which = torch.searchsorted(ends, drawn, right=True)
        t = drawn - (ends - usable)[which] + 1
        rows = torch.from_numpy(first)[which] + t
        return (rows[:, None] + torch.arange(length)).to(self.device), which

    def every(
        self,
        channels: Sequence[Alone | Together],
        most: int,
        length: int = 1,
        at_once: int = 1 << 15,
    ) -> Iterator[Places]:
        """At least one and about `most` samples of `self.alone` or `self.together`, in segments of
        `length` evenly spread; yields `Places` of up to about `at_once` samples."""
        torch = self._torch
        usable = [max(c.frames - length - LATENT_AHEAD, 0) for c in channels]
        step = max(1, sum(usable) * length // most)
        t = [torch.arange(1, n + 1, step) for n in usable]
        first = torch.cat([channel.row + x for channel, x in zip(channels, t, strict=True)])
        which = torch.repeat_interleave(torch.tensor([len(x) for x in t]))
        count = max(1, at_once // length)
        for starts, members in zip(first.split(count), which.split(count), strict=True):
            rows = (starts[:, None] + torch.arange(length)).to(self.device)
            alone = channels is self.alone
            yield Places(rows, rows) if alone else self._with_references(rows, members)

    def _with_references(self, rows: torch.Tensor, which: torch.Tensor) -> Places:
        torch, channels = self._torch, self.together
        most = max(len(channel.references) for channel in channels)
        table = np.zeros((3, len(channels), most), np.int64)  # distance, correlation, whether there
        for i, channel in enumerate(channels):
            for j, reference in enumerate(channel.references):
                table[:, i, j] = reference - channel.row, channel.correlations[j], 1
        shift = np.array([channel.trace_row - channel.row for channel in channels])
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

    def __init__(self, levels: np.ndarray, bins: ScaleBins, codes: np.ndarray) -> None:
        self.codes = codes
        self.levels = levels[codes.astype(np.intp) - LOWEST_CODE]
        choice = choose(self.levels, PREDICTION_BITS, linear.codebook(), codebook_fits=True)
        self.predictor = choice.predictor
        # A network's scale bins are twice as fine; after some hundred samples that is forgotten.
        self.centre = int(bins.table[bin_of(choice.scale, bins), CENTRE])

    @functools.cached_property
    def own_residuals(self) -> np.ndarray:
        """What it tells those that it is a reference of, int32."""
        return cross_channel.residuals(self.levels, self.predictor, PREDICTION_BITS)

    def fit(self, others: list[_Member]) -> tuple[tuple[int, ...], np.ndarray]:
        """Correlation with each of the others, in 1/128, and the inter-channel prediction."""
        residuals = [other.own_residuals for other in others]
        products = cross_channel.Products([self.own_residuals, *residuals])
        fitted = cross_channel.fit(products, 0, list(range(1, 1 + len(residuals))))
        correlations = tuple(reference.correlation for reference in fitted)
        return correlations, cross_channel.inter_channel_prediction(fitted, residuals)

    def trace(self, offsets: np.ndarray | None = None) -> np.ndarray:
        """What a network is told of it: int16, shape (frames, COLUMNS)."""
        return _narrow(network.trace(self.levels, self.predictor, self.centre, offsets))


def _narrow(x: np.ndarray) -> np.ndarray:
    """As int16; only residuals beyond the range of codes are cut, far above their own limit."""
    return np.clip(x, -32767, 32767).astype(np.int16)


def _usable(codes: np.ndarray) -> bool:
    return len(codes) >= SHORTEST and bool((codes != codes[0]).any())
