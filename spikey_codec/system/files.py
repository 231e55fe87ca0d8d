"""Reading and writing the user's files: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import stat
import threading
from collections.abc import Callable, Iterable, Iterator

from . import stdio
from ..errors import UsageError
from .source import FileBytes

STANDARD = "-"  # stands for standard input or output
PARTIAL = ".spikey-{}.partial"  # the name of a file that is being written


def read(path: str) -> bytes:
    """All bytes of a file, or of standard input for "-"; OSError where it cannot be read."""
    if path == STANDARD:
        return stdio.source().read()
    with open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def opened(path: str) -> Iterator[FileBytes | bytes]:
    """The bytes of a file, read where they are wanted; all of them at once if it is no plain file.

    "-" is standard input. OSError where it cannot be read.
    """
    if path == STANDARD or not stat.S_ISREG(os.stat(path).st_mode):
        yield read(path)
        return
    with open(path, "rb") as file:
        yield FileBytes(file)


@contextlib.contextmanager
def _stoppable():
    """Let the usual signals to stop raise KeyboardInterrupt, so that what was begun is undone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def stop(number, frame):
        for name in names:  # a second one must not keep the first from undoing
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler or signal.SIG_DFL)


def write(
    path: str, data: bytes | Iterable[bytes], check: Callable[..., None] | None = None
) -> None:
    """Write a file, or standard output for "-", so that it is complete or untouched.

    data : all of it, or piece by piece; what goes wrong in making the pieces undoes the writing
    check : called with what was written (as `opened` gives it) before it takes the target's place
    The bytes go to a temporary file in the same folder, which then takes the target's place; a
    target that is no regular file (a pipe, a device) is written to directly, once all pieces are
    there. An existing file's permissions are kept. Raises OSError, with the old file as it was.
    """
    pieces = [data] if isinstance(data, (bytes, bytearray, memoryview)) else data
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
    with _stoppable():
        _replace(path, pieces, mode, check)


def _whole(pieces: Iterable[bytes], check) -> bytes:
    """All pieces, checked."""
    data = b"".join(pieces)
    if check:
        check(data)
    return data


def _replace(path: str, pieces: Iterable[bytes], mode: int | None, check) -> None:
    """Let a complete new file take the place of the one at `path`, if there is one."""
    target = os.path.realpath(path)  # what a symbolic link points to, not the link
    # not named after the target, whose name may be as long as a name can be
    partial = os.path.join(os.path.dirname(target), PARTIAL.format(os.urandom(6).hex()))
    try:
        with open(partial, "xb") as file:
            for piece in pieces:
                file.write(piece)
        if check:
            with open(partial, "rb") as file:
                check(FileBytes(file))
        if mode is not None:
            os.chmod(partial, stat.S_IMODE(mode))
        os.replace(partial, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        if isinstance(error, OSError) and error.filename in (None, partial):
            error.filename, error.filename2 = path, None
        raise


def refuse_same(source: str, target: str) -> None:
    """`UsageError` where both are one file, whose only copy would be overwritten."""
    with contextlib.suppress(OSError):
        if STANDARD not in (source, target) and os.path.samefile(source, target):
            if stat.S_ISREG(os.stat(source).st_mode):
                raise UsageError(f"The input and the output are the same file, {source}.")


def convert(
    source: str, target: str, function: Callable[..., bytes | Iterable[bytes]], check=None
) -> None:
    """Write what `function` makes of the source to the target; nothing where it fails.

    function : of what `opened` gives, to bytes or pieces of them; check : as for `write`
    """
    refuse_same(source, target)
    with opened(source) as content:
        write(target, function(content), check)


def sentence(error: BaseException) -> str:
    """One sentence, on one line, about an OSError, a SpikeyError or a MemoryError."""
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename or repr('')}: "
        return printable(f"{where}{error.strerror}.")
    if isinstance(error, MemoryError):
        return "There is not enough memory for a file of this size."
    return printable(str(error))


def printable(text: str) -> str:
    r"""Text for one line of a terminal or a page: a file's name may hold anything.

    >>> printable("a\nb\x1b[2J\udcff")
    'a\\nb\\x1b[2J\\udcff'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
