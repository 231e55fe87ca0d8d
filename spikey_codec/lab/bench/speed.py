"""Measurements of speed: `spikey bench speed`, `realtime` and `start`.

Every figure is taken beside something to compare with, in the same run, on one core; machines are
noisy, so it is the ratios that count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import __version__, chunk, engine, presets, stream
from ..quantizer import mapping as converter
from ..readers import wav
from ..errors import RecordingError, VerifyError
from ..fit.data import find
from . import others, simulate

RATE = simulate.RATE
RAW_BITS = 10  # of one sample, as the implant's converter delivers it
ROOT = Path(__file__).resolve().parents[2]
Write = Callable[[str], None]


def load(paths: list[Path]) -> tuple[list[np.ndarray], str]:
    """Samples of mono challenge recordings, and what they are; synthetic where no paths are given.

    Returns a list of int16 arrays, shape (frames,), and a description for the table's heading.
    """
    if not paths:
        leads = simulate.simulate_codes(24, None, seed=0, thresholds=simulate.shipped_edges())
        return [simulate.codes_to_pcm(lead) for lead in leads], "24 synthetic recordings"
    leads = []
    for file in find(paths):
        recording = wav.split(file.read_bytes())
        if recording is None or not recording.samples.size:
            raise RecordingError(f"{file} is not a recording of 16-bit samples.")
        leads.append(np.ascontiguousarray(recording.samples[:, 0]))
    return leads, f"{len(leads)} recordings"


def use_one_core() -> None:
    """Keep this process, and those it starts, on one core where the system lets us."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _kernel_row(leads: list[np.ndarray], rounds: int, preset: str) -> others.Row:
    """Prediction, density look-up and bit packing alone; the codes of challenge recordings."""
    mapping, network = converter.Mapping(converter.CHALLENGE), presets.resolve(preset)[1]
    encoder = chunk.coder_for(mapping, True, network)
    decoder = chunk.coder_for(mapping, False, network)
    jobs = [(codes[:, None], [encoder.choose(codes)]) for codes in leads]

    parts, encoding = others.timed(lambda job: encoder.encode_with(*job, [None]), jobs, rounds)

    def decode(item):
        (codes, _), part = item
        return decoder.decode(memoryview(part), len(codes), 1)

    decoded, decoding = others.timed(decode, list(zip(jobs, parts)), rounds)
    if not all(np.array_equal(job[0], back) for job, back in zip(jobs, decoded)):
        raise VerifyError("The kernels did not give the codes back.")
    return others.Row(f"spikey {preset}, kernels", sum(map(len, parts)), encoding, decoding)


def speed_rows(leads: list[np.ndarray], rounds: int = 5) -> list[others.Row]:
    """Our kernels, our whole functions, and what else is installed, on the same samples."""
    samples = [np.ascontiguousarray(lead)[:, None] for lead in leads]
    codes = [converter.to_challenge_codes(lead) for lead in leads]
    if any(lead is None for lead in codes):
        raise RecordingError("The speed of the kernels is measured on challenge recordings.")
    rows = [_kernel_row(codes, rounds, preset) for preset in presets.names()]
    ours = others.ours("linear", RATE)
    rows.append(others.measure(ours, samples, rounds, name="spikey linear, compress()"))
    rows += [others.measure(codec, samples) for codec in (others.zlib_6(), others.bzip2_9())]
    codes = [lead[:, None] for lead in codes]
    if flac := others.flac():  # all samples as one file
        for name, given in (("a process", samples), ("given the 10-bit codes", codes)):
            whole, name = [np.concatenate(given)], f"flac -8, {name}"
            rows.append(others.measure(flac, whole, rate=RATE, name=name))
    for level in (8, 12):
        if pcodec := others.pcodec(level):
            name = f"{pcodec.name}, given the 10-bit codes"
            rows.append(others.measure(pcodec, codes, name=name))
    return rows


def speed(paths: list[Path], write: Write) -> None:
    """Print the table of `spikey bench speed`."""
    use_one_core()
    leads, what = load(paths)
    samples = sum(map(len, leads))
    write(f"{what}, {samples} samples, one core; spikey {__version__}, kernels: {engine.name}")
    write(f"{'codec':34}{'ratio':>8}{'encode':>10}{'decode':>10}   million samples per second")
    for row in speed_rows(leads):
        speeds = samples / row.encoding / 1e6, samples / row.decoding / 1e6
        ratio = 2 * samples / row.size
        write(f"{row.name:34}{ratio:8.3f}{speeds[0]:10.2f}{speeds[1]:10.2f}")


