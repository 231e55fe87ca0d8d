"""Which channels were recorded together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..analysis.analyse import Analysis
from ..analysis.recordings import Channel
from ..analysis.relations import Related
from .markup import count, data_table, paragraph, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_GROUPS = 200  # listed
MOST_NAMED = 12  # channels of a group
MOST_LABELLED = 40  # channels with a name along a matrix


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    related, channels = analysis.related, analysis.channels
    compared = len(related.compared)
    if compared == 1:
        return paragraph("There is one lead only, so there is nothing to correlate it with.")
    pairs = sum(len(group) == 2 for group in related.groups)
    larger = [len(group) for group in related.groups if len(group) > 2]
    alone = compared - sum(map(len, related.groups))
    kinds = ([count(pairs, "pair")] if pairs else []) + (
        [f"{count(len(larger), 'larger group')} (up to {max(larger)} leads)"] if larger else []
    )
    found = (
        f"{' and '.join(kinds)} of leads hear common activity; {alone} have no partner."
        if kinds else "No two leads hear common activity."
    )  # fmt: skip
    body = paragraph(
        found,
        "The measure is the correlation of first differences at the same instant: between "
        "unrelated leads it stays near 0, while raw values correlate mostly by drift.",
    )
    drawn = len(related.shown)
    note = ""
    if compared < len(channels):
        note += f"{compared:,} of {len(channels):,} leads were compared, evenly spread. "
    if drawn < compared:
        note += f"The picture shows {drawn} of them, the strongest groups first. "
    body += paragraph(note, note=True) if note else ""
    names = [channels[n].label for n in related.shown]
    figure = shown(
        _matrix(related.matrix, names),
        "Correlation of every two leads",
        f"Absolute correlation of first differences of {drawn} leads, "
        "members of one group side by side.",
    )
    return body + pictures(figure) + _table(related, channels)


def _table(related: Related, channels: list[Channel]) -> str:
    """The groups and their members."""
    table = ""
    if related.groups:
        listed = list(zip(related.groups, related.strongest, strict=False))[:MOST_GROUPS]
        table = data_table(
            ("strongest correlation", "leads", "which"),
            (
                (strongest, len(group), ", ".join(channels[n].label for n in group[:MOST_NAMED])
                 + (f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""))
                for group, strongest in listed
            ),
        )  # fmt: skip
        if len(listed) < len(related.groups):
            left_out = len(related.groups) - len(listed)
            table += paragraph(f"{left_out} weaker groups are left out.", note=True)
    return table


def _matrix(matrix: np.ndarray, names: list[str]) -> Figure:
    """|correlation| of every two channels."""
    figure, axes = phone_figure(3.9)
    scale = max(float(matrix.max()), 0.05)
    values = np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
    picture = axes.imshow(values, cmap="Blues", vmin=0, vmax=scale, interpolation="nearest")
    size = max(3.5, min(7, 170 / len(names)))
    if len(names) <= MOST_LABELLED:
        axes.set_xticks(range(len(names)), names, rotation=90, size=size)
        axes.set_yticks(range(len(names)), names, size=size)
    else:
        axes.set(xlabel="lead", ylabel="lead")
    axes.tick_params(length=0)
    figure.colorbar(picture, ax=axes, shrink=0.75, pad=0.02, label="|correlation|")
    return figure
