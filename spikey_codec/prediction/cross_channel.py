"""What a channel's peers tell about it: taps on their errors, fitted by the encoder and sent.

A channel that is decoded after its peers knows their errors of the same moment, of the past and
of some frames of the future. What they have in common with its own error (shared noise, shared
activity) is a short filter of each; FORMAT.md, "Peers".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..constants import NEWEST_TAP, TAPS
from ..kernels.cross_channel import add_offsets, own_residuals
from ..kernels.estimate import lagged_products

OLDEST_TAP = TAPS - 1 - NEWEST_TAP
TAP_BITS = 7  # a tap's magnitude
GREATEST_SHIFT = 24
MOST_REFERENCES = 8  # that can be written
USUAL_REFERENCES = 4  # that the encoder looks for: more pay on large arrays alone
PEER_BYTES = 3 + TAPS
WEAKEST = 0.02  # correlation of a peer that is worth a try
CLIP = 1 << 15  # errors are limited to it where they are multiplied: sums of products are exact


class Reference(NamedTuple):
    """One peer of a channel.

    channel : its number in the frame
    shift, correlation : see FORMAT.md
    taps : int8, shape (TAPS,), the one of the newest frame first
    """

    channel: int
    shift: int
    correlation: int
    taps: np.ndarray


def residuals(levels: np.ndarray, predictor: np.ndarray, level_bits: int) -> np.ndarray:
    """A channel's errors in 1/32 code: int32, shape (frames,).

    levels : int32, shape (frames,); predictor : int16, newest sample first
    """
    out = np.empty(len(levels), np.int32)
    own_residuals(
        np.ascontiguousarray(levels, np.int32),
        np.ascontiguousarray(predictor[::-1], np.int32),
        level_bits,
        out,
    )
    return out


def offsets(peers: list[Reference], peer_errors: list[np.ndarray]) -> np.ndarray:
    """What peers add to the prediction, in 1/32 code: int32, shape (frames,)."""
    total = np.zeros(len(peer_errors[0]), np.int32)
    for peer, error in zip(peers, peer_errors):
        padded = np.concatenate(
            [np.zeros(OLDEST_TAP, np.int32), error, np.zeros(NEWEST_TAP, np.int32)]
        )
        taps = np.ascontiguousarray(peer.taps[::-1], np.int32)
        add_offsets(padded, taps, peer.shift, total)
    return total


class Products:
    """Sums of products of channels' errors at every distance that taps can have.

    all_errors : of every channel, int32 of shape (frames,); None for one that takes no part.
    Errors are limited to CLIP, so that rare large ones do not decide.
    """

    def __init__(self, all_errors: list[np.ndarray | None]):
        self.clipped = [
            None if error is None else np.clip(error, -CLIP, CLIP).astype(np.int32)
            for error in all_errors
        ]
        self._known: dict[tuple[int, int], np.ndarray] = {}

    def of(self, i: int, j: int) -> np.ndarray:
        """Item TAPS - 1 + d: sum of i's error times j's d frames before; float64, integers."""
        if (j, i) in self._known:
            return self._known[j, i][::-1]
        if (i, j) not in self._known:
            sums = np.empty(2 * TAPS - 1, np.int64)
            lagged_products(self.clipped[i], self.clipped[j], 1 - TAPS, sums)
            self._known[i, j] = sums.astype(float)
        return self._known[i, j]

    def power(self, i: int) -> float:
        """Sum of the squares of a channel's errors."""
        return float(self.of(i, i)[TAPS - 1])


def solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solution x of matrix @ x = right, matrix symmetric and positive definite but for rounding.

    Cholesky's method in steps that every machine rounds alike.
    """
    n = len(right)
    a = matrix + np.eye(n) * (1e-6 * float(np.trace(matrix)) / n + 1e-9)
    b = right.astype(float)
    for i in range(n):
        column = a[i + 1 :, i] / a[i, i]
        b[i + 1 :] -= column * b[i]
        a[i + 1 :, i + 1 :] -= column[:, None] * a[i, i + 1 :][None]
    for i in range(n - 1, -1, -1):
        b[i] /= a[i, i]
        b[:i] -= a[:i, i] * b[i]
    return b


def fit(products: Products, own: int, channels: list[int]) -> list[Reference]:
    """The peers `channels` of channel `own`, with the taps that leave the least power of its error.

    As if the errors went on as zeros before the first frame and behind the last.
    """
    lags = np.arange(TAPS)  # tap a is for the lag a - NEWEST_TAP
    between = TAPS - 1 + lags[None] - lags[:, None]
    matrix = np.block([[products.of(i, j)[between] for j in channels] for i in channels])
    right = np.concatenate([products.of(own, j)[TAPS - 1 + lags - NEWEST_TAP] for j in channels])
    taps = solve(matrix, right).reshape(len(channels), TAPS)
    peers = []
    for channel, tap in zip(channels, taps):
        largest = float(np.abs(tap).max())
        shift = 0
        while shift < GREATEST_SHIFT and largest * (2 << shift) < (1 << TAP_BITS) - 1:
            shift += 1
        limit = (1 << TAP_BITS) - 1
        quantised = np.clip(np.floor(tap * (1 << shift) + 0.5), -limit, limit).astype(np.int8)
        product = float(products.of(own, channel)[TAPS - 1])
        scale = math.sqrt(products.power(channel)) * math.sqrt(products.power(own))
        correlation = math.floor(128 * product / scale + 0.5) if scale else 0
        peers.append(Reference(channel, shift, max(-127, min(127, correlation)), quantised))
    return peers


def choose_references(all_errors: list[np.ndarray | None], most: int = USUAL_REFERENCES) -> list[list[Reference]]:
    """Peers of every channel; none where they do not save what they cost.

    all_errors : of every channel, int32 of shape (frames,); None for one that takes no part.
    """
    chosen: list[list[Reference]] = [[] for _ in all_errors]
    channels = [i for i, error in enumerate(all_errors) if error is not None]
    if len(channels) < 2:
        return chosen
    products = Products(all_errors)
    clipped = np.stack([products.clipped[i] for i in channels]).astype(float)
    together = clipped @ clipped.T
    power = np.sqrt(np.diag(together).clip(1))
    measure = np.abs(together) / power[:, None] / power[None]
    np.fill_diagonal(measure, 0)
    # Prim's order: begin with the channel that has most in common with all, go on with the one
    # that has most in common with those already coded
    coded = [int(measure.sum(0).argmax())]
    left = [i for i in range(len(channels)) if i != coded[0]]
    while left:
        best = measure[np.ix_(left, coded)].max(1)
        new = left.pop(int(best.argmax()))
        near = sorted(coded, key=lambda i: (-measure[new, i], i))[:most]
        near = [i for i in near if measure[new, i] >= WEAKEST]
        if near:
            near = [channels[i] for i in near]
            chosen[channels[new]] = _worth(all_errors, products, channels[new], near)
        coded.append(new)
    return chosen


def _worth(all_errors, products: Products, own: int, near: list[int]) -> list[Reference]:
    """A channel's fitted peers if they save more bits than they cost, else fewer, else none."""
    error = all_errors[own]
    before = products.power(own)
    while near:
        peers = fit(products, own, near)
        after = _power(error - offsets(peers, [all_errors[i] for i in near]))
        # n / 2 log2(before / after) bits are saved
        cost = 8 * (2 + PEER_BYTES * len(near))
        if before > 0 and 0.5 * len(error) * math.log2((before + 1) / (after + 1)) > cost:
            return peers
        near = near[: len(near) // 2]
    return []


def _power(error: np.ndarray) -> float:
    """Sum of squares; errors are limited so that rare large ones do not decide."""
    size = np.clip(error, -CLIP, CLIP).astype(np.int64)
    return float(size @ size)
