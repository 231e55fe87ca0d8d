"""FORMAT.md, "Symbols": codes, by the table of a scale bin and a quantised mean."""

from __future__ import annotations

from bisect import bisect_right

from reference.bits import Bits
from reference.density import middle, nonuniform_masses, uniform_masses
from reference.huffman import CodeTable, code_lengths
from reference.mapping import Coding
from reference.scales import bin_centre, half_count, low_bits_and_step


def raw_code(bits: Bits, coding: Coding) -> int:
    """A code that is sent as it is."""
    return coding.checked(bits.take(coding.bits) + coding.lowest)


def read_code(bits: Bits, coding: Coding, number: int, quantised: int) -> int:
    """Read a code by the table of its scale bin and quantised mean."""
    low, step = low_bits_and_step(number, coding)
    half = half_count(bin_centre(number, coding.parts), low)
    if coding.nonuniform:
        first = nearest_nonuniform(quantised, step, coding) - half
        kept = quantised
    else:
        first = ((quantised << step) >> (5 + low)) - half
        kept = quantised % (1 << max(0, 5 + low - step))
    key = (coding.nonuniform, coding.parts, number, kept)
    tables = coding.weights.tables
    if key not in tables:
        if coding.nonuniform:
            masses = nonuniform_masses(number, quantised, first, 2 * half + 1, coding)
        else:
            masses = uniform_masses(number, kept, coding)
        tables[key] = CodeTable(code_lengths(masses))
    symbol = tables[key].read(bits)
    if symbol == 2 * half + 1:
        return raw_code(bits, coding)
    return coding.checked(((first + symbol) << low) + bits.take(low))


def nearest_nonuniform(quantised: int, step: int, coding: Coding) -> int:
    """The code whose interval holds the middle of a quantised mean's range."""
    transitions = coding.weights.converter
    nearest = bisect_right(transitions, middle(quantised, step)) - 1 + coding.lowest
    return min(max(nearest, coding.lowest), coding.highest)
