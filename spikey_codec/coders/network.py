"""What the coders with a network share: its state, and the latents of reference channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..bitstream.channel_header import ChannelHeader
from ..constants import CENTRE, FINER, MOST_REFERENCES
from ..kernels.groups import REFERENCE_COLUMNS, NetworkLanes
from ..prediction.network import Tables, start_scales
from .base import Coder, State
from .linear_huffman import LinearHuffman
from .table import coder_of


class Latents(NamedTuple):
    """Latents that the coding passes of a chunk hand to each other.

    slots : the row of `room` of each channel that is a reference
    room : int16, shape (slots, frames, latent size + 1)
    """

    slots: dict[int, int]
    room: np.ndarray


NO_LATENTS = Latents({}, np.zeros((0, 1, 1), np.int16))


class NetworkCoder(Coder):
    """See `Coder`. A network has a long memory, and its lanes do not keep a processor waiting:
    channels are not cut into segments."""

    with_network = True
    finer = FINER

    def __init__(
        self, lowest: int, highest: int, transitions: bytes, encoding: bool, network: Tables
    ) -> None:
        super().__init__(lowest, highest, transitions, encoding, network)
        self.tables_of_network = network

    @property
    def alternative(self) -> Coder:
        return coder_of(LinearHuffman, self.lowest, self.highest, self.transitions, self.encoding)

    def shared(self, headers: Sequence[ChannelHeader], frames: int) -> Latents:
        network = self.tables_of_network.network
        wanted = sorted({r.channel for header in headers for r in header.references})
        if not network.message or not wanted:
            return NO_LATENTS
        slots = {channel: slot for slot, channel in enumerate(wanted)}
        return Latents(slots, np.zeros((len(wanted), frames, network.latent_size + 1), np.int16))

    def start(
        self,
        headers: Sequence[ChannelHeader],
        segments: int = 1,
        channels: Sequence[int] = (),
        shared: Any = None,
    ) -> State:
        lanes = len(headers)
        return State(
            lanes,
            (self._lanes(headers, channels, shared or NO_LATENTS), self.tables_of_network.group()),
        )

    def _lanes(
        self, headers: Sequence[ChannelHeader], channels: Sequence[int], latents: Latents
    ) -> NetworkLanes:
        slots, room = latents
        references = np.zeros((len(headers), 2 + REFERENCE_COLUMNS * MOST_REFERENCES), np.int32)
        references[:, -1] = [slots.get(channel, -1) for channel in channels] or -1
        for row, header in zip(references, headers, strict=True):
            if slots:
                row[0] = len(header.references)
                for i, reference in enumerate(header.references):
                    row[1 + 2 * i : 3 + 2 * i] = slots[reference.channel], reference.correlation
        centres = self.bins.table[[header.scale for header in headers], CENTRE]
        window, residuals = self.tables_of_network.windows(len(headers))
        cells, outputs = self.tables_of_network.recurrent_state(len(headers))
        predictors = np.array([header.predictor for header in headers], np.int32)[:, ::-1]
        return NetworkLanes(
            np.ascontiguousarray(predictors),
            start_scales(centres),
            window, residuals, cells, outputs, references, room,
        )  # fmt: skip

    def arguments(self, codes: np.ndarray, state: State, offsets: np.ndarray) -> tuple[Any, ...]:
        lanes, network = state.groups[:2]
        return (
            *self.coded(codes, state),
            *self.quantizer,
            *self.contexts,
            *lanes,
            offsets,
            *network,
        )
