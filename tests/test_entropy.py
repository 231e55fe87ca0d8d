"""Stage 4: classes and masses as FORMAT.md says, and one optimal canonical code for each key."""

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
from spikey_codec.entropy.huffman import LARGEST_ALPHABET, CodeTables
from spikey_codec.kernels.groups import Contexts, HuffmanTables, Quantizer
from spikey_codec.kernels.huffman import bin_row
from spikey_codec.kernels.huffman_table import build_code, code_lengths

LONGEST = 15
NONUNIFORM, EVEN, FEW = (-512, 511, False), (-32768, 32767, True), (-3, 2, True)


class Code(NamedTuple):
    """The code of one key: masses, lengths and words of the symbols, and the tables it is in."""

    masses: list[int]
    lengths: list[int]
    words: list[int]
    first_bin: int
    key: int
    tables: CodeTables
    symbols_at: int


@functools.cache
def classes_of(kind) -> ScaleBins:
    return scale_bins(*kind)


def build(key: int, row: int, kind, edges, density, tables: CodeTables) -> None:
    classes = classes_of(kind)
    build_code(
        key,
        row,
        Quantizer(5, kind[0], kind[1], 10, edges, edges[:-1]),
        Contexts(classes.first, classes.table, density),
        HuffmanTables(*tables.arrays()),
    )


def made(kind, row: int, place: int, density: np.ndarray | None = None) -> Code:
    """The code for a row of the table of classes and a place among its cells."""
    classes = classes_of(kind)
    tables = CodeTables(classes, encoding=True, decoding=True)
    edges = np.zeros(0, np.int32) if kind[2] else weights.load("converter").copy()
    density = weights.load("density").copy() if density is None else density
    key = int(classes.table[row, k.FIRST_CONTEXT]) + place
    build(key, row, kind, edges, density, tables)
    n = int(classes.table[row, k.COUNT]) + 1
    at = int(classes.table[row, k.FIRST_CODEWORD]) + place * n
    entries = tables.codewords[at : at + n].tolist()
    return Code(
        tables.scratch[0, :n].tolist(),
        [entry & 15 for entry in entries],
        [entry >> 4 for entry in entries],
        int(tables.first_symbols[key]) - k.BUILT,
        key,
        tables,
        at,
    )


@st.composite
def keys(draw, kinds=(NONUNIFORM, EVEN)) -> tuple[tuple, int, int]:
    """Kind of codes, row of the table of classes, place among the cells of that row."""
    kind = draw(st.sampled_from(kinds))
    row = draw(st.integers(0, len(classes_of(kind).table) - 1))
    return kind, row, draw(st.integers(0, int(classes_of(kind).table[row, k.MASK])))


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


# Classes


@pytest.mark.parametrize("kind", [NONUNIFORM, EVEN])
def test_the_table_of_classes_is_that_of_the_format(kind):
    classes = classes_of(kind)
    first, last = (-4, 15) if kind[2] else (-2, 7)
    assert classes.first == 4 * (first + 12)
    assert len(classes.table) == 4 * (last - first + 1)
    for row, columns in enumerate(classes.table.tolist()):
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
def test_keys_and_symbols_of_all_classes_lie_end_to_end(kind):
    classes = classes_of(kind)
    keys = symbols = 0
    for row in classes.table.tolist():
        assert (row[k.FIRST_CONTEXT], row[k.FIRST_CODEWORD]) == (keys, symbols)
        keys += row[k.MASK] + 1
        symbols += (row[k.MASK] + 1) * (row[k.COUNT] + 1)
    assert (classes.keys, classes.symbols) == (keys, symbols)


def test_every_prediction_has_a_key_of_its_class():
    lowest, highest = 32 * -512, 32 * 511 + 31
    for row in classes_of(NONUNIFORM).table.tolist():
        assert (highest >> row[k.STEP]) - (lowest >> row[k.STEP]) == row[k.MASK]
    for row in classes_of(EVEN).table.tolist():
        bin_width = 32 << row[k.LOW_BITS]
        assert row[k.MASK] + 1 == max(1, bin_width >> row[k.STEP])


@given(st.integers(0, 2**30), st.sampled_from([NONUNIFORM, EVEN]))
def test_the_kernel_finds_the_class_that_the_encoder_names(scale, kind):
    classes = classes_of(kind)
    last = classes.first + len(classes.table) - 1
    assert bin_row(scale, Contexts(classes.first, classes.table, None)) == bin_of(scale, classes)


