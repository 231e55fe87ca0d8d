"""Networks that correct the linear prediction: their array, checked, and what kernels need of it.

The arithmetic stands in network_kernels.py and FORMAT.md ("Networks"). A network is one array of
16-bit integers, named in a file by the CRC-32 of its bytes; here it becomes tables and back.
"""

from __future__ import annotations

import functools
import os
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .. import constants as k
from .. import presets, weights
from ..errors import UsageError, VersionError, WeightsError
from ..kernels import network as kernels
from ..kernels.groups import MEMORY
from .cross_channel import residuals

FOLDER = "networks"  # within the folder of weights
WIDEST = 512  # inputs and outputs of a layer
LONGEST_WINDOW = 256
MOST_LAYERS, MOST_RECURRENT = 8, 4
OTHER_INPUTS = 7  # beside the window
METRICS = 2  # a message's inputs beside the two latents
OUTPUTS = 2
LANES = 8  # sums of a layer are padded to a multiple of so many
ACTIVATIONS = {"identity": 0, "relu": 1, "silu": 2, "tanh": 3, "sigmoid": 4}


class Layer(NamedTuple):
    """A layer in integers.

    weights : int16, shape (inputs, outputs), in 2^-shift
    biases : int16, shape (outputs,), in 2^-10
    activation : one of `ACTIVATIONS`
    shift : 0 to 16
    """

    weights: np.ndarray
    biases: np.ndarray
    activation: int = 0
    shift: int = 0


@dataclass
class Network:
    """What stands in a network's array, layer by layer; FORMAT.md says what has to fit what.

    preset : number of the preset that it is for, one of `presets.WITH_NETWORK`
    levels, errors : length of the window of past levels and of past errors
    recurrent : layers with 4 columns of weights for each output
    message : None without a MiddleOut
    residual : messages are added to the latent instead of standing beside it
    """

    levels: int
    errors: int
    filter_bank: Layer | None = None
    recurrent: list[Layer] = field(default_factory=list)
    projector: list[Layer] = field(default_factory=list)
    message: Layer | None = None
    residual: bool = False
    predictor: list[Layer] = field(default_factory=list)
    preset: int = presets.NETWORK

    @property
    def layers(self) -> list[Layer]:
        """All layers in the order of the array."""
        first = [self.filter_bank] if self.filter_bank else []
        message = [self.message] if self.message else []
        return [*first, *self.recurrent, *self.projector, *message, *self.predictor]

    @property
    def latent_size(self) -> int:
        if self.projector:
            return self.projector[-1].weights.shape[1]
        return self.recurrent[-1].weights.shape[1] // 4

    @property
    def region_size(self) -> int:
        return self.message.weights.shape[1] if self.message else 0


def to_array(network: Network) -> np.ndarray:
    """The network's array, int16, shape (items,); `parse` is the inverse."""
    items = [
        [
            network.preset, bool(network.recurrent), network.levels, network.errors,
            bool(network.filter_bank), len(network.projector), len(network.recurrent),
            bool(network.message), network.residual, len(network.predictor),
        ]
    ]  # fmt: skip
    for layer in network.layers:
        items += [[*layer.weights.shape, layer.activation, layer.shift], layer.weights.ravel()]
        items.append(layer.biases)
    return np.concatenate([np.asarray(part).astype(np.int16) for part in items])


