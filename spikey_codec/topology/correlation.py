"""Sums that give the correlation of every two channels, and that new samples are added to.

Channels may differ in length, and every two are compared over the shorter. The products over the
samples that two channels share are one matrix product, with zeros beyond a channel's end. The other
sums are needed up to the end of every shorter channel, so they are kept once for each distinct
length.

All sums are float64. Until something is forgotten they are sums of integers: for 16-bit channels
they are exact, the same on every machine and however the samples are split.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UsageError
from ..prediction.products import common_products

Channels = (
    Sequence[np.ndarray] | np.ndarray
)  # 1-D integer arrays, or a 2-D one with a channel a row

DIFFERENCES, RAW = "differences", "raw"
BLOCK = 1 << 22  # values of all channels that are processed at once: 32 MiB
LARGEST_EXACT = 1 << 20  # the sum of BLOCK products of values below it fits 64 bits
# A variance below this part of the mean square is rounding: the channel is constant.
ROUNDING = 1e-12


class Moments:
    """Sums of first differences, or of raw values, of channels.

    Parameters
    ----------
    measure : DIFFERENCES or RAW
    lengths : how many samples each channel has in all, or those of the first `add`
    """

    def __init__(self, measure: str, lengths: Sequence[int]) -> None:
        distinct, self.rank = np.unique(np.asarray(lengths, np.int64), return_inverse=True)
        count = len(self.rank)
        self.measure = measure
        # For each distinct length, over the samples up to it: count, sums and sums of squares.
        self.weight = np.zeros(len(distinct))
        self.sums = np.zeros((count, len(distinct)))
        self.squares = np.zeros((count, len(distinct)))
        self.products = np.zeros((count, count))
        # Integers near the channels' means, subtracted so that large sums do not cancel.
        self.origin = np.zeros(0)
        # The last sample of each channel, from which the next difference is taken.
        self.last: list[np.ndarray] | None = None

    @classmethod
    def of(cls, channels: list[np.ndarray], measure: str) -> Moments:
        """The sums of channels: 1-D integer arrays."""
        self = cls(measure, [len(channel) for channel in channels])
        self.add(channels)
        return self

    @classmethod
    def known(
        cls,
        measure: str,
        lengths: Sequence[int],
        weights: Sequence[float],
        deviations: Sequence[float],
        peers: Sequence[Sequence[tuple[int, float]]],
    ) -> Moments:
        """Sums that give the correlations of `peers`: for each channel, (channel, correlation).

        `weights` and `deviations` are as from `summary`; other correlations become 0.
        """
        self = cls(measure, lengths)
        scale = np.asarray(deviations, np.float64)
        self.weight[self.rank] = weights
        self.squares = np.square(scale)[:, None] * self.weight
        common = self.common_weight()
        for channel, others in enumerate(peers):
            for other, correlation in others:
                product = correlation * scale[channel] * scale[other] * common[channel, other]
                self.products[channel, other] = self.products[other, channel] = product
        return self

    def forget(self, factor: float) -> None:
        """Multiply the weight of everything known by `factor`."""
        for sums in (self.weight, self.sums, self.squares, self.products):
            sums *= factor

    def add(self, channels: list[np.ndarray]) -> None:
        """Add samples: first all that `lengths` promised, then the same number for each channel."""
        if self.measure == DIFFERENCES:
            newest = [channel[-1:] for channel in channels]
            if self.last is not None:
                channels = [np.concatenate(pair) for pair in zip(self.last, channels, strict=False)]
            # Channels that ended at different times have no common sample to go on from.
            alike = len({len(channel) for channel in channels}) == 1 and len(channels[0]) > 0
            self.last = newest if alike else None
        lengths = np.array([max(len(channel) - self._lost, 0) for channel in channels])
        ends = np.zeros(len(self.weight), np.int64)
        ends[self.rank] = lengths
        longest = int(lengths.max())
        if longest and not len(self.origin):
            self.origin = np.array([self._middle(channel) for channel in channels])
        self.weight += ends
        size = max(BLOCK // len(channels), 256)
        for start in range(0, longest, size):
            self._add_block(channels, start, min(size, longest - start), ends)

    def _add_block(
        self, channels: list[np.ndarray], start: int, size: int, ends: np.ndarray
    ) -> None:
        values = np.zeros((len(channels), size))
        for row, channel, origin in zip(values, channels, self.origin, strict=False):
            piece = channel[start : start + size + self._lost].astype(np.float64)
            if self._lost:
                piece = np.diff(piece)
            row[: len(piece)] = piece - origin
        self.products += _products(values)
        stops = np.clip(ends - start, 0, size)
        running = np.zeros((len(channels), size + 1))
        for sums in (self.sums, self.squares):
            np.cumsum(values, axis=1, out=running[:, 1:])
            sums += running[:, stops]
            values *= values

    @property
    def _lost(self) -> int:
        """By how many values the measured series is shorter than the samples."""
        return int(self.measure == DIFFERENCES)

    def _middle(self, channel: np.ndarray) -> float:
        """The integer nearest to the mean of the measured series."""
        if len(channel) <= self._lost:
            return 0.0
        if self._lost:
            return float(np.rint((float(channel[-1]) - float(channel[0])) / (len(channel) - 1)))
        return float(np.rint(channel.mean(dtype=np.float64)))

    def common_weight(self) -> np.ndarray:
        """How many values every two channels were compared over, less what was forgotten.

        Returns float64, shape (channels, channels).
        """
        weight: np.ndarray = self.weight[self._common()]
        return weight

    def _common(self) -> np.ndarray:
        """The index of the length that every two channels share: shape (channels, channels)."""
        common: np.ndarray = np.minimum.outer(self.rank, self.rank)
        return common

    def correlation(self) -> np.ndarray:
        """The correlation of every two channels, from -1 to 1.

        Returns float64, shape (channels, channels): symmetric, 0 on the diagonal. It is 0 where
        one of the two is constant over the samples that they share.
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
        clipped: np.ndarray = np.clip(result, -1, 1)
        return clipped

    def summary(self) -> tuple[np.ndarray, np.ndarray]:
        """Each channel's weight (see `common_weight`) and standard deviation: float64 arrays."""
        weight = self.weight[self.rank]
        own = np.arange(len(self.rank)), self.rank
        sums, squares = self.sums[own], self.squares[own]
        counted = np.maximum(weight, np.finfo(float).tiny)
        variance = squares - sums * sums / counted
        variance[variance <= ROUNDING * squares] = 0
        return weight, np.sqrt(variance / counted)


