"""What a channel teaches as it goes, for preset `max`: a mixture of densities, with NLMS (nlms.py).

FORMAT.md, "Mixing". The mixture weights move by one step of expectation maximisation a sample
(Titterington 1984), with a part of them kept equal (Herbster and Warmuth 1998).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..constants import (
    BEYOND,
    DENSITIES,
    EQUAL_SHARE,
    EQUAL_SHIFT,
    INTERVAL_BITS,
    LARGEST_LOG,
    LEAST_WIDTH_BITS,
    MASS_BITS,
    PREDICTION_BITS,
    SHARE_BITS,
    SHARE_SHIFT,
    SMALLEST_LOG,
    TRANSITION_BITS,
    VALUE_BITS,
)
from ..engine.marks import helper, index, inlined
from .density import mass_below_by, reciprocal_of, transition_below
from .groups import (
    ABOVE,
    BELOW,
    BETWEEN,
    DENSITY,
    MEAN,
    RECIPROCAL,
    SHARE_1,
    SHARE_2,
    SHARE_3,
)
from .network import expect
from .nlms import adapt, correction, set_regressors
from .state import remember, scale_of, slot_of


class Mixture(NamedTuple):
    """Where the next code's probability comes from.

    mean : of the first density, 1/32 code; cdf : as of Contexts
    densities : int64, shape (6,), as Mixer.masses[DENSITY]
    adaptive : int64, the lane's row of Mixer.adaptive
    """

    mean: int
    cdf: np.ndarray
    densities: np.ndarray
    adaptive: np.ndarray


@inlined
def expect_mixture(network, state, mixer, sample, limits):
    """Expect a row from 1 on: a Prior, the network's Expectation, and the mean with NLMS; the
    densities and the regressors are set."""
    prior, expectation = expect(network, state, sample, limits, BEYOND)
    set_regressors(mixer, state, sample, expectation, prior, limits)
    mean = expectation.mean + ((correction(mixer, sample.lane) * prior.unit) >> VALUE_BITS)
    mean = min(max(mean, limits.lowest - BEYOND), limits.highest + BEYOND)
    set_densities(mixer.masses[DENSITY], mean, expectation, prior)
    return prior, expectation, mean


@inlined
def set_densities(densities, mean, expectation, prior):
    """By network and NLMS weights, by the network, and of the linear prediction."""
    finer = TRANSITION_BITS - PREDICTION_BITS
    log = min(max(expectation.log, SMALLEST_LOG), LARGEST_LOG)
    reciprocal = reciprocal_of(scale_of(log))
    densities[MEAN] = mean << finer
    densities[RECIPROCAL] = reciprocal
    densities[2 + MEAN] = expectation.mean << finer
    densities[2 + RECIPROCAL] = reciprocal
    densities[4 + MEAN] = prior.mean << finer
    densities[4 + RECIPROCAL] = reciprocal_of(scale_of(prior.log))


@helper
def start_of(code, quantizer, mixture, below):
    """Start of a code's interval, in 2^-28; `below` gets each density's mass below the code."""
    if code <= quantizer.first_code:
        for i in range(DENSITIES):
            below[i] = 0
        return 0
    if code > quantizer.last_code:
        for i in range(DENSITIES):
            below[i] = int(mixture.cdf[index(len(mixture.cdf) - 1)])
        return 1 << INTERVAL_BITS
    transition = transition_below(code, quantizer)
    total = 0
    for i in range(DENSITIES):
        distance = transition - int(mixture.densities[2 * i + MEAN])
        mass = mass_below_by(mixture.cdf, distance, int(mixture.densities[2 * i + RECIPROCAL]))
        below[i] = mass
        total += int(mixture.adaptive[index(i)]) * mass
    codes = quantizer.last_code - quantizer.first_code + 1
    least = max(1, (1 << LEAST_WIDTH_BITS) // codes)
    total >>= SHARE_BITS + MASS_BITS - INTERVAL_BITS
    shared = (total * ((1 << INTERVAL_BITS) - codes * least)) >> INTERVAL_BITS
    return shared + least * (code - quantizer.first_code)


@helper
def copy_masses(source, target):
    for i in range(DENSITIES):
        target[i] = source[i]


@helper
def find_code(slot, quantizer, mixture, masses):
    """The code whose interval holds a slot, and where that starts and ends.

    Steps of growing width lead from the mean to a stretch that holds the slot, halving to the code.
    """
    below, above, between = masses[BELOW], masses[ABOVE], masses[BETWEEN]
    first_code, last_code = quantizer.first_code, quantizer.last_code
    low = min(max(mixture.mean >> PREDICTION_BITS, first_code), last_code)
    high = low + 1
    start = start_of(low, quantizer, mixture, below)
    end = start_of(high, quantizer, mixture, above)
    step = 1
    while end <= slot:
        low = high
        start = end
        copy_masses(above, below)
        step *= 2
        high = min(low + step, last_code + 1)
        end = start_of(high, quantizer, mixture, above)
    while start > slot:
        high = low
        end = start
        copy_masses(below, above)
        step *= 2
        low = max(high - step, first_code)
        start = start_of(low, quantizer, mixture, below)
    while high - low > 1:
        middle = (low + high) >> 1
        at = start_of(middle, quantizer, mixture, between)
        if at <= slot:
            low = middle
            start = at
            copy_masses(between, below)
        else:
            high = middle
            end = at
            copy_masses(between, above)
    return low, start, end


@helper
def moved(share, part, total):
    """A mixture weight after a step towards a density's part of the total, and towards equality."""
    part = (part << SHARE_BITS) // total - share + ((EQUAL_SHARE - share) >> EQUAL_SHIFT)
    return share + (part >> SHARE_SHIFT)


@helper
def move_shares(adaptive, below, above):
    """Move the mixture weights towards what each density had of the code between the two."""
    first, second, third = int(adaptive[SHARE_1]), int(adaptive[SHARE_2]), int(adaptive[SHARE_3])
    of_first = first * (int(above[0]) - int(below[0]) + 1)
    of_second = second * (int(above[1]) - int(below[1]) + 1)
    of_third = third * (int(above[2]) - int(below[2]) + 1)
    total = of_first + of_second + of_third
    second = moved(second, of_second, total)
    third = moved(third, of_third, total)
    adaptive[SHARE_1] = (1 << SHARE_BITS) - second - third
    adaptive[SHARE_2] = second
    adaptive[SHARE_3] = third


@helper
def clipped_residual(code, target, mean, quantizer):
    """A code's level less its mean; none for an outermost code and a mean beyond it."""
    if code == quantizer.last_code:
        return max(target - mean, 0)
    if code == quantizer.first_code:
        return min(target - mean, 0)
    return target - mean


@inlined
def learn_mixture(mixer, sample, remainder, residual):
    """What a lane's mixing remembers of a sample: its residual by the network (1/32 code), its
    masses, and its residual by network and NLMS weights (2^-10 of the scale)."""
    lane = sample.lane
    remember(mixer.remainders, lane, slot_of(sample.row, mixer.remainders), remainder)
    move_shares(mixer.adaptive[lane], mixer.masses[BELOW], mixer.masses[ABOVE])
    adapt(mixer, lane, residual)
