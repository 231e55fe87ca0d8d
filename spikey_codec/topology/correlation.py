"""Sums from which the correlation of every two leads follows, kept up while samples come.

Leads may differ in length, and every two are compared over the shorter. The products over what
two leads have in common are one product of matrices, leads being 0 beyond their end; the other
sums are needed up to the end of every shorter lead, so they are kept once for each of the leads'
distinct lengths.

All sums are float64 and, until something is forgotten, sums of integers: for 16-bit leads they
are exact, the same on every machine and in whatever pieces the samples come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DIFFERENCES, RAW = "differences", "raw"
BLOCK = 1 << 22  # values of all leads together that are looked at at once: 32 MiB
# A variance below this part of the mean square is rounding: the lead is constant.
ROUNDING = 1e-12


class Moments:
    """Sums of first differences, or of raw values, of leads of given lengths (in samples)."""

    def __init__(self, measure: str, lengths: Sequence[int]):
        distinct, self.rank = np.unique(np.asarray(lengths, np.int64), return_inverse=True)
        count = len(self.rank)
        self.measure = measure
        # Per distinct length, of the samples up to there: how many, sums and sums of squares.
        self.weight = np.zeros(len(distinct))
        self.sums = np.zeros((count, len(distinct)))
        self.squares = np.zeros((count, len(distinct)))
        self.products = np.zeros((count, count))
        # Integers near the leads' means, subtracted lest large sums cancel.
        self.origin: np.ndarray | None = None
        # The last sample of each lead, of which the next is a difference.
        self.last: list[np.ndarray] | None = None

    @classmethod
    def of(cls, leads: list[np.ndarray], measure: str) -> Moments:
        """The sums of leads: 1-D integer arrays."""
        self = cls(measure, [len(lead) for lead in leads])
        self.add(leads)
        return self

    @classmethod
    def known(cls, measure: str, lengths, weights, deviations, peers) -> Moments:
        """Sums that give the correlations of `peers`, per lead a list of (lead, correlation).

        `weights` and `deviations` as from `summary`; other correlations become 0.
        """
        self = cls(measure, lengths)
        scale = np.asarray(deviations, np.float64)
        self.weight[self.rank] = weights
        self.squares = np.square(scale)[:, None] * self.weight
        common = self.common_weight()
        for lead, others in enumerate(peers):
            for other, correlation in others:
                product = correlation * scale[lead] * scale[other] * common[lead, other]
                self.products[lead, other] = self.products[other, lead] = product
        return self

    def forget(self, factor: float) -> None:
        """Let everything known count `factor` times as much."""
        for sums in (self.weight, self.sums, self.squares, self.products):
            sums *= factor

    def add(self, leads: list[np.ndarray]) -> None:
        """Add samples of all leads: the first ones, or then as many of each."""
        if self.measure == DIFFERENCES:
            newest = [lead[-1:] for lead in leads]
            if self.last is not None:
                leads = [np.concatenate(pair) for pair in zip(self.last, leads)]
            # Leads that ended at different times have no common sample to go on from.
            alike = len({len(lead) for lead in leads}) == 1 and len(leads[0]) > 0
            self.last = newest if alike else None
        lengths = np.array([max(len(lead) - self._lost, 0) for lead in leads])
        ends = np.zeros(len(self.weight), np.int64)
        ends[self.rank] = lengths
        longest = int(lengths.max())
        if self.origin is None and longest:
            self.origin = np.array([self._middle(lead) for lead in leads])
        self.weight += ends
        size = max(BLOCK // len(leads), 256)
        for start in range(0, longest, size):
            self._add_block(leads, start, min(size, longest - start), ends)

    def _add_block(self, leads: list[np.ndarray], start: int, size: int, ends: np.ndarray):
        values = np.zeros((len(leads), size))
        for row, lead, origin in zip(values, leads, self.origin):
            piece = lead[start : start + size + self._lost].astype(np.float64)
            if self._lost:
                piece = np.diff(piece)
            row[: len(piece)] = piece - origin
        self.products += values @ values.T
        stops = np.clip(ends - start, 0, size)
        running = np.zeros((len(leads), size + 1))
        for sums in (self.sums, self.squares):
            np.cumsum(values, axis=1, out=running[:, 1:])
            sums += running[:, stops]
            values *= values

    @property
    def _lost(self) -> int:
        """By how many values a series of the measure is shorter than the samples."""
        return int(self.measure == DIFFERENCES)

    def _middle(self, lead: np.ndarray) -> float:
        """The integer nearest to the mean of what is measured."""
        if len(lead) <= self._lost:
            return 0.0
        if self._lost:
            return float(np.rint((float(lead[-1]) - float(lead[0])) / (len(lead) - 1)))
        return float(np.rint(lead.mean(dtype=np.float64)))

    def common_weight(self) -> np.ndarray:
        """What every two leads were compared over: values, less what was forgotten.

        float64, shape (leads, leads)
        """
        return self.weight[self._common()]

    def _common(self) -> np.ndarray:
        """Which of the distinct lengths every two leads have in common: shape (leads, leads)."""
        return np.minimum.outer(self.rank, self.rank)

    def correlation(self) -> np.ndarray:
        """Of every two leads: float64, shape (leads, leads), symmetric, 0 on the diagonal.

        A lead that is constant over what it has in common with another has 0 to it.
        """
        common = self._common()
        weight = np.maximum(self.weight, np.finfo(float).tiny)[common]
        sums = np.take_along_axis(self.sums, common, axis=1)
        squares = np.take_along_axis(self.squares, common, axis=1)
        variance = squares - sums * sums / weight
        variance[variance <= ROUNDING * squares] = 0
        # Roots first: the product of two variances may be out of range.
        scale = np.sqrt(variance)
        scale = scale * scale.T
        covariance = self.products - sums * sums.T / weight
        result = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
        np.fill_diagonal(result, 0)
        return np.clip(result, -1, 1)

    def summary(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each lead the weight, see `common_weight`, and the standard deviation: float64."""
        weight = self.weight[self.rank]
        own = np.arange(len(self.rank)), self.rank
        sums, squares = self.sums[own], self.squares[own]
        counted = np.maximum(weight, np.finfo(float).tiny)
        variance = squares - sums * sums / counted
        variance[variance <= ROUNDING * squares] = 0
        return weight, np.sqrt(variance / counted)
