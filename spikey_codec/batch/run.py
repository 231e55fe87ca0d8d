"""Converts many files, several at a time; an interrupted run continues where it stopped.

A file is done when its output is written and verified: what was encoded has been decoded again and
compared, and what was decoded has the checksum of the original. Only then does it get a line in the
journal of the output folder. The next run trusts that line if input and output still have the size
and the modification time that it states, and the output its checksum.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .. import presets
from ..errors import SpikeyError
from ..readers.find import find
from ..system import cluster, files, pool
from .convert import DONE, FAILED, Job, Outcome, convert
from .journal import Entry, Journal, read_journal
from .names import DECODE, ENCODE, ENDINGS, outputs

STALE = 86400  # s: no writer, not even one that verifies, works on a temporary file for so long


@dataclass(frozen=True)
class Summary:
    """Numbers of files, and the bytes of all inputs and outputs that are done, now or before."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def plus(self, outcome: Outcome) -> Summary:
        """The summary with one more outcome."""
        counted = replace(self, **{outcome.state: getattr(self, outcome.state) + 1})
        if outcome.entry is None:
            return counted
        return replace(
            counted,
            bytes_in=self.bytes_in + outcome.entry.of_source.size,
            bytes_out=self.bytes_out + outcome.entry.of_output.size,
        )

    def sentence(self, direction: str) -> str:
        """The summary in words; the ratio is that of original to compressed bytes."""
        original, compressed = self.bytes_in, self.bytes_out
        if direction == DECODE:
            original, compressed = compressed, original
        ratio = f", ratio {original / compressed:.4f}" if compressed else ""
        return (
            f"{self.done} done, {self.skipped} already done, {self.failed} failed; "
            f"{self.bytes_in} bytes -> {self.bytes_out} bytes{ratio}"
        )


Report = Callable[[Outcome, Summary, int], None]


def plan(
    paths: list[Path],
    folder: Path,
    direction: str,
    preset: str | None = None,
    force: bool = False,
    known: dict[str, Entry] | None = None,
) -> list[Job]:
    """A job for every path; UsageError as for `names.outputs`."""
    preset = (preset or presets.DEFAULT) if direction == ENCODE else ""
    jobs = []
    for output, path in outputs(paths, direction).items():
        target = os.path.abspath(folder / output)
        entry = (known or {}).get(output)
        jobs.append(Job(os.path.abspath(path), target, direction, preset, entry, force))
    return jobs


def run(
    direction: str,
    inputs: Iterable[str | Path],
    folder: str | Path,
    preset: str | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
    report: Report = lambda outcome, summary, count: None,
) -> Summary:
    """Convert files into a folder, which is created if necessary.

    Parameters
    ----------
    direction : ENCODE or DECODE
    inputs : files, and folders that are searched one level deep; see `readers.find`
    folder : where the outputs and the journal go
    preset : as for `spikey_codec.compress`
    jobs : number of processes on this machine; by default one per core
    scheduler : address of a Dask scheduler whose workers do it instead
    force : overwrite outputs that exist, differ and are not in the journal
    report : called after each file, with its outcome, the summary so far and the number of files

    Returns
    -------
    The summary, which also counts the files that failed.

    Raises
    ------
    UsageError, RecordingError, OSError when nothing can be started; ConnectionError when the
    scheduler goes away.
    """
    folder = Path(folder)
    if preset is not None:
        presets.resolve(preset)
    paths = find(inputs, ENDINGS[direction], strict=True)
    plan(paths, folder, direction)  # refuses clashes before anything is read
    todo = plan(paths, folder, direction, preset, force, read_journal(folder))
    finished = _finished(todo, jobs, scheduler)
    summary = Summary()
    with contextlib.closing(finished):
        os.makedirs(folder, exist_ok=True)
        _sweep(folder)
        with contextlib.closing(Journal(folder)) as journal:
            for item in finished:
                outcome = _outcome(item)
                if outcome.state == DONE and outcome.entry is not None:
                    journal.add(outcome.entry)
                summary = summary.plus(outcome)
                report(outcome, summary, len(todo))
    return summary


def _finished(
    todo: list[Job], jobs: int | None, scheduler: str | None
) -> Generator[pool.Finished[Job, Outcome], None, None]:
    if scheduler is None:
        return pool.unordered(convert, todo, jobs or pool.cores())
    return cluster.unordered(convert, todo, scheduler)


def _outcome(item: pool.Finished[Job, Outcome]) -> Outcome:
    """The result, or what went wrong outside `convert`, as on a worker without this package."""
    if item.result is not None:
        return item.result
    said = " ".join(str(item.error).split())
    if not isinstance(item.error, SpikeyError):
        said = f"{type(item.error).__name__}: {said}"
    return Outcome(FAILED, why=f"{files.printable(item.item.source)}: {said}")


def _sweep(folder: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    for partial in folder.glob(files.PARTIAL.format("*")):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > STALE:
                partial.unlink()
