"""Many files, several at a time: `spikey batch`. A run that was interrupted goes on where it was.

A file is done when its output has been written and is known to be good: what was encoded has been
decoded again and compared, what was decoded has the checksum of the original. Then, and only then,
a line about it goes into a journal in the output folder. The next run believes such a line where
input and output still have the size and the time of change it tells, and the output its checksum.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from .. import __version__, compress, decompress, presets
from ..system import files, cluster as workers
from ..errors import RecordingError, SpikeyError, UsageError, VerifyError

JOURNAL = "spikey-batch.jsonl"
ENCODE, DECODE = "encode", "decode"
ENDINGS = {ENCODE: (".wav", ".brainwire"), DECODE: (".brainwire", ".wav")}  # of input and output
STALE = 86400  # seconds: a temporary file that old belongs to nobody, not even for verifying
DONE, SKIPPED, FAILED = "done", "skipped", "failed"


class Stamp(NamedTuple):
    """What tells whether a file is still what it was: bytes, time of change, CRC-32 of content."""

    size: int
    mtime_ns: int
    crc: int


class Entry(NamedTuple):
    """A line of the journal: an output, and what it was made from and how."""

    output: str
    source: str
    direction: str
    preset: str
    of_source: Stamp
    of_output: Stamp


class Job(NamedTuple):
    """One file to convert; paths are absolute, since a worker may stand in another folder.

    known : what the journal has about this output, if anything
    force : overwrite an output that the journal knows nothing of
    """

    source: str
    target: str
    direction: str
    preset: str
    known: Entry | None = None
    force: bool = False
    version: str = __version__


class Outcome(NamedTuple):
    """What became of a job: DONE or SKIPPED with an entry, or FAILED with a sentence."""

    state: str
    entry: Entry | None = None
    why: str = ""


class Summary(NamedTuple):
    """Counts of files, and bytes of all inputs and outputs that are done, now or before."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def plus(self, outcome: Outcome) -> Summary:
        """With one more outcome counted in."""
        counted = self._replace(**{outcome.state: getattr(self, outcome.state) + 1})
        if outcome.entry is None:
            return counted
        return counted._replace(
            bytes_in=self.bytes_in + outcome.entry.of_source.size,
            bytes_out=self.bytes_out + outcome.entry.of_output.size,
        )

    def sentence(self, direction: str) -> str:
        """For a person; the ratio is always of plain to compressed bytes."""
        plain, packed = self.bytes_in, self.bytes_out
        if direction == DECODE:
            plain, packed = packed, plain
        ratio = f", ratio {plain / packed:.4f}" if packed else ""
        return (
            f"{self.done} done, {self.skipped} skipped as done before, {self.failed} failed; "
            f"{self.bytes_in} bytes -> {self.bytes_out} bytes{ratio}"
        )


# What is to be done


def find(inputs: Iterable[str | Path], direction: str) -> list[Path]:
    """The files to convert, each once: those given, and those of folders one level deep.

    Names end as the direction asks, in small or capital letters; hidden files of folders are left
    out. A file that is not there is for its job to report. Raises UsageError for a name that does
    not end so, RecordingError where there is nothing to do, OSError for a folder that cannot be
    read.
    """
    ending = ENDINGS[direction][0]
    found: dict[str, Path] = {}
    for path in map(Path, inputs):
        if path.is_dir():
            inside = sorted(
                item for item in path.iterdir()
                if item.suffix.lower() == ending and not item.name.startswith(".")
            )
        elif path.suffix.lower() == ending:
            inside = [path]
        else:
            raise UsageError(f"{path} is neither a folder nor a {ending} file.")
        for item in inside:
            found.setdefault(os.path.abspath(item), item)
    if not found:
        raise RecordingError(f"There is no {ending} file in what was given.")
    return list(found.values())


def plan(
    paths: list[Path], folder: Path, direction: str, preset: str | None = None,
    force: bool = False, known: dict[str, Entry] | None = None,
) -> list[Job]:
    """A job for every path; UsageError where two of them have the same output."""
    preset = (preset or presets.DEFAULT) if direction == ENCODE else ""
    jobs: dict[str, Job] = {}
    for path in paths:
        output = path.stem + ENDINGS[direction][1]
        if output in jobs:
            raise UsageError(
                f"{jobs[output].source} and {path} would have the same output, {output}."
            )
        target = os.path.abspath(folder / output)
        jobs[output] = Job(
            os.path.abspath(path), target, direction, preset, (known or {}).get(output), force
        )
    return list(jobs.values())


# One file, in a process of its own


def convert(job: Job) -> Outcome:
    """Do one job, whole or not at all; whatever goes wrong is in the outcome."""
    try:
        if job.version != __version__:
            raise UsageError(f"The worker has version {__version__}, not {job.version}.")
        if job.known is not None and _still_true(job):
            return Outcome(SKIPPED, job.known)
        return Outcome(DONE, _convert(job))
    except (SpikeyError, OSError, MemoryError) as error:
        return Outcome(FAILED, why=_about(job.source, error))
    except Exception as error:  # a bug, which shall not cost the other files
        why = f"{job.source}: {type(error).__name__}: {error}"
        return Outcome(FAILED, why=files.printable(why))


