"""`spikey topology` and `analyze`: what recordings are like."""

from __future__ import annotations

from pathlib import Path

import click

from ..system import files, stdio
from .options import ANY_PATH, RECORDINGS


@click.command()
@RECORDINGS
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    required=True,
    help='The graph to write, as JSON ("-": standard output).',
)
@click.option(
    "--plot",
    "picture",
    metavar="PICTURE",
    help="Draw the graph as well, as a .png, .svg or .pdf file; needs matplotlib.",
)
@click.option(
    "--measure",
    default="differences",
    show_default=True,
    type=click.Choice(["differences", "raw"]),
    help="Correlate first differences, or raw values (as published; they mostly show drift).",
)
@click.option(
    "--peers",
    "most",
    default=8,
    show_default=True,
    metavar="N",
    type=click.IntRange(1),
    help="The number of peers to keep for each channel.",
)
def topology(
    recordings: tuple[Path, ...], target: str, picture: str | None, measure: str, most: int
) -> None:
    """Find channels that were recorded together and share activity.

    Every channel of every recording is compared with every other.
    """
    from ..lab import topology

    write = stdio.complain if target == files.STANDARD else stdio.say
    topology.run(list(recordings), target, picture, measure, most, write)


@click.command()
@RECORDINGS
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="FOLDER",
    default="report",
    show_default=True,
    type=ANY_PATH,
    help="The folder to write index.html to.",
)
@click.option(
    "--limit",
    default=60,
    show_default=True,
    metavar="N",
    type=click.IntRange(1),
    help="Encode at most N recordings, evenly spread, to measure their compressed size.",
)
def analyze(recordings: tuple[Path, ...], folder: Path, limit: int) -> None:
    """Describe recordings on one HTML page.

    The page shows the signal, the converter, entropies, spikes and outliers. Needs matplotlib and
    scipy.
    """
    from ..lab import analyze

    analyze.run(list(recordings), folder, limit, stdio.say)
