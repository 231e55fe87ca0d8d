"""Finds out whether an unknown converter's code widths differ, and what they are.

The fit of the challenge's converter (fit/converter.py) uses many recordings; this one uses a single
recording and serves that recording. How often each code came is compared with how often it was to
be expected, and the widths follow (expectation maximisation; Dempster, Laird and Rubin 1977). What
counts is integers and what computers round alike, so that every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import weights
from ..constants import (
    LONG_TERM_SHIFT,
    MASS_BITS,
    NONUNIFORM,
    ORDER,
    PREDICTION_BITS,
    SCALE_BITS,
    SHORT_TERM_SHIFT,
    TRANSITION_BITS,
)
from ..kernels.bind import expectation_step
from .mapping import Mapping, code_range, codes_of
from .nonuniform import (
    EVEN_WIDTH,
    reconstruction_levels,
    transition_levels_of,
    widths_of,
    written_of,
)

# By chance alone, counts of a smooth histogram differ from a parabola through their neighbours such
# that the median of the squared distances, in variances, stays below 0.46. Widths that pay make it
# 6 or more where there are enough samples for them to pay.
ROUGH = 4.0
NEIGHBOURS = 4  # on either side
PARABOLA = np.array([-21, 14, 39, 54, 59, 54, 39, 14, -21]) / 231  # least squares over 9 codes
FEWEST_COUNTS = 16  # of a code whose distance is worth knowing
LOOKED_AT = 400_000  # samples that widths are fitted to
PIECES = 4  # places of the recording they are taken from
ROUNDS = 4
STEADY = 31  # codes: what many neighbours have in common is the signal's, not the converter's
PRIOR = 4.0  # counts that say a code is as wide as its neighbours
SKIPPED = 200  # rows at the start of a piece, until its scale is known
KEPT_OUT = 5  # 1 / 5 of each piece is kept out, to see whether the widths are worth sending
LIST_COST = 1.25  # bits that widths and values may take, for each that they take unpacked
# A channel starts as if its mean |residual| had been 16 codes for long. The short-term scale is
# kept with fewer fraction bits, as the kernels keep it.
START_SCALE = 16 << SCALE_BITS
START_SCALES = START_SCALE >> LONG_TERM_SHIFT - SHORT_TERM_SHIFT, START_SCALE

Predict = Callable[[np.ndarray], np.ndarray]


def is_rough(counts: np.ndarray) -> bool:
    """Whether values' counts differ from their neighbours' as different widths would have it.

    The logarithm of a smooth density is nearly a parabola over a few codes, so that of the counts
    is smoothed by one (Savitzky and Golay 1964): then a narrow Gaussian is smooth, too. What counts
    is the median code, for a converter has all of its codes uneven: one code that comes twice as
    often, as 0 does where samples were cut to integers, is no converter's.
    """
    logs = np.log(np.pad(counts, NEIGHBOURS, mode="edge") + 0.5)
    around = np.exp(np.convolve(logs, PARABOLA, "valid"))
    distances = (counts - around) ** 2 / (around + 1)
    known = distances[around >= FEWEST_COUNTS]
    return len(known) > 0 and float(np.median(known)) > ROUGH


def refined(
    mapping: Mapping,
    values: np.ndarray,
    pieces: list[np.ndarray],
    samples: int,
    best_predictor: Predict,
) -> Mapping:
    """The mapping with NONUNIFORM codes if that saves more than the widths take, else as it is.

    Parameters
    ----------
    mapping : PLAIN or PALETTE
    values : int16, those in use, ascending
    pieces : parts of the recording, int16, shape (frames, channels)
    samples : of the whole recording
    best_predictor : the linear predictor of a channel's reconstruction levels, int16, newest first
    """
    even = written = np.full(len(values), EVEN_WIDTH, np.uint8)
    channels = _channels(Mapping(NONUNIFORM, values, even), pieces)
    if not channels:
        return mapping
    lowest = code_range(Mapping(NONUNIFORM, values))[0]
    counts = np.bincount(np.concatenate(channels).astype(np.intp) - lowest, minlength=len(values))
    if not is_rough(counts):
        return mapping
    before = None
    for _ in range(ROUNDS):
        bits, observed, expected = _expect(
            channels, Mapping(NONUNIFORM, values, written), best_predictor
        )
        before = bits if before is None else before
        written = _next_widths(widths_of(written), observed, expected)
    bits, _, _ = _expect(channels, Mapping(NONUNIFORM, values, written), best_predictor)
    cost = 8 * LIST_COST * len(values)
    if before is None or (before - bits) * samples <= cost or (written == even).all():
        return mapping
    return Mapping(NONUNIFORM, values, written)


def likelier_widths(
    widths: np.ndarray,
    observed: np.ndarray,
    expected: np.ndarray,
    prior: float,
    common: np.ndarray | float = 1.0,
) -> np.ndarray:
    """The M-step: widths under which what was observed is more probable.

    All arrays have shape (codes,). `observed` and `expected` are counts; `prior` counts say that a
    width is right; `common` is the ratio of the two that neighbours share, which is kept.
    """
    return widths * (observed + prior) / ((expected + prior) * common)


def _channels(mapping: Mapping, pieces: list[np.ndarray]) -> list[np.ndarray]:
    """Codes of every channel of every piece, int16, about LOOKED_AT samples in all.

    Pieces that are too short for a scale to be known are left out.
    """
    total = sum(piece.size for piece in pieces)
    channels = []
    for piece in pieces:
        frames = max(1, len(piece) * min(LOOKED_AT, total) // total)
        if frames > 4 * SKIPPED:
            part = codes_of(np.ascontiguousarray(piece[:frames]), mapping)
            channels += [np.ascontiguousarray(part[:, i]) for i in range(part.shape[1])]
    return channels


def _expect(
    channels: list[np.ndarray], mapping: Mapping, best_predictor: Predict
) -> tuple[float, np.ndarray, np.ndarray]:
    """The E-step: bits a sample of what is kept out of the fit; the rest's counts, observed and
    expected, the latter times 2^MASS_BITS."""
    transitions = transition_levels_of(mapping)
    levels = reconstruction_levels(transitions)
    cdf = weights.load("density").copy()
    first, last = code_range(mapping)
    observed, expected = np.zeros((2, len(levels)), np.int64)
    total = 0.0
    count = 0
    for channel in channels:
        predictor = best_predictor(levels[channel.astype(np.intp) - first])
        masses = np.empty(len(channel), np.int32)
        end = len(channel) - len(channel) // KEPT_OUT
        expectation_step(
            channel, PREDICTION_BITS, first, last, (last - first).bit_length(), transitions, levels,
            cdf,
            np.ascontiguousarray(predictor[None, ::-1], np.int32),
            np.zeros((1, 2 * ORDER), np.int32),
            np.array([START_SCALES], np.int32),
            SKIPPED, end, observed, expected, masses,
        )  # fmt: skip
        total -= float(np.log2(masses[end:] / (1 << MASS_BITS)).sum())
        count += len(channel) - end
    return total / count, observed, expected


def _next_widths(widths: np.ndarray, observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The widths of the next round, as they are written."""
    expected = expected / float(1 << MASS_BITS)
    common = _smooth(observed + PRIOR, STEADY) / _smooth(expected + PRIOR, STEADY)
    wanted = likelier_widths(widths, observed, expected, PRIOR, common)
    wanted *= (len(widths) << TRANSITION_BITS) / wanted.sum()
    return written_of(wanted)


def _smooth(x: np.ndarray, length: int) -> np.ndarray:
    """Mean over `length` neighbours, an odd number; beyond the ends are copies of the last."""
    half = length // 2
    padded = np.concatenate([np.full(half + 1, x[0]), x, np.full(half, x[-1])]).cumsum()
    means: np.ndarray = (padded[length:] - padded[:-length]) / length
    return means
