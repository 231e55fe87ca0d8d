"""Bytes that are read when they are needed: a large file stays on the disk."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Self, TypeAlias

from ..errors import UsageError
from . import forks

if TYPE_CHECKING:
    import numpy as np
    from _typeshed import ReadableBuffer

    Buffer: TypeAlias = ReadableBuffer | np.ndarray

WINDOW = 1 << 16  # bytes per read at least: a header has many small fields
BECAME_SHORTER = "The file became shorter while it was being read"
# Modules whose files wrap another one, and the attribute that it is.
WRAPPERS = {"tempfile": "file", "fsspec.implementations.local": "f"}
MOST_AT_ONCE = 1 << 30  # bytes: some systems refuse to read 2 GiB in one call


class Reopened(NamedTuple):
    """What a `FileBytes` travels as to another process: where the file is, and its size."""

    path: str
    size: int


class FileBytes:
    """The bytes of a seekable file that is open for reading: len() and slices, which are bytes.

    Threads and forked children may share it. A file of the system is read by offset, so its
    position does not matter and stays where it is. Of another object with `seek` and `read`, those
    are called under a lock, and nothing else may use it. Either may give fewer bytes at a time than
    are asked for.

    Raises OSError when the file cannot be read or has become shorter since it was opened,
    UsageError when it is open for text.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = str(getattr(file, "name", "the input"))
        self._check()
        size = file.seek(0, io.SEEK_END)
        self._size = file.tell() if size is None else size  # type: ignore[redundant-expr]
        self._window = 0, b""  # where it begins, and what it holds
        self._raw = _raw(file)
        self._path = None
        if self._raw is not None and isinstance(self._raw.name, (str, bytes)):
            self._path = os.path.abspath(os.fsdecode(self._raw.name))
        self.renew()
        forks.renew_in_children(self)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> FileBytes:
        """The bytes of the file at a path, opened here and closed by `close`."""
        try:
            file = open(path, "rb")  # noqa: SIM115 (closed by close)
        except ValueError as error:  # a zero byte
            raise UsageError(f"{path!r} cannot be the name of a file: {error}.") from error
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        if start >= stop:
            return b""
        if stop - start > WINDOW:
            return self.read(start, stop)
        begin, window = self._window  # another thread may change it
        if not begin <= start <= stop <= begin + len(window):
            begin, window = start, self.read(start, min(start + WINDOW, self._size))
            self._window = begin, window
        return window[start - begin : stop - begin]

    def read(self, start: int, stop: int) -> bytes:
        """The bytes [start, stop), which must be there, and no others are read."""
        self._check()
        if self._raw is not None and hasattr(os, "pread"):
            descriptor = self._raw.fileno()
            return self._joined(stop - start, lambda n, done: os.pread(descriptor, n, start + done))
        with self._lock:
            self._file.seek(start)
            return self._joined(stop - start, lambda n, done: self._file.read(n))

    def _joined(self, size: int, read: Callable[[int, int], bytes | None]) -> bytes:
        """All bytes, in the pieces that come; `read` takes how many are left and how many came."""
        pieces: list[bytes] = []
        done = 0
        while done < size:
            piece = read(min(size - done, MOST_AT_ONCE), done)
            if piece is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), self.name)
            if not piece:
                raise OSError(errno.EIO, BECAME_SHORTER, self.name)
            pieces.append(piece)
            done += len(piece)
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def _check(self) -> None:
        """UsageError where nothing can be read."""
        if isinstance(self._file, io.TextIOBase):
            raise UsageError(f"{self.name} is open for text; open it with mode 'rb'.")
        if getattr(self._file, "closed", False):
            raise UsageError(f"{self.name} has been closed.")

    def renew(self) -> None:
        """See `forks.Renewed`."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def reopened(self) -> Reopened:
        """What another process opens it again by; UsageError where no path leads to it."""
        if self._path is None or not self._is_at(self._path):
            raise UsageError(
                "This open file cannot be copied or go to another process, since no path leads to "
                "it; open it there, or give its bytes."
            )
        return Reopened(self._path, self._size)

    def _is_at(self, path: str) -> bool:
        """Whether the path still leads to this file; of a closed one nobody can tell."""
        try:
            if self._raw is None or self._raw.closed:
                return True
            return os.path.samestat(os.fstat(self._raw.fileno()), os.stat(path))
        except OSError:
            return False

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, self.reopened()


def _raw(file: Any) -> io.FileIO | None:
    """The file of the system of which `read` gives just the bytes; None where it is not known.

    The descriptor of a GzipFile, for one, leads to other bytes.
    """
    file = getattr(file, WRAPPERS.get(type(file).__module__, ""), file)
    if type(file) in (io.BufferedReader, io.BufferedRandom):
        file = file.raw
    return file if type(file) is io.FileIO else None


def _reopen(path: str, size: int) -> FileBytes:
    """The inverse of `FileBytes.reopened`; OSError where it is another file by now."""
    found = FileBytes.open(path)
    if len(found) != size:
        found.close()
        raise OSError(errno.EIO, "The file has changed since it was opened", path)
    return found


def byte_view(data: Buffer, use: str, of_array: str = "") -> memoryview:
    """The bytes of a buffer whose items may have any size: shape (bytes,), not copied.

    data : anything that exports a contiguous buffer: bytes, array.array, mmap, NumPy arrays
    use : what is done with it, for the error's sentence
    of_array : what that sentence says to do with an array which is not contiguous

    Raises UsageError for anything else.
    """
    given: Any = data
    try:
        view = memoryview(given)
    except (TypeError, ValueError, BufferError):
        kind = type(data).__name__
        raise UsageError(f"{use} takes bytes or another buffer, not {kind}.") from None
    if "O" in view.format:
        raise UsageError(f"{use} takes bytes, and this buffer holds Python objects.")
    if not view.c_contiguous:
        raise UsageError(f"{use} takes contiguous bytes, and these have gaps{of_array}.")
    if view.ndim == 1 and view.format == "B":
        return view
    try:
        return view.cast("B")
    except (TypeError, ValueError, NotImplementedError):  # no cast from other formats, or of none
        return memoryview(view.tobytes())


def source_of(source: Any, use: str) -> tuple[FileBytes | memoryview, bool]:
    """Where to read from, and whether it was opened here and is to be closed.

    source : a path, a file opened for reading bytes, `FileBytes`, `Reopened`, or a buffer
    use : as for `byte_view`

    Raises UsageError for anything else; OSError of the file.
    """
    if isinstance(source, (str, os.PathLike)):
        return FileBytes.open(source), True
    if isinstance(source, Reopened):
        return _reopen(*source), True
    if isinstance(source, FileBytes):
        return source, False
    try:
        memoryview(source)  # before its methods: an mmap has `read` too
    except (TypeError, ValueError, BufferError):
        if hasattr(source, "read") and hasattr(source, "seek"):
            return FileBytes(source), False
        kind = type(source).__name__
        raise UsageError(
            f"{use} takes a path, a file opened for reading bytes, or bytes, not {kind}."
        ) from None
    return byte_view(source, use), False


class Opened:
    """What reads from a source, see `source_of`: it closes what it opened, and can be pickled.

    A pickle has the path of a file, or the bytes. A subclass takes it as its only argument.
    """

    def __init__(self, source: Any, use: str) -> None:
        self._source, self._opened = source_of(source, use)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._opened and isinstance(self._source, FileBytes):
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        source = self._source
        return type(self), (source.reopened() if isinstance(source, FileBytes) else bytes(source),)