def _seconds(leads: list[np.ndarray], count: int, seconds: int) -> Iterator[np.ndarray]:
    """Second after second of `count` leads at a time: int16, shape (RATE, count).

    Recordings are laid end to end and every lead begins at another place of the tape.
    """
    tape = np.concatenate(leads)
    places = (np.arange(count) * (len(tape) // count)) % len(tape)
    for second in range(seconds):
        block = np.empty((RATE, count), np.int16)
        for lead, place in enumerate(places):
            at = (place + second * RATE + np.arange(RATE)) % len(tape)
            block[:, lead] = tape[at]
        yield block


class Realtime(NamedTuple):
    """Result of `realtime_run`: seconds per frame for both directions, and bytes on the wire."""

    encoding: np.ndarray
    decoding: np.ndarray
    size: int


def realtime_run(leads: list[np.ndarray], count: int, frame: int, seconds: int) -> Realtime:
    """Stream `seconds` of `count` leads in frames of `frame` samples; checks every sample."""
    encoder = decoder = None
    times: tuple[list, list] = ([], [])
    size = 0
    for block in _seconds(leads, count, seconds):
        if encoder is None:
            encoder = stream.StreamEncoder(count, stream.Calibration.of(block))
            decoder = stream.StreamDecoder()
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


def realtime(paths: list[Path], leads: int, frame: int, seconds: int, write: Write) -> None:
    """Print the table of `spikey bench realtime`."""
    use_one_core()
    tape, what = load(paths)
    run = realtime_run(tape, leads, frame, seconds)
    write(
        f"{leads} leads at {RATE} Hz from {what}, frames of {frame} samples "
        f"({1000 * frame / RATE:.3f} ms), {seconds} s of signal, one core, kernels: {engine.name}"
    )
    heading = "".join(f"{mark:>9}" for mark in ("median", "99 %", "99.9 %", "longest"))
    write(f"ms per frame{heading}   real-time factor")
    for name, times in (("encoder", run.encoding), ("decoder", run.decoding)):
        marks = [*np.percentile(times, (50, 99, 99.9)), times.max()]
        factor = seconds / times.sum()
        write(f"{name:12}{''.join(f'{1000 * mark:9.3f}' for mark in marks)}{factor:12.2f}")
    wire, raw = 8 * run.size / seconds / 1e6, leads * RATE * RAW_BITS / 1e6
    ratio = raw / wire
    write(f"on the wire: {wire:.1f} of {raw:.1f} Mbit/s raw ({RAW_BITS} bits): 1 to {ratio:.2f}")
    write(f"latency: the {frame} samples of a frame; no look-ahead, nothing is held back")


def _executable(name: str) -> list[str]:
    """The challenge's executable of a source tree, or the same function where there is none."""
    script = ROOT / name
    if script.exists() and (ROOT / ".venv" / "spikey-setup").exists():  # as the script asks
        return [str(script)]
    call = f"import sys; from spikey_codec.cli.challenge import {name}; sys.exit({name}())"
    return [sys.executable, "-I", "-c", call]


def start_ratios(runs: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Median seconds of one ./encode and one ./decode, and their ratio to `import numpy`."""
    lead = simulate.simulate_codes(1, None, seed=3, thresholds=simulate.shipped_edges())[0]
    samples = simulate.codes_to_pcm(lead)
    original, packed, back = (str(folder / name) for name in ("a.wav", "a.brainwire", "b.wav"))
    Path(original).write_bytes(wav.plain_header(len(samples), 1, RATE) + samples.tobytes())
    venv = ROOT / ".venv" / "bin" / "python"
    python = str(venv) if _executable("encode")[0] != sys.executable else sys.executable
    jobs = {
        "import numpy": [python, "-c", "import numpy"],
        "encode": [*_executable("encode"), original, packed],
        "decode": [*_executable("decode"), packed, back],
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(runs + 1):  # the first round fills caches and does not count
        for name, command in jobs.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True)
            if turn:
                times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {name: (value, value / medians["import numpy"]) for name, value in medians.items()}


def start(runs: int, write: Write) -> None:
    """Print the table of `spikey bench start`."""
    with tempfile.TemporaryDirectory() as folder:
        ratios = start_ratios(runs, Path(folder))
    write(f"one process on one 5-second recording, median of {runs} interleaved runs")
    for name, (seconds, ratio) in ratios.items():
        write(f"{name:14}{1000 * seconds:9.1f} ms{ratio:8.2f} times import numpy")
