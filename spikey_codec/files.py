"""Reading and writing the user's files: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys

from .errors import UsageError

STANDARD = "-"  # stands for standard input or output


def read(path: str) -> bytes:
    """All bytes of a file, or of standard input for "-"; OSError where it cannot be read."""
    if path == STANDARD:
        return standard_input().read()
    with open(path, "rb") as file:
        return file.read()


def standard_input():
    """Standard input for bytes; OSError where the process was started with it closed."""
    return _open(sys.stdin, "standard input").buffer


def standard_output():
    """Standard output for bytes; OSError where the process was started with it closed."""
    return _open(sys.stdout, "standard output").buffer


def _open(stream, name: str):
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), name)
    return stream


def write(path: str, data: bytes) -> None:
    """Write a file, or standard output for "-", so that it is complete or untouched.

    The bytes go to a temporary file in the same folder, which then takes the target's place; a
    target that is no regular file (a pipe, a device) is written to directly. An existing file's
    permissions are kept. Raises OSError, with the old file as it was.
    """
    if path == STANDARD:
        output = standard_output()
        output.write(data)
        output.flush()
        return
    path = os.path.realpath(path)  # replace what a symbolic link points to, not the link
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            file.write(data)
        return
    # not named after the target, whose name may be as long as a name can be
    partial = os.path.join(os.path.dirname(path), f".spikey-{os.urandom(6).hex()}.partial")
    try:
        with open(partial, "xb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(partial, stat.S_IMODE(mode))
        os.replace(partial, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        if isinstance(error, OSError):
            error.filename, error.filename2 = path, None
        raise


def refuse_same(source: str, target: str) -> None:
    """`UsageError` where both are one file, whose only copy would be overwritten."""
    with contextlib.suppress(OSError):
        if STANDARD not in (source, target) and os.path.samefile(source, target):
            if stat.S_ISREG(os.stat(source).st_mode):
                raise UsageError(f"The input and the output are the same file, {source}.")


def sentence(error: BaseException) -> str:
    """One sentence for a person about an OSError, a SpikeyError or a MemoryError."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}."
    if isinstance(error, MemoryError):
        return "There is not enough memory for a file of this size."
    return str(error)
