"""The challenge converter's code widths: those shipped, and those that recordings suggest."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ...constants import CHALLENGE, HIGHEST_CODE, LOWEST_CODE, TRANSITION_BITS
from ...events.spikes import evenly_spread
from ...fit import converter as fit_converter
from ..simulate import shipped_transition_levels
from .recordings import Channel
from .statistics import Statistics

MOST_FOR_WIDTHS = 16  # channels; each takes a third of a second
OFTEN = 1000  # times that a code or its neighbours came, on average
FEWEST_TO_CORRELATE = 10  # codes


class Widths(NamedTuple):
    """The challenge converter's code widths: float64, shape (1024,), in codes."""

    shipped: np.ndarray
    here: np.ndarray
    counts: np.ndarray  # how often each code came in all channels, int64
    channels: int  # that they were estimated from
    often: np.ndarray  # codes that came often enough in those to tell a width, bool
    correlation: float  # of the log widths of those codes; NaN if there are few


def widths(channels: list[Channel], statistics: list[Statistics]) -> Widths | None:
    """The widths shipped and those that these channels alone suggest; None without such ones."""
    of_challenge = [i for i, channel in enumerate(channels) if channel.mapping.kind == CHALLENGE]
    usable = [i for i in of_challenge if statistics[i].usable]
    if not usable:
        return None
    counts = _counts([channels[i].codes for i in of_challenge])
    chosen = [channels[usable[n]].codes for n in evenly_spread(len(usable), MOST_FOR_WIDTHS)]
    here = np.diff(fit_converter.fit(chosen) / (1 << TRANSITION_BITS))
    shipped = np.diff(shipped_transition_levels())
    often = often_used(_counts(chosen))
    correlation = math.nan
    if often.sum() >= FEWEST_TO_CORRELATE:
        logs = np.log(np.maximum([shipped[often], here[often]], fit_converter.NARROWEST))
        correlation = float(np.corrcoef(logs)[0, 1])
    return Widths(shipped, here, counts, len(chosen), often, correlation)


def _counts(channels: list[np.ndarray]) -> np.ndarray:
    """How often each challenge code came: int64, shape (1024,)."""
    counts = np.zeros(HIGHEST_CODE - LOWEST_CODE + 1, np.int64)
    for codes in channels:
        counts += np.bincount(codes.astype(np.intp) - LOWEST_CODE, minlength=len(counts))
    return counts


def often_used(counts: np.ndarray) -> np.ndarray:
    """Codes that came often enough, or whose neighbours did, to tell a width: bool.

    The ends are left out, because everything beyond the range is counted there.
    """
    around = np.convolve(counts, np.ones(5) / 5, "same") >= OFTEN
    around[[0, -1]] = False
    return around
