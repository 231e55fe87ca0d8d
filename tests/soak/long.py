"""A recording of many hours, larger than a WAV header can say, in little memory."""

import filecmp
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import spikey_codec
from spikey_codec.bitstream.header import CHALLENGE_RATE
from spikey_codec.system import progress
from strategies import NO_SIZE, chunk, ds64, fmt, riff

from .leads import Leads
from .memory import Measured, measured

ROOT = Path(spikey_codec.__file__).parents[1]
SET_UP = ROOT / ".venv" / "spikey-setup"
BLOCK = 1 << 16  # frames
ROOM = 3.5  # times the recording: itself, two compressed files, one of the restored, and some
FIRST = 60.0  # seconds, at most, of a recording whose memory the long one's is compared with
STEPS = 11  # of a run, to show how far it is
PARTS = 300  # that are read out of the middle
LONGEST_PART = 5000  # frames
MOST_GROWTH = 40  # MB: an index of some thousand chunks, code tables of rare scales


def head(frames: int, channels: int) -> bytes:
    """Up to the first sample of an RF64 file, whose sizes may exceed 4 GiB."""
    size = 2 * frames * channels
    layout = fmt(channels, CHALLENGE_RATE)
    sizes = ds64(size, 4 + len(ds64(0)) + len(layout) + 8 + size)
    unknown = NO_SIZE.to_bytes(4, "little")
    return b"RF64" + unknown + b"WAVE" + sizes + layout + b"data" + unknown


def write_recording(path: Path, frames: int, channels: int, seed: int) -> None:
    """A synthetic recording, block by block."""
    leads = Leads(channels, seed)
    with open(path, "wb") as file:
        file.write(head(frames, channels))
        for start in range(0, frames, BLOCK):
            block = leads.block(BLOCK)[: frames - start]
            file.write(block.astype("<i2", copy=False).tobytes())


def executable(name: str) -> list[str]:
    """./encode or ./decode, or the same function where .venv is not set up."""
    if SET_UP.exists():
        return [str(ROOT / name)]
    call = f"import sys; from spikey_codec.cli.challenge import {name}; sys.exit({name}())"
    return [sys.executable, "-c", call]


def spikey(*arguments: str) -> list[str]:
    """The command `spikey`."""
    return [sys.executable, "-m", "spikey_codec.cli.main", *arguments]


def compare_parts(
    packed: Path, original: Path, channels: int, seed: int, parts: int = PARTS
) -> float:
    """Read random parts of both and compare them; the mean seconds of one of the packed file.

    AssertionError where they differ.
    """
    random = np.random.default_rng([seed, 5])
    seconds = 0.0
    with spikey_codec.open(packed) as found, open(original, "rb") as file:
        frames = len(found)
        start = len(head(frames, channels))
        assert found.shape == (frames, channels) and found.rate == CHALLENGE_RATE
        assert os.path.getsize(original) == start + 2 * frames * channels
        for _ in range(parts):
            first = int(random.integers(frames))
            last = min(first + int(random.integers(1, LONGEST_PART + 1)), frames)
            begin = time.perf_counter()
            part = found[first:last]
            seconds += time.perf_counter() - begin
            file.seek(start + 2 * channels * first)
            data = file.read(2 * channels * (last - first))
            assert part.astype("<i2").tobytes() == data, f"frames {first} to {last} differ"
    return seconds / parts


class Trip:
    """One recording to its compressed files and back; `took` has what each step took."""

    def __init__(self, folder: Path, frames: int, channels: int, seed: int):
        self._paths = {name: folder / name for name in ("a.wav", "a.spk", "b.spk", "back.wav")}
        self.took: dict[str, Measured] = {}
        self.failures: list[str] = []
        self.packed, self.part = 0, 0.0
        write_recording(self._paths["a.wav"], frames, channels, seed)
        self.original = self._paths["a.wav"].stat().st_size
        self._channels, self._seed = channels, seed

    def make(self, line, steps: int, parts: int) -> None:
        """All steps; what differs becomes a failure. RuntimeError where a command fails."""
        wav, one, two, back = map(str, self._paths.values())
        self._run("./encode", [*executable("encode"), wav, one])
        line.advance(steps)
        self._run("spikey encode -j 2", spikey("encode", "-j", "2", wav, two))
        line.advance(steps)
        self._same("a.spk", "b.spk")
        self._run("./decode", [*executable("decode"), one, back])
        line.advance(steps)
        self._same("a.wav", "back.wav")
        self._paths["back.wav"].unlink()
        self._run("spikey decode -j 2", spikey("decode", "-j", "2", two, back))
        line.advance(steps)
        self._same("a.wav", "back.wav")
        self.packed = self._paths["a.spk"].stat().st_size
        try:
            self.part = compare_parts(
                self._paths["a.spk"], self._paths["a.wav"], self._channels, self._seed, parts
            )
        except AssertionError as error:
            self.failures.append(f"parts: {error}")
        line.advance(steps)

    def _run(self, name: str, command: list[str]) -> None:
        self.took[name] = measured(command, PYTHONPATH=str(ROOT))

    def _same(self, *names: str) -> None:
        if not filecmp.cmp(*(self._paths[name] for name in names), shallow=False):
            self.failures.append(f"{names[0]} and {names[1]} differ")


