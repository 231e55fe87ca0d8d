"""A network's array <-> its layers.

A network is one array of 16-bit integers (FORMAT.md, "Networks"), named in a file by the CRC-32 of
its bytes. `parse` refuses every array that the arithmetic of the kernels could not bear.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..constants import (
    GREATEST_SHIFT,
    IDENTITY,
    LARGEST_VALUE,
    LONGEST_WINDOW,
    MESSAGE_METRICS,
    MOST_LAYERS,
    MOST_RECURRENT,
    NETWORK,
    NETWORK_OUTPUTS,
    OTHER_INPUTS,
    RELU,
    SIGMOID,
    SILU,
    TANH,
    WIDEST_LAYER,
    WITH_NETWORK,
)
from ..errors import WeightsError

ACTIVATIONS = {"identity": IDENTITY, "relu": RELU, "silu": SILU, "tanh": TANH, "sigmoid": SIGMOID}
HEADER_ITEMS, LAYER_ITEMS = 10, 4  # before the first layer, and before each layer's weights


class Layer(NamedTuple):
    """A layer in integers.

    weights : int16, shape (inputs, outputs), in 2^-shift
    biases : int16, shape (outputs,), in 2^-10
    activation : one of `ACTIVATIONS`
    shift : 0 to 16
    """

    weights: np.ndarray
    biases: np.ndarray
    activation: int = IDENTITY
    shift: int = 0


@dataclass
class Network:
    """What stands in a network's array, layer by layer; FORMAT.md says what has to fit what.

    levels, residuals : length of the window of past levels and of past residuals
    recurrent : layers with 4 columns of weights for each output
    message : None without inter-channel messages
    adds_messages : messages are added to the latent instead of being further inputs
    preset : number of the preset that it is for, NETWORK or MIXED
    """

    levels: int
    residuals: int
    filter_bank: Layer | None = None
    recurrent: list[Layer] = field(default_factory=list)
    projector: list[Layer] = field(default_factory=list)
    message: Layer | None = None
    adds_messages: bool = False
    predictor: list[Layer] = field(default_factory=list)
    preset: int = NETWORK

    @property
    def layers(self) -> list[Layer]:
        """All layers in the order of the array."""
        first = [self.filter_bank] if self.filter_bank else []
        message = [self.message] if self.message else []
        return [*first, *self.recurrent, *self.projector, *message, *self.predictor]

    @property
    def latent_size(self) -> int:
        """Outputs of the last layer before the messages."""
        if self.projector:
            return int(self.projector[-1].weights.shape[1])
        return int(self.recurrent[-1].weights.shape[1]) // 4

    @property
    def region_size(self) -> int:
        """Outputs of the message layer; 0 without one."""
        return int(self.message.weights.shape[1]) if self.message else 0


def to_array(network: Network) -> npt.NDArray[np.int16]:
    """The network's array, int16, shape (items,); `parse` is the inverse."""
    header = [
        network.preset, bool(network.recurrent), network.levels, network.residuals,
        bool(network.filter_bank), len(network.projector), len(network.recurrent),
        bool(network.message), network.adds_messages, len(network.predictor),
    ]  # fmt: skip
    return np.concatenate([np.array(header, np.int16), *map(_write_layer, network.layers)])


def parse(array: np.ndarray) -> Network:
    """The network of an array: int16, shape (items,). WeightsError where it is not one."""
    if array.ndim != 1 or array.dtype != np.int16 or len(array) < HEADER_ITEMS:
        raise WeightsError("This is not a network: it is no list of 16-bit integers.")
    preset, kind, levels, residuals, bank, projector, recurrent, message, adds, predictor = map(
        int, array[:HEADER_ITEMS]
    )
    if preset not in WITH_NETWORK:
        raise WeightsError(f"This network is for preset number {preset}, which is not known here.")
    in_range = (
        kind in (0, 1) and bank in (0, 1) and message in (0, 1) and adds in (0, 1)
        and 1 <= levels <= LONGEST_WINDOW and 0 <= residuals <= LONGEST_WINDOW
        and 0 <= projector <= MOST_LAYERS and 1 <= predictor <= MOST_LAYERS
        and kind <= recurrent <= kind * MOST_RECURRENT and recurrent + projector > 0
        and adds <= message
    )  # fmt: skip
    if not in_range:
        raise WeightsError("This network is impossible: its shape is out of range.")
    at = HEADER_ITEMS

    def take(count: int) -> list[Layer]:
        nonlocal at
        layers = []
        for _ in range(count):
            layer, at = _read_layer(array, at)
            layers.append(layer)
        return layers

    network = Network(levels, residuals, adds_messages=bool(adds), preset=preset)
    network.filter_bank = next(iter(take(bank)), None)
    network.recurrent, network.projector = take(recurrent), take(projector)
    network.message = next(iter(take(message)), None)
    network.predictor = take(predictor)
    if at != len(array):
        raise WeightsError("This network is impossible: something follows its last layer.")
    _check_fit(network)
    return network


