"""`spikey batch`: many files into one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError
from ..system import progress
from .options import PRESET

if TYPE_CHECKING:
    from ..batch.convert import Outcome
    from ..batch.run import Summary

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def batch() -> None:
    """Convert many files; an interrupted run continues.

    INPUTS are files, or folders that are searched one level deep. A journal in the output folder
    (spikey-batch.jsonl) has a line for each file that is converted and verified; such a file is
    not converted again unless its input or output changes. A file that fails does not stop the
    others; the exit status is then 1.
    """


def _options(command: Command) -> Command:
    for option in (
        click.option(
            "--force",
            is_flag=True,
            help="Overwrite files that the batch did not write, or made of other inputs.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Use the workers of a Dask scheduler (tcp://HOST:PORT). They must see the inputs "
            "and the output folder under the same paths as this machine (a shared file system), "
            "and have the same version of this package.",
        ),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Number of processes on this machine.  [default: one per core]",
        ),
        click.option(
            "-o",
            "--output",
            "folder",
            metavar="FOLDER",
            required=True,
            type=click.Path(path_type=Path, file_okay=False),
            help="The folder for the outputs; it is created if necessary.",
        ),
    ):
        command = option(command)
    return click.argument("inputs", nargs=-1, required=True, type=click.Path())(command)


@batch.command()
@_options
@PRESET
def encode(preset: str | None, **options: Any) -> None:
    """Compress every NAME.wav of INPUTS to FOLDER/NAME.brainwire.

    A name with another ending keeps it, as in NAME.WAV.brainwire, so that decoding restores the
    name. Names that differ only in case are refused before anything is written.

    A file counts as done when it has been decoded again and compared.
    """
    _run("encode", preset=preset, **options)


@batch.command()
@_options
def decode(**options: Any) -> None:
    """Restore every NAME.brainwire of INPUTS to FOLDER/NAME.wav.

    NAME.WAV.brainwire is restored to NAME.WAV.
    """
    _run("decode", **options)


def _run(direction: str, jobs: int | None, scheduler: str | None, **options: Any) -> None:
    if jobs is not None and scheduler is not None:
        raise UsageError("-j is for processes on this machine; a scheduler has its own workers.")
    from ..batch import convert, run

    with progress.shown() as line:

        def report(outcome: Outcome, summary: Summary, count: int) -> None:
            if outcome.state == convert.FAILED:
                line.say(f"spikey: {outcome.why}")
            line.advance(count)

        try:
            summary = run.run(direction, jobs=jobs, scheduler=scheduler, report=report, **options)
        except KeyboardInterrupt:
            line.say("spikey: Interrupted; the same command continues from here.")
            click.get_current_context().exit(130)
    click.echo(summary.sentence(direction), err=True)
    if summary.failed:
        click.get_current_context().exit(1)
