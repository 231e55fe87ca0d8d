"""Folds a chunk into lanes that are coded side by side, and unfolds it.

A lane is one channel's run of consecutive samples. Decoding is a serial chain along a lane, so
a chunk of few channels is cut into several runs, and the coder takes one sample of every lane in
turn: the chains are independent and a processor works on them at once.
"""

from __future__ import annotations

import numpy as np

LANES = 8  # at least this many, if the chunk is long enough to be cut
SHORTEST_RUN = 512  # frames: every run starts without a past, which costs it some bytes


def segments(frames: int, channels: int) -> int:
    """Into how many runs each channel is cut."""
    return max(1, min(LANES // max(channels, 1), frames // SHORTEST_RUN))


def starts(frames: int, count: int) -> list[int]:
    """First frame of each of `count` runs, and the end: the first `frames % count` are longer."""
    short, longer = divmod(frames, count)
    return [i * short + min(i, longer) for i in range(count + 1)]


def interleave(codes: np.ndarray, count: int | None = None) -> np.ndarray:
    """Samples in coding order: row by row, in a row run by run, in a run channel by channel.

    codes : (frames, channels) -> 1-D array of the same dtype and size; count : of runs, if it is
    not the usual one
    """
    frames, channels = codes.shape
    bounds = starts(frames, count or segments(frames, channels))
    rows = -(-frames // (len(bounds) - 1))
    folded = np.empty((rows, len(bounds) - 1, channels), codes.dtype)
    for run, (start, end) in enumerate(zip(bounds, bounds[1:])):
        folded[: end - start, run] = codes[start:end]
    return folded.reshape(-1)[: codes.size]


def deinterleave(
    folded: np.ndarray, frames: int, channels: int, count: int | None = None
) -> np.ndarray:
    """Inverse of `interleave`: shape (frames, channels)."""
    bounds = starts(frames, count or segments(frames, channels))
    lanes = (len(bounds) - 1) * channels
    padded = np.zeros(-(-len(folded) // lanes) * lanes, folded.dtype)
    padded[: len(folded)] = folded
    padded = padded.reshape(-1, len(bounds) - 1, channels)
    codes = np.empty((frames, channels), folded.dtype)
    for run, (start, end) in enumerate(zip(bounds, bounds[1:])):
        codes[start:end] = padded[: end - start, run]
    return codes