def identity(array: np.ndarray) -> int:
    """What a file calls a network: the CRC-32 of its array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array, "<i2").tobytes())


def fits_32_bits(weights: np.ndarray, biases: np.ndarray, shift: int) -> bool:
    """Whether every sum of a layer fits a signed 32-bit integer, whatever its inputs are.

    weights : integers, shape (inputs, outputs); biases : integers, shape (outputs,)
    """
    sums = LARGEST_VALUE * np.abs(weights.astype(np.int64)).sum(0)
    sums += (np.abs(biases.astype(np.int64)) + 1) << shift
    return bool(sums.max() < 1 << 31)


def _write_layer(layer: Layer) -> npt.NDArray[np.int16]:
    """A layer's items; `_read_layer` is the inverse."""
    header = np.array([*layer.weights.shape, layer.activation, layer.shift], np.int16)
    return np.concatenate(
        [header, layer.weights.ravel().astype(np.int16), layer.biases.astype(np.int16)]
    )


def _read_layer(array: np.ndarray, at: int) -> tuple[Layer, int]:
    """The layer that begins at an item, and where the next one does."""
    if at + LAYER_ITEMS > len(array):
        raise WeightsError("This network is cut short.")
    inputs, outputs, activation, shift = map(int, array[at : at + LAYER_ITEMS])
    at += LAYER_ITEMS
    possible = (
        1 <= inputs <= WIDEST_LAYER
        and 1 <= outputs <= WIDEST_LAYER
        and 0 <= shift <= GREATEST_SHIFT
    )
    if not possible:
        raise WeightsError("This network is impossible: a layer's shape is out of range.")
    if activation not in ACTIVATIONS.values():
        raise WeightsError(f"This network has activation {activation}, which is reserved.")
    end = at + (inputs + 1) * outputs
    if end > len(array):
        raise WeightsError("This network is cut short.")
    weights = array[at : end - outputs].reshape(inputs, outputs)
    biases = array[end - outputs : end]
    if not fits_32_bits(weights, biases, shift):
        raise WeightsError("This network is impossible: the weights of a layer are too large.")
    return Layer(weights, biases, activation, shift), end


def _check_fit(network: Network) -> None:
    """Raise WeightsError unless every layer takes what the one before it gives."""
    given = network.levels
    pairs = []
    if network.filter_bank:
        pairs.append((network.filter_bank, given))
        given = network.filter_bank.weights.shape[1]
    given += network.residuals + OTHER_INPUTS
    for layer in network.recurrent:
        _inputs, columns = layer.weights.shape
        if columns % 4 or layer.activation:
            raise WeightsError("This network is impossible: a recurrent layer lacks a gate.")
        pairs.append((layer, given + columns // 4))
        given = columns // 4
    for layer in network.projector:
        pairs.append((layer, given))
        given = layer.weights.shape[1]
    if network.message:
        pairs.append((network.message, 2 * given + MESSAGE_METRICS))
        if network.adds_messages and network.region_size != given:
            raise WeightsError("This network is impossible: its messages do not fit its latent.")
        given += 0 if network.adds_messages else network.region_size
    for layer in network.predictor:
        pairs.append((layer, given))
        given = layer.weights.shape[1]
    last = network.predictor[-1]
    if any(len(layer.weights) != inputs for layer, inputs in pairs):
        raise WeightsError("This network is impossible: its layers do not fit each other.")
    if given != NETWORK_OUTPUTS or last.activation:
        raise WeightsError("This network is impossible: it does not end in a mean and a scale.")
