"""A network with canonical Huffman codes: preset number 1."""

from __future__ import annotations

import numpy as np

from ..entropy.huffman import empty_tables
from ..errors import CorruptError
from ..kernels.bind import network_huffman_decode, network_huffman_encode
from .base import NO_OFFSETS, State, check_end, to_payload, to_words
from .network import NetworkCoder


class NetworkHuffman(NetworkCoder):
    """See `Coder`."""

    def clear(self) -> None:
        """See `Coder`."""
        self.tables = empty_tables(self.bins, self.encoding, not self.encoding)

    def encode(self, codes: np.ndarray, state: State, offsets: np.ndarray = NO_OFFSETS) -> bytes:
        out = np.empty(len(codes) + 2, np.uint32)
        arguments = self._arguments(codes, state, offsets)
        with self.lock:
            bits = network_huffman_encode(*arguments, *self.tables, out)
        state.row += len(codes) // state.lanes
        return to_payload(out, bits)

    def decode(
        self, payload: bytes, count: int, state: State, offsets: np.ndarray = NO_OFFSETS
    ) -> np.ndarray:
        if self.fewest_bits(count) > 8 * len(payload):
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        codes = np.empty(count, np.int16)
        arguments = self._arguments(codes, state, offsets)
        words = to_words(payload, state.lanes)
        with self.lock:
            bits = network_huffman_decode(*arguments, *self.tables, words)
        check_end(payload, bits)
        state.row += count // state.lanes
        return codes
