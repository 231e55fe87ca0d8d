"""Recordings to fit on, and the part of them that is kept out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import RecordingError, UsageError
from ..quantizer.detect import to_codes
from ..quantizer.mapping import CHALLENGE
from ..readers import wav
from ..readers.find import find
from ..topology.groups import simultaneous_groups

Report = Callable[[str], None]


class Split(NamedTuple):
    """Codes of the recordings to fit on and of those kept out, and what they were.

    about : what goes into the manifest: how many, and a digest of names and contents
    """

    fitted: list[np.ndarray]
    kept_out: list[np.ndarray]
    fitted_paths: list[Path]
    kept_out_paths: list[Path]
    about: dict[str, Any]


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
        raise RecordingError(
            f"{path} is not a 16-bit recording of one channel and at least 1,000 samples."
        )
    codes, mapping = to_codes(recording.samples)
    if mapping.kind != CHALLENGE:
        raise RecordingError(f"{path} does not come from the challenge's 10-bit converter.")
    if (codes == codes[0]).all():
        raise RecordingError(f"{path} is constant: there is nothing to learn from it.")
    return np.ascontiguousarray(codes[:, 0])


def split(paths: list[Path], keep_out: int) -> Split:
    """Read recordings and keep every `keep_out`-th group of simultaneous channels out (0: none).

    Groups are numbered in the order of their first file name; those whose number is a multiple
    of `keep_out` are kept out, whole, since a channel tells about its references.
    """
    if keep_out < 0 or keep_out == 1:
        raise UsageError("--keep-out takes 0 (fit on all) or a number from 2 on.")
    files = find(paths)
    channels = [read_codes(path) for path in files]
    groups = simultaneous_groups(channels)
    out = [i for n, group in enumerate(groups) if keep_out and n % keep_out == 0 for i in group]
    fit_on = sorted(set(range(len(files))) - set(out))
    if not fit_on:
        raise RecordingError("Too few recordings: after keeping some out, none is left to fit on.")
    digest = hashlib.sha256()
    for i in fit_on:
        digest.update(os.fsencode(files[i].name) + b"\0" + channels[i].astype("<i2").tobytes())
    return Split(
        [channels[i] for i in fit_on],
        [channels[i] for i in sorted(out)],
        [files[i] for i in fit_on],
        [files[i] for i in sorted(out)],
        {
            "recordings": len(fit_on),
            "kept_out": len(out),
            "keep_out": keep_out,
            "recordings_sha256": digest.hexdigest(),
        },
    )
