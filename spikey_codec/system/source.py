"""Bytes that are read where they are wanted: a large file stays on the disk."""

from __future__ import annotations

import errno
import io
from typing import BinaryIO

WINDOW = 1 << 16  # bytes that are read at least, for the many small fields of a header


class FileBytes:
    """The bytes of a file opened for reading that can be sought in: len() and slices.

    The file must have no other user. Slices are bytes; OSError where the file cannot be read or
    has become shorter since it was opened.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self.name = str(getattr(file, "name", "the input"))
        self._size = file.seek(0, io.SEEK_END)
        self._start, self._window = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        if start >= stop:
            return b""
        if stop - start > WINDOW:
            return self._read(start, stop)
        if not self._start <= start <= stop <= self._start + len(self._window):
            self._start = start
            self._window = self._read(start, min(start + WINDOW, self._size))
        return self._window[start - self._start : stop - self._start]

    def _read(self, start: int, stop: int) -> bytes:
        self._file.seek(start)
        data = self._file.read(stop - start)
        if len(data) < stop - start:
            raise OSError(errno.EIO, "It became shorter while it was being read", self.name)
        return data
