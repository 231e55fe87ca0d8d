"""`spikey stream`: raw samples <-> packets, by standard input and output."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import CorruptError, RecordingError
from ..system import stdio
from .options import EXISTING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..readers.stream import SampleStream
    from ..stream import StreamDecoder

LONGEST_FILL = 1 << 27  # samples: a longer gap means that a clock was set, not that data was lost

LEADS = click.option(
    "--leads", type=click.IntRange(1), help="Number of channels; a WAV tells its own."
)


@click.group()
def stream() -> None:
    """Code many channels in real time: raw samples <-> packets.

    Samples are interleaved 16-bit integers, little-endian. Samples and packets pass through
    standard input and output. Instead of raw samples the input may be a 16-bit WAV, whose header
    tells the number of channels and is not coded: decoding gives raw samples.
    """


@stream.command()
@LEADS
@click.option(
    "--samples",
    default=78124,
    show_default=True,
    type=click.IntRange(100, 1 << 23),
    help="Number of samples of each channel to use.",
)
@click.argument("path", metavar="OUT.json")
def calibrate(leads: int | None, samples: int, path: str) -> None:
    """Choose the predictors from the first samples.

    Reads raw samples or a 16-bit WAV from standard input, and writes the predictor of each channel
    to OUT.json.
    """
    from ..readers.stream import SampleStream
    from ..stream import Calibration

    frames = _frames(SampleStream(stdio.source(), leads), samples)
    first = next(frames, None)
    if first is None:
        raise RecordingError("There is nothing on standard input to calibrate on.")
    if len(first) < samples:  # the input ended, perhaps in the middle of a frame
        next(frames, None)
    Calibration.of(first).save(path)


@stream.command()
@LEADS
@click.option(
    "--frame",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Samples of each channel in a packet.",
)
@click.option("--calibration", type=EXISTING, help="From `spikey stream calibrate`.")
@click.option(
    "--sync",
    default=19531,
    show_default=True,
    type=click.IntRange(1),
    help="Samples between points where a decoder can start.",
)
def encode(leads: int | None, frame: int, calibration: Path | None, sync: int) -> None:
    """Encode raw samples, or a 16-bit WAV, to packets."""
    from ..readers.stream import SampleStream
    from ..stream import Calibration, StreamEncoder

    known = Calibration.load(calibration) if calibration else None
    source = SampleStream(stdio.source(), leads)
    encoder = StreamEncoder(source.channels, known, sync)
    coded = False
    for samples in _frames(source, frame):
        stdio.send(encoder.push(samples))
        coded = True
    if not coded:
        raise RecordingError("There is nothing on standard input to encode.")


def _frames(source: SampleStream, count: int) -> Iterator[npt.NDArray[np.int16]]:
    """The samples as they come, in arrays of up to `count` frames; shape (frames, channels).

    Raises RecordingError at the end if the last frame is incomplete.
    """
    import numpy as np

    channels = source.channels
    size = 2 * channels
    while data := source.read(size * count):
        whole, left = divmod(len(data), size)
        if whole:
            yield np.frombuffer(data, "<i2", whole * channels).reshape(whole, channels)
        if left:
            raise RecordingError(
                f"The input ended within a frame of {channels} channels; its last {left} bytes "
                "were left out."
            )


@stream.command()
def decode() -> None:
    """Decode packets to raw samples.

    Samples that were lost between packets are written as zeros, so that later samples keep their
    time; this does not apply before the first packet and to gaps of more than 2^27 samples.
    Standard error reports each loss, and the exit status is then 3.
    """
    from ..stream import StreamDecoder

    decoder = StreamDecoder()
    written = None
    source = stdio.source()
    pieces = iter(lambda: source.read1(1 << 20), b"")
    for blocks in itertools.chain(map(decoder.blocks, pieces), [decoder.finish()]):
        for first, samples in blocks:
            gap = first - (first if written is None else written)
            if gap * samples.shape[1] <= LONGEST_FILL:
                stdio.send(bytes(2 * gap * samples.shape[1]))
            stdio.send(samples.astype("<i2", copy=False).tobytes())
            written = first + len(samples)
    _report_losses(decoder)
    if written is None:
        raise CorruptError("There is no packet on standard input.")


def _report_losses(decoder: StreamDecoder) -> None:
    """Say what was lost; CorruptError if the stream was not complete."""
    for first, frames in decoder.lost:
        message = f"spikey: lost {frames} samples of every channel, from sample {first} on."
        click.echo(message, err=True)
    if decoder.pending:
        raise CorruptError("The stream ends within a packet.")
    if decoder.skipped:
        raise CorruptError(f"The stream has {decoder.skipped} bytes that belong to no packet.")
    if decoder.dropped:
        raise CorruptError(
            f"{decoder.dropped} packets were repeated or late and were left out; are there two "
            "streams in one?"
        )
    if decoder.lost:
        raise CorruptError("Some samples were lost.")
