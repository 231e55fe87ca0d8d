"""What each step of modelling is worth, and real files, in bits per sample."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from ... import codec, presets
from ...constants import CHALLENGE, CHALLENGE_RATE
from ...errors import RecordingError
from ...events.spikes import evenly_spread
from ...quantizer.detect import to_codes
from ...readers import wav
from .entropies import MODELS, NONUNIFORM, model_bits
from .recordings import KINDS, SHORTEST, Channel, File

MOST_CODED = 1 << 20  # samples of all channels; of larger files only the beginning is coded
PRESETS = ("linear", "spikey")  # whose files are measured


class Step(NamedTuple):
    """One way to describe the samples and what it takes, in bits per sample."""

    name: str
    bits: float
    real: bool  # a file's size, not an entropy or ideal code length


class Coding(NamedTuple):
    """Bits per sample at each step, over the recordings that were coded."""

    files: int
    channels: int
    samples: int
    shortened: int  # files of which only the beginning was coded
    steps: dict[str, list[Step]]  # by kind of converter; "all" alone where there is one kind


def coding(found: list[File], limit: int) -> Coding:
    """Entropies and real sizes of up to `limit` recordings, evenly spread, in bits per sample."""
    usable = [file for file in found if file.frames >= SHORTEST]
    chosen = [usable[n] for n in evenly_spread(len(usable), max(limit, 1))]
    shipped = [name for name in PRESETS if name in presets.names()]
    bits: dict[str, np.ndarray] = {}
    samples: Counter[str] = Counter()
    shortened = 0
    for file in chosen:
        data, part = _beginning(file)
        shortened += len(part) < file.frames
        sizes = [8.0 * len(codec.compress(data, name)) for name in shipped]
        row = np.array([16.0 * part.size, *_all_models(file, part), *sizes])
        bits[file.kind] = bits.get(file.kind, np.zeros(len(row))) + row
        samples[file.kind] += part.size
    channels = sum(file.channels for file in chosen)
    steps = _steps(bits, samples, shipped)
    return Coding(len(chosen), channels, sum(samples.values()), shortened, steps)


def _beginning(file: File) -> tuple[bytes, np.ndarray]:
    """As much of a recording as is coded: a WAV file, and its samples, shape (frames, channels)."""
    data = file.path.read_bytes()
    recording = wav.split(data)
    if recording is None or recording.samples.shape != (file.frames, file.channels):
        raise RecordingError(f"{file.path} has changed while it was analysed.")
    part = recording.samples[: max(MOST_CODED // file.channels, SHORTEST)]
    if len(part) < file.frames:
        # Any rate does; the file's own may be more than a plain header holds.
        data = wav.plain_header(len(part), file.channels, CHALLENGE_RATE) + part.tobytes()
    return data, part


def _all_models(file: File, part: np.ndarray) -> np.ndarray:
    """Bits of all channels by each of `MODELS`."""
    codes, mapping = to_codes(part)
    total = np.zeros(len(MODELS))
    for number in range(file.channels):
        own = np.ascontiguousarray(codes[:, number], np.int16)
        total += model_bits(Channel("", 0, number, file.rate, mapping, part[:, number], own))
    return total


def _steps(
    bits: dict[str, np.ndarray], samples: Counter[str], shipped: list[str]
) -> dict[str, list[Step]]:
    """Bits and samples by kind, made into bits per sample by kind and over all."""
    names = ("the file's 16 bits", *MODELS, *(f"file, preset {name}" for name in shipped))
    total = np.sum(list(bits.values()), axis=0)
    means: dict[str, np.ndarray] = {"all": total / sum(samples.values())}
    if len(bits) > 1:
        means |= {kind: bits[kind] / samples[kind] for kind in KINDS if kind in bits}
    left_out = () if KINDS[CHALLENGE] in bits else (NONUNIFORM,)
    return {
        kind: [
            Step(name, float(value), n >= len(names) - len(shipped))
            for n, (name, value) in enumerate(zip(names, values, strict=False))
            if name not in left_out
        ]
        for kind, values in means.items()
    }
