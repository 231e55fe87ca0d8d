"""Converts one file of a batch, in a process of its own or on a worker of a cluster."""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from dataclasses import dataclass

from ..codec import compress, decompress
from ..errors import RecordingError, SpikeyError, UsageError, VerifyError
from ..system import files
from ..version import __version__
from .journal import Entry, Stamp
from .names import ENCODE

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


@dataclass(frozen=True)
class Job:
    """One file to convert.

    source, target : absolute paths, since a worker may have another working directory
    direction : ENCODE or DECODE
    preset : name of a preset; "" for DECODE
    known : the target's entry in the journal, if it has one
    force : whether to overwrite an output that is not in the journal
    version : of the package that made the job; a worker must have the same
    """

    source: str
    target: str
    direction: str
    preset: str
    known: Entry | None = None
    force: bool = False
    version: str = __version__


@dataclass(frozen=True)
class Outcome:
    """What became of a job: DONE or SKIPPED with an entry, or FAILED with a sentence."""

    state: str
    entry: Entry | None = None
    why: str = ""


def convert(job: Job) -> Outcome:
    """Do a job completely or not at all; raises nothing, since the outcome says what failed."""
    try:
        if job.version != __version__:
            raise UsageError(f"The worker has version {__version__}, not {job.version}.")
        if job.known is not None and _is_up_to_date(job, job.known):
            return Outcome(SKIPPED, job.known)
        return Outcome(DONE, _convert(job))
    except (SpikeyError, OSError, MemoryError) as error:
        return Outcome(FAILED, why=_about(job.source, error))
    except Exception as error:  # a bug, which must not cost the other files
        why = f"{job.source}: {type(error).__name__}: {error}"
        return Outcome(FAILED, why=files.printable(why))


def _about(source: str, error: BaseException) -> str:
    """One line that names the file, as an OSError does without help."""
    said = files.sentence(error)
    is_named = getattr(error, "filename", None) or source in str(error)
    return said if is_named else f"{files.printable(source)}: {said}"


def _is_up_to_date(job: Job, known: Entry) -> bool:
    """Whether input and output are still what the journal says."""
    if (known.source, known.direction, known.preset) != (job.source, job.direction, job.preset):
        return False
    with contextlib.suppress(OSError):
        if _size_and_time(os.stat(job.source)) != known.of_source[:2]:
            return False
        if _size_and_time(os.stat(job.target)) != known.of_output[:2]:
            return False
        return zlib.crc32(files.read(job.target)) == known.of_output.crc
    return False


def _size_and_time(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _convert(job: Job) -> Entry:
    files.refuse_same(job.source, job.target)
    for path in (job.source, job.target):
        if _may_block(path):
            raise UsageError(f"{path} is not a regular file.")
    data, of_source = _read(job.source)
    if job.direction == ENCODE:
        made = compress(data, job.preset)
        if decompress(made) != data:
            raise VerifyError(
                "The compressed file did not decode to the same bytes; please report this."
            )
    else:
        made = decompress(data)
    if _must_write(job, made):
        files.write(job.target, made)
    of_output = Stamp(*_size_and_time(os.stat(job.target)), zlib.crc32(made))
    output = os.path.basename(job.target)
    return Entry(output, job.source, job.direction, job.preset, of_source, of_output)


def _read(path: str) -> tuple[bytes, Stamp]:
    """Content and stamp of a file; RecordingError if it changes meanwhile."""
    with open(path, "rb") as file:
        before = _size_and_time(os.fstat(file.fileno()))
        data = file.read()
        if _size_and_time(os.fstat(file.fileno())) != before or len(data) != before[0]:
            raise RecordingError("The file changed while it was being read.")
    return data, Stamp(*before, zlib.crc32(data))


def _may_block(path: str) -> bool:
    """Whether it is a pipe or a device, which may block whoever opens it."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(path).st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _must_write(job: Job, made: bytes) -> bool:
    """False if the target already has these bytes; UsageError if it is a foreign file.

    The former is what a run leaves that was killed between an output and its line in the journal.
    A file that the batch made of another input is foreign too.
    """
    is_ours = job.known is not None and job.known.source == job.source
    if is_ours or job.force or not os.path.exists(job.target):
        return True
    if files.read(job.target) == made:
        return False
    origin = f"was made of {job.known.source}" if job.known else "was not written by this batch"
    raise UsageError(f"{job.target} exists and {origin}; --force overwrites it.")
