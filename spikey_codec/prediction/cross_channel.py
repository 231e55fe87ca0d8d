"""Reference channels: taps on their residuals, fitted by the encoder and sent.

A channel that is decoded after its references knows their residuals of the same frame, of the past
and of some frames of the future. What those have in common with its own residual (shared noise,
shared activity) is predicted by a short filter for each; FORMAT.md says how.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..constants import GREATEST_TAP_SHIFT, NEWEST_TAP, OLDEST_TAP, TAP_BITS, TAPS
from ..kernels.bind import add_offsets, lagged_products, own_residuals
from .cholesky import solve_large
from .products import common_products

USUAL_REFERENCES = 4  # that the encoder looks for: more pay on large arrays alone
REFERENCE_BYTES = 3 + TAPS  # that one takes in a channel's header
WEAKEST = 0.02  # correlation of a reference that is worth a try
# Residuals are limited to it where they are multiplied, so that sums of products are exact and
# rare large ones do not decide.
CLIP = 1 << 15
GREATEST_TAP = (1 << TAP_BITS) - 1
CORRELATION_BITS, GREATEST_CORRELATION = 7, 127  # a correlation is sent in 1/128

Residuals = Sequence[np.ndarray | None]  # of every channel; None for one that takes no part


class Reference(NamedTuple):
    """One reference of a channel.

    channel : its number in the frame
    shift : fraction bits of the taps
    correlation : of the two channels' residuals, in 1/128
    taps : int8, shape (TAPS,), the one of the newest frame first
    """

    channel: int
    shift: int
    correlation: int
    taps: np.ndarray


def residuals(levels: np.ndarray, predictor: np.ndarray, level_bits: int) -> npt.NDArray[np.int32]:
    """A channel's residuals of the linear prediction in 1/32 code: int32, shape (frames,).

    levels : int32, shape (frames,), with level_bits fraction bits
    predictor : int16, shape (ORDER,), newest sample first
    """
    out = np.empty(len(levels), np.int32)
    own_residuals(
        np.ascontiguousarray(levels, np.int32),
        np.ascontiguousarray(predictor[::-1], np.int32),
        level_bits,
        out,
    )
    return out


def inter_channel_prediction(
    references: Sequence[Reference], reference_residuals: Sequence[np.ndarray]
) -> npt.NDArray[np.int32]:
    """What references add to a channel's prediction, in 1/32 code: int32, shape (frames,).

    reference_residuals : of each reference, int32, shape (frames,)
    """
    total = np.zeros(len(reference_residuals[0]), np.int32)
    for reference, residual in zip(references, reference_residuals, strict=True):
        padded = np.concatenate(
            [np.zeros(OLDEST_TAP, np.int32), residual, np.zeros(NEWEST_TAP, np.int32)]
        )
        taps = np.ascontiguousarray(reference.taps[::-1], np.int32)
        add_offsets(padded, taps, reference.shift, total)
    return total


class Products:
    """Sums of products of channels' residuals at every distance that taps can have.

    all_residuals : of every channel, int32 of shape (frames,), limited to CLIP here
    """

    def __init__(self, all_residuals: Residuals) -> None:
        self.clipped = [
            None if residual is None else np.clip(residual, -CLIP, CLIP).astype(np.int32)
            for residual in all_residuals
        ]
        self._known: dict[tuple[int, int], np.ndarray] = {}

    def of(self, i: int, j: int) -> npt.NDArray[np.float64]:
        """Item TAPS - 1 + d: sum of i's residual times j's d frames before; integers."""
        if (j, i) in self._known:
            return self._known[j, i][::-1]
        if (i, j) not in self._known:
            sums = np.empty(2 * TAPS - 1, np.int64)
            lagged_products(self.clipped[i], self.clipped[j], 1 - TAPS, sums)
            self._known[i, j] = sums.astype(float)
        return self._known[i, j]

    def power(self, i: int) -> float:
        """Sum of the squares of a channel's residuals."""
        return float(self.of(i, i)[TAPS - 1])


