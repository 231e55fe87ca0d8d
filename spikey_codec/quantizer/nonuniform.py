"""Finds out whether an unknown converter's codes have different widths, and which.

As for the challenge's converter (fit/converter.py), but from one recording, for that recording: how
often each code came is compared with how often it was to be expected, and the widths follow
(expectation maximisation; Dempster, Laird and Rubin 1977). What counts is integers and what
computers round alike, so that every machine finds the same.
"""

from __future__ import annotations

import numpy as np

from .. import weights
from ..constants import MASS_BITS, ORDER, PREDICTION_BITS, SCALE_BITS, TRANSITION_BITS
from ..kernels.estimate import expectation_step
from . import mapping as converter
from .mapping import NONUNIFORM, Mapping
from ..prediction import linear

ROUGH = 3.0  # times as far from their neighbours as chance has it: counts of a smooth histogram
NEIGHBOURS = 4  # on either side
LOOKED_AT = 400_000  # samples that widths are fitted to
PIECES = 4  # places of the recording they are taken from
ROUNDS = 4
STEADY = 31  # codes: what many neighbours have in common is the signal's, not the converter's
PRIOR = 4.0  # counts that say a code is as wide as its neighbours
SKIPPED = 200  # rows at the start of a piece, until its scale is known
KEPT_OUT = 5  # one part of so many of each piece, to see whether the widths are worth sending
LIST_COST = 1.25  # bits that widths and values may take, for each that they take unpacked


def is_rough(counts: np.ndarray) -> bool:
    """Whether values' counts differ from their neighbours' as different widths would have it."""
    around = _smooth(counts.astype(float), 2 * NEIGHBOURS + 1)
    return float(((counts - around) ** 2 / (around + 1)).sum()) > ROUGH * len(counts)


def refined(
    mapping: Mapping, values: np.ndarray, pieces: list[np.ndarray], samples: int
) -> Mapping:
    """The mapping with NONUNIFORM codes, where that saves more than the widths take; else as it is.

    mapping : PLAIN or PALETTE; values : those in use, int16, ascending
    pieces : parts of the recording, int16, shape (frames, channels)
    samples : of the whole recording
    """
    even = written = np.full(len(values), 128, np.uint8)  # 256 / 256 code each
    leads = _leads(Mapping(NONUNIFORM, values, even), pieces)
    if not leads:
        return mapping
    lowest = converter.code_range(Mapping(NONUNIFORM, values))[0]
    counts = np.bincount(np.concatenate(leads).astype(np.intp) - lowest, minlength=len(values))
    if not is_rough(counts):
        return mapping
    before = None
    for _ in range(ROUNDS):
        bits, observed, expected = _weigh(leads, Mapping(NONUNIFORM, values, written))
        before = bits if before is None else before
        written = _next_widths(converter.widths_of(written), observed, expected)
    bits, _, _ = _weigh(leads, Mapping(NONUNIFORM, values, written))
    cost = 8 * LIST_COST * len(values)
    if (before - bits) * samples <= cost or (written == even).all():
        return mapping
    return Mapping(NONUNIFORM, values, written)


def _leads(mapping: Mapping, pieces: list[np.ndarray]) -> list[np.ndarray]:
    """Codes of every channel of every piece, int16, so many samples of each that they are enough.

    Pieces that are too short for a scale to be known are left out.
    """
    total = sum(piece.size for piece in pieces)
    leads = []
    for piece in pieces:
        frames = max(1, len(piece) * min(LOOKED_AT, total) // total)
        if frames > 4 * SKIPPED:
            part = converter.codes_of(np.ascontiguousarray(piece[:frames]), mapping)
            leads += [np.ascontiguousarray(part[:, i]) for i in range(part.shape[1])]
    return leads


def _weigh(leads: list[np.ndarray], mapping: Mapping) -> tuple[float, np.ndarray, np.ndarray]:
    """Bits a sample of what is kept out of the fit, and counts seen and expected of the rest."""
    edges = converter.transition_levels_of(mapping)
    levels = converter.levels(edges, TRANSITION_BITS, PREDICTION_BITS)
    mass_table = weights.load("density").copy()
    first, last = converter.code_range(mapping)
    observed, expected = np.zeros((2, len(levels)), np.int64)
    total = count = 0
    for lead in leads:
        predictor = linear.fitted(linear.covariance(levels[lead.astype(np.intp) - first]))
        masses = np.empty(len(lead), np.int32)
        end = len(lead) - len(lead) // KEPT_OUT
        expectation_step(
            lead, PREDICTION_BITS, first, last, (last - first).bit_length(), edges, levels,
            mass_table,
            np.ascontiguousarray(predictor[None, ::-1], np.int32),
            np.zeros((1, 2 * ORDER), np.int32),
            np.array([[1 << SCALE_BITS, 16 << SCALE_BITS]], np.int32),
            SKIPPED, end, observed, expected, masses,
        )  # fmt: skip
        total -= float(np.log2(masses[end:] / (1 << MASS_BITS)).sum())
        count += len(lead) - end
    return total / count, observed, expected


def _next_widths(widths: np.ndarray, observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The widths that make what was observed more probable, as they are written."""
    expected = expected / float(1 << MASS_BITS)
    common = _smooth(observed + PRIOR, STEADY) / _smooth(expected + PRIOR, STEADY)
    wanted = widths * (observed + PRIOR) / ((expected + PRIOR) * common)
    wanted *= 256 * len(widths) / wanted.sum()
    known = converter.widths_of(np.arange(256))
    middles = (known[1:] + known[:-1]) / 2
    return np.searchsorted(middles, wanted).astype(np.uint8)


def _smooth(x: np.ndarray, length: int) -> np.ndarray:
    """Mean of so many neighbours, an odd number; beyond the ends are copies of the last."""
    half = length // 2
    padded = np.concatenate([np.full(half + 1, x[0]), x, np.full(half, x[-1])]).cumsum()
    return (padded[length:] - padded[:-length]) / length
