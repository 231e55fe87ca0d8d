"""A network's prediction, mixed densities and rANS: the kernels of preset 2."""

from __future__ import annotations

from ..constants import INTERVAL_BITS, OVERRUN, STATE_BITS
from ..engine.marks import helper, index, kernel
from .adaptive import (
    Mixture,
    clipped_residual,
    expect_mixture,
    find_code,
    learn_mixture,
    start_of,
)
from .groups import (
    ABOVE,
    BELOW,
    DENSITY,
    Coded,
    Contexts,
    Mixer,
    Network,
    NetworkLanes,
    Quantizer,
    Sample,
    taking,
)
from .linear import level_of, limits_of
from .network import Expectation, Prior, learn, norm
from .rans import Rans, pop, push, read_state, slot_at, write_state
from .state import fill


@helper
def mixture_at(mean, cdf, mixer, lane):
    return Mixture(mean, cdf, mixer.masses[DENSITY], mixer.adaptive[lane])


@helper
def push_all(starts, widths, out):
    """Push the intervals from the last to the first; returns where the words begin in `out`."""
    rans = Rans(1 << STATE_BITS, len(out))
    for i in range(len(starts) - 1, -1, -1):
        rans = push(rans, int(starts[index(i)]), int(widths[index(i)]), out)
    return write_state(rans, out)


@kernel(
    taking(
        Coded, Quantizer, Contexts, NetworkLanes, "i4[::1]", Network, Mixer,
        "i4[::1]", "i4[::1]", "u4[::1]",
    )
)  # fmt: skip
def network_rans_encode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf,
    predictors, scales, window, residuals, cells, outputs, references, latents, offsets,
    shape, layers, weights, biases, logistic, memory, sums,
    remainders, adaptive, regressors, masses, starts, widths, out,
):  # fmt: skip
    """Code one coding pass, frame by frame, into the end of `out`; returns where it begins.

    Takes what is Coded (only whole rows), a Quantizer, Contexts (of which only the density
    counts), NetworkLanes (moved on), `offsets`, a Network, a Mixer (moved on) and
    offsets : int32, shape (samples,), what reference channels add to each prediction, 1/32 code;
        or empty
    starts, widths : int32, shape (samples,), room for the codes' intervals, in 2^-28
    out : uint32, two words longer than `codes`
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    state = NetworkLanes(predictors, scales, window, residuals, cells, outputs, references, latents)
    network = Network(shape, layers, weights, biases, logistic, memory, sums)
    mixer = Mixer(remainders, adaptive, regressors, masses)
    limits = limits_of(quantizer)
    done = 0
    while done < len(codes):
        for lane in range(lanes):
            code = int(codes[index(done)])
            level, target = level_of(code, quantizer)
            if row == 0:
                starts[index(done)] = (code - first_code) << (INTERVAL_BITS - code_bits)
                widths[index(done)] = 1 << (INTERVAL_BITS - code_bits)
                fill(state.window, lane, window.shape[1], level)
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                sample = Sample(lane, row, offset)
                prior, expectation, mean = expect_mixture(network, state, mixer, sample, limits)
                mixture = mixture_at(mean, cdf, mixer, lane)
                start = start_of(code, quantizer, mixture, masses[BELOW])
                end = start_of(code + 1, quantizer, mixture, masses[ABOVE])
                starts[index(done)] = start
                widths[index(done)] = end - start
                remainder = clipped_residual(code, target, expectation.mean, quantizer)
                residual = norm(clipped_residual(code, target, mean, quantizer), prior)
                learn_mixture(mixer, sample, remainder, residual)
                learn(state, sample, level, target, prior)
            done += 1
        row += 1
    return push_all(starts, widths, out)


@kernel(taking(Coded, Quantizer, Contexts, NetworkLanes, "i4[::1]", Network, Mixer, "i8[::1]"))
def network_rans_decode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf,
    predictors, scales, window, residuals, cells, outputs, references, latents, offsets,
    shape, layers, weights, biases, logistic, memory, sums,
    remainders, adaptive, regressors, masses, payload,
):  # fmt: skip
    """Inverse of `network_rans_encode`: fills `codes`; returns 0.

    payload : int64, at least two words of 32 bits
    OVERRUN if the payload is not what ends with the last code.
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    state = NetworkLanes(predictors, scales, window, residuals, cells, outputs, references, latents)
    network = Network(shape, layers, weights, biases, logistic, memory, sums)
    mixer = Mixer(remainders, adaptive, regressors, masses)
    limits = limits_of(quantizer)
    if int(payload[1]) >> STATE_BITS > 0:
        return OVERRUN
    rans = read_state(payload)
    done = 0
    while done < len(codes):
        for lane in range(lanes):
            offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
            sample = Sample(lane, row, offset)
            prior, expectation, mean = Prior(0, 0, 0, 0, 0), Expectation(0, 0), 0
            if row == 0:
                code = (slot_at(rans) >> (INTERVAL_BITS - code_bits)) + first_code
                start = (code - first_code) << (INTERVAL_BITS - code_bits)
                end = start + (1 << (INTERVAL_BITS - code_bits))
                if code > last_code:
                    return OVERRUN
            else:
                prior, expectation, mean = expect_mixture(network, state, mixer, sample, limits)
                mixture = mixture_at(mean, cdf, mixer, lane)
                code, start, end = find_code(slot_at(rans), quantizer, mixture, masses)
            rans = pop(rans, start, end - start, payload)
            if rans.position > len(payload):
                return OVERRUN
            level, target = level_of(code, quantizer)
            if row == 0:
                fill(state.window, lane, window.shape[1], level)
            else:
                remainder = clipped_residual(code, target, expectation.mean, quantizer)
                residual = norm(clipped_residual(code, target, mean, quantizer), prior)
                learn_mixture(mixer, sample, remainder, residual)
                learn(state, sample, level, target, prior)
            codes[index(done)] = code
            done += 1
        row += 1
    return 0 if rans.position == len(payload) and rans.x == 1 << STATE_BITS else OVERRUN
