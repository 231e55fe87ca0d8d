"""What the `spikey fit` commands do: split, fit, measure, enter the arrays into the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import codec, weights
from ..constants import HIGHEST_CODE, LOWEST_CODE, TRANSITION_BITS
from ..quantizer.nonuniform import reconstruction_levels
from ..readers.find import find
from ..system import files, targets
from ..system.text import counted
from . import converter as fit_converter
from . import data, density, linear
from .data import Report, Split


def _levels(channels: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    levels = reconstruction_levels(weights.read(folder, "converter"))
    return [levels[codes - LOWEST_CODE] for codes in channels]


def _split(recordings: list[Path], keep_out: int, folder: Path, name: str) -> Split:
    """The recordings, none of which may be a file that `_save` is to write; `UsageError`."""
    for path in find(recordings):
        for made in (f"{name}.npy", weights.MANIFEST):
            files.refuse_same(str(path), str(folder / made))
    targets.check_folder(folder)
    return data.split(recordings, keep_out)


def _save(folder: Path, name: str, array: np.ndarray, split: Split, **about: Any) -> None:
    made_by = f"spikey fit {name} RECORDINGS --keep-out {split.about['keep_out']}"
    weights.save(folder, name, array, {"made_by": made_by, **split.about, **about})


def fit_converter_edges(
    recordings: list[Path], folder: Path, keep_out: int, report: Report
) -> None:
    """Fit and save `converter`; reports ideal bits per sample on what was kept out."""
    split = _split(recordings, keep_out, folder, "converter")
    transitions = fit_converter.fit(split.fitted, report)
    _save(folder, "converter", transitions, split)
    even = np.arange(LOWEST_CODE, HIGHEST_CODE + 2) << TRANSITION_BITS
    for name, channels in (("fitted on", split.fitted[::8]), ("kept out", split.kept_out)):
        if channels:
            report(
                f"ideal bits per sample, {name} ({counted(len(channels), 'recording')}): "
                f"{fit_converter.bits_per_sample(channels, even):.4f} with even codes, "
                f"{fit_converter.bits_per_sample(channels, transitions):.4f} with these"
            )


def fit_linear_codebook(
    recordings: list[Path], folder: Path, keep_out: int, seed: int, predictors: int, report: Report
) -> None:
    """Fit and save `linear`; needs `converter` in the folder."""
    split = _split(recordings, keep_out, folder, "linear")
    codebook = linear.fit(_levels(split.fitted, folder), seed, predictors, report)
    _save(folder, "linear", codebook, split, seed=seed)
    for name, channels in (("fitted on", split.fitted), ("kept out", split.kept_out)):
        if channels:
            loss = linear.loss_bits(_levels(channels, folder), codebook)
            many = counted(len(channels), "recording")
            report(f"{name} ({many}): {loss:.5f} bits over each one's best")


def fit_density_shape(recordings: list[Path], folder: Path, keep_out: int, report: Report) -> None:
    """Fit and save `density`; needs `converter` and `linear` in the folder."""
    split = _split(recordings, keep_out, folder, "density")
    mass = density.fit(
        split.fitted, weights.read(folder, "converter"), weights.read(folder, "linear")
    )
    _save(folder, "density", mass, split)
    kurtosis = density.excess_kurtosis(mass)
    report(f"density of {counted(len(split.fitted), 'recording')}: excess kurtosis {kurtosis:.3f}")


def score(recordings: list[Path], folder: Path, keep_out: int, report: Report) -> None:
    """Compress both parts of a split with a folder's weights; reports the ratio of each."""
    weights.use(folder)
    parts = data.split(recordings, keep_out)
    for name, paths in (("fitted on", parts.fitted_paths), ("kept out", parts.kept_out_paths)):
        original = compressed = 0
        for path in paths:
            content = path.read_bytes()
            original += len(content)
            compressed += len(codec.compress(content))
        if paths:
            report(
                f"{name} ({counted(len(paths), 'recording')}): ratio {original / compressed:.4f}"
            )
