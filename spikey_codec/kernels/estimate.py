"""Sums that only the encoder takes, to choose predictors, references and code widths."""

from __future__ import annotations

from ..constants import ORDER, PREDICTION_BITS, SMALLEST_SCALE, TRANSITION_BITS
from ..engine.marks import helper, index, kernel
from .density import mass_below_by, reciprocal_of
from .groups import LinearLanes, Quantizer, taking
from .linear import level_of, limits_of, predict, within
from .state import fill, remember, scale_from, slot_of, track


@kernel("i8(i4[::1],i4[::1],i8,i8[::1])")
def lagged_products(own, other, first_lag, sums):
    """sums[i] = sum of own[t] * other[t - first_lag - i], over all t that both have; returns how
    many sums there are.

    own, other : int32, 1-D
    sums : int64, 1-D; exact while the sums fit
    """
    for i in range(len(sums)):
        lag = first_lag + i
        now = own[max(lag, 0) :]
        past = other[max(-lag, 0) :]
        total = 0
        for t in range(min(len(now), len(past))):
            total += int(now[t]) * int(past[t])
        sums[i] = total
    return len(sums)


@kernel("i8(i4[:,::1],i8[:,::1])")
def add_products(rows, sums):
    """Add to sums[i, j] the sum of rows[i, t] * rows[j, t] over all t; returns how many rows.

    rows : int32, shape (rows, n)
    sums : int64, shape (rows, rows); exact while the sums fit
    """
    for i in range(len(rows)):
        own = rows[i]
        for j in range(i + 1):
            other = rows[j]
            total = 0
            for t in range(len(own)):
                total += int(own[t]) * int(other[t])
            sums[i, j] += total
            if j < i:
                sums[j, i] += total
    return len(rows)


@helper
def mass_before(i, quantizer, cdf, centre, reciprocal):
    """Mass below the code in place i of all codes; below the first there is none."""
    if i <= 0:
        return 0
    if i > quantizer.last_code - quantizer.first_code:
        return int(cdf[index(len(cdf) - 1)])
    distance = int(quantizer.transitions[index(i)]) - centre
    return mass_below_by(cdf, distance, reciprocal)


@helper
def last_at_most(transitions, last, x):
    """The last of the first `last` + 1 code transition levels that is not above x; 0 if all are."""
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) >> 1
        if int(transitions[index(middle)]) <= x:
            low = middle
        else:
            high = middle - 1
    return low


@helper
def add_masses(expected, quantizer, cdf, centre, reciprocal):
    """Add every code's mass, from the code at the mean outwards until none is left."""
    whole = int(cdf[index(len(cdf) - 1)])
    last = quantizer.last_code - quantizer.first_code
    middle = last_at_most(quantizer.transitions, last, centre)
    at_middle = mass_before(middle, quantizer, cdf, centre, reciprocal)
    left = at_middle
    code = middle
    while left < whole:
        right = mass_before(code + 1, quantizer, cdf, centre, reciprocal)
        expected[index(code)] += right - left
        left = right
        code += 1
    right = at_middle
    code = middle - 1
    while right > 0 and code >= 0:
        left = mass_before(code, quantizer, cdf, centre, reciprocal)
        expected[index(code)] += right - left
        right = left
        code -= 1


@kernel(
    taking(
        "i2[::1]", Quantizer, "i4[::1]", LinearLanes, "i8", "i8", "i8[::1]", "i8[::1]", "i4[::1]"
    )
)
def expectation_step(
    codes, level_bits, first_code, last_code, code_bits, transitions, levels, cdf,
    predictors, history, scales, begin, end, observed, expected, masses,
):  # fmt: skip
    """How often each code of a channel came, and with what mass it was expected; returns the rows.

    The expectation step of expectation maximisation (Dempster, Laird and Rubin 1977) for the widths
    of codes; what is expected is what the linear preset expects.

    codes : int16, shape (rows,), of one channel
    then a Quantizer (not uniform), `cdf` as of Contexts, LinearLanes with one lane (moved on)
    begin, end : rows that count, `end` not included
    observed : int64, shape (codes,), how often each came in these rows; added to
    expected : int64, likewise, masses in 2^-24; added to
    masses : int32, shape (rows,), gets the mass of every row's own code
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    state = LinearLanes(predictors, history, scales)
    limits = limits_of(quantizer)
    for row in range(len(codes)):
        code = int(codes[row])
        level, target = level_of(code, quantizer)
        if row == 0:
            fill(state.history, 0, 2 * ORDER, level)
            masses[0] = int(cdf[index(len(cdf) - 1)])
            continue
        slot = slot_of(row, state.history)
        mean = predict(state.predictors, state.history, 0, slot) >> limits.shift
        mean = within(mean, limits)
        centre = mean << (TRANSITION_BITS - PREDICTION_BITS)
        scale = scale_from(int(state.scales[0, 0]), int(state.scales[0, 1]))
        reciprocal = reciprocal_of(max(scale, SMALLEST_SCALE))
        below = mass_before(code - first_code, quantizer, cdf, centre, reciprocal)
        above = mass_before(code - first_code + 1, quantizer, cdf, centre, reciprocal)
        masses[row] = max(above - below, 1)
        if begin <= row < end:
            observed[index(code - first_code)] += 1
            add_masses(expected, quantizer, cdf, centre, reciprocal)
        track(state.scales, 0, target - mean)
        remember(state.history, 0, slot, level)
    return len(codes)
