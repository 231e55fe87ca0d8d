"""Options, arguments and their types that several commands share; errors that name their file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..errors import CorruptError, NotBrainwireError, RecordingError, UsageError, VersionError
from ..system import files


class _Existing(click.Path):
    """A path that has to be there: where it is not, OSError, as from opening it."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        path = super().convert(value, parameter, context)
        os.stat(path)
        return path


ANY_PATH = click.Path(path_type=Path)
EXISTING = _Existing(path_type=Path)

RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=EXISTING)
SOME_RECORDINGS = click.argument("recordings", nargs=-1, type=EXISTING)

PRESET = click.option("--preset", metavar="NAME", help="As for `encode`.")
JOBS = click.option(
    "-j",
    "--jobs",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Number of processes, for recordings of several chunks.",
)

ABOUT_CONTENT = CorruptError, NotBrainwireError, RecordingError, UsageError, VersionError


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Put the name of a file before errors of its content that do not name it yet."""
    try:
        yield
    except ABOUT_CONTENT as error:
        if str(error).startswith(path) or str(error).endswith(f", {path}."):
            raise
        name = "standard input" if path == files.STANDARD else path
        raise type(error)(f"{name}: {error}") from error
