"""Standard input, output and error in any state: closed, full, broken, unbuffered."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from io import BufferedReader


def source() -> BufferedReader:
    """Standard input, in bytes; OSError when the process was started with it closed."""
    return cast("BufferedReader", _there(sys.stdin, "standard input").buffer)


def send(data: bytes | memoryview) -> None:
    """Write all of the data to standard output, now; OSError when that fails.

    With PYTHONUNBUFFERED, Python's own stream writes what still fits on a full disk and drops the
    rest without an error, hence the loop.
    """
    try:
        output = _there(sys.stdout, "standard output").buffer
        rest = memoryview(data).cast("B")
        while rest:
            written = output.write(rest)
            if written is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            rest = rest[written:]
        output.flush()
    except OSError as error:
        error.filename = "standard output"
        raise


def _there(stream: TextIO | None, name: str) -> TextIO:
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)
    return stream


def say(text: str) -> None:
    """Print a line of results on standard output; OSError as from `send`."""
    encoding = _there(sys.stdout, "standard output").encoding
    send(text.encode(encoding, "backslashreplace") + b"\n")


def complain(line: str) -> None:
    """Print a line on standard error; if that fails, nobody could be told."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def settle() -> OSError | None:
    """Flush standard error and standard output at the end; return the error of the latter, if any.

    What cannot be written is dropped: Python would try again, and complain in its own words.
    """
    _settle(sys.stderr)
    return _settle(sys.stdout)


def _settle(stream: TextIO | None) -> OSError | None:
    if stream is None or stream.closed:
        return None
    try:
        stream.flush()
    except OSError as error:
        error.filename = "standard output"
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return error
    return None
