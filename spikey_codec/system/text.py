"""Words for numbers."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """A number and what it counts, in the singular or the plural.

    >>> counted(1, "channel"), counted(2, "channel")
    ('1 channel', '2 channels')
    """
    return f"{number} {what}" + ("" if number == 1 else "s")
