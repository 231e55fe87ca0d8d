"""What a reader finds in a file: where its samples lie. The pipeline restores the rest as it is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

SAMPLE_BYTES = 2  # int16, little-endian

BytesLike = bytes | bytearray | memoryview


class Source(Protocol):
    """Bytes that are read where they are wanted: a bytes-like object, or a file's."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


class Place(NamedTuple):
    """Where the samples of a file lie: `frames` of `channels` from byte `start` on.

    rate : in Hz; 0 where it is not known
    """

    start: int
    frames: int
    channels: int
    rate: int

    @property
    def end(self) -> int:
        """The byte after the last sample."""
        return self.start + SAMPLE_BYTES * self.frames * self.channels
