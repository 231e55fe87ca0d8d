"""Options, arguments and their types that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

ANY_PATH = click.Path(path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)

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
