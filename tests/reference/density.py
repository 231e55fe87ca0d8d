"""FORMAT.md, "Masses": the masses of symbols."""

from __future__ import annotations

from reference.mapping import Coding
from reference.scales import bin_centre, half_count, low_bits_and_step


def middle(quantised: int, step: int) -> int:
    """The middle of a quantised mean's range, in 1/256 code."""
    return ((2 * quantised + 1) << step) << 2


def below(x: int, centre: int, density: tuple[int, ...]) -> int:
    """The mass below x (in 1/256 code)."""
    last = len(density) - 1
    return below_u((x << 17) // centre + 128 * last, density)


def below_u(u: int, density: tuple[int, ...]) -> int:
    """The mass below 1/256 of a step of the table."""
    last = len(density) - 1
    if u <= 0:
        return 0
    if u >= 256 * last:
        return density[last]
    i = u >> 8
    return density[i] + (((density[i + 1] - density[i]) * (u % 256)) >> 8)


def nonuniform_masses(
    number: int, quantised: int, first: int, count: int, coding: Coding
) -> list[int]:
    """The masses of the symbols and the escape, codes of different width."""
    transitions, density = coding.weights.converter, coding.weights.density
    _, step = low_bits_and_step(number, coding)
    centre, m = bin_centre(number, coding.parts), middle(quantised, step)
    masses = []
    for q in range(first, first + count):
        if not coding.lowest <= q <= coding.highest:
            masses.append(0)
            continue
        left = (
            0 if q == coding.lowest else below(transitions[q - coding.lowest] - m, centre, density)
        )
        right = below(transitions[q - coding.lowest + 1] - m, centre, density)
        if q == coding.highest:
            right = density[-1]
        masses.append(max(1, right - left))
    return with_escape(masses, density)


def uniform_masses(number: int, quantised: int, coding: Coding) -> list[int]:
    """The masses of the symbols and the escape, codes of one width."""
    density = coding.weights.density
    low, step = low_bits_and_step(number, coding)
    centre, m = bin_centre(number, coding.parts), middle(quantised, step)
    half = half_count(centre, low)
    nearest = (quantised << step) >> (5 + low)
    masses = []
    for i in range(nearest - half, nearest + half + 1):
        left = 256 * (i << low) - 128
        right = left + (256 << low)
        mass = below(right - m, centre, density) - below(left - m, centre, density)
        masses.append(max(1, mass))
    return with_escape(masses, density)


def with_escape(masses: list[int], density: tuple[int, ...]) -> list[int]:
    """Append the mass of the escape: what the others left over."""
    return [*masses, max(1, density[-1] - sum(masses))]
