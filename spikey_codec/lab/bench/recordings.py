"""What speeds are measured on, and where: recordings or synthetic ones, on one core."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...errors import RecordingError
from ...readers import wav
from ...readers.find import find
from ...system.text import counted
from ..simulate import codes_to_pcm, shipped_transition_levels, simulate_codes


def load(paths: list[Path]) -> tuple[list[np.ndarray], str]:
    """Samples of the first channel of recordings; of synthetic ones where no paths are given.

    Returns a list of int16 arrays, shape (frames,), and a description for the table's heading.
    Raises RecordingError for a file that is no 16-bit WAV.
    """
    if not paths:
        codes = simulate_codes(24, None, seed=0, thresholds=shipped_transition_levels())
        return [codes_to_pcm(channel) for channel in codes], "24 synthetic recordings"
    channels = []
    for file in find(paths):
        recording = wav.split(file.read_bytes())
        if recording is None or not recording.samples.size:
            raise RecordingError(f"{file} is not a recording of 16-bit samples.")
        channels.append(np.ascontiguousarray(recording.samples[:, 0]))
    return channels, counted(len(channels), "recording")


def use_one_core() -> None:
    """Keep this process, and those it starts, on one core where the system lets us."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
