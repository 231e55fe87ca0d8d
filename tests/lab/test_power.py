"""Power on paper: the operations are counted in the kernels, and the document shows the table."""

import inspect
import itertools
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from networks import coder_for
from spikey_codec import chunk, constants, weights
from spikey_codec.coders.linear_huffman import LinearHuffman
from spikey_codec.engine import build
from spikey_codec.lab.bench import energy, operations, power
from spikey_codec.lab.simulate import simulate_codes
from spikey_codec.quantizer import mapping as converter
from spikey_codec.quantizer.mapping import Mapping

DOCUMENT = Path(__file__).parents[2] / "docs" / "power.md"
FRAMES, LEADS = 300, 2

# Counting: integers that note what is done with them, arrays that note where they are touched

KINDS = {
    "multiply": "mul rmul",
    "divide": "floordiv rfloordiv",
    "add": "add radd sub rsub neg abs",
    "logic": "and rand or ror",
    "shift": "lshift rshift rlshift rrshift",
    "compare": "lt le gt ge eq ne",
}
NOTES: list[tuple] = []  # (kind, bits) of operations, ("read" or "write", array, row) of accesses


def bits(*values: int) -> int:
    """Width of the widest, as a signed number."""
    return max(int.bit_length(int(value)) for value in values) + 1


class Number(int):
    """An integer whose operations are noted; an ordinary integer beside it is a constant."""

    __hash__ = int.__hash__


def noting(kind: str, name: str):
    plain = getattr(int, name)

    def operation(self, *others):
        result = plain(self, *others)
        if kind == "compare":
            NOTES.append((kind, bits(self, *others)))
            return result
        by_constant = bool(others) and not isinstance(others[0], Number)
        if kind == "multiply" and by_constant:  # shifts and additions
            ones = others[0].bit_count()
            NOTES.extend([("wire", bits(result))] * ones + [("add", bits(result))] * (ones - 1))
        elif name in ("__lshift__", "__rshift__") and by_constant:
            NOTES.append(("wire", bits(self, result)))
        elif kind == "multiply":
            NOTES.append((kind, bits(self, *others)))  # the width of a product is its operands'
        elif name in ("__rlshift__", "__and__", "__rand__"):  # a mask is as wide as what it leaves
            NOTES.append((kind, bits(result)))
        else:
            NOTES.append((kind, bits(self, result)))
        return Number(result)

    return operation


for _kind, _names in KINDS.items():
    for _name in _names.split():
        setattr(Number, f"__{_name}__", noting(_kind, f"__{_name}__"))


def leading_one(value: int) -> Number:
    NOTES.append(("lead", bits(value)))
    return Number(int(value).bit_length())


