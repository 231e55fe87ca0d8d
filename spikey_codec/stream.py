"""Many leads, a few samples at a time: packets that can be decoded at once (FORMAT.md, "Streams").

    encoder = StreamEncoder(1024, Calibration.of(first_seconds))
    decoder = StreamDecoder()
    samples = decoder.push(encoder.push(frame))   # the same samples, with no delay

A packet holds the code words of the frames that were pushed and nothing waits for a later one.
Every so often a packet is a synchronisation point: it starts all leads afresh and carries the
calibration, so that a decoder can begin there, or go on after a loss.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import chunk
from .bitstream import header as container
from .quantizer import mapping as converter
from .system import files
from .chunk import ChannelHeader
from .bitstream.header import Reader
from .quantizer.mapping import Mapping
from .errors import CorruptError, RecordingError, SpikeyError, UsageError

MARKER = b"\xb5\x53"
SYNCHRONISES = 1  # the only flag
STREAM_VERSION = 1
SYNC_INTERVAL = container.CHALLENGE_RATE  # frames; one second of the challenge's recordings
MOST_LEADS = 1 << 16
MOST_SAMPLES = 1 << 24  # of one packet
LARGEST_BODY = 1 << 27  # bytes: more than so many samples and leads can take
LONGEST_HEAD = len(MARKER) + 1 + 3 * 9 + 2
# A code of the challenge is 64 = 2^6 of the even codes it becomes when the mapping is given up.
OCTAVES_TO_PLAIN = 6


class Calibration(NamedTuple):
    """What is found out once per implant: each lead's predictor (codebook row) and scale class.

    predictors, scales : lists of int, one of each per lead; scales are rows of the classes of
    the challenge's uneven codes
    """

    predictors: list[int]
    scales: list[int]

    @classmethod
    def of(cls, samples: np.ndarray) -> Calibration:
        """From a few seconds of signal: int16, shape (frames, leads).

        Leads that leave the challenge's map are calibrated to the nearest codes of it. Raises
        UsageError for anything but such an array.
        """
        codes = np.asarray(_checked_frame(samples)) >> 6
        coder = chunk.coder_for(Mapping(converter.CHALLENGE), encoding=True)
        sides = [coder.choose_from_codebook(codes[:, lead]) for lead in range(codes.shape[1])]
        return cls([side.number for side in sides], [side.scale for side in sides])

    @classmethod
    def unknown(cls, leads: int) -> Calibration:
        """For leads of which nothing is known yet: the most common predictor, a middling scale."""
        classes = chunk.coder_for(Mapping(converter.CHALLENGE), encoding=True).classes.table
        return cls([0] * leads, [len(classes) // 2] * leads)

    def is_possible(self) -> bool:
        """Whether there is a predictor and a scale for every lead, and all of them exist."""
        coder = chunk.coder_for(Mapping(converter.CHALLENGE), encoding=True)
        numbers, rows = range(len(coder.codebook)), range(len(coder.classes.table))
        return (
            len(self.predictors) == len(self.scales)
            and all(number in numbers for number in self.predictors)
            and all(row in rows for row in self.scales)
        )

    def save(self, path: str | Path) -> None:
        """Write as JSON; `load` is the inverse."""
        text = json.dumps({"spikey_calibration": STREAM_VERSION, **self._asdict()})
        files.write(str(path), text.encode() + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Raises RecordingError where the file is not a calibration, OSError if it is not there."""
        try:
            content = json.loads(Path(path).read_bytes())
            if content.pop("spikey_calibration") != STREAM_VERSION:
                raise ValueError
            self = cls([*content["predictors"]], [*content["scales"]])
            whole = all(type(number) is int for numbers in self for number in numbers)
            if not (whole and self.is_possible()):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RecordingError(f"{path} is not a calibration of this release.") from error
        return self


def _sides(calibration: Calibration, mapping: Mapping) -> list[ChannelHeader]:
    """ChannelHeader information of all leads."""
    coder = chunk.coder_for(mapping, encoding=True)
    scales = np.array(calibration.scales, np.int64)
    if mapping.kind == converter.PLAIN:
        uneven = chunk.coder_for(Mapping(converter.CHALLENGE), encoding=True).classes
        scales += uneven.first + 4 * OCTAVES_TO_PLAIN - coder.classes.first
        scales = scales.clip(0, len(coder.classes.table) - 1)
    return [
        coder.checked(ChannelHeader(number, None, scale))
        for number, scale in zip(calibration.predictors, scales.tolist())
    ]


