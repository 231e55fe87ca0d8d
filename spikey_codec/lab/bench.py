"""Measurements of speed: `spikey bench speed`, `realtime` and `start`.

Every figure is taken beside something to compare with, in the same run, on one core; machines are
noisy, so it is the ratios that count.
"""

from __future__ import annotations

import bz2
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import __version__, chunk, codec, converter, engine, presets, stream, wav
from ..errors import RecordingError
from ..fit.data import find
from . import simulate

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


class Row(NamedTuple):
    """One codec's result: whole compressed size in bytes, and seconds for all samples."""

    name: str
    size: int
    encoding: float
    decoding: float


def _time(job: Callable, inputs: list, rounds: int) -> tuple[list, float]:
    """Outputs of a job for every input, and the median of the rounds' total time."""
    outputs = [job(item) for item in inputs]  # not timed: tables are made, caches are filled
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for item in inputs:
            job(item)
        times.append(time.perf_counter() - begin)
    return outputs, statistics.median(times)


def _row(name: str, inputs: list, encode: Callable, decode: Callable, rounds: int) -> Row:
    packed, encoding = _time(encode, inputs, rounds)
    unpacked, decoding = _time(decode, packed, rounds)
    for given, back in zip(inputs, unpacked):
        if bytes(back) != bytes(given):
            raise AssertionError(f"{name} did not give the samples back")
    return Row(name, sum(map(len, packed)), encoding, decoding)


def _kernel_row(leads: list[np.ndarray], rounds: int, preset: str) -> Row:
    """Prediction, density look-up and bit packing alone; the codes of challenge recordings."""
    mapping, network = converter.Mapping(converter.CHALLENGE), presets.resolve(preset)[1]
    encoder = chunk.coder_for(mapping, True, network)
    decoder = chunk.coder_for(mapping, False, network)
    jobs = [(codes[:, None], [encoder.choose(codes)]) for codes in leads]

    parts, encoding = _time(lambda job: encoder.encode_with(*job, [None]), jobs, rounds)

    def decode(item):
        (codes, _), part = item
        return decoder.decode(memoryview(part), len(codes), 1)

    decoded, decoding = _time(decode, list(zip(jobs, parts)), rounds)
    if not all(np.array_equal(job[0], back) for job, back in zip(jobs, decoded)):
        raise AssertionError("the kernels did not give the codes back")
    return Row(f"spikey {preset}, kernels", sum(map(len, parts)), encoding, decoding)


def _flac_row(name: str, leads: list[np.ndarray]) -> Row:
    """The `flac` program on all samples as one file, so that its start counts once."""
    samples = np.concatenate(leads)
    with tempfile.TemporaryDirectory() as folder:
        plain, packed, back = (Path(folder) / name for name in ("a.wav", "a.flac", "b.wav"))
        plain.write_bytes(wav.plain_header(len(samples), 1, RATE) + samples.tobytes())
        flac = ["flac", "--totally-silent", "--no-padding", "-f"]
        begin = time.perf_counter()
        subprocess.run([*flac, "-8", "-o", packed, plain], check=True)
        middle = time.perf_counter()
        subprocess.run([*flac, "-d", "-o", back, packed], check=True)
        end = time.perf_counter()
        if back.read_bytes() != plain.read_bytes():
            raise AssertionError("flac did not give the samples back")
        return Row(name, packed.stat().st_size, middle - begin, end - middle)


def speed_rows(leads: list[np.ndarray], rounds: int = 5) -> list[Row]:
    """Our kernels, our whole functions, and what else is installed, on the same samples."""
    plain = [wav.plain_header(len(lead), 1, RATE) + lead.tobytes() for lead in leads]
    raw = [lead.tobytes() for lead in leads]
    codes = [converter.to_challenge_codes(lead) for lead in leads]
    if any(lead is None for lead in codes):
        raise RecordingError("The speed of the kernels is measured on challenge recordings.")
    rows = [
        *(_kernel_row(codes, rounds, preset) for preset in presets.names()),
        _row("spikey linear, compress()", plain, codec.compress, codec.decompress, rounds),
        _row("zlib -6", raw, lambda x: zlib.compress(x, 6), zlib.decompress, 1),
        _row("bzip2 -9", raw, lambda x: bz2.compress(x, 9), bz2.decompress, 1),
    ]
    if shutil.which("flac"):
        rows.append(_flac_row("flac -8, a process", leads))
        rows.append(_flac_row("flac -8, given the 10-bit codes", codes))
    try:
        from pcodec import ChunkConfig, standalone
    except ImportError:
        return rows
    for level in (8, 12):
        config = ChunkConfig(compression_level=level)
        rows.append(
            _row(
                f"pcodec {level}, given the 10-bit codes",
                codes,
                lambda x, config=config: standalone.simple_compress(x, config),
                standalone.simple_decompress,
                1,
            )
        )
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
                raise AssertionError("the stream did not give the samples back")
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
    call = f"import sys; from spikey_codec.executables import {name}; sys.exit({name}())"
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
