"""What each step of preset `linear` costs: operations, and rows of memories read and written.

The operations of both directions stand in a list by the steps of FORMAT.md, as fixed-point logic
would do them; tests/lab/test_power.py counts them by running the kernels on numbers that count.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

CHANNELS = 1024
BITS_PER_SAMPLE = 4.53  # of the preset on the challenge's recordings
LONG_WORDS = 0.029  # share of codewords that the decoder's first look-up does not resolve
PROBES = 2  # lengths it then tries, on average
# Measured on 614 recordings of one channel each: contexts there are, contexts that occur, and their
# codewords. A codeword takes 20 bits (15 and its length), a directory entry 32 (address and first
# bin).
CONTEXTS, CONTEXTS_USED, CODEWORDS = 130_944, 13_691, 1_334_042
TABLE_STEPS = 130  # operations and accesses to build a code, for each codeword
KB = 1024
WORD = 64  # bits read at once

Total = defaultdict[str, float]  # a number of each thing, 0 by default


class Memory(NamedTuple):
    """A memory's purpose, size in KB and the bits of one row; a row is read WORD bits at a time."""

    name: str
    size: float
    row: int


def memories(channels: int = CHANNELS) -> dict[str, Memory]:
    """All memories of both directions, by the name of the array in the kernels."""
    return {
        "levels": Memory("level of a code", 1024 * 2 / KB, 16),
        "predictors": Memory("codebook of weights", 64 * 32 / KB, 256),
        "history": Memory("past levels", channels * 32 / KB, 256),
        # Two trackers and the number of the predictor.
        "scales": Memory("trackers", channels * 8 / KB, 64),
        "bins": Memory("scale classes", 40 * 8 / KB, 64),
        "first_symbols": Memory("directory of keys", CONTEXTS * 4 / KB, 32),
        "codewords": Memory("code words", CODEWORDS * 2.5 / KB, 20),
        "primary": Memory("first look-up", CONTEXTS_USED * 256 / KB, 16),
        "secondary": Memory("long words", CONTEXTS_USED * 8 * 8 / KB, 64),
        "sorted_symbols": Memory("symbols of long words", CODEWORDS * 2 / KB, 16),
        "payload": Memory("payload", 8, 32),
    }


class Step(NamedTuple):
    """What one step of FORMAT.md costs: a number of each thing, times the share of samples.

    operations : "kind bits" -> number. Kinds: multiply; add (also subtract, negate); compare;
        logic (mask, merge); shift, lead (find the leading one); wire (shift by a constant)
    reads, writes : memory -> rows. A write changes one WORD of a row.
    """

    name: str
    operations: dict[str, float]
    reads: dict[str, float] = {}
    writes: dict[str, float] = {}
    share: float = 1.0


BOTH = (
    Step(
        "prediction",
        {"multiply 16": 16, "add 32": 16, "wire 32": 1, "compare 32": 2},
        {"predictors": 1, "history": 1},
    ),
    Step("scale", {"wire 32": 3, "add 32": 3, "compare 32": 1}, {"scales": 1}),
    Step(
        "class",
        {
            "compare 32": 1,
            "lead 32": 1,
            "add 16": 3,
            "wire 16": 1,
            "wire 32": 1,
            "shift 32": 1,
            "logic 16": 1,
            "compare 16": 2,
        },
    ),
    Step(
        "cell and key",
        {"shift 16": 2, "add 16": 1, "add 32": 2, "compare 32": 1},
        {"bins": 1, "first_symbols": 1},
    ),
    Step("level", {"add 16": 1}, {"levels": 1}),
    Step("update", {"add 32": 6, "wire 32": 2}, {}, {"scales": 1, "history": 1}),
)


def encoder(bits_per_sample: float = BITS_PER_SAMPLE) -> tuple[Step, ...]:
    """Steps of the encoder of preset `linear`, challenge mapping."""
    return (
        *BOTH,
        Step(
            "code word",  # symbol, its range, address, word and length
            {
                "wire 16": 1,
                "add 16": 3,
                "compare 16": 2,
                "multiply 16": 1,
                "add 32": 2,
                "logic 16": 1,
                "wire 32": 1,
            },
            {"codewords": 1},
        ),
        Step("packing", {"shift 64": 1, "logic 64": 1, "add 16": 1, "compare 16": 1}),
        Step(
            "payload",
            {"add 16": 1, "shift 64": 2, "add 64": 1, "logic 64": 1},
            {},
            {"payload": 1},
            share=bits_per_sample / 32,
        ),
    )


def decoder(
    bits_per_sample: float = BITS_PER_SAMPLE, long_words: float = LONG_WORDS
) -> tuple[Step, ...]:
    """Steps of the decoder of preset `linear`, challenge mapping."""
    return (
        *BOTH,
        Step("unpacking", {"compare 16": 1, "add 16": 2, "shift 64": 1, "logic 32": 1}),
        Step(
            "code word",
            {"wire 32": 1, "wire 16": 2, "add 32": 1, "compare 16": 4, "logic 16": 1, "add 16": 2},
            {"primary": 1},
        ),
        Step(
            "long code word",
            {"multiply 16": 1, "compare 16": PROBES, "add 32": 4 + 2 * PROBES, "shift 16": 1},
            {"secondary": PROBES, "sorted_symbols": 1},
            share=long_words,
        ),
        Step(
            "payload",
            {"shift 64": 1, "add 64": 1, "logic 64": 2, "wire 64": 1, "add 16": 1},
            {"payload": 1},
            share=bits_per_sample / 32,
        ),
    )


def operations(steps: tuple[Step, ...]) -> Total:
    """Operations a sample, by "kind bits"."""
    total = Total(float)
    for step in steps:
        _add(total, step.operations, step.share)
    return total


def rows(steps: tuple[Step, ...]) -> tuple[Total, Total]:
    """Rows read and rows written a sample, by memory."""
    reads, writes = Total(float), Total(float)
    for step in steps:
        _add(reads, step.reads, step.share)
        _add(writes, step.writes, step.share)
    return reads, writes


def accesses(steps: tuple[Step, ...], channels: int = CHANNELS) -> Total:
    """Accesses of WORD bits a sample, by memory."""
    reads, writes = rows(steps)
    sizes = memories(channels)
    total = Total(float, {name: n * -(-sizes[name].row // WORD) for name, n in reads.items()})
    _add(total, writes)
    return total


def _add(total: Total, numbers: dict[str, float], share: float = 1.0) -> None:
    for name, number in numbers.items():
        total[name] += share * number
