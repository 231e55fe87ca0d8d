"""FORMAT.md, "Streams": what can be decoded of a stream."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reference.bits import Bits
from reference.channel_header import CONSTANT, REFERENCES, read_channel
from reference.fields import Reader
from reference.lane import Lane
from reference.mapping import Coding, read_mapping
from reference.payload import check_room
from reference.weights import load_weights

MARKER = b"\xb5\x53"
SYNCHRONISES = 1
MOST_FRAMES = 1 << 24
MOST_BYTES = 1 << 27
MOST_LEADS = 1 << 16
MOST_CODES = 1 << 24
CHALLENGE, PLAIN = 0, 1
Frames = list[tuple[int, ...]]


@dataclass(frozen=True)
class Decoded:
    """What came of a stream.

    `blocks` holds the first frame's number and the frames, a tuple of all leads' samples each, of
    every packet that was decoded. `lost` holds the first frame's number and the number of frames
    of every stretch that is in none of them, from frame 0 to the last that a packet was to give.
    """

    blocks: list[tuple[int, Frames]]
    lost: list[tuple[int, int]]


def decode_stream(data: bytes, weights_folder: Path) -> Decoded:
    """What can be decoded of a stream; nothing that is in it raises an error."""
    decoder = Decoder(weights_folder)
    blocks, lost, known = [], [], 0
    for packet in find_packets(data):
        frames = decoder.decode(packet)
        if frames is not None:
            if packet.first > known:
                lost.append((known, packet.first - known))
            known = decoder.position
            blocks.append((packet.first, frames))
    if decoder.position > known:
        lost.append((known, decoder.position - known))
    return Decoded(blocks, lost)


@dataclass(frozen=True)
class Packet:
    """A packet whose checks are right."""

    synchronises: bool
    first: int
    frames: int
    body: bytes


def find_packets(data: bytes) -> Iterator[Packet]:
    """All sound packets in a series of bytes.

    Where a packet turns out to be damaged or cut off its size may be what is wrong, or a part of it
    may be missing, so the next one is looked for from behind its marker on.
    """
    at = data.find(MARKER)
    while at >= 0:
        reader = Reader(data)
        reader.position = at
        try:
            yield read_packet(reader)
            at = data.find(MARKER, reader.position)
        except ValueError:
            at = data.find(MARKER, at + len(MARKER))


def read_packet(reader: Reader) -> Packet:
    """The packet that begins here. Raises ValueError if its head is impossible or a check fails."""
    start = reader.position
    reader.take(len(MARKER))
    flags, first, frames, size = reader.byte(), reader.varint(), reader.varint(), reader.varint()
    head = reader.data[start : reader.position]
    if reader.take(2) != struct.pack("<I", zlib.crc32(head))[:2]:
        raise ValueError("the head has changed")
    if flags & ~SYNCHRONISES or not 1 <= frames <= MOST_FRAMES or size > MOST_BYTES:
        raise ValueError("the head is impossible")
    body = reader.take(size)
    whole = reader.data[start : reader.position]
    if reader.take(4) != struct.pack("<I", zlib.crc32(whole)):
        raise ValueError("the packet has changed")
    return Packet(bool(flags & SYNCHRONISES), first, frames, body)


class Decoder:
    """Lanes that go on from packet to packet; none before a synchronisation point."""

    def __init__(self, weights_folder: Path):
        self.weights = load_weights(Path(weights_folder))
        self.position = 0  # all frames before this one were decoded or are lost
        self.leads: int | None = None
        self.coding: Coding | None = None
        self.lanes: list[Lane] = []

    def decode(self, packet: Packet) -> Frames | None:
        """The packet's frames; None if it is dropped or cannot be decoded."""
        if packet.first < self.position:
            return None
        if packet.first > self.position:
            self.lanes = []
        self.position = packet.first + packet.frames
        try:
            frames = self.frames_of(packet)
        except ValueError:
            self.lanes = []
            return None
        self.leads = len(self.lanes)
        return frames

    def frames_of(self, packet: Packet) -> Frames:
        """The packet's frames. Raises ValueError if it cannot be decoded."""
        body = Reader(packet.body)
        if packet.synchronises:
            self.synchronise(body)
        if not self.lanes:
            raise ValueError("what the packet goes on from is missing")
        codes = packet.frames * len(self.lanes)
        if codes > MOST_CODES:
            raise ValueError("the packet has too many codes")
        payload = body.rest()
        check_room(payload, codes, self.coding)
        bits = Bits(payload)
        frames = [self.next_frame(bits) for _ in range(packet.frames)]
        bits.end()
        return frames

    def next_frame(self, bits: Bits) -> tuple[int, ...]:
        """The samples of the next row."""
        for lane in self.lanes:
            lane.read(bits)
        samples, lowest = self.coding.samples, self.coding.lowest
        return tuple(samples[lane.codes[-1] - lowest] for lane in self.lanes)

    def synchronise(self, body: Reader) -> None:
        """Start all lanes afresh, by the fields of a synchronisation point."""
        if body.byte() != 1:
            raise ValueError("the version of the stream is not 1")
        mapping, leads = body.byte(), body.varint()
        if mapping not in (CHALLENGE, PLAIN):
            raise ValueError(f"mapping {mapping} is reserved")
        if not 1 <= leads <= MOST_LEADS or leads != (self.leads or leads):
            raise ValueError(f"there cannot be {leads} leads")
        self.coding = read_mapping(Reader(b""), mapping, self.weights)
        self.lanes = [self.read_lane(body) for _ in range(leads)]

    def read_lane(self, body: Reader) -> Lane:
        """A lead's lane, by its channel header: a predictor and a scale and nothing else."""
        predictor = body.data[body.position : body.position + 1]
        if predictor in (bytes([REFERENCES]), bytes([CONSTANT])):
            raise ValueError("a lead has reference channels or is constant")
        return Lane(read_channel(body, self.coding), self.coding, 0)
