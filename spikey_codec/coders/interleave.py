"""Interleaves a chunk into lanes that are coded side by side, and deinterleaves it.

A lane is one channel's segment of consecutive samples. Decoding is a serial chain along a lane, so
a chunk of few channels is cut into several segments, and the coder takes one sample of every lane
in turn: the chains are independent, and a processor works on them at once.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..constants import LANES, SHORTEST_SEGMENT


def segments(frames: int, channels: int) -> int:
    """Into how many segments each channel is cut."""
    return max(1, min(LANES // max(channels, 1), frames // SHORTEST_SEGMENT))


def starts(frames: int, count: int) -> list[int]:
    """The first frame of each of `count` segments, and the end.

    The first `frames % count` segments are a frame longer than the others.
    """
    short, longer = divmod(frames, count)
    return [i * short + min(i, longer) for i in range(count + 1)]


def interleave(samples: np.ndarray, count: int | None = None) -> np.ndarray:
    """Samples in coding order: row by row, in a row segment by segment, there channel by channel.

    Parameters
    ----------
    samples : any dtype, shape (frames, channels)
    count : number of segments; the usual one by default

    Returns
    -------
    the same dtype, shape (frames * channels,)
    """
    frames, channels = samples.shape
    count = count or segments(frames, channels)
    bounds = starts(frames, count)
    rows = -(-frames // count)
    interleaved = np.empty((rows, count, channels), samples.dtype)
    for segment, (start, end) in enumerate(itertools.pairwise(bounds)):
        interleaved[: end - start, segment] = samples[start:end]
    return interleaved.reshape(-1)[: samples.size]


def deinterleave(
    interleaved: np.ndarray, frames: int, channels: int, count: int | None = None
) -> np.ndarray:
    """Inverse of `interleave`: shape (frames, channels)."""
    count = count or segments(frames, channels)
    bounds = starts(frames, count)
    lanes = count * channels
    padded = np.zeros(-(-len(interleaved) // lanes) * lanes, interleaved.dtype)
    padded[: len(interleaved)] = interleaved
    padded = padded.reshape(-1, count, channels)
    samples = np.empty((frames, channels), interleaved.dtype)
    for segment, (start, end) in enumerate(itertools.pairwise(bounds)):
        samples[start:end] = padded[: end - start, segment]
    return samples
