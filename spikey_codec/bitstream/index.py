"""Where each chunk of a file lies: the index after the chunks. FORMAT.md, "Chunks"."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from ..constants import LARGEST_CHUNK, LONGEST_CHUNK, SHORTEST_CHUNK, USUAL_CHUNK
from ..errors import CorruptError
from ..readers.base import Source
from .fields import Reader, write_varint
from .header import Header

CHECK_BYTES, SIZE_BYTES = 4, 4


def chunk_frames(channels: int) -> int:
    """Frames of every chunk but the last."""
    shortest = min(SHORTEST_CHUNK, LARGEST_CHUNK // channels)
    return max(1, min(LONGEST_CHUNK, max(USUAL_CHUNK // channels, shortest)))


class Extent(NamedTuple):
    """A chunk: its frames [first, first + frames) and its bytes [start, start + size) of a file.

    check : CRC-32 of its bytes; None for an only chunk, which the checksum of the whole file covers
    """

    first: int
    frames: int
    start: int
    size: int
    check: int | None

    def read(self, source: Source) -> memoryview:
        """The chunk's bytes in a file; CorruptError where they do not match the check."""
        part = source[self.start : self.start + self.size]
        if self.check is not None and zlib.crc32(part) != self.check:
            raise CorruptError(
                f"The file is damaged: the part that begins with frame {self.first} has changed."
            )
        return memoryview(part)


class IndexWriter:
    """Notes the chunks of a file as they are written; `read_index` is the inverse."""

    def __init__(self) -> None:
        self._chunks = 0
        self._fields = bytearray()

    def __len__(self) -> int:
        """The number of chunks so far."""
        return self._chunks

    def add(self, part: bytes) -> None:
        """Note the next chunk."""
        self._chunks += 1
        self._fields += write_varint(len(part)) + zlib.crc32(part).to_bytes(CHECK_BYTES, "little")

    def write(self) -> bytes:
        """What follows the chunks, if there are several."""
        fields = self._fields + zlib.crc32(self._fields).to_bytes(CHECK_BYTES, "little")
        return bytes(fields + len(fields).to_bytes(SIZE_BYTES, "little"))


def read_index(header: Header, reader: Reader) -> list[Extent]:
    """The chunks of a file whose reader stands before them; the reader then stands at the end.

    Raises CorruptError where they are not what the header promises.
    """
    begin, source = reader.position, reader.data
    step = chunk_frames(header.channels)
    count = -(-header.frames // step)
    if count == 0:
        return []
    reader.position = len(source)  # nothing is taken: that would read it
    if count == 1:
        return [Extent(0, header.frames, begin, len(source) - begin, None)]
    end = len(source) - SIZE_BYTES
    size = int.from_bytes(source[max(end, begin) :], "little") if end > begin else 0
    if not CHECK_BYTES < size <= end - begin or count > size // (1 + CHECK_BYTES):
        raise CorruptError("The file is cut short or damaged.")
    end -= size
    index = Reader(source[end : end + size])
    fields = index.data[: size - CHECK_BYTES]
    if zlib.crc32(fields).to_bytes(CHECK_BYTES, "little") != bytes(index.data[-CHECK_BYTES:]):
        raise CorruptError("The file is cut short or damaged.")
    extents, start = [], begin
    for first in range(0, header.frames, step):
        length, check = index.varint(), int.from_bytes(index.take(CHECK_BYTES), "little")
        extents.append(Extent(first, min(step, header.frames - first), start, length, check))
        start += length
    if start != end or index.left != CHECK_BYTES:
        raise CorruptError("The file is damaged: its index is not that of its chunks.")
    return extents
