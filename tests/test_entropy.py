"""Scale bins and masses as FORMAT.md says, and one optimal canonical code for each context."""

import functools
import heapq
from typing import NamedTuple

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import canonical_decode, int2ba
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec import constants as k
from spikey_codec import weights
from spikey_codec.entropy.contexts import ScaleBins, bin_of, scale_bins
from spikey_codec.entropy.huffman import LARGEST_ALPHABET, empty_tables
from spikey_codec.kernels.groups import Contexts, HuffmanTables, Quantizer
from spikey_codec.kernels.huffman import bin_row
from spikey_codec.kernels.huffman_table import build_code, code_lengths

LONGEST = 15
NONUNIFORM, EVEN, FEW = (-512, 511, False), (-32768, 32767, True), (-3, 2, True)


class Code(NamedTuple):
    """The code of one context: its symbols' masses, lengths and codewords, and its tables."""

    masses: list[int]
    lengths: list[int]
    words: list[int]
    first_symbol: int
    context: int
    tables: HuffmanTables
    symbols_at: int


@functools.cache
def bins_of(kind) -> ScaleBins:
    return scale_bins(*kind)


def build(context: int, row: int, kind, edges, density, tables: HuffmanTables) -> None:
    bins = bins_of(kind)
    quantizer = Quantizer(5, kind[0], kind[1], 10, edges, edges[:-1])
    build_code(context, row, quantizer, Contexts(bins.first, bins.table, density), tables)


def made(kind, row: int, place: int, density: np.ndarray | None = None) -> Code:
    """The code for a row of the table of bins and a place among its means."""
    bins = bins_of(kind)
    tables = empty_tables(bins, encoding=True, decoding=True)
    edges = np.zeros(0, np.int32) if kind[2] else weights.load("converter").copy()
    density = weights.load("density").copy() if density is None else density
    context = int(bins.table[row, k.FIRST_CONTEXT]) + place
    build(context, row, kind, edges, density, tables)
    n = int(bins.table[row, k.COUNT]) + 1
    at = int(bins.table[row, k.FIRST_CODEWORD]) + place * n
    entries = tables.codewords[at : at + n].tolist()
    return Code(
        tables.scratch[0, :n].tolist(),
        [entry & 15 for entry in entries],
        [entry >> 4 for entry in entries],
        int(tables.first_symbols[context]) - k.BUILT,
        context,
        tables,
        at,
    )


@st.composite
def contexts(draw, kinds=(NONUNIFORM, EVEN)) -> tuple[tuple, int, int]:
    """Kind of codes, row of the table of bins, place among the means of that row."""
    kind = draw(st.sampled_from(kinds))
    row = draw(st.integers(0, len(bins_of(kind).table) - 1))
    return kind, row, draw(st.integers(0, int(bins_of(kind).table[row, k.MASK])))


def optimal_lengths(masses: list[int]) -> list[int]:
    """Huffman's lengths by a heap; small masses are raised until none is above the longest."""
    floor = max(1, sum(masses) >> LONGEST)
    while True:
        heap = [(max(m, floor), 0, i, (i,)) for i, m in enumerate(masses) if m > 0]
        lengths = [0] * len(masses)
        if len(heap) == 1:
            lengths[heap[0][2]] = 1
        heapq.heapify(heap)
        while len(heap) > 1:
            one, other = heapq.heappop(heap), heapq.heappop(heap)
            inside = one[3] + other[3]
            for i in inside:
                lengths[i] += 1
            heapq.heappush(heap, (one[0] + other[0], 1, len(masses) - len(heap), inside))
        if max(lengths) <= LONGEST:
            return lengths
        floor *= 2


def lengths_of(masses: list[int]) -> list[int]:
    """The lengths that the kernel makes."""
    n = len(masses)
    scratch = np.zeros((5, 2 * n), np.int64)
    scratch[0, :n] = masses
    code_lengths(n, scratch)
    return scratch[4, :n].tolist()


# Scale bins


@pytest.mark.parametrize("kind", [NONUNIFORM, EVEN])
def test_the_table_of_bins_is_that_of_the_format(kind):
    bins = bins_of(kind)
    first, last = (-4, 15) if kind[2] else (-2, 7)
    assert bins.first == 4 * (first + 12)
    assert len(bins.table) == 4 * (last - first + 1)
    for row, columns in enumerate(bins.table.tolist()):
        octave, quarter = first + row // 4, row % 4
        low = max(0, octave - 3) if kind[2] else 0
        centre = ((9 + 2 * quarter) << (octave + 12)) >> 3
        half = ((25 * centre) >> (14 + low)) + 2
        assert columns[k.STEP] == max(0, octave + 3)
        assert columns[k.LOW_BITS] == low
        assert columns[k.CENTRE] == centre
        assert columns[k.HALF] == half
        assert columns[k.COUNT] == 2 * half + 1 <= LARGEST_ALPHABET


