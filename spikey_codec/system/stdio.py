"""Standard input, output and error as they may be: closed, full, broken, unbuffered."""

from __future__ import annotations

import contextlib
import errno
import os
import sys


def source():
    """Standard input for bytes; OSError where the process was started with it closed."""
    return _there(sys.stdin, "standard input").buffer


def send(data) -> None:
    """Write bytes to standard output at once, all of them; OSError where that cannot be done.

    Where PYTHONUNBUFFERED is set, Python's own stream takes of what no longer fits on a disk what
    does, without a word.
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


def _there(stream, name: str):
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)
    return stream


def say(text: str) -> None:
    """Print a result, which has to arrive: OSError as from `send`."""
    encoding = _there(sys.stdout, "standard output").encoding
    send(text.encode(encoding, "backslashreplace") + b"\n")


def complain(line: str) -> None:
    """Print a line on standard error, if there is anybody to read it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def settle() -> OSError | None:
    """Flush standard error and standard output at the end; the error of the latter, if any.

    What they cannot take is dropped: Python would try again, and complain in its own words.
    """
    _settle(sys.stderr)
    return _settle(sys.stdout)


def _settle(stream) -> OSError | None:
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
