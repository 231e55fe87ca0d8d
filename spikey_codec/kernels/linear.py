"""Levels of codes, and the linear prediction of the next one."""

from __future__ import annotations

from ..constants import ORDER, PREDICTION_BITS, WEIGHT_BITS
from ..engine.marks import helper, index
from .groups import Limits


@helper
def limits_of(quantizer):
    return Limits(
        WEIGHT_BITS + quantizer.level_bits - PREDICTION_BITS,
        PREDICTION_BITS - quantizer.level_bits,
        quantizer.first_code << PREDICTION_BITS,
        ((quantizer.last_code + 1) << PREDICTION_BITS) - 1,
    )


@helper
def within(mean, limits):
    return min(max(mean, limits.lowest), limits.highest)


@helper
def level_of(code, quantizer):
    """A code's level, as a lane remembers it, and in 1/32 code, as a residual is measured."""
    if len(quantizer.levels) > 0:
        level = int(quantizer.levels[index(code - quantizer.first_code)])
        return level, level
    return code, code << PREDICTION_BITS


@helper
def predict(predictors, ring, lane, oldest):
    """Sum of weights times levels, oldest first; `oldest` is where the oldest level stands."""
    total = 0
    for k in range(ORDER):
        total += int(predictors[index(lane), index(k)]) * int(ring[index(lane), index(oldest + k)])
    return total