def parse(array: np.ndarray) -> Network:
    """The network of an array: int16, shape (items,). WeightsError where it is not one."""
    if array.ndim != 1 or array.dtype != np.int16 or len(array) < 10:
        raise WeightsError("This is not a network: it is no list of 16-bit integers.")
    preset, kind, levels, errors, bank, projector, recurrent, message, residual, predictor = map(
        int, array[:10]
    )
    if preset not in presets.WITH_NETWORK:
        raise WeightsError(f"This network is for preset number {preset}, which is not known here.")
    in_range = (
        kind in (0, 1) and bank in (0, 1) and message in (0, 1) and residual in (0, 1)
        and 1 <= levels <= LONGEST_WINDOW and 0 <= errors <= LONGEST_WINDOW
        and 0 <= projector <= MOST_LAYERS and 1 <= predictor <= MOST_LAYERS
        and kind <= recurrent <= kind * MOST_RECURRENT and recurrent + projector > 0
        and residual <= message
    )  # fmt: skip
    if not in_range:
        raise WeightsError("This network is impossible: its shape is out of range.")
    at = 10

    def take(count: int) -> list[Layer]:
        nonlocal at
        layers = []
        for _ in range(count):
            layer, at = _read_layer(array, at)
            layers.append(layer)
        return layers

    network = Network(levels, errors, residual=bool(residual), preset=preset)
    network.filter_bank = (take(bank) or [None])[0]
    network.recurrent, network.projector = take(recurrent), take(projector)
    network.message = (take(message) or [None])[0]
    network.predictor = take(predictor)
    if at != len(array):
        raise WeightsError("This network is impossible: something stands behind its last layer.")
    _check_fit(network)
    return network


def _read_layer(array: np.ndarray, at: int) -> tuple[Layer, int]:
    """The layer that begins at an item, and where the next one does."""
    if at + 4 > len(array):
        raise WeightsError("This network is cut short.")
    inputs, outputs, activation, shift = map(int, array[at : at + 4])
    at += 4
    if not (1 <= inputs <= WIDEST and 1 <= outputs <= WIDEST and 0 <= shift <= 16):
        raise WeightsError("This network is impossible: a layer's shape is out of range.")
    if activation not in ACTIVATIONS.values():
        raise WeightsError(f"This network has activation {activation}, which is reserved.")
    end = at + (inputs + 1) * outputs
    if end > len(array):
        raise WeightsError("This network is cut short.")
    biases = array[end - outputs : end]
    table = array[at : end - outputs].reshape(inputs, outputs)
    sums = k.LARGEST_VALUE * np.abs(table.astype(np.int64)).sum(0)
    sums += (np.abs(biases.astype(np.int64)) + 1) << shift
    if sums.max() >= 1 << 31:
        raise WeightsError("This network is impossible: the weights of a layer are too large.")
    return Layer(table, biases, activation, shift), end


