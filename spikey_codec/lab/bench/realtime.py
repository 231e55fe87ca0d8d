"""`spikey bench realtime`: time per frame of streaming many channels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ... import engine, stream
from ...constants import CHALLENGE_RATE
from ...errors import VerifyError
from .recordings import load, use_one_core

RAW_BITS = 10  # of one sample, as the implant's converter delivers it
Write = Callable[[str], None]


def _seconds(recordings: list[np.ndarray], count: int, seconds: int) -> Iterator[np.ndarray]:
    """Second after second of `count` channels: int16, shape (CHALLENGE_RATE, count).

    Recordings are laid end to end, and every channel begins at another place of the tape.
    """
    tape = np.concatenate(recordings)
    places = (np.arange(count) * (len(tape) // count)) % len(tape)
    for second in range(seconds):
        block = np.empty((CHALLENGE_RATE, count), np.int16)
        for channel, place in enumerate(places):
            at = (place + second * CHALLENGE_RATE + np.arange(CHALLENGE_RATE)) % len(tape)
            block[:, channel] = tape[at]
        yield block


class Realtime(NamedTuple):
    """Seconds per frame in both directions, float64, shape (frames,), and bytes on the wire."""

    encoding: np.ndarray
    decoding: np.ndarray
    size: int


def realtime_run(recordings: list[np.ndarray], count: int, frame: int, seconds: int) -> Realtime:
    """Stream `seconds` of `count` channels in frames of `frame` samples; checks every sample.

    recordings : int16, each of shape (frames,)
    """
    decoder = stream.StreamDecoder()
    encoder = None
    times: tuple[list[float], list[float]] = ([], [])
    size = 0
    for block in _seconds(recordings, count, seconds):
        if encoder is None:
            encoder = stream.StreamEncoder(count, stream.Calibration.of(block))
        for start in range(0, len(block), frame):
            samples = block[start : start + frame]
            begin = time.perf_counter()
            packet = encoder.push(samples)
            middle = time.perf_counter()
            back = decoder.push(packet)
            end = time.perf_counter()
            if not np.array_equal(back, samples):
                raise VerifyError("The stream did not give the samples back.")
            times[0].append(middle - begin)
            times[1].append(end - middle)
            size += len(packet)
    return Realtime(np.array(times[0]), np.array(times[1]), size)


def run(paths: list[Path], channels: int, frame: int, seconds: int, write: Write) -> None:
    """Print the table of `spikey bench realtime`."""
    use_one_core()
    tape, what = load(paths)
    measured = realtime_run(tape, channels, frame, seconds)
    write(
        f"{channels} leads at {CHALLENGE_RATE} Hz from {what}, frames of {frame} samples "
        f"({1000 * frame / CHALLENGE_RATE:.3f} ms), {seconds} s of signal, one core, "
        f"kernels: {engine.name}"
    )
    heading = "".join(f"{mark:>9}" for mark in ("median", "99 %", "99.9 %", "longest"))
    write(f"ms per frame{heading}   real-time factor")
    for name, times in (("encoder", measured.encoding), ("decoder", measured.decoding)):
        marks = [*np.percentile(times, (50, 99, 99.9)), times.max()]
        factor = seconds / times.sum()
        write(f"{name:12}{''.join(f'{1000 * mark:9.3f}' for mark in marks)}{factor:12.2f}")
    wire, raw = 8 * measured.size / seconds / 1e6, channels * CHALLENGE_RATE * RAW_BITS / 1e6
    ratio = raw / wire
    write(f"on the wire: {wire:.1f} of {raw:.1f} Mbit/s raw ({RAW_BITS} bits): 1 to {ratio:.2f}")
    write(f"latency: the {frame} samples of a frame; no look-ahead, nothing is held back")