def common_activity(channels: Channels) -> np.ndarray:
    """Absolute zero-lag correlation of first differences between every two channels.

    Parameters
    ----------
    channels : list of 1-D integer arrays
        One recording each; every two are compared over the length of the shorter.

    Returns
    -------
    float32 array, shape (channels, channels), 0 on the diagonal; a constant channel has 0 to all
    others. Raises UsageError for anything but such arrays.
    """
    correlation = Moments.of(checked(channels), DIFFERENCES).correlation()
    measure: np.ndarray = np.abs(correlation).astype(np.float32)
    return measure


def _products(values: np.ndarray) -> np.ndarray:
    """`values @ values.T` in one thread; exact where the values are those of 16-bit channels."""
    if np.abs(values).max(initial=0) < LARGEST_EXACT:
        return common_products([*values.astype(np.int32)]).astype(np.float64)
    products: np.ndarray = np.einsum("it,jt->ij", values, values)
    return products


def checked(channels: Channels) -> list[np.ndarray]:
    """The channels as a list; UsageError unless there are some, each a 1-D array of integers."""
    arrays = [np.asarray(channel) for channel in channels]
    if not arrays or any(array.ndim != 1 or array.dtype.kind not in "iu" for array in arrays):
        raise UsageError("Leads are given as one or more 1-D arrays of integers.")
    return arrays
