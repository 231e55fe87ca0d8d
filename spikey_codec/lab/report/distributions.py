"""Distributions of amplitudes and residuals, compared with a Gaussian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.analyse import Analysis
from ..analysis.statistics import BINS, FAR
from ..figures.style import INK, NEGATIVE, POSITIVE
from .markup import paragraph, percent, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    shape = analysis.distributions
    kurtosis = [own.kurtosis for own in analysis.statistics if own.usable]
    if not kurtosis:
        return paragraph("Every lead is constant or railed: there is no distribution to show.")
    gaussian = math.erfc(FAR / math.sqrt(2))
    amplitude, residual, tracked = shape.beyond_far
    heavy = "heavier" if residual > 2 * gaussian else "hardly heavier"
    figures = [
        shown(
            _against_gaussian([("amplitude", shape.amplitude, POSITIVE)], "amplitudes"),
            "Distribution of amplitudes, and a Gaussian",
            "Levels minus the lead's median, over the standard deviation of a Gaussian with the "
            "same quartiles; all leads together except railed and constant ones.",
        ),
        shown(
            _against_gaussian(
                [("over the lead's own deviation", shape.residual, NEGATIVE),
                 ("over the tracked scale", shape.tracked, POSITIVE)], "residuals",
            ),
            "Distribution of residuals, and a Gaussian",
            "Residuals of each lead's best linear predictor of order 16; the tracked scale is the "
            "standard deviation to be expected from the residuals just before.",
        ),
    ]  # fmt: skip
    return paragraph(
        "The residuals of a linear predictor are nearly Gaussian in the middle, with tails "
        f"{heavy} than a Gaussian's: {percent(residual)} of them lie beyond four standard "
        f"deviations, where a Gaussian has {percent(gaussian)}.",
        f"Over a scale that follows the recent residuals it is {percent(tracked)}; the median "
        f"excess kurtosis of a lead is then {np.median(kurtosis):.2f} (Gaussian: 0).",
        f"Of the amplitudes themselves {percent(amplitude)} lie beyond four.",
    ) + pictures(*figures)


def _against_gaussian(curves: Sequence[tuple[str, np.ndarray, str]], title: str) -> Figure:
    """Distributions (label, counts in BINS, colour) and a Gaussian, on a logarithmic scale."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    figure, axes = phone_figure(3.1)
    middle = (BINS[1:] + BINS[:-1]) / 2
    axes.plot(middle, np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi), color=INK, lw=0.9, ls="--",
              label="Gaussian")  # fmt: skip
    least = 1e-2
    for label, counts, colour in curves:
        density = counts / max(counts.sum(), 1) / (BINS[1] - BINS[0])
        if counts.any():
            least = min(least, float(density[density > 0].min()))
        axes.plot(middle, np.where(density > 0, density, np.nan), color=colour, lw=1.2, label=label)
    axes.set(yscale="log", ylim=(max(least / 2, 1e-7), 8), xlim=(-8, 8), title=title,
             xlabel="standard deviations", ylabel="density")  # fmt: skip
    axes.legend(loc="upper center", ncols=2 if len(curves) == 1 else 1, handlelength=1.3)
    if len(curves) > 1:
        axes.set_ylim(top=300)  # room for the legend
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return figure
