"""All lossless codecs that are measured: this one's presets, and the others that are installed.

Each other codec is what a user of int16 recordings would otherwise use. The options trade speed for
size, because only those that come near this codec's sizes are worth knowing.
"""

from __future__ import annotations

import numpy as np

from ... import codec
from ...errors import RecordingError
from ...readers import wav
from ...version import __version__
from . import libraries, programs
from .measure import Library, Program


def ours(preset: str, rate: int) -> Library:
    """This codec with a preset, from a WAV file in memory to a compressed file and back.

    Encoding raises RecordingError where a recording is too long, or has too many channels, for a
    WAV file.
    """

    def encode(samples: np.ndarray) -> bytes:
        try:
            header = wav.plain_header(samples.shape[0], samples.shape[1], rate)
        except ValueError as error:
            raise RecordingError(f"This cannot be measured: {error}.") from error
        return codec.compress(header + samples.tobytes(), preset)

    def decode(packed: bytes, shape: tuple[int, ...]) -> bytes | np.ndarray:
        recording = wav.split(codec.decompress(packed))
        return recording.samples if recording else b""

    return Library(f"spikey {preset}", __version__, encode, decode)


def found() -> tuple[list[Library | Program], list[str]]:
    """All other codecs that are installed, and the names of those that are not."""
    wanted: dict[str, list[Library | Program | None]] = {
        "zlib": [libraries.zlib_6()],
        "bzip2": [libraries.bzip2_9()],
        "xz": [libraries.xz_6()],
        "zstd (pip install zstandard)": [libraries.zstd(3), libraries.zstd(19)],
        "blosc (pip install blosc2)": [libraries.blosc("lz4", 9), libraries.blosc("zstd", 5)],
        "flac (the program)": [programs.flac()],
        "wavpack (the program, with wvunpack)": [programs.wavpack()],
        "pcodec (pip install pcodec)": [libraries.pcodec(8), libraries.pcodec(12)],
    }
    there = [item for codecs in wanted.values() for item in codecs if item is not None]
    return there, [name for name, codecs in wanted.items() if None in codecs]
