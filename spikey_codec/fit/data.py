"""Recordings to fit on, and the part of them that is kept out."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from ..quantizer import mapping as converter
from ..readers import wav
from ..errors import RecordingError, UsageError
from ..topology.groups import simultaneous_groups

Report = Callable[[str], None]


class Split(NamedTuple):
    """Codes of the recordings to fit on and of those kept out, and what they were.

    about : dict that goes into the manifest: how many, and a digest of names and contents
    """

    fitted: list[np.ndarray]
    kept_out: list[np.ndarray]
    fitted_paths: list[Path]
    kept_out_paths: list[Path]
    about: dict


def find(paths: list[Path]) -> list[Path]:
    """WAV files among the paths, folders searched one level deep, sorted by name."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.wav")) if path.is_dir() else [path]
    if not found:
        raise RecordingError("There is no .wav file in what was given.")
    return sorted(found, key=lambda p: p.name)


def each_once(paths: list[Path]) -> list[Path]:
    """What `find` finds, without files that it finds twice."""
    found: dict[Path, Path] = {}
    for path in find(paths):
        found.setdefault(path.resolve(), path)
    return list(found.values())


def read_recording(path: Path) -> wav.Recording:
    """The head, samples and tail of a WAV of 16 bits; `RecordingError` for anything else."""
    recording = wav.split(path.read_bytes())
    if recording is None:
        raise RecordingError(f"{path} is not a recording of 16-bit samples.")
    return recording


def read_codes(path: Path) -> np.ndarray:
    """The 10-bit codes of a challenge recording, int16; `RecordingError` for anything else."""
    recording = wav.split(path.read_bytes())
    if recording is None or recording.samples.shape[1] != 1 or recording.samples.size < 1000:
        raise RecordingError(f"{path} is no 16-bit recording of one lead and 1,000 samples.")
    codes, mapping = converter.to_codes(recording.samples)
    if mapping.kind != converter.CHALLENGE:
        raise RecordingError(f"{path} does not come from the challenge's 10-bit converter.")
    if (codes == codes[0]).all():
        raise RecordingError(f"{path} is constant: there is nothing to be learnt from it.")
    return np.ascontiguousarray(codes[:, 0])


def split(paths: list[Path], keep_out: int) -> Split:
    """Read recordings and keep every `keep_out`-th group of simultaneous leads out (0: none).

    Groups are numbered in the order of their first file name; those whose number is a multiple
    of `keep_out` are kept out, whole, since a lead tells about its peers.
    """
    if keep_out < 0 or keep_out == 1:
        raise UsageError("--keep-out takes 0 (fit on all) or a number from 2 on.")
    files = find(paths)
    leads = [read_codes(path) for path in files]
    groups = simultaneous_groups(leads)
    out = [i for n, group in enumerate(groups) if keep_out and n % keep_out == 0 for i in group]
    fit_on = sorted(set(range(len(files))) - set(out))
    if not fit_on:
        raise RecordingError("Too few recordings: after keeping some out, none is left to fit on.")
    digest = hashlib.sha256()
    for i in fit_on:
        digest.update(os.fsencode(files[i].name) + b"\0" + leads[i].astype("<i2").tobytes())
    return Split(
        [leads[i] for i in fit_on],
        [leads[i] for i in sorted(out)],
        [files[i] for i in fit_on],
        [files[i] for i in sorted(out)],
        {
            "recordings": len(fit_on),
            "kept_out": len(out),
            "keep_out": keep_out,
            "recordings_sha256": digest.hexdigest(),
        },
    )
