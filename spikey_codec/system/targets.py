"""Finds out before the work whether its result can be written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat

from .files import PARTIAL, STANDARD

OPEN_FILES = re.compile(r"/dev/(stdout|fd/\d+)|/proc/self/fd/\d+")


def check_file(path: str | os.PathLike[str]) -> None:
    """OSError, as from `files.write`, unless a file can be written there; nothing is changed."""
    path = os.fspath(path)
    if path == STANDARD or OPEN_FILES.fullmatch(path):
        return
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            return  # a pipe or a device; to open it could block
    if not os.path.basename(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    _try(os.path.dirname(os.path.realpath(path)), path)


def check_folder(path: str | os.PathLike[str]) -> None:
    """OSError unless files can be written into this folder, which need not be there yet."""
    path = os.fspath(path)
    there = os.path.abspath(path)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        number = errno.EEXIST if there == os.path.abspath(path) else errno.ENOTDIR
        raise OSError(number, os.strerror(number), path)
    with contextlib.suppress(FileNotFoundError):
        os.stat(path)  # a name that is too long
    _try(there, path)


def _try(folder: str, path: str) -> None:
    """Write an empty file into the folder and remove it; errors are those of `path`."""
    partial = os.path.join(folder, PARTIAL.format(os.urandom(6).hex()))
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(partial)
    except OSError as error:
        error.filename = path
        raise
