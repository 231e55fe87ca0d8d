"""The parts of a chunk's payload where a network predicts: one stage's codes <-> bytes.

The stages of preset 1 hold canonical code words, those of preset 2 what rANS makes of mixed
densities. (Without a network there are lanes to keep a processor busy instead: chunk.py.)
"""

from __future__ import annotations

import numpy as np

from ..constants import (
    CENTRE,
    DENSITIES,
    FIRST_ENERGY,
    FIRST_SHARES,
    GAINS,
    MOST_REFERENCES,
    PAST_REMAINDERS,
)
from ..errors import CorruptError
from ..kernels.groups import FIRST_GAIN, REFERENCE_COLUMNS
from ..kernels.network_huffman import network_huffman_decode, network_huffman_encode
from ..kernels.network_rans import network_rans_decode, network_rans_encode
from ..prediction.network import start_scales

Latents = tuple[dict[int, int], np.ndarray]


class NetworkPasses:
    """Codes stages for preset 1.

    Parameters
    ----------
    coder : chunk.ChunkCoder, whose weights, tables and range of codes are taken
    """

    fewest_bits_shift = 0  # a code word has at least one bit

    def __init__(self, coder):
        self.coder = coder
        self.network = coder.network

    def latents(self, sides: list, frames: int) -> Latents:
        """Where each peer's latents go, if the network wants them, and room for them."""
        wanted = sorted({peer.channel for side in sides for peer in side.references})
        if not self.network.network.message or not wanted:
            return {}, np.zeros((0, 1, 1), np.int16)
        size = self.network.network.latent_size + 1
        slots = {channel: slot for slot, channel in enumerate(wanted)}
        return slots, np.zeros((len(wanted), frames, size), np.int16)

    def encode(self, values, sides, offsets, stage, latents) -> bytes:
        """A stage's part.

        values : int16, in coding order; offsets : int32 likewise, or empty
        sides : side information of the stage's channels; stage : their numbers
        latents : from `latents`, the same for all stages of a chunk
        """
        out = np.empty(len(values) + 2, np.uint32)
        arguments = self._arguments(values, sides, offsets, stage, latents)
        with self.coder.lock:
            bits = network_huffman_encode(*arguments, out)
        return out.astype(">u4").tobytes()[: (bits + 7) // 8]

    def decode(self, part: bytes, count: int, sides, offsets, stage, latents) -> np.ndarray:
        """Inverse of `encode`: int16, shape (count,); CorruptError if that is not what it holds."""
        values = np.empty(count, np.int16)
        arguments = self._arguments(values, sides, offsets, stage, latents)
        words = self.coder.words(part, len(sides))
        with self.coder.lock:
            bits = network_huffman_decode(*arguments, words)
        self.coder.check_end(part, bits)
        return values

    def _arguments(self, values: np.ndarray, sides: list, offsets, stage, latents) -> tuple:
        """Arguments of the kernels up to the words, at the start of all lanes."""
        coder = self.coder
        return (
            *self._codes(values, sides),
            *self._prediction(sides, offsets, stage, latents),
            *coder.tables,
        )

    def _codes(self, values: np.ndarray, sides: list) -> tuple:
        """Arguments of the kernels that say what is coded."""
        coder = self.coder
        return (
            values,
            len(sides),
            0,
            *coder.quantizer(),
            *coder.contexts(),
        )

    def _prediction(self, sides, offsets, stage, latents: Latents) -> tuple:
        """Arguments of the kernels that say what is predicted, at the start of all lanes."""
        slots, room = latents
        width = 2 + REFERENCE_COLUMNS * MOST_REFERENCES
        peers = np.zeros((len(sides), width), np.int32)
        peers[:, -1] = [slots.get(channel, -1) for channel in stage]
        for row, side in zip(peers, sides):
            if slots:
                row[0] = len(side.references)
                for i, peer in enumerate(side.references):
                    row[1 + 2 * i : 3 + 2 * i] = slots[peer.channel], peer.correlation
        predictors = np.array([side.predictor for side in sides], np.int32)
        centres = self.coder.classes.table[[side.scale for side in sides], CENTRE]
        return (
            np.ascontiguousarray(predictors[:, ::-1]),  # the oldest level's weight first
            start_scales(centres),
            *self.network.windows(len(sides)),
            *self.network.recurrent_state(len(sides)),
            peers,
            room,
            offsets,
            *self.network.arrays(),
        )


class MixedPasses(NetworkPasses):
    """Codes stages for preset 2."""

    fewest_bits_shift = 15  # the widest interval that a code can have leaves it 2^-15 bits

    def encode(self, values, sides, offsets, stage, latents) -> bytes:
        starts, widths = np.empty(len(values), np.int32), np.empty(len(values), np.int32)
        out = np.empty(len(values) + 2, np.uint32)
        arguments = self._arguments(values, sides, offsets, stage, latents)
        with self.coder.lock:
            first = network_rans_encode(*arguments, starts, widths, out)
        return out[first:].astype("<u4").tobytes()

    def decode(self, part: bytes, count: int, sides, offsets, stage, latents) -> np.ndarray:
        if len(part) < 8 or len(part) % 4:
            raise CorruptError("The file is cut short or damaged.")
        values = np.empty(count, np.int16)
        arguments = self._arguments(values, sides, offsets, stage, latents)
        words = np.frombuffer(part, "<u4").astype(np.int64)
        with self.coder.lock:
            error = network_rans_decode(*arguments, words)
        if error:
            raise CorruptError("The file is cut short or damaged.")
        return values

    def _arguments(self, values: np.ndarray, sides: list, offsets, stage, latents) -> tuple:
        return (
            *self._codes(values, sides),
            *self._prediction(sides, offsets, stage, latents),
            *_start_of_mixing(len(sides)),
        )


def _start_of_mixing(lanes: int) -> tuple[np.ndarray, ...]:
    """Remainders, gains and shares of lanes at their start, and room for one sample's numbers."""
    adaptive = np.zeros((lanes, FIRST_GAIN + GAINS), np.int64)
    adaptive[:, :FIRST_GAIN] = [*FIRST_SHARES, FIRST_ENERGY]
    return (
        np.zeros((lanes, 2 * PAST_REMAINDERS), np.int32),
        adaptive,
        np.zeros(GAINS, np.int32),
        np.zeros((4, 2 * DENSITIES), np.int64),
    )
