"""`spikey bench`: measurements of speed and size."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..system import stdio
from .options import RECORDINGS, SOME_RECORDINGS


@click.group()
def bench() -> None:
    """Measure speed and size, and count operations."""


@bench.command()
@SOME_RECORDINGS
def speed(recordings: tuple[Path, ...]) -> None:
    """Compare the throughput on one core with other codecs.

    Without RECORDINGS, synthetic ones are used.
    """
    from ..lab.bench import speed as measured

    measured.run(list(recordings), stdio.say)


@bench.command()
@RECORDINGS
@click.option(
    "--raw",
    is_flag=True,
    help="The files are interleaved 16-bit integers, little-endian, without a header.",
)
@click.option("--channels", type=click.IntRange(1), metavar="N", help="Of raw files.")
@click.option("--rate", type=click.IntRange(1), metavar="HZ", help="Of raw files.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Use only the first S seconds of each file.",
)
@click.option(
    "--plot",
    "picture",
    metavar="PICTURE",
    help="Draw the result as well, as a .png, .svg or .pdf file; needs matplotlib.",
)
def codecs(
    recordings: tuple[Path, ...],
    raw: bool,
    channels: int | None,
    rate: int | None,
    seconds: float | None,
    picture: str | None,
) -> None:
    """Compare size and speed with other codecs, on any recordings.

    RECORDINGS are 16-bit WAV files of any number of channels, or folders of them. The other codecs
    are zlib, bzip2, xz, zstd, Blosc, FLAC, WavPack and pcodec, where installed. All use one core,
    and every result is decoded and compared.
    """
    from ..lab.bench import codecs

    def report(name: str) -> None:
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(f"{name} ...", err=True)

    codecs.run(list(recordings), raw, channels, rate, seconds, picture, stdio.say, report)


@bench.command()
@SOME_RECORDINGS
@click.option(
    "--leads", default=1024, show_default=True, type=click.IntRange(1), help="Number of channels."
)
@click.option(
    "--frame",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Samples of each channel in a packet.",
)
@click.option(
    "--seconds",
    default=10,
    show_default=True,
    type=click.IntRange(1),
    help="Duration of the signal.",
)
def realtime(recordings: tuple[Path, ...], leads: int, frame: int, seconds: int) -> None:
    """Measure the time per packet of a stream of many channels."""
    from ..lab.bench import realtime as measured

    measured.run(list(recordings), leads, frame, seconds, stdio.say)


@bench.command()
@click.option(
    "--runs",
    default=15,
    show_default=True,
    type=click.IntRange(1),
    help="Number of times each process is started.",
)
def start(runs: int) -> None:
    """Measure whole processes of ./encode and ./decode.

    `import numpy` is measured for comparison.
    """
    from ..lab.bench import start as measured

    measured.run(runs, stdio.say)


@bench.command()
@RECORDINGS
@click.option(
    "--keep-out",
    default=5,
    show_default=True,
    metavar="N",
    type=click.IntRange(0),
    help="Measure every N-th group of simultaneous channels, which `fit` and `train` hold out; "
    "0: all.",
)
@click.option("--limit", type=click.IntRange(1), help="Measure at most this many recordings.")
def ablation(recordings: tuple[Path, ...], keep_out: int, limit: int | None) -> None:
    """Measure what each step of the design gains.

    Prints a table in Markdown, which starts from last value + Rice.
    """
    from ..lab.bench import ablation

    ablation.run(list(recordings), keep_out, limit, stdio.say)


@bench.command()
def power() -> None:
    """Count operations and estimate power, against 10 mW."""
    from ..lab.bench import power

    stdio.say(power.report())
