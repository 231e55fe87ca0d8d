"""The density of residuals: its cumulative mass, tabulated and interpolated.

A distance from the mean becomes steps of the interpolated table in two ways, which do not round
alike, so both belong to the format: Huffman codes are built with a division by the scale, and
arithmetic coding, for each of its many look-ups, multiplies by a reciprocal taken once.
"""

from __future__ import annotations

from ..constants import (
    CDF_GRID_BITS,
    CDF_INTERPOLATION_BITS,
    CDF_RECIPROCAL_BITS,
    CDF_RECIPROCAL_SHIFT,
    SCALE_BITS,
    TRANSITION_BITS,
)
from ..engine.marks import helper, index

STEP_BITS = SCALE_BITS - TRANSITION_BITS + CDF_GRID_BITS + CDF_INTERPOLATION_BITS


@helper
def mass_at(cdf, steps):
    """Mass (2^-24) below a place, in steps of 2^-8 of the table's grid from the mean."""
    last = len(cdf) - 1
    steps += (last << CDF_INTERPOLATION_BITS) >> 1
    if steps <= 0:
        return 0
    if steps >= last << CDF_INTERPOLATION_BITS:
        return int(cdf[index(last)])
    i = steps >> CDF_INTERPOLATION_BITS
    below = int(cdf[index(i)])
    part = steps & ((1 << CDF_INTERPOLATION_BITS) - 1)
    return below + (((int(cdf[index(i + 1)]) - below) * part) >> CDF_INTERPOLATION_BITS)


@helper
def mass_below(cdf, distance, scale):
    """Mass below a distance (1/256 code) from the mean, for a scale (1/4096 code)."""
    return mass_at(cdf, (distance << STEP_BITS) // scale)


@helper
def reciprocal_of(scale):
    return (1 << CDF_RECIPROCAL_BITS) // scale


@helper
def mass_below_by(cdf, distance, reciprocal):
    """As `mass_below`, by the scale's reciprocal: faster, and not always the same."""
    return mass_at(cdf, (distance * reciprocal) >> CDF_RECIPROCAL_SHIFT)


@helper
def transition_below(code, quantizer):
    """Where a code's interval begins, in 1/256 code."""
    if len(quantizer.transitions) > 0:
        return int(quantizer.transitions[index(code - quantizer.first_code)])
    return (code << TRANSITION_BITS) - (1 << (TRANSITION_BITS - 1))
