"""How one codec is timed and checked on int16 recordings."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from ...errors import VerifyError
from ...readers import wav

Item = TypeVar("Item")
Output = TypeVar("Output")

MOST_CHANNELS = 8  # of a FLAC file; WavPack and others take more, and gain nothing by it
HIGHEST_RATE = 655350  # Hz, of a FLAC file
STAND_IN_RATE = 48000  # Hz, for recordings of a rate that no sound has
MOST_ROUNDS = 5
LONGEST = 1 << 30  # bytes of samples in one WAV file for a program


class Row(NamedTuple):
    """One codec's result: whole compressed size in bytes, and seconds for all samples."""

    name: str
    size: int
    encoding: float
    decoding: float
    version: str = ""


class Library(NamedTuple):
    """A codec that works in memory.

    encode : from int16 samples, C-contiguous, shape (frames, channels), to bytes
    decode : from those bytes and that shape to the samples again, or to their bytes
    """

    name: str
    version: str
    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes, tuple[int, ...]], bytes | np.ndarray]


class Program(NamedTuple):
    """A codec that is a command, which takes many WAV files at a time.

    encode, decode : the beginnings of the commands; names of files follow
    packed : the ending of compressed files
    """

    name: str
    version: str
    encode: tuple[str, ...]
    decode: tuple[str, ...]
    packed: str


def timed(
    job: Callable[[Item], Output], inputs: Sequence[Item], rounds: int | None
) -> tuple[list[Output], float]:
    """Outputs of a job for every input, and the median in seconds of the rounds' total times.

    rounds : how many; None: up to MOST_ROUNDS, and no new one after a second
    """
    job(inputs[0])  # not timed: it builds tables and fills caches
    times: list[float] = []
    outputs: list[Output] = []
    while len(times) < (rounds or MOST_ROUNDS) and (rounds or sum(times) < 1):
        begin = time.perf_counter()
        outputs = [job(item) for item in inputs]
        times.append(time.perf_counter() - begin)
    return outputs, statistics.median(times)


def measure(
    what: Library | Program,
    recordings: Sequence[np.ndarray],
    rounds: int | None = 1,
    rate: int = STAND_IN_RATE,
    name: str | None = None,
) -> Row:
    """Encode and decode all recordings, compare every sample, and report size and time.

    Parameters
    ----------
    what : the codec
    recordings : int16, C-contiguous, each of shape (frames, channels)
    rounds : as for `timed`; a program is started once for all recordings
    rate : Hz; it matters only to the headers of WAV files
    name : what the row is called; default: the codec's name

    Raises VerifyError where samples do not come back, CalledProcessError where a program fails.
    """
    if isinstance(what, Program):
        size, encoding, decoding = _run(what, recordings, rate)
    else:
        packed, encoding = timed(what.encode, recordings, rounds)
        shaped = list(zip(packed, (samples.shape for samples in recordings), strict=False))
        back, decoding = timed(lambda pair: what.decode(*pair), shaped, rounds)
        for given, got in zip(recordings, back, strict=False):
            _compare(what.name, given, got)
        size = sum(map(len, packed))
    return Row(name or what.name, size, encoding, decoding, what.version)


def _compare(name: str, given: np.ndarray, got: bytes | np.ndarray) -> None:
    if not isinstance(got, np.ndarray):
        got = np.frombuffer(got, given.dtype)
    if got.size != given.size or not np.array_equal(got.reshape(given.shape), given):
        raise VerifyError(f"{name} did not give the samples back.")


def _pieces(samples: np.ndarray) -> list[np.ndarray]:
    """The recording in groups of channels, and in parts, that every program takes."""
    groups = [
        samples[:, first : first + MOST_CHANNELS]
        for first in range(0, samples.shape[1], MOST_CHANNELS)
    ]
    step = LONGEST // (2 * MOST_CHANNELS)
    return [group[start : start + step] for group in groups for start in range(0, len(group), step)]


def _run(program: Program, recordings: Sequence[np.ndarray], rate: int) -> tuple[int, float, float]:
    """Bytes of all recordings, and seconds of encoding and of decoding them in one go."""
    rate = rate if 1 <= rate <= HIGHEST_RATE else STAND_IN_RATE
    pieces = [piece for samples in recordings for piece in _pieces(samples)]
    names = [f"{number:06d}" for number in range(len(pieces))]
    plain = [f"{name}.wav" for name in names]
    packed = [name + program.packed for name in names]
    with tempfile.TemporaryDirectory() as folder:
        for name, piece in zip(plain, pieces, strict=False):
            header = wav.plain_header(piece.shape[0], piece.shape[1], rate)
            Path(folder, name).write_bytes(header + piece.astype("<i2").tobytes())
        encoding = _start(program.encode, plain, folder)
        for name in plain:
            Path(folder, name).unlink()
        decoding = _start(program.decode, packed, folder)
        for name, piece in zip(plain, pieces, strict=False):
            back = wav.split(Path(folder, name).read_bytes())
            _compare(program.name, piece, back.samples if back else b"")
        return sum(Path(folder, name).stat().st_size for name in packed), encoding, decoding


def _start(command: tuple[str, ...], names: list[str], folder: str) -> float:
    """Run a program on files in a folder: seconds."""
    begin = time.perf_counter()
    subprocess.run([*command, *names], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin
