"""Power on paper: operations per sample times published energies. `spikey bench power`.

The operations of both directions stand in a list by the steps of FORMAT.md, as fixed-point logic
would do them; tests/test_power.py counts them by running the kernels on numbers that count. The
energies are those of the publications that docs/power.md cites by the numbers in brackets here.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

BUDGET = 10.0  # mW, radio included [1]
RATE, LEADS, RAW_BITS = 19531, 1024, 10
BITS_PER_SAMPLE = 4.53  # of the preset on the challenge's recordings
LONG_WORDS = 0.029  # share of code words that the decoder's first look-up does not resolve
PROBES = 2  # lengths it then tries, on average

# Energies in pJ; 45 nm, 0.9 V [2]. What lies between or beyond the published widths and sizes is
# taken from the line through the nearest two, in logarithms.
ADD = {8: 0.03, 32: 0.1}
MULTIPLY = {8: 0.2, 32: 3.1}
ACCESS = {8: 10.0, 32: 20.0, 1024: 100.0}  # of 64 bits, by size of the memory in KB
INSTRUCTION = 70.0  # what a processor spends on any instruction [2]
NEAR_THRESHOLD = 2.56 + 2.5  # core and SRAM, a cycle; 55 nm, 0.5 V [3]
LEAKAGE = 100e6 / 1024, 3.13  # nW a KB: last-level cache at 45 to 32 nm [2]; retention [3]
WORD = 64  # bits read at once


class Radio(NamedTuple):
    """A published transmitter: pJ a bit, and the Mbit/s at which that holds, its fastest."""

    name: str
    reference: int
    energy: float
    fastest: float


RADIOS = (
    Radio("ultra-wideband, 28 nm", 4, 5.8, 1660),
    Radio("ultra-wideband, 65 nm", 5, 9.7, 200),
    Radio("Bluetooth LE chip", 6, 7.1 * 3 * 1000, 1),  # 7.1 mA at 3 V for 1 Mbit/s
)


class Memory(NamedTuple):
    """A memory's purpose, size in KB and the bits of one row; a row is read WORD bits at a time."""

    name: str
    size: float
    row: int


# Measured on 614 recordings, each a lead: so many keys occur and have so many code words. A code
# word takes 20 bits (15 and its length), a directory entry 32 (address and first bin).
KEYS, KEYS_USED, CODE_WORDS = 130_944, 13_691, 1_334_042
KB = 1024
TABLE_STEPS = 130  # operations and accesses it takes to make a code, per code word
# Of these, the keys used most take this little memory and serve this share of samples.
HOTTEST = {"first_symbols": (8, 0.9875), "codewords": (128, 0.934)}  # KB, share