def fit(products: Products, own: int, channels: list[int]) -> list[Reference]:
    """`channels` as references of channel `own`, with the taps that leave the least power.

    As if the residuals went on as zeros before the first frame and after the last.
    """
    lags = np.arange(TAPS)  # tap a is for the lag a - NEWEST_TAP
    between = TAPS - 1 + lags[None] - lags[:, None]
    matrix = np.block([[products.of(i, j)[between] for j in channels] for i in channels])
    right = np.concatenate([products.of(own, j)[TAPS - 1 + lags - NEWEST_TAP] for j in channels])
    taps = solve_large(matrix, right).reshape(len(channels), TAPS)
    references = []
    for channel, tap in zip(channels, taps, strict=True):
        largest = float(np.abs(tap).max())
        shift = 0
        while shift < GREATEST_TAP_SHIFT and largest * (2 << shift) < GREATEST_TAP:
            shift += 1
        quantised = np.floor(tap * (1 << shift) + 0.5).clip(-GREATEST_TAP, GREATEST_TAP)
        correlation = _correlation(products, own, channel)
        references.append(Reference(channel, shift, correlation, quantised.astype(np.int8)))
    return references


def _correlation(products: Products, own: int, channel: int) -> int:
    """Of two channels' residuals of the same frame, as it is sent."""
    product = float(products.of(own, channel)[TAPS - 1])
    scale = math.sqrt(products.power(channel)) * math.sqrt(products.power(own))
    correlation = math.floor((1 << CORRELATION_BITS) * product / scale + 0.5) if scale else 0
    return max(-GREATEST_CORRELATION, min(GREATEST_CORRELATION, correlation))


def choose_references(
    all_residuals: Residuals, most: int = USUAL_REFERENCES
) -> list[list[Reference]]:
    """References of every channel; none where they do not save what they cost.

    all_residuals : of every channel, int32 of shape (frames,)
    """
    chosen: list[list[Reference]] = [[] for _ in all_residuals]
    channels = [i for i, residual in enumerate(all_residuals) if residual is not None]
    if len(channels) < 2:
        return chosen
    products = Products(all_residuals)
    clipped = [np.asarray(products.clipped[i]) for i in channels]
    together = common_products(clipped).astype(float)
    size = np.sqrt(np.diag(together).clip(1))
    measure = np.abs(together) / size[:, None] / size[None]
    np.fill_diagonal(measure, 0)
    # Prim's order: begin with the channel that has most in common with all, go on with the one
    # that has most in common with those already coded.
    new = int(measure.sum(0).argmax())
    coded = np.zeros(len(channels), bool)
    best = np.zeros(len(channels))  # what each channel has most in common with a coded one
    for _ in channels[1:]:
        coded[new] = True
        best = np.maximum(best, measure[new])
        new = int(np.where(coded, -1, best).argmax())
        near = _strongest(np.where(coded, measure[new], -1), most)
        if near:
            near = [channels[i] for i in near]
            chosen[channels[new]] = _worth(all_residuals, products, channels[new], near)
    return chosen


def _strongest(measure: np.ndarray, most: int) -> list[int]:
    """Places of the greatest values, at least WEAKEST, in descending order; ties by place."""
    places = np.flatnonzero(measure >= WEAKEST)
    return [int(i) for i in places[np.argsort(-measure[places], kind="stable")[:most]]]


def _worth(
    all_residuals: Residuals, products: Products, own: int, near: list[int]
) -> list[Reference]:
    """A channel's fitted references if they save more bits than they cost, else fewer or none."""
    residual = np.asarray(all_residuals[own])
    before = products.power(own)
    while near:
        references = fit(products, own, near)
        predicted = inter_channel_prediction(
            references, [np.asarray(all_residuals[i]) for i in near]
        )
        after = _power(residual - predicted)
        # n / 2 log2(before / after) bits are saved
        cost = 8 * (2 + REFERENCE_BYTES * len(near))
        if before > 0 and 0.5 * len(residual) * math.log2((before + 1) / (after + 1)) > cost:
            return references
        near = near[: len(near) // 2]
    return []


def _power(residual: np.ndarray) -> float:
    """Sum of squares of residuals, limited to CLIP."""
    size = np.clip(residual, -CLIP, CLIP).astype(np.int64)
    return float(size @ size)
