"""A network, a mixture of densities, and rANS (Duda 2013): preset number 2, `max`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bitstream.channel_header import ChannelHeader
from ..constants import DENSITIES, FIRST_ENERGY, FIRST_SHARES, GAINS, PAST_REMAINDERS
from ..errors import CorruptError
from ..kernels.bind import network_rans_decode, network_rans_encode
from ..kernels.groups import FIRST_GAIN, Mixer
from .base import NO_OFFSETS, TOO_SHORT, State
from .network import NetworkCoder

WIDEST_SHIFT = 15  # the widest interval that a code can have leaves it 2^-15 bits
FEWEST_BYTES = 8  # the final state


class NetworkRans(NetworkCoder):
    """See `Coder`."""

    def fewest_bits(self, count: int) -> int:
        return count >> WIDEST_SHIFT

    def start(
        self,
        headers: Sequence[ChannelHeader],
        segments: int = 1,
        channels: Sequence[int] = (),
        shared: Any = None,
    ) -> State:
        state = super().start(headers, segments, channels, shared)
        adaptive = np.zeros((state.lanes, FIRST_GAIN + GAINS), np.int64)
        adaptive[:, :FIRST_GAIN] = [*FIRST_SHARES, FIRST_ENERGY]
        mixer = Mixer(
            np.zeros((state.lanes, 2 * PAST_REMAINDERS), np.int32),
            adaptive,
            np.zeros(GAINS, np.int32),
            np.zeros((4, 2 * DENSITIES), np.int64),
        )
        state.groups += (mixer,)
        return state

    def encode(self, codes: np.ndarray, state: State, offsets: np.ndarray = NO_OFFSETS) -> bytes:
        starts, widths = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
        out = np.empty(len(codes) + 2, np.uint32)
        arguments = self.arguments(codes, state, offsets)
        with self.lock:
            first = network_rans_encode(*arguments, *state.groups[2], starts, widths, out)
        state.row += len(codes) // state.lanes
        return out[first:].astype("<u4").tobytes()

    def decode(
        self, payload: bytes, count: int, state: State, offsets: np.ndarray = NO_OFFSETS
    ) -> np.ndarray:
        if self.fewest_bits(count) > 8 * len(payload):
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        if len(payload) < FEWEST_BYTES or len(payload) % 4:
            raise CorruptError(TOO_SHORT)
        codes = np.empty(count, np.int16)
        arguments = self.arguments(codes, state, offsets)
        words = np.frombuffer(payload, "<u4").astype(np.int64)
        with self.lock:
            error = network_rans_decode(*arguments, *state.groups[2], words)
        if error:
            raise CorruptError(TOO_SHORT)
        state.row += count // state.lanes
        return codes
