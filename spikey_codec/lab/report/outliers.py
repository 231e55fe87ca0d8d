"""Channels that are unlike the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..analysis.analyse import Analysis
from ..analysis.outliers import FAR, FEWEST_TO_JUDGE, Outlier
from ..analysis.rails import PLATEAU
from ..analysis.recordings import Channel
from ..figures.style import NEGATIVE, POSITIVE
from .markup import bold, count, data_table, paragraph, percent, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 8  # channels in a sentence


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    channels, statistics = analysis.channels, analysis.statistics
    railed = [o for o in analysis.outliers if o.what.startswith("railed")]
    constant = [o for o in analysis.outliers if o.what.startswith("constant")]
    other = {o.channel: o for o in analysis.outliers if o not in railed and o not in constant}
    touched = sum(own.railed > 0 for own in statistics)
    text = paragraph(
        f"{_named(channels, railed)} {'are' if len(railed) > 1 else 'is'} railed: "
        f"{_range([statistics[o.channel].railed for o in railed])} of the samples are at the rail."
        if railed else "No lead is railed.",
        f"{_named(channels, constant)} {'are' if len(constant) > 1 else 'is'} constant."
        if constant else "",
        f"{_named(channels, other.values())} {'differ' if len(other) > 1 else 'differs'} much from "
        "the rest of the same kind in amplitude or residual." if other else
        "No other lead stands out in amplitude or residual."
        if len(channels) >= FEWEST_TO_JUDGE else
        f"Fewer than {FEWEST_TO_JUDGE} leads say too little about what is usual to name "
        "others.",
        f"{count(touched, 'lead')} in all touch{'es' * (touched == 1)} the rail at least once."
        if touched else "",
    )  # fmt: skip
    note = paragraph(
        "The rail is the end of the converter's range, or a lead's own extreme where it rests for "
        f"{PLATEAU} samples or more. A lead stands out if its log standard deviation is {FAR:g} "
        "robust standard deviations from the median of leads of the same converter and rate.",
        note=True,
    )
    table = ""
    if analysis.outliers:
        table = data_table(
            ("lead", "what"),
            ((channels[o.channel].label, o.what) for o in analysis.outliers),
            wrap=True,
        )
    unlike = {outlier.channel for outlier in analysis.outliers}
    points = [
        (own.deviation, own.residual, channel in unlike)
        for channel, own in enumerate(statistics)
        if own.residual > 0
    ]
    picture = ""
    if points:
        picture = pictures(
            shown(
                _scatter(points),
                "Amplitude and residual of every lead",
                "A dot for each lead that varies; the red ones are named above.",
            )
        )
    return text + table + picture + note


def _range(shares: list[float]) -> str:
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} to {high}"


def _named(channels: list[Channel], outliers: Iterable[Outlier]) -> str:
    names = [bold(channels[o.channel].label) for o in outliers]
    more = f" and {len(names) - MOST_NAMED} more leads" if len(names) > MOST_NAMED else ""
    return ("Leads " if len(names) > 1 else "Lead ") + ", ".join(names[:MOST_NAMED]) + more


def _scatter(points: list[tuple[float, float, bool]]) -> Figure:
    """A dot for each channel, given as deviation, deviation of the residual, and whether named."""
    figure, axes = phone_figure(3.2)
    for colour, named in ((POSITIVE, False), (NEGATIVE, True)):
        chosen = [point[:2] for point in points if point[2] == named]
        if chosen:
            axes.loglog(*zip(*chosen, strict=False), "o", ms=3.5, color=colour, mew=0, alpha=0.8)
    _plain_ticks(axes)
    axes.set(xlabel="standard deviation of the level", ylabel="of the residual")
    return figure


def _plain_ticks(axes: Axes) -> None:
    """Numbers as people write them on both logarithmic axes, few enough not to overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        wide = low > 0 and high / low > 1000
        axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
