"""A network's prediction and canonical Huffman codes: the kernels of preset 1."""

from __future__ import annotations

from ..constants import BAD_SYMBOL, LOG_BITS, NETWORK_BIN_BITS, OVERRUN
from ..engine.marks import helper, index, kernel
from .bits import Bits, drain, finish, get, put, refill, taken
from .groups import (
    Coded,
    Contexts,
    HuffmanTables,
    Network,
    NetworkLanes,
    Quantizer,
    Sample,
    taking,
)
from .huffman import context_of, get_symbol, put_symbol
from .linear import level_of, limits_of
from .network import Prior, expect, learn
from .state import fill


@helper
def expected_context(network, state, sample, quantizer, contexts):
    """The Prior and the Context of a sample in a row from 1 on."""
    prior, expectation = expect(network, state, sample, limits_of(quantizer), 0)
    row = (expectation.log >> (LOG_BITS - NETWORK_BIN_BITS)) - contexts.first_bin
    row = min(max(row, 0), len(contexts.bins) - 1)
    return prior, context_of(expectation.mean, row, quantizer, contexts)


@kernel(
    taking(Coded, Quantizer, Contexts, NetworkLanes, "i4[::1]", Network, HuffmanTables, "u4[::1]")
)
def network_huffman_encode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf,
    predictors, scales, window, residuals, cells, outputs, references, latents, offsets,
    shape, layers, weights, biases, logistic, memory, sums,
    scratch, first_symbols, codewords, primary, secondary, sorted_symbols, out,
):  # fmt: skip
    """Codewords of one coding pass, frame by frame; returns how many bits `out` holds.

    Takes what is Coded (only whole rows), a Quantizer, Contexts, NetworkLanes (moved on),
    `offsets`, a Network, HuffmanTables and
    offsets : int32, shape (samples,), what reference channels add to each prediction, 1/32 code;
        or empty
    out : uint32, two words longer than `codes`
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    contexts = Contexts(first_bin, bins, cdf)
    state = NetworkLanes(predictors, scales, window, residuals, cells, outputs, references, latents)
    network = Network(shape, layers, weights, biases, logistic, memory, sums)
    tables = HuffmanTables(scratch, first_symbols, codewords, primary, secondary, sorted_symbols)
    bits = Bits(0, 0, 0)
    done = 0
    while done < len(codes):
        for lane in range(lanes):
            code = int(codes[index(done)])
            level, target = level_of(code, quantizer)
            if row == 0:
                bits = put(bits, code - first_code, code_bits)
                fill(state.window, lane, window.shape[1], level)
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                sample = Sample(lane, row, offset)
                prior, context = expected_context(network, state, sample, quantizer, contexts)
                bits = put_symbol(bits, code, context, quantizer, contexts, tables)
                learn(state, sample, level, target, prior)
            bits = drain(bits, out)
            done += 1
        row += 1
    return finish(bits, out)


@kernel(
    taking(Coded, Quantizer, Contexts, NetworkLanes, "i4[::1]", Network, HuffmanTables, "u4[::1]")
)
def network_huffman_decode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf,
    predictors, scales, window, residuals, cells, outputs, references, latents, offsets,
    shape, layers, weights, biases, logistic, memory, sums,
    scratch, first_symbols, codewords, primary, secondary, sorted_symbols, payload,
):  # fmt: skip
    """Inverse of `network_huffman_encode`: fills `codes`; returns how many bits it took.

    payload : uint32, followed by at least `lanes` + 2 words of any content
    OVERRUN if the payload ends too early; BAD_SYMBOL if a code is out of range.
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    contexts = Contexts(first_bin, bins, cdf)
    state = NetworkLanes(predictors, scales, window, residuals, cells, outputs, references, latents)
    network = Network(shape, layers, weights, biases, logistic, memory, sums)
    tables = HuffmanTables(scratch, first_symbols, codewords, primary, secondary, sorted_symbols)
    bits = Bits(0, 0, 0)
    done = 0
    while done < len(codes):
        if bits.position + lanes + 2 > len(payload):
            return OVERRUN
        for lane in range(lanes):
            bits = refill(bits, payload)
            offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
            sample = Sample(lane, row, offset)
            prior = Prior(0, 0, 0, 0, 0)
            if row == 0:
                plain, bits = get(bits, code_bits)
                code = plain + first_code
            else:
                prior, context = expected_context(network, state, sample, quantizer, contexts)
                code, bits = get_symbol(bits, context, quantizer, contexts, tables)
            if code < first_code or code > last_code:
                return BAD_SYMBOL
            level, target = level_of(code, quantizer)
            if row == 0:
                fill(state.window, lane, window.shape[1], level)
            else:
                learn(state, sample, level, target, prior)
            codes[index(done)] = code
            done += 1
        row += 1
    return taken(bits)