class Array:
    """An array that notes the rows read and written, and gives numbers that count."""

    def __init__(self, name: str, content: np.ndarray):
        self.name, self.content = name, content

    @property
    def shape(self):
        return self.content.shape

    def __len__(self):
        return len(self.content)

    def _note(self, what: str, at):
        row = int(at[0] if isinstance(at, tuple) else at)
        # a bound and an offset of long words, 32 bits each, stand in one row
        NOTES.append((what, self.name, row // 2 if self.name == "secondary" else row))

    def __getitem__(self, at):
        found = self.content[at]
        if isinstance(found, np.ndarray):
            return Array(self.name, found)
        self._note("read", at)
        return Number(found)

    def __setitem__(self, at, value):
        self._note("write", at)
        self.content[at] = int(value)


@pytest.fixture(scope="module")
def counting():
    """The kernels' source once more, as plain Python on numbers that count."""
    marks = {
        "helper": lambda f: f, "inlined": lambda f: f, "kernel": lambda signature: lambda f: f,
        "bit_length": leading_one, "index": lambda i: i,
    }  # fmt: skip
    modules = build.loaded_apart("counting", **marks)
    for module in modules.values():
        module.int = Number  # what comes out of an array goes through int()
    return SimpleNamespace(**modules)


def call(function, arguments: dict):
    """Call a counting kernel with arguments by name; arrays become counting copies."""
    given = {
        name: Array(name, value.copy()) if isinstance(value, np.ndarray) else value
        for name, value in arguments.items()
    }
    NOTES.clear()
    function(*(given[name] for name in inspect.signature(function).parameters))
    return given


def counted_group(group):
    """A group of arguments, with counting copies of its arrays."""
    return group._make(
        Array(name, value.copy()) if isinstance(value, np.ndarray) else value
        for name, value in group._asdict().items()
    )


@pytest.fixture(scope="module")
def coders() -> tuple:
    mapping = Mapping(converter.CHALLENGE)
    return coder_for(mapping, encoding=True), coder_for(mapping, encoding=False)


@pytest.fixture(scope="module")
def counted(counting, coders):
    """For "encode" and "decode": average operations, rows read and rows written of a sample."""
    edges = weights.load("converter") / (1 << constants.TRANSITION_BITS)
    # every other one: neighbours are simultaneous, and would be each other's peers
    leads = simulate_codes(2 * LEADS, FRAMES / 19531, seed=3, thresholds=edges)[::2]
    codes = np.stack([lead[:FRAMES] for lead in leads], axis=1)
    encoder, decoder = coders
    payload = chunk.encode(encoder, codes)
    runs = {
        "encode": lambda: chunk.encode(encoder, codes),
        "decode": lambda: chunk.decode(decoder, memoryview(payload), *codes.shape),
    }
    results = {}
    for name, run in runs.items():
        run()  # so that the code tables are made before anything is counted
        kernel = getattr(counting.linear_huffman, f"linear_huffman_{name}")
        given = call(kernel, captured(run, kernel))
        if name == "decode":
            assert np.array_equal(given["codes"].content, codes.reshape(-1))
        results[name] = averages()
    return results


def captured(run, counting_kernel) -> dict:
    """The arguments that `run` calls a kernel with, as they were before the call, by name."""
    calls = []
    name = counting_kernel.__name__
    place = f"{name.removeprefix('linear_huffman_')}_kernel"
    kernel = getattr(LinearHuffman, place)

    def spy(*arguments):
        calls.append([a.copy() if isinstance(a, np.ndarray) else a for a in arguments])
        return kernel(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LinearHuffman, place, staticmethod(spy))
        run()
    return dict(zip(inspect.signature(counting_kernel).parameters, calls[0], strict=True))


def averages() -> SimpleNamespace:
    """NOTES, sample by sample. A row counts once a sample, however many of its fields are used."""
    borders = [i for i, note in enumerate(NOTES) if note[1] == "codes"]
    samples = [NOTES[start:end] for start, end in itertools.pairwise(borders)]
    # row 0 of a lead has no prediction
    samples = [notes for notes in samples if any(note[0] == "multiply" for note in notes)]
    operations, reads, writes = Counter(), Counter(), Counter()
    for notes in samples:
        operations.update(note for note in notes if len(note) == 2)
        for what, array, _ in {note for note in notes if len(note) == 3}:
            array = "payload" if array == "out" else array
            if array != "codes":
                (reads if what == "read" else writes)[array] += 1
    n = len(samples)
    assert n > LEADS * FRAMES * 0.95
    return SimpleNamespace(
        operations={key: count / n for key, count in operations.items()},
        reads={key: count / n for key, count in reads.items()},
        writes={key: count / n for key, count in writes.items()},
    )


def stated(direction: str, counts: SimpleNamespace) -> tuple[operations.Step, ...]:
    """The list, for the bits and the long code words of the samples that were counted."""
    if direction == "encode":
        return operations.encoder(32 * counts.writes["payload"])
    long_words = counts.reads.get("sorted_symbols", 0)
    return operations.decoder(32 * counts.reads["payload"], long_words)


DIRECTIONS = pytest.mark.parametrize("direction", ["encode", "decode"])


@DIRECTIONS
def test_multiplications_are_those_that_the_kernels_do(counted, direction):
    counts = counted[direction]
    done = {key: n for key, n in counts.operations.items() if key[0] == "multiply"}
    listed = operations.operations(stated(direction, counts))
    assert sum(done.values()) == pytest.approx(listed["multiply 16"])
    assert max(width for _, width in done) <= 16
    assert not any(kind == "divide" for kind, _ in counts.operations)


@DIRECTIONS
def test_memory_rows_are_those_that_the_kernels_touch(counted, direction):
    counts = counted[direction]
    reads, writes = operations.rows(stated(direction, counts))
    for listed, touched in ((reads, counts.reads), (writes, counts.writes)):
        probes = listed.pop("secondary", 0), touched.pop("secondary", 0)
        assert probes[0] == pytest.approx(probes[1], abs=0.02)
        assert touched == pytest.approx({name: n for name, n in listed.items() if n})


@DIRECTIONS
@pytest.mark.parametrize("kind", ["add", "compare", "logic", "shift", "lead", "wire"])
def test_other_operations_are_those_that_the_kernels_do(counted, direction, kind):
    counts = counted[direction]
    listed = {
        int(key.split()[1]): n
        for key, n in operations.operations(stated(direction, counts)).items()
        if key.startswith(kind)
    }
    done = {width: n for (name, width), n in counts.operations.items() if name == kind}
    assert sum(done.values()) == pytest.approx(sum(listed.values()), abs=0.1)
    for bound in (16, 32, 64):  # none is wider than it is listed
        wider = sum(n for width, n in done.items() if width > bound)
        assert wider <= sum(n for width, n in listed.items() if width > bound) + 0.01


def test_making_a_code_takes_as_many_operations_as_stated(counting, coders):
    coder = coders[0]
    bins = coder.bins.table
    row = int(np.searchsorted(bins[:, constants.CENTRE], 4 << constants.SCALE_BITS))
    first, mask = int(bins[row, constants.FIRST_CONTEXT]), int(bins[row, constants.MASK])
    groups = [counted_group(g) for g in (coder.quantizer, coder.contexts, coder.tables)]
    NOTES.clear()
    counting.huffman_table.build_code(Number(first + mask // 2), row, *groups)
    steps = sum(note[0] != "wire" for note in NOTES)
    codewords = bins[row, constants.COUNT] + 1
    assert steps / codewords == pytest.approx(operations.TABLE_STEPS, rel=0.1)


# Sizes and energies


def test_memories_have_the_codecs_sizes(coders):
    sizes = {name: memory.size * 1024 for name, memory in operations.memories(1024).items()}
    coder = coders[0]
    assert sizes["levels"] == 2 * len(coder.levels)
    assert sizes["predictors"] == weights.load("linear").astype(np.int16).nbytes
    assert sizes["bins"] == 8 * len(coder.bins.table)
    assert coder.bins.contexts == operations.CONTEXTS
    assert coder.bins.codewords >= operations.CODEWORDS
    assert sizes["history"] == 1024 * constants.ORDER * 2


@pytest.mark.parametrize("points", [energy.ADD, energy.MULTIPLY, energy.ACCESS])
def test_published_energies_are_kept(points):
    for at, published in points.items():
        assert energy.on_line(points, at) == pytest.approx(published)


def test_energies_between_published_ones():
    assert energy.operation_energy("multiply 16") == pytest.approx((0.2 * 3.1) ** 0.5)
    assert energy.operation_energy("add 16") == pytest.approx((0.03 * 0.1) ** 0.5)
    assert energy.operation_energy("wire 32") == 0
    assert energy.access_energy(0.1) == 10  # nothing smaller than 8 KB is published
    assert 20 < energy.access_energy(512) < 100 < energy.access_energy(4096)


def test_energy_is_operations_times_energies():
    done, row = {"multiply 32": 2, "add 8": 10}, {"history": 1}
    step = operations.Step("one", done, row, row, 0.5)
    arithmetic, memory = energy.energy((step,))
    assert arithmetic == pytest.approx(0.5 * (2 * 3.1 + 10 * 0.03))
    assert memory == pytest.approx(0.5 * (4 + 1) * 20)


# Report


def test_the_document_shows_the_report():
    assert f"```\n{power.report()}\n```" in DOCUMENT.read_text("utf-8")


def test_report_is_aligned_plain_text():
    report = power.report()
    assert report.isascii() and "\t" not in report
    assert max(map(len, report.splitlines())) <= 100
    assert "90.6 Mbit/s" in report and "200.0 Mbit/s" in report


@pytest.mark.parametrize(("leads", "logic"), [(100, "under"), (1024, "under"), (10_000, "over")])
def test_verdict_follows_the_sum(leads, logic):
    report = power.report(channels=leads)
    assert f"as dedicated logic with an ultra-wideband radio\n{logic} before" in report
    assert report.count(" under\n") + report.count(" over\n") == 7


def test_bits_that_save_nothing():
    assert "more than inf pJ" in power.report(bits_per_sample=10)
