"""FORMAT.md, "Rows from 1 on": levels of codes, and what a predictor makes of them."""

from __future__ import annotations

from reference.mapping import Coding

ORDER = 16


def level(code: int, coding: Coding) -> int:
    """The level of a code: in 1/32 code if nonuniform, else in whole codes."""
    if not coding.nonuniform:
        return code
    transitions = coding.weights.converter
    return (transitions[code - coding.lowest] + transitions[code - coding.lowest + 1] + 8) >> 4


def fine(newest: int, coding: Coding) -> int:
    """A level in 1/32 code."""
    return newest if coding.nonuniform else 32 * newest


def unlimited(predictor: tuple[int, ...], levels: list[int], coding: Coding) -> int:
    """The prediction from the channel's own past, in 1/32 code."""
    total = sum(weight * past for weight, past in zip(predictor, levels, strict=True))
    return total >> (13 if coding.nonuniform else 8)


def predict(predictor: tuple[int, ...], levels: list[int], offset: int, coding: Coding) -> int:
    """The expected level, in 1/32 code."""
    return limited(unlimited(predictor, levels, coding) + offset, coding)


def limited(mean: int, coding: Coding, beyond: int = 0) -> int:
    """A mean within the range of the codes, or so far beyond."""
    return min(max(mean, 32 * coding.lowest - beyond), 32 * coding.highest + 31 + beyond)
