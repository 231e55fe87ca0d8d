"""How much of a channel lies at the rail: the end of the converter's range, or where it clips."""

from __future__ import annotations

import numpy as np

from ...constants import CHALLENGE, HIGHEST_CODE, LOWEST_CODE
from .recordings import Channel

RAILED = 0.01  # share of samples at the rail from which a channel is called railed
PLATEAU = 3  # equal samples at a channel's own extreme that look clipped
FEW_VALUES = 16  # a channel with fewer distinct values rests at its extremes without being clipped


def railed_share(channel: Channel) -> float:
    """Share of samples at the rail, 0 to 1.

    The rail is the end of the converter's range where that is known. Elsewhere it is the end of 16
    bits, or the channel's own extreme where it rests for `PLATEAU` samples or more.
    """
    if channel.mapping.kind == CHALLENGE:
        return float(np.mean((channel.codes == LOWEST_CODE) | (channel.codes == HIGHEST_CODE)))
    x = channel.samples
    at_end = (x <= -32767) | (x == 32767)
    if len(np.unique(x)) >= FEW_VALUES:
        for extreme in (x.min(), x.max()):
            at_end |= _resting(x == extreme)
    return float(at_end.mean())


def _resting(true: np.ndarray) -> np.ndarray:
    """True where at least `PLATEAU` neighbours in a row are."""
    starts, ends = (
        np.flatnonzero(np.diff(np.concatenate([[0], true.astype(np.int8), [0]])) == step)
        for step in (1, -1)
    )
    out = np.zeros(len(true), bool)
    for start, end in zip(starts, ends, strict=False):
        out[start:end] = end - start >= PLATEAU
    return out
