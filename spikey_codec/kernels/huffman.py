"""A sample's symbol, and its canonical codeword into and out of the bits."""

from __future__ import annotations

from typing import NamedTuple

from ..constants import (
    BIN_BITS,
    BUILT,
    COUNT,
    ESCAPE,
    FIRST_CODEWORD,
    FIRST_CONTEXT,
    LENGTH_BITS,
    LOW_BITS,
    MASK,
    MAX_LENGTH,
    PREDICTION_BITS,
    PRIMARY_BITS,
    SECONDARY_LENGTHS,
    STEP,
)
from ..engine.marks import helper, index, inlined
from .bits import get, put, skip
from .huffman_table import build_code
from .state import mitchell_log


class Context(NamedTuple):
    """Which code a sample gets.

    number, row : of the context, and of its scale bin
    phase : of its quantised mean, counted from its scale bin's first
    nearest : the symbol that symbols count from, where codes are uniform
    low_bits : bits of a code that are not in its symbol
    """

    number: int
    row: int
    phase: int
    nearest: int
    low_bits: int


@helper
def bin_row(scale, contexts):
    """Row of a scale's bin, for quarter-octave bins."""
    number = mitchell_log(max(scale, 1), BIN_BITS)
    last = contexts.first_bin + len(contexts.bins) - 1
    return min(max(number, contexts.first_bin), last) - contexts.first_bin


@inlined
def context_of(mean, row, quantizer, contexts):
    """The context of a mean (1/32 code) in a scale bin."""
    bins = contexts.bins
    step = int(bins[index(row), STEP])
    quantised = mean >> step
    phase = nearest = low_bits = 0
    if len(quantizer.levels) > 0:
        phase = quantised - ((quantizer.first_code << PREDICTION_BITS) >> step)
    else:
        low_bits = int(bins[index(row), LOW_BITS])
        nearest = (quantised << step) >> (PREDICTION_BITS + low_bits)
        phase = quantised & int(bins[index(row), MASK])
    number = int(bins[index(row), FIRST_CONTEXT]) + phase
    return Context(number, row, phase, nearest, low_bits)


@inlined
def first_symbol_of(context, quantizer, contexts, tables):
    """The lowest symbol that has a codeword of its own; builds the code if it is not there."""
    if tables.first_symbols[index(context.number)] == 0:
        build_code(context.number, context.row, quantizer, contexts, tables)
    return context.nearest + (int(tables.first_symbols[index(context.number)]) - BUILT)


@inlined
def put_symbol(bits, code, context, quantizer, contexts, tables):
    """Append a code: its symbol's codeword and low bits, or the escape and the code itself."""
    first = first_symbol_of(context, quantizer, contexts, tables)
    symbol = (code >> context.low_bits) - first
    count = int(contexts.bins[index(context.row), COUNT])
    at = int(contexts.bins[index(context.row), FIRST_CODEWORD]) + context.phase * (count + 1)
    if 0 <= symbol < count:
        entry = int(tables.codewords[index(at + symbol)])
        if context.low_bits == 0:
            return put(bits, entry >> LENGTH_BITS, entry & 15)
        low = code & ((1 << context.low_bits) - 1)
        codeword = ((entry >> LENGTH_BITS) << context.low_bits) | low
        return put(bits, codeword, (entry & 15) + context.low_bits)
    entry = int(tables.codewords[index(at + count)])
    plain = ((entry >> LENGTH_BITS) << quantizer.code_bits) | (code - quantizer.first_code)
    return put(bits, plain, (entry & 15) + quantizer.code_bits)


@inlined
def get_symbol(bits, context, quantizer, contexts, tables):
    """Inverse of `put_symbol`: the code, which may be out of range, and the bits left."""
    first = first_symbol_of(context, quantizer, contexts, tables)
    head, _ = get(bits, MAX_LENGTH)
    symbol, length = look_up(head, context, contexts, tables)
    bits = skip(bits, length)
    if symbol == ESCAPE:
        plain, bits = get(bits, quantizer.code_bits)
        return plain + quantizer.first_code, bits
    code = first + symbol
    if context.low_bits > 0:
        low, bits = get(bits, context.low_bits)
        code = (code << context.low_bits) | low
    return code, bits


@inlined
def look_up(head, context, contexts, tables):
    """Symbol and length of the codeword that `head`, the next MAX_LENGTH bits, begins with.

    By the primary table, or by the first length whose codewords lie above (Moffat and Turpin 1997).
    """
    entry = int(
        tables.primary[index((context.number << PRIMARY_BITS) + (head >> SECONDARY_LENGTHS))]
    )
    if entry > 0:
        return entry >> LENGTH_BITS, entry & 15
    at = 2 * context.number * SECONDARY_LENGTHS
    length = PRIMARY_BITS + 1
    while head >= int(tables.secondary[index(at)]):
        at += 2
        length += 1
    rank = (head >> (MAX_LENGTH - length)) + int(tables.secondary[index(at + 1)])
    rank += int(contexts.bins[index(context.row), FIRST_CODEWORD])
    rank += context.phase * (int(contexts.bins[index(context.row), COUNT]) + 1)
    return int(tables.sorted_symbols[index(rank)]), length
