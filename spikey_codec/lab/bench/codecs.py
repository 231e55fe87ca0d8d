"""`spikey bench codecs`: this codec's presets and others, on the user's own recordings.

All get the same int16 samples, on one core, in one run, and every sample that comes back is
compared. Codecs of bytes get samples as a WAV file has them, all channels of an instant together.
Codecs that are programs read and write files; their times include starting them once.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ... import engine, presets
from ...errors import RecordingError, UsageError
from ...fit.data import read_recording
from ...quantizer.mapping import to_challenge_codes
from ...readers.find import find
from ...system import files, targets
from . import others, recordings
from .measure import Row, measure

PRESETS = ("linear", "spikey", "max")
Write = Callable[[str], None]


class Recordings(NamedTuple):
    """What is measured: int16 samples, each of shape (frames, channels), and rates in Hz."""

    samples: list[np.ndarray]
    rates: list[int]

    @property
    def bytes(self) -> int:
        """The size of all samples, without headers."""
        return sum(recording.nbytes for recording in self.samples)

    @property
    def rate(self) -> int:
        """The commonest rate; it matters only to headers."""
        return max(sorted(set(self.rates)), key=self.rates.count)

    def __str__(self) -> str:
        channels = sorted({recording.shape[1] for recording in self.samples})
        rates = sorted(set(self.rates))
        count = len(self.samples)
        return (
            f"{count} recording{'s' * (count > 1)}, "
            f"{_span(channels)} channel{'s' * (channels != [1])} at {_span(rates)} Hz, "
            f"{self.bytes // 2:,} samples of 16 bits"
        )


def _span(numbers: list[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def load(
    paths: list[Path],
    raw: bool = False,
    channels: int | None = None,
    rate: int | None = None,
    seconds: float | None = None,
) -> Recordings:
    """Read WAV files of 16 bits or, with `raw`, files of interleaved int16, little-endian.

    Parameters
    ----------
    paths : files; folders are searched for WAV files one level deep
    raw, channels, rate : raw files, which do not tell their number of channels and rate (Hz)
    seconds : take only the first part of each recording

    Raises UsageError for arguments that do not go together, RecordingError for files that are no
    such recordings, OSError where one cannot be read.
    """
    if not raw and (channels is not None or rate is not None):
        raise UsageError("--channels and --rate are for --raw; a WAV file tells its own.")
    if raw and (channels is None or rate is None):
        raise UsageError("--raw needs --channels and --rate: a raw file does not tell.")
    samples, rates = [], []
    for path in paths if raw else find(paths):
        if channels is not None and rate is not None:
            found, its_rate = _read_raw(path, channels), rate
        else:
            recording = read_recording(path)
            found, its_rate = recording.samples, recording.rate
        if seconds is not None:
            found = found[: max(round(seconds * its_rate), 1)]
        if not found.size:
            raise RecordingError(f"There are no samples in {path}.")
        samples.append(np.ascontiguousarray(found))
        rates.append(its_rate)
    return Recordings(samples, rates)


def _read_raw(path: Path, channels: int) -> np.ndarray:
    data = path.read_bytes()
    if len(data) % (2 * channels):
        raise RecordingError(f"{path} is no whole number of frames of {channels} 16-bit samples.")
    return np.frombuffer(data, "<i2").reshape(-1, channels)


def measure_all(
    given: Recordings, report: Write = lambda name: None
) -> tuple[list[Row], list[str]]:
    """A row for each preset and each other codec that is installed; names of those that are not.

    `report` is called with each name before it is measured. Raises VerifyError where a codec does
    not give the samples back; a program that fails counts as missing.
    """
    there, missing = others.found()
    names = [name for name in PRESETS if name in presets.names()]
    missing = [f"preset {name}" for name in PRESETS if name not in names] + missing
    rows = []
    for what in [*(others.ours(name, given.rate) for name in names), *there]:
        report(what.name)
        try:
            rows.append(measure(what, given.samples, None, given.rate))
        except subprocess.CalledProcessError:
            missing.append(f"{what.name} (it failed)")
    return rows, missing


def table(rows: list[Row], size: int) -> list[str]:
    """Lines of the table; `size` is that of all samples in bytes."""
    lines = [
        f"{'':44}{'':8}{'encode':^20}{'decode':^20}".rstrip(),
        f"{'codec':30}{'version':>14}{'ratio':>8}" + 2 * f"{'MB/s':>10}{'Msamples/s':>12}",
    ]
    for row in rows:
        speeds = "".join(
            f"{size / seconds / 1e6:10.2f}{size / 2 / seconds / 1e6:12.2f}"
            for seconds in (row.encoding, row.decoding)
        )
        lines.append(f"{row.name:30}{row.version:>14}{size / row.size:8.3f}{speeds}")
    return lines


def run(
    paths: list[Path],
    raw: bool,
    channels: int | None,
    rate: int | None,
    seconds: float | None,
    picture: str | None,
    write: Write,
    report: Write,
) -> None:
    """Print the table of `spikey bench codecs`, and draw it into a file if one is named.

    Arguments as for `load`; `write` is called with each line, `report` as by `measure_all`.
    """
    if picture is not None:
        from ..figures.style import kind_of

        kind = kind_of(picture)  # before the work, not after it
        targets.check_file(picture)
        for path in paths:
            files.refuse_same(str(path), picture)
    given = load(paths, raw, channels, rate, seconds)
    recordings.use_one_core()
    rows, missing = measure_all(given, report)
    write(f"{given}; one core, kernels: {engine.name}")
    for line in table(rows, given.bytes):
        write(line)
    write("MB are 1,000,000 bytes of 16-bit samples; flac and wavpack are processes and use files")
    if all(to_challenge_codes(x) is not None for x in given.samples):
        write(
            "These samples are 10-bit codes spread over 16 bits, which the presets find out; "
            "`spikey bench speed` gives FLAC and pcodec the codes."
        )
    if missing:
        write(f"not there: {', '.join(missing)}")
    if picture is not None:
        from ..figures.scatter import draw

        files.write(picture, draw(rows, given.bytes, str(given), kind))
