"""Bytes that are read when they are needed: a large file stays on the disk."""

from __future__ import annotations

import errno
import io
from typing import BinaryIO

WINDOW = 1 << 16  # bytes per read at least: a header has many small fields


class FileBytes:
    """The bytes of a seekable file that is open for reading: len() and slices, which are bytes.

    Nothing else may use the file. Raises OSError when the file cannot be read, or has become
    shorter since it was opened.
    """

    def __init__(self, file: BinaryIO) -> None:
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
            raise OSError(errno.EIO, "The file became shorter while it was being read", self.name)
        return data