@pytest.mark.parametrize("kind", [NONUNIFORM, EVEN])
def test_classes_are_quarters_of_octaves(kind):
    classes = classes_of(kind)
    octaves = range(classes.first // 4, (classes.first + len(classes.table)) // 4)
    starts = [(4 + quarter) << octave >> 2 for octave in octaves for quarter in range(4)]
    centres = classes.table[:, k.CENTRE].tolist()
    for row, (start, centre) in enumerate(zip(starts, centres)):
        assert bin_of(start, classes) == bin_of(centre, classes) == row
        assert bin_of(start - 1, classes) == max(row - 1, 0)
    assert bin_of(0, classes) == 0
    assert bin_of(2**31, classes) == len(classes.table) - 1


# Masses


def test_the_shipped_density_is_a_running_sum_around_zero():
    density = weights.load("density")
    assert density.dtype == np.int32 and len(density) % 2 == 1
    assert density[0] == 0 and (np.diff(density) > 0).all()
    x = (np.arange(len(density) - 1) + 0.5) / 32 - (len(density) - 1) / 64
    mass = np.diff(density) / density[-1]
    assert abs(mass @ x) < 0.05
    assert mass @ np.abs(x) == pytest.approx(1, abs=0.1)


@given(keys())
def test_masses_sum_to_the_densitys(key):
    masses = made(*key).masses
    total = int(weights.load("density")[-1])
    assert min(masses) >= 0 and masses[-1] >= 1
    assert sum(masses) == total or (masses[-1] == 1 and 0 < sum(masses) - total <= len(masses))


@given(keys())
def test_masses_are_those_of_the_density_between_the_edges(key):
    kind, row, place = key
    code = made(*key)
    step, low, half, count, *_, centre = classes_of(kind).table[row].tolist()
    cell = place + (0 if kind[2] else (kind[0] * 32) >> step)
    mean = (2 * cell + 1) * 2.0**step / 64  # in codes
    bins = code.first_bin + np.arange(count + 1)
    if kind[2]:
        used = np.ones(count, bool)
        edges = bins * 2.0**low - 0.5
        assert bins[0] == -half
    else:
        at = np.clip(bins + 512, 0, 1024)
        used = (bins[:-1] >= -512) & (bins[:-1] <= 511)
        edges = weights.load("converter")[at] / 256
        edges = np.where(at == 0, -np.inf, np.where(at == 1024, np.inf, edges))
        middle = edges[half : half + 2]  # of the nearest code
        assert middle[0] <= mean < middle[1]
    density = weights.load("density")
    grid = (np.arange(len(density)) - len(density) // 2) / 32
    below = np.interp((edges - mean) / (centre / 4096), grid, density)
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
    cells = int(classes_of(EVEN).table[row, k.MASK]) + 1
    for place in range(cells):
        masses = made(EVEN, row, place, density).masses[:-1]
        mirrored = made(EVEN, row, cells - 1 - place, density).masses[:-1]
        # Code q and code 1 - q lie alike.
        np.testing.assert_allclose(masses[1:], mirrored[:0:-1], atol=2**21 / 32 / 256)


# Codes


@given(keys())
def test_code_words_are_prefix_free_and_leave_nothing_over(key):
    code = made(*key)
    pairs = [(word, length) for word, length in zip(code.words, code.lengths) if length]
    assert all(1 <= length <= LONGEST for _, length in pairs)
    begins = sorted((word << (15 - length), 1 << (15 - length)) for word, length in pairs)
    ends = [begin + size for begin, size in begins]
    assert [begin for begin, _ in begins] == [0] + ends[:-1]  # no overlap and no gap
    assert ends[-1] == 1 << 15


@given(keys())
def test_every_symbol_that_can_come_has_a_code_word(key):
    code = made(*key)
    assert [length > 0 for length in code.lengths] == [mass > 0 for mass in code.masses]
    assert code.lengths[-1] > 0


@given(keys())
def test_lengths_are_huffmans(key):
    code = made(*key)
    assert code.lengths == optimal_lengths(code.masses)


@given(keys(), st.integers(0, 2**32 - 1))
def test_code_words_are_canonical(key, seed):
    """Random symbols written with these words are read by another canonical decoder."""
    code = made(*key)
    ranked = sorted((n, symbol) for symbol, n in enumerate(code.lengths) if n)
    counts = np.bincount([n for n, _ in ranked], minlength=16).tolist()
    symbols = np.random.default_rng(seed).choice([symbol for _, symbol in ranked], 50).tolist()
    bits = bitarray()
    for symbol in symbols:
        bits += int2ba(code.words[symbol], code.lengths[symbol])
    assert list(canonical_decode(bits, counts, [symbol for _, symbol in ranked])) == symbols


@given(keys(), st.integers(0, 2**15 - 1))
def test_the_decoding_tables_find_every_code_word(key, noise):
    code = made(*key)
    tables, longest_fast = code.tables, k.PRIMARY_BITS
    for symbol, (word, length) in enumerate(zip(code.words, code.lengths)):
        if not length:
            continue
        expected = symbol if symbol < len(code.lengths) - 1 else k.ESCAPE
        head = word << (15 - length) | noise & ((1 << (15 - length)) - 1)
        entry = int(tables.primary[(code.key << longest_fast) + (head >> (15 - longest_fast))])
        if length <= longest_fast:
            assert entry == expected << 4 | length
            continue
        assert entry == 0
        bounds = tables.secondary[2 * code.key * k.SECONDARY_LENGTHS :][: 2 * k.SECONDARY_LENGTHS].reshape(-1, 2)
        found = int(np.flatnonzero(head < bounds[:, 0])[0])
        assert found + longest_fast + 1 == length
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
    classes = classes_of(NONUNIFORM)
    tables = CodeTables(classes, encoding=True, decoding=True)
    edges, density = weights.load("converter").copy(), weights.load("density").copy()
    for row in (39, 20, 0):
        key = int(classes.table[row, k.FIRST_CONTEXT])
        build(key, row, NONUNIFORM, edges, density, tables)
    for row in (0, 20, 39):
        alone = made(NONUNIFORM, row, 0)
        n = len(alone.words)
        entries = tables.codewords[alone.symbols_at : alone.symbols_at + n].tolist()
        assert [entry >> 4 for entry in entries] == alone.words
        assert [entry & 15 for entry in entries] == alone.lengths
