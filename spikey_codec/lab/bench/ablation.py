"""`spikey bench ablation`: what each step of the design is worth, in real files, as a table.

Every row encodes all recordings, decodes them and compares. Rows with a baseline's coder
(baselines.py) have no WAV header to restore; the others are what `spikey encode --preset` and
`spikey pack --preset` write.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ... import archive, codec, presets
from ...errors import RecordingError, VerifyError
from ...fit.data import split
from ...system.text import counted
from . import baselines

Write = Callable[[str], None]

STEPS = {
    presets.DEFAULT: "linear, non-uniform converter, its own scale: Huffman",
    "spikey": "network (layers) + the same",
    "spikey-rnn": "network (LSTM) + the same",
    "spikey-pairs": "network for pairs, alone + the same",
    "max": "larger network, NLMS, mixture + rANS",
}
TOGETHER = presets.DEFAULT, "spikey-pairs", "max"  # which predict from simultaneous channels


class Row(NamedTuple):
    """A step and the bytes that all recordings take with it."""

    name: str
    size: int


def rows(paths: list[Path], channels: list[np.ndarray]) -> list[Row]:
    """Encode, decode and compare all recordings at every step: the table's rows in order.

    channels : their codes, int16, shape (frames,)
    """
    table = []
    for use_linear in (False, True):
        for coder, name in enumerate(baselines.CODERS):
            packed = [baselines.encode(channel, use_linear, coder) for channel in channels]
            for channel, one in zip(channels, packed, strict=False):
                _check(np.array_equal(baselines.decode(one), channel), name)
            step = f"{'linear' if use_linear else 'last value'} + {name}"
            table.append(Row(step, sum(map(len, packed))))
    originals = {path.name: path.read_bytes() for path in paths}
    shipped = [name for name in presets.names() if name in STEPS]
    for preset in sorted(shipped, key=list(STEPS).index):
        packed = [codec.compress(data, preset) for data in originals.values()]
        for data, one in zip(originals.values(), packed, strict=False):
            _check(codec.decompress(one) == data, preset)
        table.append(Row(f"{STEPS[preset]} (`{preset}`)", sum(map(len, packed))))
    for preset in (name for name in TOGETHER if name in shipped):
        joined = archive.pack(originals.items(), preset)
        opened = archive.Archive(joined)
        for name, data in originals.items():
            _check(opened.read(name) == data, preset)
        table.append(Row(f"simultaneous leads together, `{preset}`", len(joined)))
    return table


def _check(same: bool, name: str) -> None:
    if not same:
        raise VerifyError(f"{name} did not give the samples back.")


def run(recordings: list[Path], keep_out: int, limit: int | None, write: Write) -> None:
    """Print the table of `spikey bench ablation` in Markdown.

    Parameters
    ----------
    recordings : files, and folders that are searched one level deep
    keep_out : measure every `keep_out`-th group of simultaneous channels, those that
        `spikey fit` and `spikey train` keep out by the same number; 0 measures all
    limit : at most so many recordings
    write : called with each line

    Raises RecordingError where there is none or one is not a recording of the challenge's kind.
    """
    found = split(recordings, keep_out)
    paths = (found.kept_out_paths if keep_out else found.fitted_paths)[:limit]
    channels = (found.kept_out if keep_out else found.fitted)[:limit]
    if not paths:
        raise RecordingError("No recording is kept out: there are too few.")
    samples = sum(map(len, channels))
    table = rows(paths, channels)
    base = next(row for row in table if f"`{presets.DEFAULT}`" in row.name)
    kept = f"every {keep_out}th group of simultaneous leads" if keep_out else "all that was given"
    write(f"{counted(len(paths), 'recording')} ({kept}), {samples} samples:")
    write("")
    write("| step | bytes | ratio | bits a sample | against `linear` |")
    write("|---|---|---|---|---|")
    for row in table:
        change = 100 * (row.size / base.size - 1)
        write(
            f"| {row.name} | {row.size:,} | {2 * samples / row.size:.4f} "
            f"| {8 * row.size / samples:.4f} | {change:+.2f} % |"
        )
