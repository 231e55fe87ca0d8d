"""`spikey bench speed`: throughput on one core, compared with other codecs.

Everything is measured in the same run, because machines are noisy: it is the ratios that count.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ... import chunk, engine, presets
from ...constants import CHALLENGE, CHALLENGE_RATE
from ...errors import RecordingError, VerifyError
from ...quantizer.mapping import Mapping, to_challenge_codes
from ...version import __version__
from . import libraries, others, programs
from .measure import Row, measure, timed
from .recordings import load, use_one_core

Write = Callable[[str], None]


def _kernel_row(channels: list[np.ndarray], rounds: int, preset: str) -> Row:
    """Prediction and entropy coding alone, on codes of challenge recordings."""
    resolved, mapping = presets.resolve(preset), Mapping(CHALLENGE)
    encoder = chunk.coder_for(mapping, resolved, encoding=True)
    decoder = chunk.coder_for(mapping, resolved, encoding=False)
    jobs = [(codes[:, None], [chunk.choose(encoder, codes)]) for codes in channels]

    parts, encoding = timed(lambda job: chunk.encode_with(encoder, *job, [None]), jobs, rounds)

    packed = [(memoryview(part), len(codes)) for part, codes in zip(parts, channels, strict=True)]
    decoded, decoding = timed(lambda item: chunk.decode(decoder, *item, 1), packed, rounds)
    if not all(np.array_equal(job[0], back) for job, back in zip(jobs, decoded, strict=False)):
        raise VerifyError("The kernels did not give the codes back.")
    return Row(f"spikey {preset}, kernels", sum(map(len, parts)), encoding, decoding)


def speed_rows(channels: list[np.ndarray], rounds: int = 5) -> list[Row]:
    """This codec's kernels and whole functions, and what else is installed, on the same samples.

    channels : int16, each of shape (frames,); RecordingError unless all are on the challenge's map
    """
    samples = [np.ascontiguousarray(channel)[:, None] for channel in channels]
    codes = [found for channel in channels if (found := to_challenge_codes(channel)) is not None]
    if len(codes) < len(channels):
        raise RecordingError("The speed of the kernels is measured on challenge recordings.")
    rows = [_kernel_row(codes, rounds, preset) for preset in presets.names()]
    ours = others.ours("linear", CHALLENGE_RATE)
    rows.append(measure(ours, samples, rounds, name="spikey linear, compress()"))
    rows += [measure(codec, samples) for codec in (libraries.zlib_6(), libraries.bzip2_9())]
    codes = [channel[:, None] for channel in codes]
    if flac := programs.flac():  # all samples as one file
        for name, given in (("a process", samples), ("given the 10-bit codes", codes)):
            whole, name = [np.concatenate(given)], f"flac -8, {name}"
            rows.append(measure(flac, whole, rate=CHALLENGE_RATE, name=name))
    for level in (8, 12):
        if pcodec := libraries.pcodec(level):
            name = f"{pcodec.name}, given the 10-bit codes"
            rows.append(measure(pcodec, codes, name=name))
    return rows


def run(paths: list[Path], write: Write) -> None:
    """Print the table of `spikey bench speed`."""
    use_one_core()
    channels, what = load(paths)
    samples = sum(map(len, channels))
    write(f"{what}, {samples} samples, one core; spikey {__version__}, kernels: {engine.name}")
    write(f"{'codec':34}{'ratio':>8}{'encode':>10}{'decode':>10}   million samples per second")
    for row in speed_rows(channels):
        speeds = samples / row.encoding / 1e6, samples / row.decoding / 1e6
        ratio = 2 * samples / row.size
        write(f"{row.name:34}{ratio:8.3f}{speeds[0]:10.2f}{speeds[1]:10.2f}")
