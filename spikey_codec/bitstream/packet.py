"""Packets of a stream: FORMAT.md, "Streams"."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from ..errors import CorruptError
from .fields import Reader, write_varint

MARKER = b"\xb5\x53"
SYNCHRONISES = 1  # the only flag
MOST_SAMPLES = 1 << 24  # of one packet
LARGEST_BODY = 1 << 27  # bytes: more than MOST_SAMPLES and all channel headers can take
LONGEST_HEAD = len(MARKER) + 1 + 3 * 9 + 2  # marker, flags, three varints, check


class Packet(NamedTuple):
    """A packet that arrived whole.

    synchronises : whether its body begins with a synchronisation point
    first, frames : its frames are [first, first + frames) of the stream
    body : the bytes between head and check
    size : of the whole packet, in bytes
    """

    synchronises: bool
    first: int
    frames: int
    body: bytes | memoryview
    size: int


def write_packet(synchronises: bool, first: int, frames: int, body: bytes) -> bytes:
    """A packet's bytes; `read_packet` is the inverse."""
    head = MARKER + bytes([SYNCHRONISES if synchronises else 0])
    head += b"".join(map(write_varint, (first, frames, len(body))))
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    return head + body + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little")


def read_packet(data: bytes, start: int) -> Packet:
    """The packet whose marker stands at `start`.

    Raises
    ------
    EOFError where it may go on after the data; CorruptError where it is none
    """
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
    return Packet(bool(flags), first, frames, body, reader.position - start)


def find_packet(data: bytes, ended: bool) -> tuple[Packet | None, bytes]:
    """The first whole packet in the data, and what follows it. What precedes it is dropped.

    Where more data is needed: None, and the data from the place where a packet may begin. Once
    nothing more comes (`ended`), a packet that was cut off does not hold up those after it.
    """
    cut = None
    start = data.find(MARKER)
    while start >= 0:
        try:
            packet = read_packet(data, start)
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
