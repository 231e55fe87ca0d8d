"""The encoder's choice for one channel: its predictor, and the scale that it starts with.

Floats appear here only where they choose among what can be coded; the decoder is told the result.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..constants import LONG_TERM_SHIFT, ORDER, PREDICTION_BITS, WEIGHT_BITS
from . import linear

OWN_PREDICTOR_BITS = 16 * ORDER  # what sending a channel's own predictor takes
# Where the codebook was made for channels of this kind, its own predictor is sent only for an
# unusual channel, which gains 2^-5 bits a sample by it.
UNUSUAL_GAIN_SHIFT = 5


class Choice(NamedTuple):
    """A channel's predictor and starting scale.

    number : the predictor's place in the codebook; None for the channel's own
    predictor : int16, shape (ORDER,), newest sample first
    scale : in 2^-SCALE_BITS code; None if the channel is too short to tell
    """

    number: int | None
    predictor: np.ndarray
    scale: int | None


def choose(
    levels: np.ndarray, level_bits: int, codebook: np.ndarray, codebook_fits: bool
) -> Choice:
    """Predictor and starting scale of a channel.

    Parameters
    ----------
    levels : integers, shape (frames,), frames > 0, with level_bits fraction bits
    level_bits : 0 for codes of even width, PREDICTION_BITS for reconstruction levels
    codebook : int16, shape (predictors, ORDER)
    codebook_fits : whether the codebook was made for channels of this kind
    """
    matrix = linear.covariance(levels)
    n = len(levels) - ORDER
    own = linear.fitted(matrix)
    choice, power = _nearest(matrix, n, level_bits, codebook)
    own_power = int(linear.residual_powers(matrix, own[None])[0])
    # It saves n/2 * log2(ratio) bits, and log(ratio) is nearly ratio - 1 where that is small.
    cost = OWN_PREDICTOR_BITS + (n >> UNUSUAL_GAIN_SHIFT if codebook_fits else 0)
    if n > 0 and power * n > own_power * (n + int(2 * math.log(2) * cost) + 1):
        return Choice(None, own, _scale(matrix, own_power, n, level_bits))
    return choice


def choose_from_codebook(levels: np.ndarray, level_bits: int, codebook: np.ndarray) -> Choice:
    """Like `choose`, but the predictor is always one of the codebook."""
    return _nearest(linear.covariance(levels), len(levels) - ORDER, level_bits, codebook)[0]


def _nearest(
    matrix: np.ndarray, samples: int, level_bits: int, codebook: np.ndarray
) -> tuple[Choice, int]:
    """The codebook's predictor that leaves the least power, and that power."""
    if samples <= 0:
        return Choice(0, codebook[0], None), 0
    powers = linear.residual_powers(matrix, codebook)
    number = int(powers.argmin())
    power = int(powers[number])
    return Choice(number, codebook[number], _scale(matrix, power, samples, level_bits)), power


def _scale(matrix: np.ndarray, power: int, samples: int, level_bits: int) -> int:
    """Mean |residual|, in 2^-SCALE_BITS code, of a residual power over so many samples."""
    power = max(power, 0) << linear.power_shift(matrix)
    power <<= 2 * (PREDICTION_BITS - level_bits)
    deviation = math.isqrt(power // samples) >> WEIGHT_BITS  # in 1/32 code
    return deviation * 4 // 5 << LONG_TERM_SHIFT  # of a Gaussian: sqrt(2 / pi) = 0.798
