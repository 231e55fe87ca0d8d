"""FORMAT.md, "Reference channels": what other channels add to a prediction."""

from __future__ import annotations

from reference.channel_header import Channel, Reference
from reference.levels import ORDER, fine, level, unlimited
from reference.mapping import Coding


def residuals_of(codes: list[int], channel: Channel, coding: Coding) -> list[int]:
    """E[t] of a reference channel, in 1/32 code."""
    past = [level(codes[0], coding)] * ORDER
    residuals = []
    for code in codes:
        newest = level(code, coding)
        expected = unlimited(channel.predictor, past, coding)
        residuals.append(fine(newest, coding) - expected)
        past = [newest, *past[:-1]]
    return [0, *residuals[1:]]


def offsets_of(
    references: tuple[Reference, ...], heard: list[list[int]], frames: int
) -> tuple[int, ...]:
    """What reference channels add to the prediction of every frame."""
    offsets = []
    for t in range(frames):
        offset = 0
        for reference, residuals in zip(references, heard, strict=True):
            total = 0
            for lag, tap in zip(range(-4, 9), reference.taps, strict=True):
                if 0 <= t - lag < frames:
                    total += tap * residuals[t - lag]
            offset += total >> reference.shift
        offsets.append(offset)
    return tuple(offsets)