def _checked_frame(frame: np.ndarray) -> np.ndarray:
    frame = np.asarray(frame)
    if frame.ndim != 2 or frame.dtype != np.int16:
        raise UsageError(
            "A frame is an int16 array of shape (samples, leads), not "
            f"{frame.dtype} of shape {frame.shape}."
        )
    return np.ascontiguousarray(frame)


class StreamEncoder:
    """Turns frames of samples into packets.

    Parameters
    ----------
    leads : int, 1 to 65536
    calibration : Calibration, optional
        Without one, every lead begins with the most common predictor.
    sync_interval : int
        Frames from one synchronisation point to the next: what a lost packet costs at most.

    Raises UsageError for impossible numbers.
    """

    def __init__(
        self, leads: int, calibration: Calibration | None = None, sync_interval: int = SYNC_INTERVAL
    ):
        if not 1 <= leads <= MOST_LEADS:
            raise UsageError(f"A stream has 1 to {MOST_LEADS} leads, not {leads}.")
        if sync_interval < 1:
            raise UsageError("The interval of synchronisation points is at least one frame.")
        self.leads = leads
        self.sync_interval = sync_interval
        self.position = 0  # frames pushed so far
        self._mapping = Mapping(converter.CHALLENGE)
        self._next_sync = 0
        self._row = 0
        self.refresh(calibration or Calibration.unknown(leads))
        chunk.coder_for(self._mapping, encoding=True).prepare()

    def refresh(self, calibration: Calibration) -> None:
        """Take another calibration from the next synchronisation point on.

        Raises UsageError if it is not one for this number of leads.
        """
        if not calibration.is_possible() or len(calibration.predictors) != self.leads:
            raise UsageError(f"This is not a calibration for {self.leads} leads.")
        self._calibration = calibration

    def push(self, frame: np.ndarray) -> bytes:
        """The packet of a frame: int16, shape (samples, leads), at least one sample.

        Samples outside the challenge's map are coded as plain 16-bit values from then on. Raises
        UsageError for a frame of another shape or type.
        """
        frame = _checked_frame(frame)
        if frame.shape[1] != self.leads or not 0 < frame.size <= MOST_SAMPLES:
            raise UsageError(
                f"A frame of {self.leads} leads and 1 to {MOST_SAMPLES // self.leads} samples is "
                f"expected, not one of shape {frame.shape}."
            )
        codes = frame
        if self._mapping.kind == converter.CHALLENGE:
            codes = converter.to_challenge_codes(frame)
            if codes is None:
                codes, self._mapping, self._next_sync = frame, Mapping(converter.PLAIN), 0
        coder = chunk.coder_for(self._mapping, encoding=True)
        synchronises = self.position >= self._next_sync
        body = b""
        if synchronises:
            self._next_sync = self.position + self.sync_interval
            sides = _sides(self._calibration, self._mapping)
            self._state = coder.lane_state(sides)
            self._row = 0
            body = bytes([STREAM_VERSION, self._mapping.kind])
            body += container.write_varint(self.leads) + b"".join(map(chunk.write_channel_header, sides))
        body += coder.encode_rows(codes.reshape(-1), self._row, self._state)
        packet = _write_packet(synchronises, self.position, len(frame), body)
        self._row += len(frame)
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

    def __init__(self):
        self.position = 0
        self.lost: list[tuple[int, int]] = []
        self.skipped = self.dropped = 0
        self._kept = b""
        self._state = None
        self._leads = 0
        chunk.coder_for(Mapping(converter.CHALLENGE), encoding=False).prepare()

    def push(self, data: bytes) -> np.ndarray:
        """All samples that the bytes received so far can give: int16, shape (samples, leads).

        `data` may hold a packet, several, or a part of one. What is damaged is skipped.
        """
        blocks = [samples for _, samples in self.blocks(data)]
        return np.concatenate(blocks) if blocks else np.empty((0, self._leads), np.int16)

    def blocks(self, data: bytes) -> Iterator[tuple[int, np.ndarray]]:
        """Like `push`, packet by packet: (first frame, samples)."""
        self._kept += bytes(data)
        return self._blocks(ended=False)

    def finish(self) -> Iterator[tuple[int, np.ndarray]]:
        """When nothing more comes: what whole packets there are behind the begin of a cut one.

        Like `blocks`. What is `pending` after it belongs to a packet that was cut off.
        """
        return self._blocks(ended=True)

    def _blocks(self, ended: bool) -> Iterator[tuple[int, np.ndarray]]:
        while True:
            packet, rest = _split_packet(self._kept, ended)
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

    def _decode(self, packet: _Packet) -> np.ndarray | None:
        if packet.first < self.position:  # these frames are decoded or given up
            self.dropped += 1
            return None
        if packet.first > self.position:
            self._lose(self.position, packet.first - self.position)
            self._state = None
        self.position = packet.first + packet.frames
        leads = self._leads
        try:
            body = Reader(packet.body)
            if packet.synchronises:
                self._synchronise(body)
            if self._state is None:
                raise CorruptError("There was no synchronisation point since the last loss.")
            if packet.frames * self._leads > MOST_SAMPLES:
                raise CorruptError("A packet promises too many samples.")
            values = self._coder.decode_rows(
                body.take(body.left), packet.frames * self._leads, self._row, self._state
            )
        except SpikeyError:
            self._state, self._leads = None, leads
            self._lose(packet.first, packet.frames)
            return None
        self._row += packet.frames
        codes = values.reshape(packet.frames, self._leads)
        return converter.to_samples(codes, self._mapping)

    def _synchronise(self, body: Reader) -> None:
        version, kind = body.byte(), body.byte()
        if version != STREAM_VERSION or kind not in (converter.CHALLENGE, converter.PLAIN):
            raise CorruptError("The stream is of another version.")
        leads = body.varint()
        if not 1 <= leads <= MOST_LEADS or self._leads not in (0, leads):
            raise CorruptError("The stream has another number of leads than it can have.")
        self._mapping = Mapping(kind)
        self._coder = chunk.coder_for(self._mapping, encoding=False)
        sides = [self._coder.checked(chunk.read_channel_header(body)) for _ in range(leads)]
        if any(side.number == chunk.CONSTANT or side.references for side in sides):
            raise CorruptError("A lead of a stream cannot be constant or have peers.")
        self._state = self._coder.lane_state(sides)
        self._leads, self._row = leads, 0

    def _lose(self, first: int, frames: int) -> None:
        if self.lost and sum(self.lost[-1]) == first:
            first, frames = self.lost[-1][0], self.lost.pop()[1] + frames
        self.lost.append((first, frames))


