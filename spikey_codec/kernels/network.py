"""What a network is told of a sample, what it makes of that, and what its lane learns.

FORMAT.md ("Networks") has the steps. A Prior is what the linear prediction says; an Expectation is
what the network makes of it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..constants import (
    LARGEST_VALUE,
    LONG,
    LONGEST,
    MEDIUM,
    NORM_BITS,
    NORM_SHIFT,
    ORDER,
    PREDICTION_BITS,
    REACH,
    SHORT,
    USUAL_LOG,
    VALUE_BITS,
)
from ..engine.marks import (
    helper,
    index,
    inlined,
    kernel,
)
from .groups import (
    ERRORS,
    INPUT,
    LATENT,
    LEVELS,
)
from .layers import run_network
from .linear import predict, within
from .state import (
    follow,
    limited,
    log_of,
    newest,
    remember,
    scale_from,
    scale_of,
    slot_of,
)


class Prior(NamedTuple):
    """own : the lane's own linear prediction; mean : that with the offset, within the limits;
    log : the linear scale's, 1/64 octave; unit, reciprocal : of the scale, for `norm`"""

    own: int
    mean: int
    log: int
    unit: int
    reciprocal: int


class Expectation(NamedTuple):
    """mean, log : as the network corrects them, 1/32 code and 1/64 octave"""

    mean: int
    log: int


@inlined
def norm(x, prior):
    """A difference (1/32 code) in 2^-10 of the scale, limited."""
    return (limited(x, REACH * prior.unit) * prior.reciprocal) >> NORM_SHIFT


@inlined
def prior_of(state, sample, limits):
    oldest = newest(sample.row, state.window) - ORDER + 1
    own = predict(state.predictors, state.window, sample.lane, oldest) >> limits.shift
    mean = within(own + sample.offset, limits)
    short, long = state.scales[index(sample.lane), 0], state.scales[index(sample.lane), 2]
    log = log_of(scale_from(int(short), int(long)))
    scale = scale_of(log)
    return Prior(own, mean, log, scale >> 7, (1 << NORM_BITS) // scale)


@helper
def term_logs(scales, lane):
    """Logarithms of the four averages of |residual|, all in the unit of the third."""
    return (
        log_of(int(scales[index(lane), 0]) << (LONG - SHORT)),
        log_of(int(scales[index(lane), 1]) << (LONG - MEDIUM)),
        log_of(int(scales[index(lane), 2])),
        log_of(int(scales[index(lane), 3]) >> (LONGEST - LONG)),
    )


@helper
def track_terms(scales, lane, residual):
    """Move a network lane's averages of |residual| (1/32 code)."""
    size = abs(residual)
    follow(scales, lane, 0, size, SHORT)
    follow(scales, lane, 1, size, MEDIUM)
    follow(scales, lane, 2, size, LONG)
    follow(scales, lane, 3, size, LONGEST)


@inlined
def set_inputs(network, state, sample, prior, limits):
    """The network's inputs (FORMAT.md, "Networks", step 3)."""
    memory = network.memory
    lane = sample.lane
    at = INPUT
    levels = int(network.shape[LEVELS])
    ring = state.window[lane]
    last = newest(sample.row, state.window)
    for k in range(levels):
        level = int(ring[index(last - k)]) << limits.level_shift
        memory[index(at + k)] = norm(level - prior.mean, prior)
    at += levels
    residuals = int(network.shape[ERRORS])
    if residuals > 0:
        ring = state.residuals[lane]
        last = newest(sample.row, state.residuals)
        for k in range(residuals):
            memory[index(at + k)] = norm(int(ring[index(last - k)]), prior)
        at += residuals
    short, medium, long, longest = term_logs(state.scales, lane)
    memory[at] = limited((short - prior.log) << 4, LARGEST_VALUE)
    memory[at + 1] = limited((medium - prior.log) << 4, LARGEST_VALUE)
    memory[at + 2] = limited((long - prior.log) << 4, LARGEST_VALUE)
    memory[at + 3] = limited((longest - prior.log) << 4, LARGEST_VALUE)
    memory[at + 4] = limited((prior.log - USUAL_LOG) << 3, LARGEST_VALUE)
    memory[at + 5] = limited(prior.mean >> 2, LARGEST_VALUE)
    memory[at + 6] = norm(sample.offset, prior)


@helper
def own_slot(state, lane):
    """Where others look for a lane's latents; -1 if none does."""
    return int(state.references[index(lane), index(state.references.shape[1] - 1)])


@inlined
def expect(network, state, sample, limits, beyond):
    """What is to be expected in a row from 1 on: a Prior, and the network's Expectation, whose mean
    lies at most `beyond` (1/32 code) outside the limits."""
    prior = prior_of(state, sample, limits)
    set_inputs(network, state, sample, prior, limits)
    latent, result = run_network(network, state, sample)
    slot = own_slot(state, sample.lane)
    if slot >= 0:
        kept = state.latents[index(slot)]
        for j in range(int(network.shape[LATENT])):
            kept[index(sample.row), index(j)] = network.memory[index(latent + j)]
    mean = prior.mean + ((int(network.memory[index(result)]) * prior.unit) >> VALUE_BITS)
    mean = min(max(mean, limits.lowest - beyond), limits.highest + beyond)
    return prior, Expectation(mean, prior.log + (int(network.memory[index(result + 1)]) >> 4))


@inlined
def learn(state, sample, level, target, prior):
    """What a lane remembers of a sample: its level, and its residual by the linear prediction."""
    lane, row = sample.lane, sample.row
    remember(state.window, lane, slot_of(row, state.window), level)
    residual = target - prior.mean
    if state.residuals.shape[1] > 0:
        remember(state.residuals, lane, slot_of(row, state.residuals), residual)
    track_terms(state.scales, lane, residual)
    slot = own_slot(state, lane)
    if slot >= 0:
        last = state.latents.shape[2] - 1
        state.latents[index(slot), index(row), index(last)] = norm(target - prior.own, prior)


@kernel("i8(i4[::1],i4[::1],i8,i8,i8,i8[:,::1],i4[::1],i4[:,::1])")
def trace(levels, residuals, level_bits, lowest, highest, scales, offsets, known):
    """What a network is told of each sample of a channel besides past levels; returns the samples.

    levels : int32, shape (samples,), with `level_bits` fraction bits
    residuals : int32, likewise, 1/32 code, of the channel's own linear prediction
    lowest, highest : limits of the mean, 1/32 code
    scales : int64, shape (1, 4), as of NetworkLanes at the start; moved on
    offsets : int32, what reference channels add to each prediction, 1/32 code; or empty
    known : int32, shape (samples, 8), row 0 untouched: mean and residual (1/32 code), the scale's
        logarithm and those of the four averages, and the offset
    """
    for row in range(1, len(levels)):
        offset = int(offsets[index(row)]) if len(offsets) > 0 else 0
        target = int(levels[index(row)]) << (PREDICTION_BITS - level_bits)
        mean = min(max(target - int(residuals[index(row)]) + offset, lowest), highest)
        known[row, 0] = mean
        known[row, 1] = target - mean
        known[row, 2] = log_of(scale_from(int(scales[0, 0]), int(scales[0, 2])))
        known[row, 3], known[row, 4], known[row, 5], known[row, 6] = term_logs(scales, 0)
        known[row, 7] = offset
        track_terms(scales, 0, target - mean)
    return len(levels)
