"""Canonical Huffman coding, whichever predictor it is joined with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..entropy.huffman import empty_tables
from ..errors import CorruptError
from .base import NO_OFFSETS, Coder, State, check_end, to_payload, to_words


class HuffmanCoder(Coder):
    """See `Coder`. Subclasses name the kernels: of `arguments`, the tables and the payload."""

    encode_kernel: Callable[..., int]
    decode_kernel: Callable[..., int]

    def clear(self) -> None:
        """See `Coder`."""
        self.tables = empty_tables(self.bins, self.encoding, not self.encoding)

    def encode(self, codes: np.ndarray, state: State, offsets: np.ndarray = NO_OFFSETS) -> bytes:
        out = np.empty(len(codes) + 2, np.uint32)
        arguments = self.arguments(codes, state, offsets)
        with self.lock:
            bits = self.encode_kernel(*arguments, *self.tables, out)
        state.row += len(codes) // state.lanes
        return to_payload(out, bits)

    def decode(
        self, payload: bytes, count: int, state: State, offsets: np.ndarray = NO_OFFSETS
    ) -> np.ndarray:
        if self.fewest_bits(count) > 8 * len(payload):
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        codes = np.empty(count, np.int16)
        arguments = self.arguments(codes, state, offsets)
        words = to_words(payload, state.lanes)
        with self.lock:
            bits = self.decode_kernel(*arguments, *self.tables, words)
        check_end(payload, bits)
        state.row += count // state.lanes
        return codes
