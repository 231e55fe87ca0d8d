"""Networks that correct the linear prediction: what the kernels need of them, and where they are.

The arithmetic is in the kernels and in FORMAT.md ("Networks"); network_array.py reads the array.
"""

from __future__ import annotations

import functools
import os

import numpy as np
import numpy.typing as npt

from .. import weights
from ..constants import (
    HIGHEST_CODE,
    LOGISTIC_BITS,
    LONG,
    LONGEST,
    LOWEST_CODE,
    MEDIUM,
    ORDER,
    PAST_LEVELS,
    PREDICTION_BITS,
    SHORT,
)
from ..errors import UsageError, VersionError
from ..kernels.bind import trace as trace_kernel
from ..kernels.groups import MEMORY
from ..kernels.groups import Network as NetworkGroup
from .cross_channel import residuals
from .network_array import Network, identity, parse

FOLDER = "networks"  # within the folder of weights
PADDING = 8  # the kernels' layers have a multiple of 8 outputs, so that vectors fill


@functools.cache
def logistic() -> npt.NDArray[np.int32]:
    """The logistic function at (i - 1023.5) / 128, in 2^-15: int32, shape (2048,).

    All in integers, so that no library's exponential decides a bit.
    """
    ratio, power = 4575797593107614194, 4593706758521714574  # exp(-1/128), exp(-1/256), in 2^-62
    one = 1 << LOGISTIC_BITS
    upper: list[int] = []
    for _ in range(1024):
        upper.append(min((one << 62) // ((1 << 62) + power), one - 1))
        power = (power * ratio) >> 62
    return np.array([one - g for g in reversed(upper)] + upper, np.int32)


class Tables:
    """A network as the kernels take it: its shape, its layers, padded weights and biases."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.room = max(network.levels, ORDER, PAST_LEVELS)
        rows, parts, biases = [], [], []
        at = bias_at = widest = 0
        for layer in network.layers:
            inputs, outputs = layer.weights.shape
            width = -(-outputs // PADDING) * PADDING
            padded = np.zeros((inputs, width), np.int16)
            padded[:, :outputs] = layer.weights
            half = (1 << layer.shift) >> 1
            bias = np.zeros(width, np.int32)
            bias[:outputs] = (layer.biases.astype(np.int64) << layer.shift) + half
            rows.append((inputs, outputs, layer.activation, layer.shift, at, bias_at, width))
            parts.append(padded.ravel())
            biases.append(bias)
            at, bias_at, widest = at + padded.size, bias_at + width, max(widest, width)
        self.shape = np.array(
            [
                network.levels, network.residuals, bool(network.filter_bank),
                len(network.recurrent), len(network.projector), bool(network.message),
                network.adds_messages, len(network.predictor), network.latent_size,
                network.region_size,
            ],
            np.int64,
        )  # fmt: skip
        self.layers = np.array(rows, np.int64)
        self.weights, self.biases = np.concatenate(parts), np.concatenate(biases)
        self.widest = widest
        self.cells = sum(layer.weights.shape[1] // 4 for layer in network.recurrent)

    def group(self) -> NetworkGroup:
        """The kernels' group, with room of its own to run in, as threads need it."""
        return NetworkGroup(
            self.shape,
            self.layers,
            self.weights,
            self.biases,
            logistic(),
            np.zeros(MEMORY, np.int32),
            np.zeros(self.widest, np.int32),
        )

    def windows(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Past levels and past residuals of lanes at their start: int32, (lanes, 2 * length).

        Both are kept twice over, so that the past always lies in one piece.
        """
        return (
            np.zeros((lanes, 2 * self.room), np.int32),
            np.zeros((lanes, 2 * self.network.residuals), np.int32),
        )

    def recurrent_state(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Cells and past outputs of lanes at their start: int32, (lanes, cells)."""
        return np.zeros((lanes, self.cells), np.int32), np.zeros((lanes, self.cells), np.int32)


def start_scales(centres: np.ndarray) -> npt.NDArray[np.int64]:
    """The four scales of lanes that start at these (2^-12 code): int64, shape (lanes, 4).

    Each average is kept times 2^its shift, so that the same scale is another number in each.
    """
    long = np.asarray(centres, np.int64)
    return np.stack(
        [long >> LONG - SHORT, long >> LONG - MEDIUM, long, long << LONGEST - LONG], axis=1
    )


def trace(
    levels: np.ndarray,
    predictor: np.ndarray,
    scale_centre: int,
    offsets: np.ndarray | None = None,
    level_bits: int = PREDICTION_BITS,
    lowest: int = LOWEST_CODE,
    highest: int = HIGHEST_CODE,
) -> npt.NDArray[np.int32]:
    """What a network is told of every sample of a channel besides the window.

    Parameters
    ----------
    levels : int32, shape (frames,), with level_bits fraction bits
    predictor : int16, shape (ORDER,), newest sample first
    scale_centre : centre of the scale bin that the channel starts with
    offsets : int32, shape (frames,), the inter-channel prediction in 1/32 code; None without
    lowest, highest : the range of codes

    Returns
    -------
    int32, shape (frames, 8): mean and residual in 1/32 code; the scale's logarithm by Mitchell's
    approximation; those of the short-term, medium, long-term and longest scale; the offset. Row 0
    is 0.
    """
    known = np.zeros((len(levels), 8), np.int32)
    trace_kernel(
        np.ascontiguousarray(levels, np.int32),
        residuals(levels, predictor, level_bits),
        level_bits,
        lowest << PREDICTION_BITS,
        ((highest + 1) << PREDICTION_BITS) - 1,
        start_scales(np.array([scale_centre])),
        np.zeros(0, np.int32) if offsets is None else np.ascontiguousarray(offsets, np.int32),
        known,
    )
    return known


def folder() -> str:
    """Where networks are among the weights."""
    return os.path.join(weights.folder(), FOLDER)


def names() -> list[str]:
    """The networks among the weights; [] where there are none."""
    return weights.names(folder())


@functools.cache
def load(name: str) -> tuple[Tables, int]:
    """A network of the weights, ready for the kernels, and its identity.

    UsageError where there is none of that name, WeightsError where it is damaged.
    """
    if name not in names():
        raise UsageError(f"There is no network {name!r}; there is {', '.join(names()) or 'none'}.")
    array = weights.read(folder(), name)
    return Tables(parse(array)), identity(array)


def name_of(wanted: int) -> str:
    """The name of the network with this identity; VersionError where there is none."""
    for name in names():
        if load(name)[1] == wanted:
            return name
    raise VersionError(
        f"This file needs the network {wanted:08x}, which is not in {folder()}; put it there."
    )


weights.when_changed(load.cache_clear)
