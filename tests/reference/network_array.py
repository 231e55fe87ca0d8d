"""FORMAT.md, "The array": a network, out of the items of its array."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from reference.layers import Layer


@dataclass(frozen=True)
class Network:
    """A network's layers, the numbers of levels and residuals that it takes, and what it is for."""

    preset: int
    levels: int
    residuals: int
    filter_bank: Layer | None
    recurrent: tuple[Layer, ...]
    projector: tuple[Layer, ...]
    message: Layer | None
    messages_added: bool
    predictor: tuple[Layer, ...]

    @property
    def latent(self) -> int:
        """The size of the latent."""
        return self.projector[-1].outputs if self.projector else self.recurrent[-1].outputs // 4


class Items:
    """The items of an array, one after the other."""

    def __init__(self, items: list[int]):
        self.items = items
        self.position = 0

    def take(self, count: int) -> tuple[int, ...]:
        """The next items."""
        taken = tuple(self.items[self.position : self.position + count])
        if len(taken) < count:
            raise ValueError("the array ends too early")
        self.position += count
        return taken

    def one(self, lowest: int, highest: int) -> int:
        """The next item, which must be in a range."""
        (item,) = self.take(1)
        if not lowest <= item <= highest:
            raise ValueError(f"an item is {item}, not in [{lowest}, {highest}]")
        return item

    def layer(self) -> Layer:
        """The next layer."""
        inputs, outputs = self.one(1, 512), self.one(1, 512)
        activation, shift = self.one(0, 4), self.one(0, 16)
        weights, biases = self.take(inputs * outputs), self.take(outputs)
        columns = tuple(weights[output::outputs] for output in range(outputs))
        for column, bias in zip(columns, biases, strict=True):
            if 16383 * sum(map(abs, column)) + ((abs(bias) + 1) << shift) >= 1 << 31:
                raise ValueError("the weights of a layer are too large")
        return Layer(columns, biases, activation, shift)

    def layers(self, count: int) -> tuple[Layer, ...]:
        """The next layers."""
        return tuple(self.layer() for _ in range(count))


@lru_cache
def load_networks(folder: Path) -> dict[bytes, list[int]]:
    """The arrays of all networks, by their checksums as a file has them."""
    arrays = map(np.load, sorted((folder / "networks").glob("*.npy")))
    return {struct.pack("<I", zlib.crc32(a.astype("<i2").tobytes())): a.tolist() for a in arrays}


@lru_cache
def find_network(folder: Path, checksum: bytes, preset: int) -> Network:
    """The network that a file of this preset names."""
    if checksum not in load_networks(folder):
        raise ValueError("there is no network of this checksum")
    network = parse_network(load_networks(folder)[checksum])
    if network.preset != preset:
        raise ValueError("the network is for another preset")
    return network


def parse_network(array: list[int]) -> Network:
    """The network of an array. Raises ValueError for whatever a reader must refuse."""
    items = Items(array)
    preset = items.one(1, 2)
    kind = items.one(0, 1)
    levels, residuals = items.one(1, 256), items.one(0, 256)
    banks, projectors = items.one(0, 1), items.one(0, 8)
    recurrent = items.one(kind, 4 * kind)
    messages, added, predictors = items.one(0, 1), items.one(0, 1), items.one(1, 8)
    network = Network(
        preset,
        levels,
        residuals,
        items.layer() if banks else None,
        items.layers(recurrent),
        items.layers(projectors),
        items.layer() if messages else None,
        bool(added),
        items.layers(predictors),
    )
    if items.position != len(array):
        raise ValueError("something stands behind the layers")
    check_fit(network)
    return network


def check_fit(network: Network) -> None:
    """Refuse layers that do not fit each other."""
    given = network.levels
    if network.filter_bank:
        must(network.filter_bank.inputs == given)
        given = network.filter_bank.outputs
    given += network.residuals + 7
    for layer in network.recurrent:
        must(layer.outputs % 4 == 0 and layer.activation == 0)
        must(layer.inputs == given + layer.outputs // 4)
        given = layer.outputs // 4
    latent = given = fits(network.projector, given)
    if network.message:
        must(network.message.inputs == 2 * latent + 2)
        must(not network.messages_added or network.message.outputs == latent)
        given += 0 if network.messages_added else network.message.outputs
    must(fits(network.predictor, given) == 2 and network.predictor[-1].activation == 0)


def fits(layers: tuple[Layer, ...], given: int) -> int:
    """What layers in a row give; they must take what they are given."""
    for layer in layers:
        must(layer.inputs == given)
        given = layer.outputs
    return given


def must(fit: bool) -> None:
    """Refuse a network of which something does not hold."""
    if not fit:
        raise ValueError("the layers of a network do not fit")
