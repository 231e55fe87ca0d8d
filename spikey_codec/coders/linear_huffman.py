"""The linear predictor with canonical Huffman codes: preset `linear`, and all streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bitstream.channel_header import ChannelHeader
from ..constants import CENTRE, LONG_TERM_SHIFT, ORDER, SCALE_BITS, SHORT_TERM_SHIFT
from ..entropy.contexts import bin_of
from ..kernels.bind import build_tables, linear_huffman_decode, linear_huffman_encode
from ..kernels.groups import LinearLanes
from . import interleave
from .base import State
from .huffman import HuffmanCoder

COMMON_RESIDUALS = 1, 15  # codes: nearly all channels' mean |residuals| stay between these


class LinearHuffman(HuffmanCoder):
    """See `Coder`."""

    encode_kernel = staticmethod(linear_huffman_encode)
    decode_kernel = staticmethod(linear_huffman_decode)

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

    def prepare(self) -> None:
        rows = [bin_of(residual << SCALE_BITS, self.bins) for residual in COMMON_RESIDUALS]
        with self.lock:
            build_tables(*rows, *self.quantizer, *self.contexts, *self.tables)

    def arguments(self, codes: np.ndarray, state: State, offsets: np.ndarray) -> tuple[Any, ...]:
        return (
            *self.coded(codes, state),
            *self.quantizer,
            *self.contexts,
            *state.groups,
            offsets,
        )
