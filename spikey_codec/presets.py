"""What the presets' names stand for."""

from __future__ import annotations

from .errors import UsageError, VersionError

DEFAULT = "linear"
NUMBERS = {"linear": 0}  # fixed linear predictors and canonical Huffman codes


def number_of(name: str | None) -> int:
    """Number of a preset in the file; `UsageError` for a name that is none."""
    try:
        return NUMBERS[DEFAULT if name is None else name]
    except KeyError:
        raise UsageError(f"There is no preset {name!r}; there is {', '.join(NUMBERS)}.") from None


def name_of(number: int) -> str:
    """Inverse of `number_of`; `VersionError` for a number this release does not know."""
    for name, known in NUMBERS.items():
        if known == number:
            return name
    raise VersionError(f"This file was made with preset number {number}, which is not known here.")