@pytest.mark.parametrize("kind", [NONUNIFORM, EVEN, FEW, (0, 0, True)])
def test_contexts_and_codewords_of_all_bins_lie_end_to_end(kind):
    bins = bins_of(kind)
    contexts = codewords = 0
    for row in bins.table.tolist():
        assert (row[k.FIRST_CONTEXT], row[k.FIRST_CODEWORD]) == (contexts, codewords)
        contexts += row[k.MASK] + 1
        codewords += (row[k.MASK] + 1) * (row[k.COUNT] + 1)
    assert (bins.contexts, bins.codewords) == (contexts, codewords)


def test_every_prediction_has_a_context_of_its_bin():
    lowest, highest = 32 * -512, 32 * 511 + 31
    for row in bins_of(NONUNIFORM).table.tolist():
        assert (highest >> row[k.STEP]) - (lowest >> row[k.STEP]) == row[k.MASK]
    for row in bins_of(EVEN).table.tolist():
        bin_width = 32 << row[k.LOW_BITS]
        assert row[k.MASK] + 1 == max(1, bin_width >> row[k.STEP])


@given(st.integers(0, 2**30), st.sampled_from([NONUNIFORM, EVEN]))
def test_the_kernel_finds_the_bin_that_the_encoder_names(scale, kind):
    bins = bins_of(kind)
    assert bin_row(scale, Contexts(bins.first, bins.table, None)) == bin_of(scale, bins)


