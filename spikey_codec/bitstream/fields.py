"""Fields of the bitstream: varints, packed bytes, and the reader that walks through them.

FORMAT.md, "Conventions". Each writer stands next to the reader that inverts it.
"""

from __future__ import annotations

import bz2

from ..errors import CorruptError
from ..readers.base import Source

STORED, BZIP2 = 0, 1  # how packed bytes are kept
MOST_BYTES_OUT_PER_BYTE = 1 << 21  # bzip2 cannot expand more than this; a promise of more is a lie


def write_varint(number: int) -> bytes:
    """LEB128: seven bits a byte, lowest first, the top bit set on all bytes but the last."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class Reader:
    """Walks through bytes; CorruptError where a field would pass the end."""

    def __init__(self, data: Source, position: int = 0) -> None:
        """data : anything with len() and slices of bytes; position : of the first byte to read"""
        self.data = memoryview(data) if isinstance(data, (bytes, bytearray)) else data
        self.position = position

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return len(self.data) - self.position

    def take(self, size: int) -> bytes | memoryview:
        """The next `size` bytes."""
        if size > self.left:
            raise CorruptError("The file is cut short or damaged.")
        self.position += size
        return self.data[self.position - size : self.position]

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def varint(self) -> int:
        """Inverse of `write_varint`; at most 2^63 - 1, and no longer than it need be."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 56:
                raise CorruptError("The file is damaged: a number in it is too long.")
        if shift and not byte:
            raise CorruptError("The file is damaged: a number in it is longer than it need be.")
        return number


def write_packed(data: bytes) -> bytes:
    """Bytes as they are or as bzip2, whichever is shorter; bzip2 is the same on every machine."""
    packed = bz2.compress(data, 9) if len(data) > 64 else data
    if len(packed) < len(data):
        return bytes([BZIP2]) + write_varint(len(data)) + write_varint(len(packed)) + packed
    return bytes([STORED]) + write_varint(len(data)) + data


def read_packed(reader: Reader, most: int | None = None) -> bytes:
    """Inverse of `write_packed`; more than `most` bytes, if given, are refused before unpacking.

    Raises CorruptError.
    """
    method = reader.byte()
    size = reader.varint()
    if most is not None and size > most:
        raise CorruptError("The file is damaged: a packed part of it is larger than it can be.")
    if method == STORED:
        return bytes(reader.take(size))
    if method != BZIP2:
        raise CorruptError("The file is damaged: it names a way of packing that is reserved.")
    packed = reader.take(reader.varint())
    if size > MOST_BYTES_OUT_PER_BYTE * len(packed):
        raise CorruptError("The file is damaged: it promises more than its size can hold.")
    unpacker = bz2.BZ2Decompressor()
    try:
        data = unpacker.decompress(packed, size + 1)
    except (OSError, ValueError) as error:
        raise CorruptError("The file is damaged: a part of it cannot be unpacked.") from error
    if len(data) != size or not unpacker.eof or unpacker.unused_data:
        raise CorruptError("The file is damaged: a packed part of it has not the size it says.")
    return data