# Other ways to say that there is more than 32 bits can hold; of a file with a hole of zeros

HOLE = 4_500_000_000  # bytes
BEHIND = np.arange(-2000, 2000, dtype="<i2").reshape(1000, 4)  # the hole


def other_heads(size: int) -> dict[str, tuple[bytes, list[str]]]:
    """Name: what stands before so many bytes of samples, and what `spikey encode` is told."""
    channels = BEHIND.shape[1]
    return {
        "size unknown": (riff(fmt(channels), chunk(b"data", b"", NO_SIZE), size=NO_SIZE), []),
        "size modulo 2^32": (riff(fmt(channels), chunk(b"data", b"", size % (1 << 32))), []),
        "raw": (b"", ["--raw", "--channels", str(channels)]),
    }


def try_other_heads(folder: Path, hole: int) -> dict[str, Measured]:
    """Encode a file of each; AssertionError where not all of its samples are found."""
    took = {}
    source, target = folder / "hole", folder / "packed"
    for name, (begin, options) in other_heads(hole + BEHIND.nbytes).items():
        with open(source, "wb") as file:
            file.write(begin)
            file.seek(hole, os.SEEK_CUR)
            file.write(BEHIND.tobytes())
        command = spikey("encode", "-j", "2", *options, str(source), str(target))
        took[name] = measured(command, PYTHONPATH=str(ROOT))
        with spikey_codec.open(target) as found:
            assert found.shape == (hole // 8 + len(BEHIND), BEHIND.shape[1]), name
            assert np.array_equal(found[-len(BEHIND) :], BEHIND), name
    return took


def run(
    folder: Path,
    seconds: float,
    channels: int = 4,
    seed: int = 0,
    most: float = MOST_GROWTH,
    parts: int = PARTS,
    hole: int = HOLE,
) -> dict:
    """Encode and decode so long a recording in every way of the command line; the figures.

    folder : where there is room for it, for the time of the run; SystemExit where there is not
    most : MB that any process may take more than for a beginning of the recording
    parts : how many are read out of the middle; hole : see `try_other_heads`
    """
    frames = round(seconds * CHALLENGE_RATE)
    needed = int(ROOM * 2 * frames * channels)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(f"soak: {needed} bytes are needed in {folder}, of which {free} are free.")
    first = round(min(FIRST, seconds / 5) * CHALLENGE_RATE)
    trips = []
    with progress.shown("step") as line:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            heads = try_other_heads(Path(scratch), hole)
        line.advance(STEPS)
        for number in first, frames:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                trips.append(Trip(Path(scratch), number, channels, seed))
                trips[-1].make(line, STEPS, parts)
    begin, whole = trips
    failures = begin.failures + whole.failures
    most_of_heads = max(taken.megabytes for taken in heads.values())
    if most_of_heads > max(taken.megabytes for taken in begin.took.values()) + most:
        failures.append(f"a file with a hole: {most_of_heads} MB")
    for name, taken in whole.took.items():
        if taken.megabytes - begin.took[name].megabytes > most:
            failures.append(f"{name}: {begin.took[name].megabytes} to {taken.megabytes} MB")
    samples = frames * channels
    return {
        "hours": seconds / 3600,
        "channels": channels,
        "bytes": whole.original,
        "compressed": whole.packed,
        "ratio": round(whole.original / whole.packed, 4),
        **{
            f"{name}: {what}": value
            for name, taken in whole.took.items()
            for what, value in (
                ("seconds", taken.seconds),
                ("seconds of processors", taken.processor),
                ("million samples a second of them", round(samples / taken.processor / 1e6, 1)),
                ("MB at its peak", taken.megabytes),
                (f"MB for the first {first / CHALLENGE_RATE:.4g} s", begin.took[name].megabytes),
            )
        },
        **{
            f"{hole} bytes of zeros, {name}: MB at its peak": taken.megabytes
            for name, taken in heads.items()
        },
        "parts read": parts,
        "ms for a part": round(1000 * whole.part, 1),
        "failures": failures,
    }
