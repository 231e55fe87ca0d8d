"""Reads and writes the user's files: a file is written completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator

from ..errors import UsageError
from . import stdio
from .source import FileBytes
from .stop import stoppable

STANDARD = "-"  # stands for standard input or output
PARTIAL = ".spikey-{}.partial"  # name of a file that is being written

# What chmod fails with where all of a file system has the permissions that it was mounted with.
NO_PERMISSIONS = {
    errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL,
    errno.ENOTTY,
}  # fmt: skip

Bytes = bytes | bytearray | memoryview
Check = Callable[[FileBytes | bytes], None]  # raises what is wrong with the bytes


def read(path: str) -> bytes:
    """All bytes of a file, or of standard input for "-"; OSError when it cannot be read."""
    if path == STANDARD:
        return stdio.source().read()
    with open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def opened(path: str) -> Iterator[FileBytes | bytes]:
    """The bytes of a file: read when they are needed, or all at once if it is not a regular file.

    "-" is standard input. OSError when it cannot be read.
    """
    if path == STANDARD or not stat.S_ISREG(os.stat(path).st_mode):
        yield read(path)
        return
    with open(path, "rb") as file:
        yield FileBytes(file)


def write(
    path: str,
    data: Bytes | Iterable[Bytes],
    check: Check | None = None,
) -> None:
    """Write a file, or standard output for "-"; on failure the old file stays as it was.

    data : all of it, or its pieces; an exception from making a piece undoes the writing
    check : called with what was written (as `opened` gives it) before it replaces the target

    The bytes go to a temporary file in the target's folder, which then replaces the target and
    keeps its permissions, as far as the file system can set them. A target that is not a regular
    file (a pipe, a device) is written to directly, once all pieces are there. Raises OSError.
    """
    pieces: Iterable[Bytes] = [data] if isinstance(data, (bytes, bytearray, memoryview)) else data
    if path in (STANDARD, "/dev/stdout"):
        stdio.send(_whole(pieces, check))
        return
    if descriptor := re.fullmatch(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)", path):
        data = _whole(pieces, check)
        with os.fdopen(os.dup(int(descriptor[1] or descriptor[2])), "wb") as file:
            file.write(data)
        return
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
    if mode is not None and not stat.S_ISREG(mode):
        data = _whole(pieces, check)
        with open(path, "wb") as file:
            file.write(data)
        return
    if not os.path.basename(path):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    with stoppable():
        _replace(path, pieces, mode, check)


def _whole(pieces: Iterable[Bytes], check: Check | None) -> bytes:
    """All pieces joined, and checked."""
    data = b"".join(pieces)
    if check:
        check(data)
    return data


def _replace(
    path: str,
    pieces: Iterable[Bytes],
    mode: int | None,
    check: Check | None,
) -> None:
    """Replace the file at `path`, if there is one, by a complete new one."""
    target = os.path.realpath(path)  # what a symbolic link points to, not the link
    # not named after the target, whose name may have the greatest length that is allowed
    partial = os.path.join(os.path.dirname(target), PARTIAL.format(os.urandom(6).hex()))
    try:
        with open(partial, "xb", opener=_as_private_as(mode)) as file:
            for piece in pieces:
                file.write(piece)
        if check:
            with open(partial, "rb") as file:
                check(FileBytes(file))
        if mode is not None:
            _set_permissions(partial, stat.S_IMODE(mode))
        os.replace(partial, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        if isinstance(error, OSError) and error.filename in (None, partial):
            error.filename, error.filename2 = path, None
        raise


def _as_private_as(mode: int | None) -> Callable[[str, int], int]:
    """An opener of new files that fewer may read than may read the file to be replaced."""
    permissions = 0o666 if mode is None else stat.S_IMODE(mode) & 0o777 | stat.S_IWUSR
    return lambda path, flags: os.open(path, flags, permissions)


def _set_permissions(path: str, mode: int) -> None:
    """Set a file's permissions where its file system lets anybody set them."""
    try:
        os.chmod(path, mode)
    except OSError as error:
        if error.errno not in NO_PERMISSIONS:
            raise


def refuse_same(source: str, target: str) -> None:
    """UsageError when both are the same file, whose only copy would be overwritten."""
    if STANDARD in (source, target):
        return
    with contextlib.suppress(OSError):
        if os.path.samefile(source, target) and stat.S_ISREG(os.stat(source).st_mode):
            raise UsageError(f"The input and the output are the same file, {source}.")


def convert(
    source: str,
    target: str,
    function: Callable[[FileBytes | bytes], Bytes | Iterable[Bytes]],
    check: Check | None = None,
) -> None:
    """Write what `function` makes of the source to the target; nothing when it fails.

    function : from what `opened` gives to bytes or pieces of them
    check : as for `write`
    """
    refuse_same(source, target)
    with opened(source) as content:
        write(target, function(content), check)


def sentence(error: BaseException) -> str:
    """One sentence, on one line, for an OSError, a SpikeyError or a MemoryError."""
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename or repr('')}: "
        return printable(f"{where}{error.strerror}.")
    if isinstance(error, MemoryError):
        return "There is not enough memory for a file of this size."
    return printable(str(error))


def printable(text: str) -> str:
    r"""Text that is safe on one line of a terminal or a page: a file name may contain anything.

    >>> printable("a\nb\x1b[2J\udcff")
    'a\\nb\\x1b[2J\\udcff'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
