"""`spikey bench power`: power on paper, operations per sample times published energies."""

from __future__ import annotations

import math

from ...constants import CHALLENGE_RATE
from .energy import (
    INSTRUCTION,
    LEAKAGE,
    NEAR_THRESHOLD,
    RADIOS,
    access_energy,
    energy,
    instructions,
    operation_energy,
    saved_by_hottest,
)
from .operations import (
    BITS_PER_SAMPLE,
    CHANNELS,
    KB,
    Step,
    accesses,
    decoder,
    encoder,
    memories,
    operations,
)

BUDGET = 10.0  # mW, radio included [1]
RAW_BITS = 10  # of a sample, as the implant's converter delivers it

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
    bits_per_sample: float = BITS_PER_SAMPLE, channels: int = CHANNELS, rate: float = CHALLENGE_RATE
) -> str:
    """Operations, energies and power of preset `linear`, and the verdict against BUDGET."""
    samples = channels * rate / 1e6  # millions a second; times pJ, they are uW
    lines = [
        f"Preset linear: {channels:,} leads at {rate:,} Hz, {samples:.1f} million samples a second",
        *_energy_lines((encoder(bits_per_sample), decoder(bits_per_sample)), channels),
        "",
        *_power_lines(encoder(bits_per_sample), bits_per_sample, samples, channels),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _energy_lines(directions: tuple[tuple[Step, ...], ...], channels: int) -> list[str]:
    """How many operations and accesses a sample takes, and their energy."""

    def line(name: str, each: float, numbers: list[float]) -> str:
        cells = (f"{n:9.2f}{n * each:9.2f}" if n else " " * 18 for n in numbers)
        return f"{name:46}{each:9.3f}{''.join(cells)}"

    lines = [f"{'a sample':46}{'pJ each':>9}{'encoder':>9}{'pJ':>9}{'decoder':>9}{'pJ':>9}"]
    counts = [operations(steps) for steps in directions]
    for name, kinds in GROUPS.items():
        numbers = [sum(count[kind] for kind in kinds) for count in counts]
        lines.append(line(name, operation_energy(kinds[0]), numbers))
    counts = [accesses(steps, channels) for steps in directions]
    for key, memory in memories(channels).items():
        size = f"{memory.size:,.0f} KB" if memory.size >= 1 else "under 1 KB"
        name = f"read, write {memory.name}, {size}"
        lines.append(line(name, access_energy(memory.size), [count[key] for count in counts]))
    spent = [energy(steps, channels) for steps in directions]
    for i, name in enumerate(("arithmetic", "memories")):
        lines.append(f"{name:55}" + "".join(f"{part[i]:18.2f}" for part in spent))
    return lines


def _power_lines(
    steps: tuple[Step, ...], bits_per_sample: float, samples: float, channels: int
) -> list[str]:
    """The encoder's power as logic, as instructions and with a radio; the verdict."""
    spent = energy(steps, channels)
    logic = samples * sum(spent) / 1000
    hottest = logic - samples * saved_by_hottest(steps, channels) / 1000
    count = instructions(steps, channels)
    program, sparing = (samples * count * each / 1000 for each in (INSTRUCTION, NEAR_THRESHOLD))
    kilobytes = sum(memories(channels)[name].size for name in accesses(steps, channels))
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
