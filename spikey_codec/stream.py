"""Many channels, a few samples at a time: packets that can be decoded at once.

    encoder = StreamEncoder(1024, Calibration.of(first_seconds))
    decoder = StreamDecoder()
    samples = decoder.push(encoder.push(frame))   # the same samples, with no delay

A packet holds the codewords of the frames that were pushed, and nothing waits for a later one.
Every so often a packet is a synchronisation point: it starts all channels afresh and carries the
calibration, so that a decoder can begin there, or go on after a loss. FORMAT.md, "Streams".
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from . import chunk
from .bitstream.channel_header import CONSTANT, read_channel_header, write_channel_header
from .bitstream.fields import Reader, write_varint
from .bitstream.packet import MOST_SAMPLES, Packet, find_packet, write_packet
from .calibration import Calibration, checked_frame, coder_of_streams
from .coders.base import Coder, State
from .constants import CHALLENGE, CHALLENGE_RATE, PLAIN
from .errors import CorruptError, SpikeyError, UsageError
from .quantizer.mapping import Mapping, to_challenge_codes, to_samples
from .system.source import byte_view

__all__ = ["Calibration", "StreamDecoder", "StreamEncoder"]

STREAM_VERSION = 1
SYNC_INTERVAL = CHALLENGE_RATE  # frames; one second of the challenge's recordings
MOST_CHANNELS = 1 << 16


class StreamEncoder:
    """Turns frames of samples into packets.

    Parameters
    ----------
    channels : 1 to 65536
    calibration : of these channels
        Without one, every channel begins with the commonest predictor.
    sync_interval : frames from one synchronisation point to the next
        A lost packet costs no more than that.

    Raises
    ------
    UsageError for impossible numbers
    """

    def __init__(
        self,
        channels: int,
        calibration: Calibration | None = None,
        sync_interval: int = SYNC_INTERVAL,
    ) -> None:
        if not 1 <= channels <= MOST_CHANNELS:
            raise UsageError(f"A stream has 1 to {MOST_CHANNELS} channels, not {channels}.")
        if sync_interval < 1:
            raise UsageError("The interval of synchronisation points is at least one frame.")
        self.channels = channels
        self.sync_interval = sync_interval
        self.position = 0  # frames pushed so far
        self._kind = CHALLENGE
        self._next_sync = 0
        self._state: State | None = None
        self.refresh(calibration or Calibration.unknown(channels))
        coder_of_streams(self._kind, encoding=True).prepare()

    @property
    def leads(self) -> int:
        """Deprecated: the number of channels."""
        warnings.warn("leads is now called channels", DeprecationWarning, stacklevel=2)
        return self.channels

    def refresh(self, calibration: Calibration) -> None:
        """Take another calibration from the next synchronisation point on.

        Raises
        ------
        UsageError unless it is one for this number of channels
        """
        if not calibration.is_possible() or len(calibration.predictors) != self.channels:
            raise UsageError(f"This is not a calibration for {self.channels} channels.")
        self._calibration = calibration

    def push(self, frame: np.ndarray) -> bytes:
        """The packet of a frame.

        Parameters
        ----------
        frame : int16, shape (samples > 0, channels)
            From the first sample outside the challenge's map on, samples are coded as plain
            16-bit values.

        Raises
        ------
        UsageError for a frame of another shape or type
        """
        frame = checked_frame(frame)
        if frame.shape[1] != self.channels or not 0 < frame.size <= MOST_SAMPLES:
            raise UsageError(
                f"A frame has {self.channels} channels and 1 to {MOST_SAMPLES // self.channels} "
                f"samples here, and this one has shape {frame.shape}."
            )
        codes = to_challenge_codes(frame) if self._kind == CHALLENGE else frame
        if codes is None:
            codes, self._kind, self._next_sync = frame, PLAIN, 0
        coder = coder_of_streams(self._kind, encoding=True)
        state = self._state if self.position < self._next_sync else None
        synchronises = state is None
        body = b""
        if state is None:
            self._next_sync = self.position + self.sync_interval
            headers = self._calibration.headers(self._kind)
            state = self._state = coder.start(headers)
            body = bytes([STREAM_VERSION, self._kind]) + write_varint(self.channels)
            body += b"".join(map(write_channel_header, headers))
        body += coder.encode(codes.reshape(-1), state)
        packet = write_packet(synchronises, self.position, len(frame), body)
        self.position += len(frame)
        return packet


class StreamDecoder:
    """Turns packets back into samples.

    Attributes
    ----------
    position : int
        The frame after the last one that was decoded or lost.
    lost : list of (first frame, frames)
        What could not be decoded, in order; neighbouring losses are one.
    skipped : int
        Bytes that belong to no whole packet.
    dropped : int
        Packets that came twice or too late. A second stream needs a decoder of its own.
    """

    def __init__(self) -> None:
        self.position = 0
        self.lost: list[tuple[int, int]] = []
        self.skipped = self.dropped = 0
        self._kept = b""
        self._coder: Coder = coder_of_streams(CHALLENGE, encoding=False)
        self._state: State | None = None
        self._kind = CHALLENGE
        self._channels = 0
        self._coder.prepare()

    def push(self, data: bytes) -> np.ndarray:
        """All samples that the bytes received so far can give: int16, shape (samples, channels).

        `data` may hold a packet, several, or a part of one. Damaged packets are skipped.
        """
        blocks = [samples for _, samples in self.blocks(data)]
        return np.concatenate(blocks) if blocks else np.empty((0, self._channels), np.int16)

    def blocks(self, data: bytes) -> Iterator[tuple[int, np.ndarray]]:
        """Like `push`, packet by packet: (first frame, samples)."""
        self._kept += byte_view(data, "A stream")
        return self._blocks(ended=False)

    def finish(self) -> Iterator[tuple[int, np.ndarray]]:
        """Like `blocks`, once nothing more comes: the whole packets after one that was cut off.

        What is `pending` afterwards belongs to a packet that was cut off.
        """
        return self._blocks(ended=True)

    def _blocks(self, ended: bool) -> Iterator[tuple[int, np.ndarray]]:
        while True:
            packet, rest = find_packet(self._kept, ended)
            self.skipped += len(self._kept) - len(rest) - (packet.size if packet else 0)
            self._kept = rest
            if packet is None:
                return
            samples = self._decode(packet)
            if samples is not None:
                yield packet.first, samples

    @property
    def pending(self) -> int:
        """Bytes received that wait for the rest of their packet."""
        return len(self._kept)

    def _decode(self, packet: Packet) -> np.ndarray | None:
        if packet.first < self.position:  # these frames are decoded or given up
            self.dropped += 1
            return None
        if packet.first > self.position:
            self._lose(self.position, packet.first - self.position)
            self._state = None
        self.position = packet.first + packet.frames
        channels = self._channels
        try:
            body = Reader(packet.body)
            if packet.synchronises:
                self._synchronise(body)
            if self._state is None:
                raise CorruptError("There was no synchronisation point since the last loss.")
            if packet.frames * self._channels > MOST_SAMPLES:
                raise CorruptError("A packet promises too many samples.")
            count = packet.frames * self._channels
            codes = self._coder.decode(bytes(body.take(body.left)), count, self._state)
        except SpikeyError:
            self._state, self._channels = None, channels
            self._lose(packet.first, packet.frames)
            return None
        return to_samples(codes.reshape(packet.frames, self._channels), Mapping(self._kind))

    def _synchronise(self, body: Reader) -> None:
        version, kind = body.byte(), body.byte()
        if version != STREAM_VERSION or kind not in (CHALLENGE, PLAIN):
            raise CorruptError("The stream is of another version.")
        channels = body.varint()
        if not 1 <= channels <= MOST_CHANNELS or self._channels not in (0, channels):
            raise CorruptError("The stream has a number of channels that it cannot have.")
        self._kind, self._coder = kind, coder_of_streams(kind, encoding=False)
        headers = [chunk.checked(self._coder, read_channel_header(body)) for _ in range(channels)]
        if any(header.number == CONSTANT or header.references for header in headers):
            raise CorruptError("A channel of a stream cannot be constant or have references.")
        self._state, self._channels = self._coder.start(headers), channels

    def _lose(self, first: int, frames: int) -> None:
        if self.lost and sum(self.lost[-1]) == first:
            first, frames = self.lost[-1][0], self.lost.pop()[1] + frames
        self.lost.append((first, frames))
