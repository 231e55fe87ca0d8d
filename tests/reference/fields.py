"""FORMAT.md, "Conventions": fields one after the other, out of bytes."""

from __future__ import annotations

import bz2
import struct

MOST_UNPACKED = 1 << 30  # what a test unpacks at most


class Reader:
    """Fields one after the other, out of bytes."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > len(self.data) - self.position:
            raise ValueError("the file ends in the middle of a field")
        self.position += size
        return self.data[self.position - size : self.position]

    def byte(self) -> int:
        """One unsigned byte."""
        return self.take(1)[0]

    def signed8(self) -> int:
        """One byte, signed."""
        return struct.unpack("<b", self.take(1))[0]

    def signed16(self) -> int:
        """Two bytes, signed."""
        return struct.unpack("<h", self.take(2))[0]

    def varint(self) -> int:
        """LEB128, at most nine bytes, not longer than need be."""
        value = 0
        for index in range(9):
            byte = self.byte()
            value |= (byte & 127) << (7 * index)
            if byte < 128:
                if byte == 0 and index > 0:
                    raise ValueError("a varint is longer than it needs to be")
                return value
        raise ValueError("a varint has more than nine bytes")

    def packed(self) -> bytes:
        """Bytes, stored or as a bzip2 stream."""
        method = self.byte()
        size = self.varint()
        if method == 0:
            return self.take(size)
        if method != 1:
            raise ValueError(f"packing method {method} is reserved")
        stream = self.take(self.varint())
        unpacker = bz2.BZ2Decompressor()
        try:
            content = unpacker.decompress(stream, max_length=min(size, MOST_UNPACKED) + 1)
        except OSError as error:
            raise ValueError("a bzip2 stream is damaged") from error
        if not unpacker.eof or unpacker.unused_data or len(content) != size:
            raise ValueError("a bzip2 stream does not unpack to the stated size")
        return content

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.position)

    def end(self) -> None:
        """Refuse anything that is left."""
        if self.position != len(self.data):
            raise ValueError("something stands behind the last field")