def _about(source: str, error: BaseException) -> str:
    """One line that names the file, which an OSError does by itself."""
    said = files.sentence(error)
    is_named = getattr(error, "filename", None) or source in str(error)
    return said if is_named else f"{files.printable(source)}: {said}"


def _still_true(job: Job) -> bool:
    known = job.known
    if (known.source, known.direction, known.preset) != (job.source, job.direction, job.preset):
        return False
    with contextlib.suppress(OSError):
        if _times(os.stat(job.source)) != known.of_source[:2]:
            return False
        if _times(os.stat(job.target)) != known.of_output[:2]:
            return False
        return zlib.crc32(files.read(job.target)) == known.of_output.crc
    return False


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _convert(job: Job) -> Entry:
    files.refuse_same(job.source, job.target)
    for path in (job.source, job.target):
        if _is_pipe(path):
            raise UsageError(f"{path} is no regular file.")
    with open(job.source, "rb") as file:
        before = _times(os.fstat(file.fileno()))
        data = file.read()
        if _times(os.fstat(file.fileno())) != before or len(data) != before[0]:
            raise RecordingError("It changed while it was read.")
    if job.direction == ENCODE:
        made = compress(data, job.preset)
        if decompress(made) != data:
            raise VerifyError(
                "What was encoded did not decode to the same bytes; please report this."
            )
    else:
        made = decompress(data)
    if _may_write(job, made):
        files.write(job.target, made)
    return Entry(
        os.path.basename(job.target), job.source, job.direction, job.preset,
        Stamp(*before, zlib.crc32(data)),
        Stamp(*_times(os.stat(job.target)), zlib.crc32(made)),
    )


def _is_pipe(path: str) -> bool:
    """Whether it is a pipe or a device: who opens one may wait for ever."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(path).st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _may_write(job: Job, made: bytes) -> bool:
    """False where just these bytes are there; UsageError where others are that are not ours.

    The first is what a run leaves that was killed between an output and its line in the journal.
    """
    if job.known is not None or job.force or not os.path.exists(job.target):
        return True
    if files.read(job.target) == made:
        return False
    raise UsageError(
        f"{job.target} is there already, is another file and was not made here; --force overwrites."
    )


# The journal


def read_journal(folder: Path) -> dict[str, Entry]:
    """The last entry of every output; lines that are not whole are passed over."""
    entries = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for line in (folder / JOURNAL).read_bytes().splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                *names, of_source, of_output = (json.loads(line)[key] for key in Entry._fields)
                entry = Entry(*names, Stamp(**of_source), Stamp(**of_output))
                entries[entry.output] = entry
    return entries


class _Journal:
    """Appends to the journal, each line in one piece."""

    def __init__(self, folder: Path):
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(folder / JOURNAL, flags, 0o666)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":  # it was killed in a line
            os.write(self._descriptor, b"\n")

    def add(self, entry: Entry) -> None:
        fields = entry._asdict()
        for key in ("of_source", "of_output"):
            fields[key] = fields[key]._asdict()
        os.write(self._descriptor, json.dumps(fields).encode() + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def _sweep(folder: Path) -> None:
    """Remove what writers left that were killed outright."""
    for partial in folder.glob(files.PARTIAL.format("*")):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > STALE:
                partial.unlink()


# All of it


def run(
    direction: str,
    inputs: Iterable[str | Path],
    folder: str | Path,
    preset: str | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    report: Callable[[Outcome, Summary, int], None] = lambda outcome, summary, count: None,
) -> Summary:
    """Convert files into a folder, which is made if need be.

    Parameters
    ----------
    direction : ENCODE or DECODE
    inputs, folder, preset : see `find` and `spikey_codec.compress`
    jobs : how many processes of this machine; as many as there are cores by default
    scheduler : address of a Dask scheduler whose workers shall do it instead
    force : overwrite outputs that are there, differ and are not of the folder's journal
    report : called after each file, with its outcome, the summary so far and the number of files

    Returns
    -------
    The summary; files that failed are counted there. Raises UsageError, RecordingError or OSError
    where nothing can be begun, ConnectionError where the scheduler goes away.
    """
    folder = Path(folder)
    if preset is not None:
        presets.resolve(preset)
    paths = find(inputs, direction)
    plan(paths, folder, direction)  # which refuses clashes before anything is made
    known = read_journal(folder)
    todo = plan(paths, folder, direction, preset, force, known)
    if scheduler is None:
        finished = workers.local(convert, todo, jobs or workers.cores())
    else:
        finished = workers.on_cluster(convert, todo, scheduler)
    summary = Summary()
    with contextlib.closing(finished):
        os.makedirs(folder, exist_ok=True)
        _sweep(folder)
        with contextlib.closing(_Journal(folder)) as journal:
            for item in finished:
                outcome = item.result
                if item.error is not None:
                    why = f"{files.printable(item.job.source)}: {_line(item.error)}"
                    outcome = Outcome(FAILED, why=why)
                if outcome.state == DONE:
                    journal.add(outcome.entry)
                summary = summary.plus(outcome)
                report(outcome, summary, len(todo))
    return summary


def _line(error: BaseException) -> str:
    """What went wrong outside of `convert`, as on a worker that lacks this package."""
    said = " ".join(str(error).split())
    return said if isinstance(error, RuntimeError) else f"{type(error).__name__}: {said}"
