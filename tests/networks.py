"""Networks of every kind, with random weights, for the tests of codec and format."""

import dataclasses
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from spikey_codec import chunk, presets, weights
from spikey_codec.coders import network as network_coder
from spikey_codec.coders import table
from spikey_codec.coders.base import Coder
from spikey_codec.prediction.network import Tables
from spikey_codec.prediction.network_array import ACTIVATIONS, Layer, Network, to_array
from spikey_codec.quantizer.mapping import Mapping, code_range


def layer(inputs: int, outputs: int, activation: str = "silu", size: int = 300) -> Layer:
    random = np.random.default_rng(inputs * 1000 + outputs)
    table = random.integers(-size, size + 1, (inputs, outputs)).astype(np.int16)
    biases = random.integers(-50, 51, outputs).astype(np.int16)
    return Layer(table, biases, ACTIVATIONS[activation], 12)


LAST = layer(8, 2, "identity", 100)
KINDS = {
    "fc": Network(20, 6, projector=[layer(33, 12, "relu"), layer(12, 8)], predictor=[LAST]),
    "short": Network(1, 0, projector=[layer(8, 8, "tanh")], predictor=[LAST]),
    "bank": Network(
        16, 2, filter_bank=layer(16, 10, "identity"), projector=[layer(19, 8, "sigmoid")],
        predictor=[LAST],
    ),
    "rnn": Network(
        8, 2, recurrent=[layer(17 + 12, 48, "identity"), layer(12 + 8, 32, "identity")],
        predictor=[LAST],
    ),
    "rnn and layers": Network(
        8, 2, recurrent=[layer(17 + 12, 48, "identity")], projector=[layer(12, 8)],
        predictor=[layer(8, 8), LAST],
    ),
    "messages": Network(
        18, 3, projector=[layer(28, 8)], message=layer(18, 5),
        predictor=[layer(13, 8, "relu"), LAST],
    ),
    "messages added": Network(
        18, 3, projector=[layer(28, 8)], message=layer(18, 8, "tanh"), adds_messages=True,
        predictor=[LAST],
    ),
    "recurrent messages": Network(
        6, 1, recurrent=[layer(14 + 8, 32, "identity")], message=layer(18, 5),
        predictor=[layer(13, 8), LAST],
    ),
}  # fmt: skip


def for_preset(kind: str, preset: int) -> Network:
    """The network of a kind, for preset number 1 or 2."""
    return dataclasses.replace(KINDS[kind], preset=preset)


def write_weights(folder: Path, kinds: dict[str, Network]) -> None:
    """A copy of the shipped weights, but with these networks."""
    for name in ("converter", "linear", "density"):
        weights.save(folder, name, weights.read(weights.folder(), name), {})
    for name, network in kinds.items():
        weights.save(folder / "networks", name, to_array(network), {})


@contextmanager
def using_weights(folder: Path):
    """Within, the package takes its weights from this folder."""
    weights.use(folder)
    try:
        yield folder
    finally:
        weights.use(None)


def no_way_back():
    """Within, chunks are coded with the network also where they would be smaller without."""
    return mock.patch.object(network_coder.NetworkCoder, "alternative", None)


def coder_for(mapping: Mapping, encoding: bool, tables: Tables | None = None) -> Coder:
    """The coder of chunks of this mapping, for any network, also one that no weights list."""
    number = tables.network.preset if tables else presets.LINEAR
    transitions = chunk.transition_levels(mapping).tobytes()
    return table.coder_for(
        presets.KINDS[number], *code_range(mapping), transitions, encoding, tables
    )
