"""The linear predictor with canonical Huffman codes: preset `linear`, and all streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bitstream.channel_header import ChannelHeader
from ..constants import CENTRE, LONG_TERM_SHIFT, ORDER, SCALE_BITS, SHORT_TERM_SHIFT
from ..entropy.contexts import bin_of
from ..entropy.huffman import empty_tables
from ..errors import CorruptError
from ..kernels.bind import build_tables, linear_huffman_decode, linear_huffman_encode
from ..kernels.groups import LinearLanes
from . import interleave
from .base import NO_OFFSETS, Coder, State, check_end, to_payload, to_words

COMMON_RESIDUALS = 1, 15  # codes: nearly all channels' mean |residuals| stay between these


class LinearHuffman(Coder):
    """See `Coder`."""

    def clear(self) -> None:
        """See `Coder`."""
        self.tables = empty_tables(self.bins, self.encoding, not self.encoding)

    def segments(self, frames: int, channels: int) -> int:
        """Enough that a processor has several lanes to work on at once."""
        return interleave.segments(frames, channels)

    def start(
        self,
        headers: Sequence[ChannelHeader],
        segments: int = 1,
        channels: Sequence[int] = (),
        shared: Any = None,
    ) -> State:
        predictors = np.array([header.predictor for header in headers], np.int32)[:, ::-1]
        centre = self.bins.table[[header.scale for header in headers], CENTRE]
        scales = np.stack([centre >> LONG_TERM_SHIFT - SHORT_TERM_SHIFT, centre], axis=1)
        lanes = segments * len(headers)
        group = LinearLanes(
            np.ascontiguousarray(np.tile(predictors, (segments, 1))),
            np.zeros((lanes, 2 * ORDER), np.int32),
            np.ascontiguousarray(np.tile(scales, (segments, 1)), np.int32),
        )
        return State(lanes, group)

    def encode(self, codes: np.ndarray, state: State, offsets: np.ndarray = NO_OFFSETS) -> bytes:
        out = np.empty(len(codes) + 2, np.uint32)
        with self.lock:
            bits = linear_huffman_encode(*self._arguments(codes, state, offsets), out)
        state.row += len(codes) // state.lanes
        return to_payload(out, bits)

    def decode(
        self, payload: bytes, count: int, state: State, offsets: np.ndarray = NO_OFFSETS
    ) -> np.ndarray:
        if self.fewest_bits(count) > 8 * len(payload):
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        codes = np.empty(count, np.int16)
        words = to_words(payload, state.lanes)
        with self.lock:
            bits = linear_huffman_decode(*self._arguments(codes, state, offsets), words)
        check_end(payload, bits)
        state.row += count // state.lanes
        return codes

    def prepare(self) -> None:
        rows = [bin_of(residual << SCALE_BITS, self.bins) for residual in COMMON_RESIDUALS]
        with self.lock:
            build_tables(*rows, *self.quantizer, *self.contexts, *self.tables)

    def _arguments(self, codes: np.ndarray, state: State, offsets: np.ndarray) -> tuple[Any, ...]:
        """The kernels' arguments up to the payload."""
        return (
            *self.coded(codes, state),
            *self.quantizer,
            *self.contexts,
            *state.groups,
            offsets,
            *self.tables,
        )
