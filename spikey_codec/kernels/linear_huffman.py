"""Linear prediction and canonical Huffman codes: the kernels of preset `linear`."""

from __future__ import annotations

from ..constants import BAD_SYMBOL, ORDER, OVERRUN
from ..engine.marks import helper, index, kernel
from .bits import Bits, drain, finish, get, put, refill, taken
from .groups import Coded, Contexts, HuffmanTables, LinearLanes, Quantizer, taking
from .huffman import bin_row, context_of, get_symbol, put_symbol
from .linear import level_of, limits_of, predict, within
from .state import fill, remember, scale_from, track


@helper
def scale_at(state, lane):
    return scale_from(int(state.scales[index(lane), 0]), int(state.scales[index(lane), 1]))


@kernel(taking(Coded, Quantizer, Contexts, LinearLanes, "i4[::1]", HuffmanTables, "u4[::1]"))
def linear_huffman_encode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf, predictors, history, scales, offsets,
    scratch, first_symbols, codewords, primary, secondary, sorted_symbols, out,
):  # fmt: skip
    """Codewords of `codes`, from `row` on; returns how many bits `out` holds.

    Takes what is Coded, a Quantizer, Contexts, LinearLanes (moved on), `offsets`, HuffmanTables and
    offsets : int32, shape (samples,), what reference channels add to each prediction, 1/32 code;
        or empty
    out : uint32, two words longer than `codes`
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    contexts = Contexts(first_bin, bins, cdf)
    state = LinearLanes(predictors, history, scales)
    tables = HuffmanTables(scratch, first_symbols, codewords, primary, secondary, sorted_symbols)
    limits = limits_of(quantizer)
    bits = Bits(0, 0, 0)
    done = 0
    while done < len(codes):
        oldest = row & (ORDER - 1)  # the newest level will be written over the oldest
        for lane in range(min(lanes, len(codes) - done)):
            code = int(codes[index(done)])
            level, target = level_of(code, quantizer)
            if row == 0:
                bits = put(bits, code - first_code, code_bits)
                fill(state.history, lane, 2 * ORDER, level)
            else:
                mean = predict(state.predictors, state.history, lane, oldest) >> limits.shift
                if len(offsets) > 0:
                    mean += int(offsets[index(done)])
                mean = within(mean, limits)
                bin = bin_row(scale_at(state, lane), contexts)
                context = context_of(mean, bin, quantizer, contexts)
                bits = put_symbol(bits, code, context, quantizer, contexts, tables)
                track(state.scales, lane, target - mean)
                remember(state.history, lane, oldest, level)
            bits = drain(bits, out)
            done += 1
        row += 1
    return finish(bits, out)


@kernel(taking(Coded, Quantizer, Contexts, LinearLanes, "i4[::1]", HuffmanTables, "u4[::1]"))
def linear_huffman_decode(
    codes, lanes, row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf, predictors, history, scales, offsets,
    scratch, first_symbols, codewords, primary, secondary, sorted_symbols, payload,
):  # fmt: skip
    """Inverse of `linear_huffman_encode`: fills `codes`; returns how many bits it took.

    payload : uint32, followed by at least `lanes` + 2 words of any content
    OVERRUN if the payload ends too early; BAD_SYMBOL if a code is out of range.
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    contexts = Contexts(first_bin, bins, cdf)
    state = LinearLanes(predictors, history, scales)
    tables = HuffmanTables(scratch, first_symbols, codewords, primary, secondary, sorted_symbols)
    limits = limits_of(quantizer)
    bits = Bits(0, 0, 0)
    done = 0
    while done < len(codes):
        oldest = row & (ORDER - 1)
        if bits.position + lanes + 2 > len(payload):
            return OVERRUN
        for lane in range(min(lanes, len(codes) - done)):
            bits = refill(bits, payload)
            mean = 0
            if row == 0:
                plain, bits = get(bits, code_bits)
                code = plain + first_code
            else:
                mean = predict(state.predictors, state.history, lane, oldest) >> limits.shift
                if len(offsets) > 0:
                    mean += int(offsets[index(done)])
                mean = within(mean, limits)
                bin = bin_row(scale_at(state, lane), contexts)
                context = context_of(mean, bin, quantizer, contexts)
                code, bits = get_symbol(bits, context, quantizer, contexts, tables)
            if code < first_code or code > last_code:
                return BAD_SYMBOL
            level, target = level_of(code, quantizer)
            if row == 0:
                fill(state.history, lane, 2 * ORDER, level)
            else:
                track(state.scales, lane, target - mean)
                remember(state.history, lane, oldest, level)
            codes[index(done)] = code
            done += 1
        row += 1
    return taken(bits)