def _check_fit(network: Network) -> None:
    """Raise WeightsError unless every layer takes what the one before it gives."""
    given = network.levels
    pairs = []
    if network.filter_bank:
        pairs.append((network.filter_bank, given))
        given = network.filter_bank.weights.shape[1]
    given += network.errors + OTHER_INPUTS
    for layer in network.recurrent:
        inputs, columns = layer.weights.shape
        if columns % 4 or layer.activation:
            raise WeightsError("This network is impossible: a recurrent layer lacks a gate.")
        pairs.append((layer, given + columns // 4))
        given = columns // 4
    for layer in network.projector:
        pairs.append((layer, given))
        given = layer.weights.shape[1]
    if network.message:
        pairs.append((network.message, 2 * given + METRICS))
        if network.residual and network.region_size != given:
            raise WeightsError("This network is impossible: its messages do not fit its latent.")
        given += 0 if network.residual else network.region_size
    for layer in network.predictor:
        pairs.append((layer, given))
        given = layer.weights.shape[1]
    last = network.predictor[-1]
    if any(len(layer.weights) != inputs for layer, inputs in pairs):
        raise WeightsError("This network is impossible: its layers do not fit each other.")
    if given != OUTPUTS or last.activation:
        raise WeightsError("This network is impossible: it does not end in a mean and a scale.")


def identity(array: np.ndarray) -> int:
    """What a file calls a network: the CRC-32 of its array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array, "<i2").tobytes())


@functools.cache
def logistic() -> np.ndarray:
    """The logistic function at (i - 1023.5) / 128, in 2^-15: int32, shape (2048,)."""
    ratio, power = 4575797593107614194, 4593706758521714574  # exp(-1/128), exp(-1/256), in 2^-62
    upper = []
    for _ in range(1024):
        upper.append(min((1 << 77) // ((1 << 62) + power), 32767))
        power = (power * ratio) >> 62
    return np.array([32768 - g for g in reversed(upper)] + upper, np.int32)


class Tables:
    """A network as the kernels take it: its shape, its layers, padded weights and biases."""

    def __init__(self, network: Network):
        self.network = network
        self.room = max(network.levels, k.ORDER, k.PAST_LEVELS)
        self.mixed = network.preset == presets.MIXED
        rows, parts, biases = [], [], []
        at = bias_at = widest = 0
        for layer in network.layers:
            inputs, outputs = layer.weights.shape
            width = -(-outputs // LANES) * LANES
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
                network.levels, network.errors, bool(network.filter_bank), len(network.recurrent),
                len(network.projector), bool(network.message), network.residual,
                len(network.predictor), network.latent_size, network.region_size,
            ],
            np.int64,
        )  # fmt: skip
        self.layers = np.array(rows, np.int64)
        self.weights, self.biases = np.concatenate(parts), np.concatenate(biases)
        self.memory, self.sums = np.zeros(MEMORY, np.int32), np.zeros(widest, np.int32)
        self.cells = sum(layer.weights.shape[1] // 4 for layer in network.recurrent)

    def arguments(self) -> tuple[np.ndarray, ...]:
        """The kernels' Network."""
        return (
            self.shape,
            self.layers,
            self.weights,
            self.biases,
            logistic(),
            self.memory,
            self.sums,
        )

    def cells_at_start(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Cells and past outputs of the recurrent layers at the start."""
        return np.zeros((lanes, self.cells), np.int32), np.zeros((lanes, self.cells), np.int32)

    def windows(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Past levels and past errors at the start; both are kept twice over, as runs."""
        return (
            np.zeros((lanes, 2 * self.room), np.int32),
            np.zeros((lanes, 2 * self.network.errors), np.int32),
        )


def start_scales(centres: np.ndarray) -> np.ndarray:
    """The four trackers of lanes that start at these scales (2^-12 code): int64, (lanes, 4)."""
    slow = np.asarray(centres, np.int64)
    shifts = [k.LONG - k.SHORT, k.LONG - k.MEDIUM]
    return np.stack([slow >> shifts[0], slow >> shifts[1], slow, slow << k.LONGEST - k.LONG], axis=1)


def trace(
    levels: np.ndarray,
    predictor: np.ndarray,
    scale_centre: int,
    offsets: np.ndarray | None = None,
    level_bits: int = k.PREDICTION_BITS,
    lowest: int = -512,
    highest: int = 511,
) -> np.ndarray:
    """What a network is told of every sample of a lead beside the window.

    Parameters
    ----------
    levels : int32, shape (frames,), with level_bits fraction bits
    predictor : int16, shape (ORDER,), newest sample first
    scale_centre : centre of the scale class that the lead starts with
    offsets : int32, shape (frames,), what peers add; None without
    lowest, highest : the range of codes

    Returns
    -------
    int32, shape (frames, 8): mean and error in 1/32 code, the scale's pseudo-logarithm, those
    of the fast, mid, slow and long trackers, and the offset. Row 0 is 0.
    """
    known = np.zeros((len(levels), 8), np.int32)
    kernels.trace(
        np.ascontiguousarray(levels, np.int32),
        residuals(levels, predictor, level_bits),
        level_bits,
        lowest << k.PREDICTION_BITS,
        ((highest + 1) << k.PREDICTION_BITS) - 1,
        start_scales(np.array([scale_centre])),
        np.zeros(0, np.int32) if offsets is None else np.ascontiguousarray(offsets, np.int32),
        known,
    )
    return known


def folder() -> str:
    """Where networks stand among the weights."""
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
        known = ", ".join(["linear", *names()])
        raise UsageError(f"There is no preset {name!r}; there is {known}.")
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