@pytest.mark.parametrize("kind", [NONUNIFORM, EVEN])
def test_bins_are_quarters_of_octaves(kind):
    bins = bins_of(kind)
    octaves = range(bins.first // 4, (bins.first + len(bins.table)) // 4)
    starts = [(4 + quarter) << octave >> 2 for octave in octaves for quarter in range(4)]
    centres = bins.table[:, k.CENTRE].tolist()
    for row, (start, centre) in enumerate(zip(starts, centres)):
        assert bin_of(start, bins) == bin_of(centre, bins) == row
        assert bin_of(start - 1, bins) == max(row - 1, 0)
    assert bin_of(0, bins) == 0
    assert bin_of(2**31, bins) == len(bins.table) - 1


# Masses


def test_the_shipped_density_is_a_running_sum_around_zero():
    density = weights.load("density")
    assert density.dtype == np.int32 and len(density) % 2 == 1
    assert density[0] == 0 and (np.diff(density) > 0).all()
    x = (np.arange(len(density) - 1) + 0.5) / 32 - (len(density) - 1) / 64
    mass = np.diff(density) / density[-1]
    assert abs(mass @ x) < 0.05
    assert mass @ np.abs(x) == pytest.approx(1, abs=0.1)


@given(contexts())
def test_masses_sum_to_the_densitys(context):
    masses = made(*context).masses
    total = int(weights.load("density")[-1])
    assert min(masses) >= 0 and masses[-1] >= 1
    assert sum(masses) == total or (masses[-1] == 1 and 0 < sum(masses) - total <= len(masses))


@given(contexts())
def test_masses_are_those_of_the_density_between_the_transition_levels(context):
    kind, row, place = context
    code = made(*context)
    step, low, half, count, *_, centre = bins_of(kind).table[row].tolist()
    mean_number = place + (0 if kind[2] else (kind[0] * 32) >> step)
    mean = (2 * mean_number + 1) * 2.0**step / 64  # in codes
    symbols = code.first_symbol + np.arange(count + 1)
    if kind[2]:
        used = np.ones(count, bool)
        transitions = symbols * 2.0**low - 0.5
        assert symbols[0] == -half
    else:
        at = np.clip(symbols + 512, 0, 1024)
        used = (symbols[:-1] >= -512) & (symbols[:-1] <= 511)
        transitions = weights.load("converter")[at] / 256
        transitions = np.where(at == 0, -np.inf, np.where(at == 1024, np.inf, transitions))
        middle = transitions[half : half + 2]  # of the nearest code
        assert middle[0] <= mean < middle[1]
    density = weights.load("density")
    grid = (np.arange(len(density)) - len(density) // 2) / 32
    below = np.interp((transitions - mean) / (centre / 4096), grid, density)
    masses = np.array(code.masses[:-1])
    assert not masses[~used].any()
    assert (masses[used & (np.diff(below) == 0)] == 1).all()
    steepest = np.diff(density).max() / 256  # x is rounded to 1/256 of the grid
    np.testing.assert_allclose(masses[used], np.diff(below)[used], atol=steepest + 2)


@pytest.mark.parametrize("row", range(4 * 7))
def test_even_codes_mirrored_about_the_prediction_have_equal_masses(row):
    grid = np.linspace(-12, 12, 769)
    rising = np.exp(-np.abs(grid)) * 2**20
    density = np.where(grid < 0, rising, 2**21 - rising).astype(np.int32)
    means = int(bins_of(EVEN).table[row, k.MASK]) + 1
    for place in range(means):
        masses = made(EVEN, row, place, density).masses[:-1]
        mirrored = made(EVEN, row, means - 1 - place, density).masses[:-1]
        # Code q and code 1 - q lie alike.
        np.testing.assert_allclose(masses[1:], mirrored[:0:-1], atol=2**21 / 32 / 256)


# Codes


@given(contexts())
def test_codewords_are_prefix_free_and_leave_nothing_over(context):
    code = made(*context)
    pairs = [(word, length) for word, length in zip(code.words, code.lengths) if length]
    assert all(1 <= length <= LONGEST for _, length in pairs)
    begins = sorted((word << (15 - length), 1 << (15 - length)) for word, length in pairs)
    ends = [begin + size for begin, size in begins]
    assert [begin for begin, _ in begins] == [0] + ends[:-1]  # no overlap and no gap
    assert ends[-1] == 1 << 15


@given(contexts())
def test_every_symbol_that_can_come_has_a_codeword(context):
    code = made(*context)
    assert [length > 0 for length in code.lengths] == [mass > 0 for mass in code.masses]
    assert code.lengths[-1] > 0


@given(contexts())
def test_lengths_are_huffmans(context):
    code = made(*context)
    assert code.lengths == optimal_lengths(code.masses)


@given(contexts(), st.integers(0, 2**32 - 1))
def test_codewords_are_canonical(context, seed):
    """Random symbols written with these words are read by another canonical decoder."""
    code = made(*context)
    ranked = sorted((n, symbol) for symbol, n in enumerate(code.lengths) if n)
    counts = np.bincount([n for n, _ in ranked], minlength=16).tolist()
    symbols = np.random.default_rng(seed).choice([symbol for _, symbol in ranked], 50).tolist()
    bits = bitarray()
    for symbol in symbols:
        bits += int2ba(code.words[symbol], code.lengths[symbol])
    assert list(canonical_decode(bits, counts, [symbol for _, symbol in ranked])) == symbols


@given(contexts(), st.integers(0, 2**15 - 1))
def test_the_decoding_tables_find_every_codeword(context, noise):
    code = made(*context)
    tables, longest_primary = code.tables, k.PRIMARY_BITS
    for symbol, (word, length) in enumerate(zip(code.words, code.lengths)):
        if not length:
            continue
        expected = symbol if symbol < len(code.lengths) - 1 else k.ESCAPE
        head = word << (15 - length) | noise & ((1 << (15 - length)) - 1)
        entry = int(
            tables.primary[(code.context << longest_primary) + (head >> (15 - longest_primary))]
        )
        if length <= longest_primary:
            assert entry == expected << 4 | length
            continue
        assert entry == 0
        bounds = tables.secondary[2 * code.context * k.SECONDARY_LENGTHS :][
            : 2 * k.SECONDARY_LENGTHS
        ].reshape(-1, 2)
        found = int(np.flatnonzero(head < bounds[:, 0])[0])
        assert found + longest_primary + 1 == length
        rank = (head >> (15 - length)) + int(bounds[found, 1])
        assert tables.sorted_symbols[code.symbols_at + rank] == expected


@given(st.lists(st.integers(0, 2**24), max_size=200).map(lambda masses: [7, *masses, 1]))
def test_lengths_of_any_masses_are_huffmans(masses):
    assert lengths_of(masses) == optimal_lengths(masses)


@given(st.integers(2, 40), st.integers(1, 1000), st.randoms())
def test_masses_that_grow_like_fibonaccis_keep_within_the_longest_word(n, first, random):
    masses = [first, first]
    while len(masses) < n and masses[-1] < 2**40:
        masses.append(masses[-1] + masses[-2])
    random.shuffle(masses)
    lengths = lengths_of(masses)
    assert lengths == optimal_lengths(masses)
    assert max(lengths) <= LONGEST
    assert sum(1 << (LONGEST - length) for length in lengths) == 1 << LONGEST


def test_the_largest_alphabet_has_a_code():
    lengths = lengths_of([1] * LARGEST_ALPHABET)
    assert sorted(set(lengths)) == [11, 12]


def test_a_code_does_not_depend_on_those_made_before():
    bins = bins_of(NONUNIFORM)
    tables = empty_tables(bins, encoding=True, decoding=True)
    edges, density = weights.load("converter").copy(), weights.load("density").copy()
    for row in (39, 20, 0):
        context = int(bins.table[row, k.FIRST_CONTEXT])
        build(context, row, NONUNIFORM, edges, density, tables)
    for row in (0, 20, 39):
        alone = made(NONUNIFORM, row, 0)
        n = len(alone.words)
        entries = tables.codewords[alone.symbols_at : alone.symbols_at + n].tolist()
        assert [entry >> 4 for entry in entries] == alone.words
        assert [entry & 15 for entry in entries] == alone.lengths
