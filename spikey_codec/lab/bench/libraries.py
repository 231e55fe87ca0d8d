"""Other lossless codecs, as far as they are installed, and how one is timed and checked.

Each is what a user of int16 recordings would otherwise reach for, with options that trade speed for
size: those that get within reach of ours are the ones worth knowing.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import __version__, codec
from ..readers import wav
from ..errors import RecordingError, VerifyError

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
    decode: Callable[[bytes, tuple[int, int]], bytes | np.ndarray]


class Program(NamedTuple):
    """A codec that is a command for WAV files, of which it takes many at a time.

    encode, decode : the beginnings of the commands; names of files follow
    packed : the ending of compressed files
    """

    name: str
    version: str
    encode: tuple[str, ...]
    decode: tuple[str, ...]
    packed: str


def timed(job: Callable, inputs: list, rounds: int | None) -> tuple[list, float]:
    """Outputs of a job for every input, and the median in seconds of the rounds' total time.

    None stands for as many rounds, up to MOST_ROUNDS, as can be begun within a second.
    """
    job(inputs[0])  # not timed: tables are made, caches are filled
    times: list[float] = []
    while len(times) < (rounds or MOST_ROUNDS) and (rounds or sum(times) < 1):
        begin = time.perf_counter()
        outputs = [job(item) for item in inputs]
        times.append(time.perf_counter() - begin)
    return outputs, statistics.median(times)


def measure(
    what: Library | Program, recordings: list[np.ndarray], rounds: int | None = 1,
    rate: int = STAND_IN_RATE, name: str | None = None,
) -> Row:
    """Encode and decode all recordings, compare every sample, and say size and time.

    Recordings are int16, C-contiguous, shape (frames, channels); the rate in Hz matters to the
    headers of WAV files alone. Rounds are those of `timed`; a program is started once for all.
    Raises VerifyError where samples do not come back, CalledProcessError where a program fails.
    """
    if isinstance(what, Program):
        size, encoding, decoding = _run(what, recordings, rate)
    else:
        packed, encoding = timed(what.encode, recordings, rounds)
        pairs = list(zip(packed, (samples.shape for samples in recordings)))
        back, decoding = timed(lambda pair: what.decode(*pair), pairs, rounds)
        for given, got in zip(recordings, back):
            _compare(what.name, given, got)
        size = sum(map(len, packed))
    return Row(name or what.name, size, encoding, decoding, what.version)


def _compare(name: str, given: np.ndarray, got) -> None:
    if not isinstance(got, np.ndarray):
        got = np.frombuffer(got, given.dtype)
    if got.size != given.size or not np.array_equal(got.reshape(given.shape), given):
        raise VerifyError(f"{name} did not give the samples back.")


def ours(preset: str, rate: int) -> Library:
    """Our own whole functions with a preset, on WAV files in memory, to be measured the same way.

    RecordingError where a recording is too long, or has too many channels, for a WAV file.
    """

    def encode(samples: np.ndarray) -> bytes:
        try:
            header = wav.plain_header(*samples.shape, rate)
        except ValueError as error:
            raise RecordingError(f"This cannot be measured: {error}.") from error
        return codec.compress(header + samples.tobytes(), preset)

    def decode(packed: bytes, shape: tuple[int, int]) -> np.ndarray:
        return wav.split(codec.decompress(packed)).samples

    return Library(f"spikey {preset}", __version__, encode, decode)


# Programs


def _pieces(samples: np.ndarray) -> list[np.ndarray]:
    """The recording in groups of channels, and in parts, that every program takes."""
    groups = [
        samples[:, first : first + MOST_CHANNELS]
        for first in range(0, samples.shape[1], MOST_CHANNELS)
    ]
    step = LONGEST // (2 * MOST_CHANNELS)
    return [
        group[start : start + step] for group in groups for start in range(0, len(group), step)
    ]


def _run(program: Program, recordings: list[np.ndarray], rate: int) -> tuple[int, float, float]:
    """Bytes, and seconds of encoding and decoding, of all recordings in one go each."""
    rate = rate if 1 <= rate <= HIGHEST_RATE else STAND_IN_RATE
    pieces = [piece for samples in recordings for piece in _pieces(samples)]
    names = [f"{number:06d}" for number in range(len(pieces))]
    plain = [f"{name}.wav" for name in names]
    packed = [name + program.packed for name in names]
    with tempfile.TemporaryDirectory() as folder:
        for name, piece in zip(plain, pieces):
            header = wav.plain_header(*piece.shape, rate)
            Path(folder, name).write_bytes(header + piece.astype("<i2").tobytes())
        encoding = _start(program.encode, plain, folder)
        for name in plain:
            Path(folder, name).unlink()
        decoding = _start(program.decode, packed, folder)
        for name, piece in zip(plain, pieces):
            back = wav.split(Path(folder, name).read_bytes())
            _compare(program.name, piece, back.samples if back else b"")
        return sum(Path(folder, name).stat().st_size for name in packed), encoding, decoding


def _start(command: tuple[str, ...], names: list[str], folder: str) -> float:
    begin = time.perf_counter()
    subprocess.run([*command, *names], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _program_version(name: str) -> str:
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else "?"


def flac() -> Program | None:
    """The `flac` program at its best, None where it is not installed."""
    if not shutil.which("flac"):
        return None
    command = ("flac", "--totally-silent", "-f")
    # lax: high rates; no map: a plain WAV does not say which loudspeaker a channel is for
    how = ("-8", "--no-padding", "--lax", "--channel-map=none")
    return Program("flac -8", _program_version("flac"), (*command, *how), (*command, "-d"), ".flac")


def wavpack() -> Program | None:
    """The `wavpack` program in high quality, None where it or `wvunpack` is not installed."""
    if not (shutil.which("wavpack") and shutil.which("wvunpack")):
        return None
    encode, decode = ("wavpack", "-q", "-y", "-hh"), ("wvunpack", "-q", "-y")
    return Program("wavpack -hh", _program_version("wavpack"), encode, decode, ".wv")


# Libraries


def _bytes_codec(name: str, version: str, encode: Callable, decode: Callable) -> Library:
    """A codec of bytes, which gets the samples as a file has them: channel after channel."""
    return Library(name, version, lambda x: encode(_as_bytes(x)), lambda x, shape: decode(x))


def _as_bytes(samples: np.ndarray) -> memoryview:
    return memoryview(samples.reshape(-1)).cast("B")


def zlib_6() -> Library:
    """zlib as it is by default."""
    return _bytes_codec(
        "zlib -6", zlib.ZLIB_RUNTIME_VERSION, lambda x: zlib.compress(x, 6), zlib.decompress
    )


def bzip2_9() -> Library:
    """bzip2 as it is by default."""
    return _bytes_codec(
        "bzip2 -9", _python_version(), lambda x: bz2.compress(x, 9), bz2.decompress
    )


def xz_6() -> Library:
    """xz as it is by default."""
    return _bytes_codec(
        "xz -6", _python_version(), lambda x: lzma.compress(x, preset=6), lzma.decompress
    )


def _python_version() -> str:
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"  # neither tells its own


def zstd(level: int) -> Library | None:
    """Zstandard by the package zstandard or numcodecs, None without either."""
    name = f"zstd -{level}"
    if package := _module("zstandard"):
        pack, unpack = package.ZstdCompressor(level=level), package.ZstdDecompressor()
        version = ".".join(map(str, package.ZSTD_VERSION))
        return _bytes_codec(name, version, pack.compress, unpack.decompress)
    if package := _module("numcodecs.zstd"):
        zstd_codec = package.Zstd(level=level)
        return _bytes_codec(
            f"{name}, numcodecs", _version("numcodecs"), zstd_codec.encode, zstd_codec.decode
        )
    return None


def blosc(inner: str, level: int) -> Library | None:
    """Blosc with shuffled bits by the package blosc2 or numcodecs, None without either."""
    if package := _module("blosc2"):
        package.set_nthreads(1)
        how = {
            "typesize": 2, "clevel": level, "filter": package.Filter.BITSHUFFLE,
            "codec": package.Codec[inner.upper()],
        }
        return _in_parts(
            f"blosc2 {inner} -{level}, bitshuffle", _version("blosc2"),
            lambda x: package.compress(x, **how), package.decompress,
        )
    if package := _module("numcodecs.blosc"):
        package.use_threads = False
        blosc_codec = package.Blosc(cname=inner, clevel=level, shuffle=package.BITSHUFFLE)

        def encode(part: memoryview) -> bytes:
            return blosc_codec.encode(np.frombuffer(part, "<i2"))  # it takes the size of a number

        return _in_parts(
            f"blosc {inner} -{level}, bitshuffle", _version("numcodecs"), encode,
            blosc_codec.decode,
        )
    return None


def _in_parts(name: str, version: str, encode: Callable, decode: Callable) -> Library:
    """A codec that takes less than 2 GiB at a time; each part is preceded by its length."""

    def pack(samples: np.ndarray) -> bytes:
        data = _as_bytes(samples)
        parts = [
            encode(data[start : start + LONGEST]) for start in range(0, len(data), LONGEST)
        ]
        return b"".join(len(part).to_bytes(8, "little") + part for part in parts)

    def unpack(packed: bytes, shape) -> bytes:
        parts, at = [], 0
        while at < len(packed):
            end = at + 8 + int.from_bytes(packed[at : at + 8], "little")
            parts.append(bytes(decode(packed[at + 8 : end])))
            at = end
        return b"".join(parts)

    return Library(name, version, pack, unpack)


def pcodec(level: int) -> Library | None:
    """Pcodec, which gets one channel after the other; None where it is not installed."""
    package = _module("pcodec")
    if package is None:
        return None
    config = package.ChunkConfig(compression_level=level)
    standalone = importlib.import_module("pcodec.standalone")

    def encode(samples: np.ndarray) -> bytes:
        return standalone.simple_compress(np.ascontiguousarray(samples.T).ravel(), config)

    def decode(packed: bytes, shape: tuple[int, int]) -> np.ndarray:
        return np.asarray(standalone.simple_decompress(packed)).reshape(shape[::-1]).T

    return Library(f"pcodec {level}", _version("pcodec"), encode, decode)


def _module(name: str):
    """A package, or None where it is not installed or does not work here."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "?"


def found() -> tuple[list[Library | Program], list[str]]:
    """All codecs that are installed, and what those that are not are called."""
    wanted: dict[str, list[Library | Program | None]] = {
        "zlib": [zlib_6()],
        "bzip2": [bzip2_9()],
        "xz": [xz_6()],
        "zstd (pip install zstandard)": [zstd(3), zstd(19)],
        "blosc (pip install blosc2)": [blosc("lz4", 9), blosc("zstd", 5)],
        "flac (the program)": [flac()],
        "wavpack (the program, with wvunpack)": [wavpack()],
        "pcodec (pip install pcodec)": [pcodec(8), pcodec(12)],
    }
    there = [item for codecs in wanted.values() for item in codecs if item is not None]
    return there, [name for name, codecs in wanted.items() if None in codecs]
