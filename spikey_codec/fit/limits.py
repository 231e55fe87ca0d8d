"""What a configuration's values may be: one of some words, or a number within limits."""

from __future__ import annotations

from ..errors import UsageError


def among(where: str, value: object, choices: tuple[str, ...]) -> None:
    """UsageError unless a value is one of the choices."""
    if value not in choices:
        raise UsageError(f"{where} must be one of {', '.join(choices)}, not {value!r}.")


def within(where: str, value: float, lowest: float, highest: float | None = None) -> None:
    """UsageError unless a value lies within the limits."""
    if value < lowest or (highest is not None and value > highest):
        reach = f"from {lowest} to {highest}" if highest is not None else f"at least {lowest}"
        raise UsageError(f"{where} must be {reach}, not {value}.")
