"""Canonical Huffman codes, one for each context, built when it first occurs."""

from __future__ import annotations

from ..constants import (
    BUILT,
    CENTRE,
    COUNT,
    ESCAPE,
    FIRST_CODEWORD,
    FIRST_CONTEXT,
    HALF,
    LENGTH_BITS,
    LOW_BITS,
    MASK,
    MAX_LENGTH,
    PREDICTION_BITS,
    PRIMARY_BITS,
    SECONDARY_LENGTHS,
    STEP,
    TRANSITION_BITS,
)
from ..engine.marks import helper, index, kernel
from .density import mass_below
from .groups import (
    LENGTHS,
    MASSES,
    NODES,
    PARENTS,
    QUEUE,
    Contexts,
    HuffmanTables,
    Quantizer,
    taking,
)

SYMBOL_BITS = 13  # of an item of the queue, which is mass << SYMBOL_BITS | symbol


@helper
def sort(items, n):
    """Ascending, in place (Shell 1959, with the gaps of Knuth)."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            x = int(items[i])
            j = i - gap
            while j >= 0 and int(items[j]) > x:
                items[j + gap] = items[j]
                j -= gap
            items[j + gap] = x
        gap //= 3


@helper
def join(nodes, parents, n):
    """Huffman's tree over n leaves of ascending mass, in two queues (van Leeuwen 1976): leaves, and
    inner nodes in order of creation; on equal mass a leaf goes first."""
    leaf = 0
    inner = n
    for made in range(n, 2 * n - 1):
        mass = 0
        for _ in range(2):
            if leaf < n and (inner >= made or int(nodes[leaf]) <= int(nodes[inner])):
                take = leaf
                leaf += 1
            else:
                take = inner
                inner += 1
            mass += int(nodes[take])
            parents[take] = made
        nodes[made] = mass


@helper
def code_lengths(count, scratch):
    """Huffman code lengths, at most MAX_LENGTH, of the first `count` symbols, those of mass > 0.

    While a codeword comes out longer than allowed, the smallest masses are raised to a floor and
    the floor is doubled. That is a heuristic; package-merge (Larmore and Hirschberg 1990) would be
    optimal, and costs more than the rare long codeword does.
    """
    masses, queue, nodes = scratch[MASSES], scratch[QUEUE], scratch[NODES]
    parents, lengths = scratch[PARENTS], scratch[LENGTHS]
    total = 0
    for i in range(count):
        total += int(masses[i])
    floor = max(1, total >> MAX_LENGTH)
    while True:
        n = 0
        for i in range(count):
            lengths[i] = 0
            if masses[i] > 0:
                queue[n] = (max(int(masses[i]), floor) << SYMBOL_BITS) | i
                n += 1
        sort(queue, n)
        for i in range(n):
            nodes[i] = int(queue[i]) >> SYMBOL_BITS
        join(nodes, parents, n)
        longest = 0
        nodes[2 * n - 2] = 0  # from here on: depths
        for i in range(2 * n - 3, -1, -1):
            depth = int(nodes[int(parents[i])]) + 1
            nodes[i] = depth
            if i < n:
                lengths[int(queue[i]) & ((1 << SYMBOL_BITS) - 1)] = depth
                longest = max(longest, depth)
        if longest <= MAX_LENGTH:
            return
        floor *= 2


@helper
def code_at(mean, guess, quantizer):
    """The code whose interval holds a mean (1/256 code), for codes that are not uniform."""
    transitions, lowest, highest = (
        quantizer.transitions, quantizer.first_code, quantizer.last_code,
    )  # fmt: skip
    code = min(max(guess, lowest), highest)
    while code > lowest and int(transitions[code - lowest]) > mean:
        code -= 1
    while code < highest and int(transitions[code + 1 - lowest]) <= mean:
        code += 1
    return code


@helper
def set_masses(context, row, quantizer, contexts, masses):
    """Masses (2^-24) of a context's symbols and, last, of its escape; returns the first symbol.

    Where codes are uniform, symbols count from the one that holds the quantised mean.
    """
    bins, cdf, transitions = contexts.bins, contexts.cdf, quantizer.transitions
    lowest, highest = quantizer.first_code, quantizer.last_code
    step, low_bits = int(bins[row, STEP]), int(bins[row, LOW_BITS])
    count, scale = int(bins[row, COUNT]), int(bins[row, CENTRE])
    quantised = context - int(bins[row, FIRST_CONTEXT])
    uniform = len(transitions) == 0
    if not uniform:
        quantised += (lowest << PREDICTION_BITS) >> step
    mean = (((quantised << 1) + 1) << step) << (TRANSITION_BITS - PREDICTION_BITS - 1)
    nearest = 0
    if not uniform:  # the code whose interval holds the mean need not bear the mean's number
        nearest = code_at(mean, (quantised << step) >> PREDICTION_BITS, quantizer)
    first = nearest - int(bins[row, HALF])
    escape = int(cdf[len(cdf) - 1])
    for i in range(count):
        code = first + i
        mass = 0
        if uniform:
            # a symbol for codes a .. b - 1 reaches from a - 1/2 to b - 1/2
            left = (code << (TRANSITION_BITS + low_bits)) - (1 << (TRANSITION_BITS - 1))
            right = left + (1 << (TRANSITION_BITS + low_bits))
            above = mass_below(cdf, right - mean, scale)
            mass = max(above - mass_below(cdf, left - mean, scale), 1)
        elif lowest <= code <= highest:
            below, above = 0, int(cdf[len(cdf) - 1])
            if code > lowest:
                below = mass_below(cdf, int(transitions[code - lowest]) - mean, scale)
            if code < highest:
                above = mass_below(cdf, int(transitions[code - lowest + 1]) - mean, scale)
            mass = max(above - below, 1)
        masses[i] = mass
        escape -= mass
    masses[count] = max(escape, 1)
    return first


@helper
def build_code(context, row, quantizer, contexts, tables):
    """Make the canonical code of one context, in a row of the scale bins."""
    codewords, primary, secondary = tables.codewords, tables.primary, tables.secondary
    lengths = tables.scratch[LENGTHS]
    count = int(contexts.bins[row, COUNT])
    phase = context - int(contexts.bins[row, FIRST_CONTEXT])
    first_codeword = int(contexts.bins[row, FIRST_CODEWORD]) + phase * (count + 1)
    first_symbol = set_masses(context, row, quantizer, contexts, tables.scratch[MASSES])
    code_lengths(count + 1, tables.scratch)

    # Codewords by length, then by symbol; they are decoded as by Moffat and Turpin (1997).
    codeword = 0
    rank = 0
    for length in range(1, MAX_LENGTH + 1):
        codeword <<= 1
        start = codeword
        start_rank = rank
        for i in range(count + 1):
            if int(lengths[i]) == length:
                if len(codewords) > 0:
                    codewords[first_codeword + i] = (codeword << LENGTH_BITS) | length
                if len(primary) > 0:
                    symbol = i if i < count else ESCAPE
                    tables.sorted_symbols[first_codeword + rank] = symbol
                    if length <= PRIMARY_BITS:
                        base = (context << PRIMARY_BITS) + (codeword << (PRIMARY_BITS - length))
                        for j in range(1 << (PRIMARY_BITS - length)):
                            primary[base + j] = (symbol << LENGTH_BITS) | length
                codeword += 1
                rank += 1
        if len(primary) > 0 and length > PRIMARY_BITS:
            at = 2 * (context * SECONDARY_LENGTHS + length - PRIMARY_BITS - 1)
            secondary[at] = codeword << (MAX_LENGTH - length)  # this length's lie below it
            secondary[at + 1] = start_rank - start
    tables.first_symbols[context] = first_symbol + BUILT  # last: from here on the code is there


@kernel(taking("i8", "i8", Quantizer, Contexts, HuffmanTables))
def build_tables(
    first_row, last_row, level_bits, first_code, last_code, code_bits, transitions, levels,
    first_bin, bins, cdf, scratch, first_symbols, codewords, primary, secondary, sorted_symbols,
):  # fmt: skip
    """Build the codes of all contexts in some rows of the scale bins; returns how many are new.

    first_row, last_row : of `Contexts.bins`, both included
    then a Quantizer, Contexts, HuffmanTables
    """
    quantizer = Quantizer(level_bits, first_code, last_code, code_bits, transitions, levels)
    contexts = Contexts(first_bin, bins, cdf)
    tables = HuffmanTables(scratch, first_symbols, codewords, primary, secondary, sorted_symbols)
    built = 0
    for row in range(first_row, last_row + 1):
        first = int(bins[index(row), FIRST_CONTEXT])
        for context in range(first, first + int(bins[index(row), MASK]) + 1):
            if first_symbols[index(context)] == 0:
                build_code(context, row, quantizer, contexts, tables)
                built += 1
    return built
