"""NLMS: weights that move by normalised least mean squares (Widrow and Hoff 1960; Nagumo and Noda
1967), and correct a network's mean. FORMAT.md, "Mixing"."""

from __future__ import annotations

from ..constants import (
    ENERGY_SHIFT,
    GAIN_BITS,
    GAINS,
    LARGEST_ERROR,
    LARGEST_GAIN,
    LEAST_ENERGY,
    PAST_LEVELS,
    PAST_REMAINDERS,
)
from ..engine.marks import helper, index
from .groups import ENERGY, FIRST_GAIN
from .network import norm
from .state import limited, newest

STEP_BITS = 14  # fraction bits of a step of the weights


@helper
def set_regressors(mixer, state, sample, expectation, prior, limits):
    """What the NLMS weights are for: second-stage residuals, and levels less the network's mean."""
    ring = mixer.remainders[sample.lane]
    last = newest(sample.row, mixer.remainders)
    for k in range(PAST_REMAINDERS):
        mixer.regressors[k] = norm(int(ring[index(last - k)]), prior)
    ring = state.window[sample.lane]
    last = newest(sample.row, state.window)
    for k in range(PAST_LEVELS):
        level = int(ring[index(last - k)]) << limits.level_shift
        mixer.regressors[PAST_REMAINDERS + k] = norm(level - expectation.mean, prior) >> 2


@helper
def correction(mixer, lane):
    """What the NLMS weights add to the network's mean, in 2^-10 of the scale."""
    gains = mixer.adaptive[lane, FIRST_GAIN:]
    total = 0
    for k in range(GAINS):
        total += int(gains[k]) * int(mixer.regressors[k])
    return total >> GAIN_BITS


@helper
def adapt(mixer, lane, residual):
    """Move the NLMS weights against a residual in 2^-10 of the scale."""
    gains, regressors = mixer.adaptive[lane, FIRST_GAIN:], mixer.regressors
    now = 0
    for k in range(GAINS):
        now += int(regressors[k]) * int(regressors[k])
    energy = int(mixer.adaptive[index(lane), ENERGY])
    energy += (now - energy) >> ENERGY_SHIFT
    mixer.adaptive[index(lane), ENERGY] = energy
    step = limited(residual, LARGEST_ERROR) * ((1 << 41) // (energy + LEAST_ENERGY))
    step >>= STEP_BITS
    half = 1 << (STEP_BITS - 1)
    for k in range(GAINS):
        gains[k] = limited(
            int(gains[k]) + ((step * int(regressors[k]) + half) >> STEP_BITS), LARGEST_GAIN
        )
