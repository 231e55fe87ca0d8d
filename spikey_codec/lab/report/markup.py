"""Pieces of HTML: paragraphs, tables, numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

import numpy as np


def count(number: int, what: str) -> str:
    """A number of things, in words.

    >>> count(1200, 'lead')
    '1,200 leads'
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def paragraph(*sentences: str, note: bool = False) -> str:
    """A paragraph of HTML sentences; empty ones are left out."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{' '.join(filter(None, sentences))}</p>\n"


def data_table(
    head: Sequence[str], rows: Iterable[Sequence[str | float | None]], wrap: bool = False
) -> str:
    """A table. Cells that are text are escaped; all others are numbers.

    wrap : let long text take several lines, for tables of few columns
    """
    lines = []
    numbers = [False] * len(head)
    for row in rows:
        cells = []
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                cells.append(f"<td>{html.escape(cell)}</td>")
            else:
                numbers[column] = True
                cells.append(f'<td class="n">{_number(cell)}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    top = "".join(
        f'<th class="n">{html.escape(name)}</th>' if number else f"<th>{html.escape(name)}</th>"
        for name, number in zip(head, numbers, strict=False)
    )
    body = "\n".join(lines)
    return (
        f'<div class="table{" wrap" * wrap}" tabindex="0"><table>\n<thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _number(value: float | None) -> str:
    """A number as a table shows it.

    >>> _number(12345), _number(4.5), _number(float('nan')), _number(None)
    ('12,345', '4.500', '–', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


def percent(value: float) -> str:
    """A share in per cent, with a space at which no line breaks."""
    hundredths = 100 * value
    return f"{hundredths:.1f}\u00a0%" if hundredths >= 1 else f"{hundredths:.2g}\u00a0%"


def pictures(*figures: str) -> str:
    """Figures, side by side where there is room."""
    return f'<div class="pictures">\n{"".join(figures)}</div>\n'


def bold(text: str) -> str:
    """A name as HTML."""
    return f"<b>{html.escape(text)}</b>"
