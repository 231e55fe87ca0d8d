"""Spikes: how many there are, and what they look like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...events.spikes import (
    BEFORE,
    MEDIAN_TO_SIGMA,
    MOST_SHAPES,
    TIMES_NOISE,
    Spikes,
    band,
    chance_per_second,
)
from ..analysis.analyse import Analysis
from ..analysis.rails import RAILED
from ..analysis.recordings import Channel
from ..figures.style import INK, NEGATIVE, POSITIVE
from .markup import bold, count, data_table, paragraph, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 40  # channels in the table
OVERLAYS = 4  # channels whose spikes are drawn


class _Entry(NamedTuple):
    """A channel whose spikes were looked for."""

    channel: Channel
    railed: bool
    spikes: Spikes


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    known = [
        _Entry(channel, own.railed >= RAILED, own.spikes)
        for channel, own in zip(analysis.channels, analysis.statistics, strict=False)
        if own.spikes is not None
    ]
    if not known:
        return paragraph(
            "No lead has a rate at which spikes could be looked for (1,334 Hz or more)."
        )
    method = _method(known)
    # A railed channel may show more of them than any other, and none of a cell.
    known.sort(key=lambda entry: (entry.railed, -entry.spikes.per_second))
    clean = [entry for entry in known if not entry.railed] or known
    rates = np.array([entry.spikes.per_second for entry in clean])
    busy = int(np.count_nonzero(rates > 1))
    first = clean[0]
    text = paragraph(
        f"{sum(len(entry.spikes.times) for entry in clean):,} spikes in "
        f"{count(len(clean), 'lead')}"
        f"{', railed ones left out' if len(clean) < len(known) else ''}: "
        f"{busy} of them have more than one a second, the median lead has {np.median(rates):.2f}.",
        f"Lead {bold(first.channel.label)} has most, {first.spikes.per_second:.1f} a second.",
    )
    drawn = [entry for entry in clean[:OVERLAYS] if len(entry.spikes.shapes)]
    figures = [
        shown(
            _rates(rates),
            "Spikes per second of all leads",
            "The leads with most spikes come first.",
        )
    ]
    if drawn:
        figures.append(
            shown(
                _overlay(drawn),
                "Some spikes of the leads with most of them",
                f"Band-passed spikes of the leads with most of them, at most {MOST_SHAPES} each, "
                "and their median (dark). Dashed: the threshold.",
            )
        )
    return text + pictures(*figures) + _table(known) + method


def _method(known: list[_Entry]) -> str:
    """How spikes were looked for, by the rate of the first channel."""
    rate = known[0].channel.rate
    low, high = band(rate) or (0.0, 0.0)
    return paragraph(
        f"The method: levels are band-passed from {low:.0f} to {high:.0f} Hz (Butterworth, order "
        "3, forwards and backwards). A spike is the lowest point of the millisecond after they "
        f"fall below {TIMES_NOISE} times the noise, which is median(|x|) / {MEDIAN_TO_SIGMA}; the "
        "next one comes a millisecond later at the earliest. Noise alone would give about "
        f"{chance_per_second(rate):.1f} a second. Spikes are not sorted by cell, and those that "
        "point upwards are not counted.",
        "Rates of railed leads (*) say little: where a lead leaves the rail, the filter rings."
        if any(entry.railed for entry in known) else "",
        "Leads of other rates have a band of their own, up to 0.45 of the rate."
        if len({entry.channel.rate for entry in known}) > 1 else "",
        note=True,
    )  # fmt: skip


def _table(known: list[_Entry]) -> str:
    """The channels with most spikes."""
    listed = known[:MOST_ROWS]
    table = data_table(
        ("lead", "spikes", "a second", "noise", "threshold", "median trough", "unit"),
        (
            (
                channel.label + (" *" if railed else ""),
                len(spikes.times),
                spikes.per_second,
                spikes.noise,
                spikes.threshold,
                _trough(spikes),
                channel.unit,
            )
            for channel, railed, spikes in listed
        ),
    )
    if len(listed) < len(known):
        left = f"The {len(listed)} leads with most spikes of {len(known):,}."
        table += paragraph(left, note=True)
    return table


def _trough(spikes: Spikes) -> float:
    return float(np.median(spikes.shapes.min(axis=1))) if len(spikes.shapes) else math.nan


def _rates(rates: np.ndarray) -> Figure:
    """A bar for each channel's rate, in order."""
    figure, axes = phone_figure(2.9)
    ordered = np.sort(rates)[::-1]
    axes.bar(np.arange(1, len(ordered) + 1), ordered, 0.9, color=POSITIVE, lw=0)
    axes.set(xlabel="leads, in order", ylabel="spikes per second", xlim=(0.4, len(ordered) + 0.6))
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _overlay(entries: list[_Entry]) -> Figure:
    """Waveforms of each channel's spikes, and their median."""
    columns = min(len(entries), 2)
    rows = -(-len(entries) // columns)
    figure, grid = phone_figure(1.9 * rows + 0.2, columns, rows, squeeze=False)
    for axes in grid.flat[len(entries) :]:
        axes.set_visible(False)
    for axes, (channel, _, spikes) in zip(grid.flat, entries, strict=False):
        before = round(BEFORE * channel.rate)
        time = (np.arange(spikes.shapes.shape[1]) - before) / channel.rate * 1000
        # Rasterised, because lines would take ten times as many bytes.
        axes.plot(time, spikes.shapes.T, color=POSITIVE, lw=0.4, alpha=0.35, rasterized=True)
        axes.plot(time, np.median(spikes.shapes, axis=0), color=INK, lw=1.3)
        axes.axhline(spikes.threshold, color=NEGATIVE, lw=0.7, ls="--")
        axes.set(title=f"{channel.label}, {spikes.per_second:.1f}/s", xlabel="ms",
                 ylabel=channel.unit)  # fmt: skip
    return figure