class _Packet(NamedTuple):
    synchronises: bool
    first: int
    frames: int
    body: memoryview
    size: int  # of the whole packet, in bytes


def _write_packet(synchronises: bool, first: int, frames: int, body: bytes) -> bytes:
    head = MARKER + bytes([SYNCHRONISES if synchronises else 0])
    head += b"".join(map(container.write_varint, (first, frames, len(body))))
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    return head + body + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little")


def _split_packet(data: bytes, ended: bool) -> tuple[_Packet | None, bytes]:
    """The first whole packet in the data and what follows it; whatever precedes it is dropped.

    None, and the data from where a packet may begin, if more is needed. If there is no more
    (`ended`), one that was cut off does not hold up those behind it.
    """
    cut = None
    start = data.find(MARKER)
    while start >= 0:
        try:
            packet = _packet_at(data, start)
            return packet, data[start + packet.size :]
        except EOFError:
            cut = start if cut is None else cut
            if not ended:
                break
        except CorruptError:
            pass
        start = data.find(MARKER, start + 1)
    if cut is not None:
        return None, data[cut:]
    return None, data[-1:] if data.endswith(MARKER[:1]) else b""


def _packet_at(data: bytes, start: int) -> _Packet:
    """The packet whose marker is there; EOFError if it may go on behind the data, CorruptError."""
    reader = Reader(data, start + len(MARKER))
    try:
        flags = reader.byte()
        first, frames, size = reader.varint(), reader.varint(), reader.varint()
        head = data[start : reader.position]
        check = int.from_bytes(reader.take(2), "little")
    except CorruptError as error:
        if len(data) - start < LONGEST_HEAD:
            raise EOFError from error
        raise
    possible = flags <= SYNCHRONISES and 0 < frames <= MOST_SAMPLES and size <= LARGEST_BODY
    if not possible or check != zlib.crc32(head) & 0xFFFF:
        raise CorruptError("This is not the head of a packet.")
    if reader.left < size + 4:
        raise EOFError
    body = reader.take(size)
    whole = zlib.crc32(body, zlib.crc32(data[start : reader.position - size]))
    if whole != int.from_bytes(reader.take(4), "little"):
        raise CorruptError("The packet has changed.")
    return _Packet(bool(flags), first, frames, body, reader.position - start)
