"""What the converter is like: code widths, or the values in use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...constants import CHALLENGE, LOWEST_CODE, PALETTE
from ...system.files import printable
from ..analysis.analyse import Analysis
from ..analysis.recordings import File
from ..analysis.widths import Widths
from ..figures.style import INK, NEGATIVE, PALE, POSITIVE
from .markup import count, data_table, paragraph, percent, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AROUND = 40  # codes to each side of the middle one whose widths are drawn


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    body = ""
    if analysis.widths is not None:
        body += _challenge_converter(analysis.widths)
    others = [file for file in analysis.files if file.mapping.kind != CHALLENGE and file.analysed]
    if others:
        body += _other_converters(others, alone=analysis.widths is None)
    return body


def _other_converters(others: list[File], alone: bool) -> str:
    """What is known of files that do not come from the challenge's converter."""
    steps = sorted({file.step for file in others})
    sparse = sum(file.mapping.kind == PALETTE for file in others)
    return paragraph(
        f"{'Of' if alone else 'Other recordings: of'} {count(len(others), 'file')} that "
        f"{'does' if len(others) == 1 else 'do'} not come from the challenge's converter, {sparse} "
        f"{'uses' if sparse == 1 else 'use'} so few of the values in "
        "their range that the codec numbers those in use (“sparse”).",
        f"The greatest common step between values is {', '.join(map(str, steps[:6]))}"
        f"{' …' if len(steps) > 6 else ''}; a step above 1 is a gain that was applied after "
        "the converter.",
    ) + data_table(
        ("file", "converter", "values in use", "lowest", "highest", "step", "in use",
         "bits to number them"),
        (
            (printable(file.path.name), file.kind, file.used, file.lowest, file.highest, file.step,
             percent(file.used / ((file.highest - file.lowest) // max(file.step, 1) + 1)),
             math.log2(file.used))
            for file in others
        ),
    )  # fmt: skip


def _challenge_converter(widths: Widths) -> str:
    """The challenge converter's widths: those shipped, and those seen here."""
    often = widths.often
    used = int(np.count_nonzero(widths.counts))
    shipped = widths.shipped[often] if often.any() else widths.shipped
    agreement = (
        "They came too rarely here to compare widths code by code."
        if math.isnan(widths.correlation)
        else f"Over the {int(often.sum())} codes that came often, the log widths estimated from "
        f"{count(widths.channels, 'lead')} of these recordings alone correlate with the shipped "
        f"ones by {widths.correlation:.3f}: "
        + ("it is the same converter." if widths.correlation > 0.8 else
           "these recordings do not clearly show the same pattern.")
    )  # fmt: skip
    text = paragraph(
        f"Of the challenge converter's 1,024 codes, {used:,} came. They are not equally wide: the "
        f"shipped widths of those that came often run from {shipped.min():.2f} to "
        f"{shipped.max():.2f} codes, so that the histogram is jagged where the signal is smooth.",
        agreement,
    )
    near = shown(
        _in_the_middle(widths),
        "Histogram and widths of the codes in the middle",
        f"The {2 * AROUND + 1} codes around the mean one.",
    )
    every = shown(
        _against_shipped(widths),
        "Widths estimated here over widths shipped",
        "All codes that came about 1,000 times or more in the leads used; on the line both agree.",
    )
    return text + pictures(near, every)


def _in_the_middle(widths: Widths) -> Figure:
    """Histogram of the codes around the mean one, and their widths."""
    codes = np.arange(len(widths.counts)) + LOWEST_CODE
    centre = int(np.average(codes, weights=widths.counts).round()) if widths.counts.sum() else 0
    first = min(max(centre - AROUND - LOWEST_CODE, 0), len(codes) - 2 * AROUND - 1)
    cut = slice(first, first + 2 * AROUND + 1)
    figure, (top, bottom) = phone_figure(4.2, rows=2)
    top.bar(codes[cut], widths.counts[cut] / max(widths.counts.sum(), 1), 1.0, color=POSITIVE)
    top.set(title="how often each code came", ylabel="share of samples")
    for what, values, colour, width in (
        ("estimated here", widths.here, NEGATIVE, 1.4),
        ("shipped", widths.shipped, INK, 0.8),
    ):
        bottom.step(codes[cut], values[cut], where="mid", color=colour, lw=width, label=what)
    bottom.set(title="width of each code, in codes", xlabel="code")
    bottom.set_ylim(0, max(widths.here[cut].max(), widths.shipped[cut].max()) * 1.3)
    bottom.legend(ncols=2, loc="upper right")
    return figure


def _against_shipped(widths: Widths) -> Figure:
    """The widths estimated here against those shipped, a dot for each code that came often."""
    figure, axes = phone_figure(4.2)
    shipped, here = widths.shipped[widths.often], widths.here[widths.often]
    axes.plot([0, 2.6], [0, 2.6], color=PALE, lw=1, zorder=0)
    axes.plot(shipped, here, "o", ms=2.6, color=POSITIVE, mew=0)
    most = max(2.0, float(max(shipped.max(initial=0), here.max(initial=0))) * 1.05)
    axes.set(
        xlim=(0, most),
        ylim=(0, most),
        xlabel="width shipped, in codes",
        ylabel="width estimated from these recordings",
        title="a dot for each code",
    )
    return figure
