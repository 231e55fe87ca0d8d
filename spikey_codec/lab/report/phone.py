"""Figures as wide as a phone, and how they get into the page: as SVG inside it."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

from ..figures.style import FAINT, INK, PLAIN, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 4.6  # inches: letters of 9 points then have their size on a phone
DOTS = 200  # of a rasterised part, per inch
STYLE = {
    **PLAIN,
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
}


def phone_figure(
    height: float, columns: int = 1, rows: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """A figure as wide as a phone and `height` inches high, and its axes (an array of several)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def shown(figure: Figure, what: str, caption: str = "") -> str:
    """A figure as HTML; `what` is for readers who cannot see it. Both texts are plain."""
    data = base64.b64encode(picture(figure, "svg", DOTS)).decode()
    under = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><img alt="{html.escape(what)}" src="data:image/svg+xml;base64,{data}">'
        f"{under}</figure>\n"
    )
