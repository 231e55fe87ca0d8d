"""FORMAT.md, "Table of scale bins": the bins of scales, and what each holds."""

from __future__ import annotations

from reference.mapping import Coding


def scale_bin(scale: int, coding: Coding) -> int:
    """The number of the bin of a scale."""
    scale = max(scale, 1)
    octave = scale.bit_length() - 1
    quarter = ((scale << 2) >> octave) % 4
    return in_table(4 * octave + quarter, coding)


def octaves(nonuniform: bool) -> tuple[int, int]:
    """First and last octave' of the table."""
    return (-2, 7) if nonuniform else (-4, 15)


def in_table(number: int, coding: Coding) -> int:
    """The number of a bin, limited to those of the table."""
    first, last = octaves(coding.nonuniform)
    return min(max(number, coding.parts * (first + 12)), coding.parts * (last + 13) - 1)


def low_bits_and_step(number: int, coding: Coding) -> tuple[int, int]:
    """Columns `low` and `step` of a bin."""
    octave = number // coding.parts - 12
    low = 0 if coding.nonuniform else max(0, octave - 3)
    return low, max(0, octave + (3 if coding.parts == 4 else 2))


def bin_centre(number: int, parts: int) -> int:
    """Column `centre` of a bin."""
    octave, part = divmod(number, parts)
    if parts == 4:
        return ((9 + 2 * part) << octave) >> 3
    return ((17 + 2 * part) << octave) >> 4


def half_count(centre: int, low: int) -> int:
    """Column `half` of a bin."""
    return ((25 * centre) >> (14 + low)) + 2