def memories(leads: int = LEADS) -> dict[str, Memory]:
    """All memories of both directions, by the name of the array in the kernels."""
    return {
        "levels": Memory("level of a code", 1024 * 2 / KB, 16),
        "predictors": Memory("codebook of weights", 64 * 32 / KB, 256),
        "history": Memory("past levels", leads * 32 / KB, 256),
        # two trackers and the number of the predictor
        "scales": Memory("trackers", leads * 8 / KB, 64),
        "bins": Memory("scale classes", 40 * 8 / KB, 64),
        "first_symbols": Memory("directory of keys", KEYS * 4 / KB, 32),
        "codewords": Memory("code words", CODE_WORDS * 2.5 / KB, 20),
        "primary": Memory("first look-up", KEYS_USED * 256 / KB, 16),
        "secondary": Memory("long words", KEYS_USED * 8 * 8 / KB, 64),
        "sorted_symbols": Memory("symbols of long words", CODE_WORDS * 2 / KB, 16),
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
        {"compare 32": 1, "lead 32": 1, "add 16": 3, "wire 16": 1, "wire 32": 1, "shift 32": 1,
         "logic 16": 1, "compare 16": 2},
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
            {"wire 16": 1, "add 16": 3, "compare 16": 2, "multiply 16": 1, "add 32": 2,
             "logic 16": 1, "wire 32": 1},
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


def operations(steps: tuple[Step, ...]) -> Counter:
    """Operations a sample, by "kind bits"."""
    total = Counter()
    for step in steps:
        total.update({kind: step.share * number for kind, number in step.operations.items()})
    return total


def rows(steps: tuple[Step, ...]) -> tuple[Counter, Counter]:
    """Rows read and rows written a sample, by memory."""
    reads, writes = Counter(), Counter()
    for step in steps:
        reads.update({name: step.share * number for name, number in step.reads.items()})
        writes.update({name: step.share * number for name, number in step.writes.items()})
    return reads, writes


def accesses(steps: tuple[Step, ...], leads: int = LEADS) -> Counter:
    """Accesses of WORD bits a sample, by memory."""
    reads, writes = rows(steps)
    sizes = memories(leads)
    total = Counter({name: n * -(-sizes[name].row // WORD) for name, n in reads.items()})
    total.update(writes)
    return total


def on_line(points: dict[int, float], x: float) -> float:
    """Value at x of the broken line through the points, both axes logarithmic.

    >>> round(on_line(MULTIPLY, 16), 3)  # nearly quadratic: between 0.2 pJ and 3.1 pJ
    0.787
    """
    known = sorted(points)
    after = next((i for i, at in enumerate(known) if at >= x), len(known) - 1)
    low, high = known[max(after, 1) - 1], known[max(after, 1)]
    slope = math.log(points[high] / points[low]) / math.log(high / low)
    return points[low] * (x / low) ** slope


def operation_energy(kind: str) -> float:
    """pJ of a "kind bits". All but products and wires are charged as additions."""
    name, bits = kind.split()
    if name == "wire":
        return 0.0
    return on_line(MULTIPLY if name == "multiply" else ADD, int(bits))


def access_energy(size: float) -> float:
    """pJ of an access to a memory of so many KB; the smallest published one is the least."""
    return on_line(ACCESS, max(size, min(ACCESS)))


def access_energies(steps: tuple[Step, ...], leads: int = LEADS) -> Counter:
    """pJ a sample, by memory."""
    sizes = memories(leads)
    return Counter({
        name: number * access_energy(sizes[name].size)
        for name, number in accesses(steps, leads).items()
    })


def energy(steps: tuple[Step, ...], leads: int = LEADS) -> tuple[float, float]:
    """pJ a sample: of the arithmetic, and of the memories."""
    arithmetic = sum(n * operation_energy(kind) for kind, n in operations(steps).items())
    return arithmetic, sum(access_energies(steps, leads).values())


def saved_by_hottest(steps: tuple[Step, ...], leads: int = LEADS) -> float:
    """pJ a sample saved if the keys used most stand in small memories of their own."""
    spent = access_energies(steps, leads)
    return sum(
        share * spent[name] - access_energy(size) for name, (size, share) in HOTTEST.items()
    )


def instructions(steps: tuple[Step, ...], leads: int = LEADS) -> float:
    """Instructions a sample if each operation and each access is one and there are no others."""
    return sum(operations(steps).values()) + sum(accesses(steps, leads).values())


GROUPS = {  # rows of the table: kinds that are charged alike
    "multiply 16 x 16 bits": ("multiply 16",),
    "add, subtract 16 bits": ("add 16",),
    "add, subtract 32 bits": ("add 32",),
    "compare 16 bits": ("compare 16",),
    "compare 32 bits": ("compare 32",),
    "shift, mask 16 bits": ("shift 16", "logic 16"),
    "shift, mask, leading one 32 bits": ("shift 32", "logic 32", "lead 32"),
    "add, shift, merge 64 bits": ("add 64", "shift 64", "logic 64"),
    "shift by a constant (wires)": ("wire 16", "wire 32", "wire 64"),
}


def report(
    bits_per_sample: float = BITS_PER_SAMPLE, leads: int = LEADS, rate: float = RATE
) -> str:
    """Operations, energies and power of preset `linear`, and the verdict against BUDGET."""
    samples = leads * rate / 1e6  # millions a second; times pJ, they are uW
    lines = [
        f"Preset linear: {leads:,} leads at {rate:,} Hz, {samples:.1f} million samples a second",
        *_energy_lines((encoder(bits_per_sample), decoder(bits_per_sample)), leads),
        "",
        *_power_lines(encoder(bits_per_sample), bits_per_sample, samples, leads),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _energy_lines(directions: tuple[tuple[Step, ...], ...], leads: int) -> list[str]:
    """How many operations and accesses a sample takes, and their energy."""

    def line(name: str, each: float, numbers: list[float]) -> str:
        cells = (f"{n:9.2f}{n * each:9.2f}" if n else " " * 18 for n in numbers)
        return f"{name:46}{each:9.3f}{''.join(cells)}"

    lines = [f"{'a sample':46}{'pJ each':>9}{'encoder':>9}{'pJ':>9}{'decoder':>9}{'pJ':>9}"]
    counts = [operations(steps) for steps in directions]
    for name, kinds in GROUPS.items():
        numbers = [sum(count[kind] for kind in kinds) for count in counts]
        lines.append(line(name, operation_energy(kinds[0]), numbers))
    counts = [accesses(steps, leads) for steps in directions]
    for key, memory in memories(leads).items():
        size = f"{memory.size:,.0f} KB" if memory.size >= 1 else "under 1 KB"
        name = f"read, write {memory.name}, {size}"
        lines.append(line(name, access_energy(memory.size), [count[key] for count in counts]))
    spent = [energy(steps, leads) for steps in directions]
    for i, name in enumerate(("arithmetic", "memories")):
        lines.append(f"{name:55}" + "".join(f"{part[i]:18.2f}" for part in spent))
    return lines


def _power_lines(
    steps: tuple[Step, ...], bits_per_sample: float, samples: float, leads: int
) -> list[str]:
    """The encoder's power as logic, as instructions and with a radio; the verdict."""
    spent = energy(steps, leads)
    logic = samples * sum(spent) / 1000
    hottest = logic - samples * saved_by_hottest(steps, leads) / 1000
    count = instructions(steps, leads)
    program, sparing = (samples * count * each / 1000 for each in (INSTRUCTION, NEAR_THRESHOLD))
    kilobytes = sum(memories(leads)[name].size for name in accesses(steps, leads))
    cache, standby = (kilobytes * each / 1e6 for each in LEAKAGE)
    raw, coded = samples * RAW_BITS, samples * bits_per_sample

    def line(name: str, power: float) -> str:
        return f"{name:66}{power:9,.1f} {_against(power)}"

    lines = [
        f"{'encoder':66}{'mW':>9}",
        line("(a) dedicated logic and memories, 45 nm [2]", logic),
        line("    with the codes used most in small memories", hottest),
        line(f"(b) {count:.0f} instructions a sample, {INSTRUCTION:.0f} pJ each [2]", program),
        line(f"    in near-threshold processors, {NEAR_THRESHOLD:.2f} pJ each [3]", sparing),
        "",
        f"{'(c) radio':30}{'pJ a bit':>10}{f'raw {raw:.1f} Mbit/s':>18}"
        f"{f'coded {coded:.1f} Mbit/s':>20}{'with (a)':>10}",
    ]
    for radio in RADIOS:
        sent, unsent = coded * radio.energy / 1000, raw * radio.energy / 1000
        lines.append(
            f"    {f'{radio.name} [{radio.reference}]':26}{radio.energy:10,.1f}{unsent:18,.1f}"
            f"{sent:20,.1f}{logic + sent:10,.1f} {_against(logic + sent)}"
        )
    least = logic + coded * min(radio.energy for radio in RADIOS) / 1000
    slow = min(RADIOS, key=lambda radio: radio.fastest)
    saved = RAW_BITS - bits_per_sample
    worth = sum(spent) / saved if saved > 0 else math.inf
    return [
        *lines,
        "",
        f"Verdict against {BUDGET:.0f} mW: {_against(program)} as a program; "
        "as dedicated logic with an ultra-wideband radio",
        f"{_against(least)} before what is left out: leakage of the memories, "
        f"{kilobytes / KB:.1f} MB, from {standby:.2f} mW",
        f"(low-leakage [3]) to {cache:.0f} mW (a processor's cache [2]); "
        "clock, control, converters.",
        f"Memories take {spent[1] / sum(spent):.0%} of (a).",
        f"Coding saves energy only where a bit sent costs more than {worth:.0f} pJ.",
        f"The slowest radio here sends {slow.fastest / coded:.1%} of the coded bits, for "
        f"{slow.fastest * slow.energy / 1000:.0f} mW.",
    ]


def _against(milliwatts: float) -> str:
    return "under" if milliwatts <= BUDGET else "over"
