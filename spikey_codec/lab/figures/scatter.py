"""The picture of `spikey bench codecs`: ratio against speed, of encoding and of decoding.

Every point has its name near it; a name that is farther away gets a thin line to its point.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..bench.measure import Row
from .placing import DOT, NEAR, STEP, Box, place
from .style import EDITABLE, FAINT, INK, NEGATIVE, PALE, picture, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (11.0, 5.4)  # inches
LETTER = 8  # points


def draw(rows: list[Row], size: int, what: str, kind: str) -> bytes:
    """The picture, as the bytes of a file. Needs matplotlib.

    Parameters
    ----------
    rows : one for each codec, as from `measure.measure`
    size : bytes of all samples
    what : the line below the title
    kind : one of style.KINDS, see `style.kind_of`
    """
    from matplotlib.figure import Figure

    with styled({**EDITABLE, "font.size": LETTER}):
        figure = Figure(figsize=SIZE, facecolor="white")
        panels = figure.subplots(1, 2, sharey=True)
        figure.subplots_adjust(left=0.06, right=0.975, bottom=0.11, top=0.84, wspace=0.06)
        figure.text(
            0.06, 0.945, "Size and speed of lossless codecs", size=12, weight="bold", color=INK
        )
        figure.text(0.06, 0.9, f"{what}; one core; up and right is better", color=FAINT)
        ratios = [size / row.size for row in rows]
        for panel, verb in zip(panels, ("encoding", "decoding"), strict=False):
            _panel(panel, verb, rows, [size / getattr(row, verb) / 1e6 for row in rows], ratios)
        panels[0].set_ylabel("ratio", color=INK)
        _name(figure, panels, rows)
        return picture(figure, kind)


def _is_ours(row: Row) -> bool:
    return row.name.startswith("spikey ")


def _panel(
    axes: Axes, verb: str, rows: list[Row], speeds: list[float], ratios: list[float]
) -> None:
    """Ratio against speed in one direction."""
    axes.set_xscale("log")
    axes.set_xlim(min(speeds) / 2, max(speeds) * 2)
    span = max(max(ratios) - min(ratios), 0.1)
    axes.set_ylim(min(ratios) - 0.1 * span, max(ratios) + 0.12 * span)
    axes.set_xlabel(f"{verb}, MB/s", color=INK)
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.grid(True, color=PALE, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, which="both")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(PALE)
    colours = [NEGATIVE if _is_ours(row) else INK for row in rows]
    axes.scatter(speeds, ratios, s=(2 * DOT) ** 2, c=colours, linewidths=0, zorder=3)


def _name(figure: Figure, panels: Iterable[Axes], rows: list[Row]) -> None:
    """Write the names, once the places of the points and the widths of the names are known."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    unit = 72 / figure.dpi  # points of a pixel
    for axes in panels:
        pixels = axes.transData.transform(axes.collections[0].get_offsets()) * unit
        texts = [
            axes.text(
                0,
                0,
                row.name,
                size=LETTER,
                va="center",
                ha="center",
                zorder=4,
                color=NEGATIVE if _is_ours(row) else INK,
                weight="bold" if _is_ours(row) else "normal",
                transform=None,
            )
            for row in rows
        ]
        extents = [text.get_window_extent(renderer) for text in texts]
        # Letters are a little wider in some viewers of an .svg.
        sizes = [(1.06 * box.width * unit, box.height * unit + 2) for box in extents]
        frame = axes.get_window_extent(renderer)
        page = Box(*(edge * unit for edge in (frame.x0, frame.y0, frame.x1, frame.y1)))
        places = place([tuple(point) for point in pixels], sizes, page)
        back = axes.transData.inverted()
        for text, box, point in zip(texts, places, pixels, strict=False):
            centre = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
            text.set_transform(axes.transData)
            x, y = back.transform((centre[0] / unit, centre[1] / unit))
            text.set_position((x, y))
            nearest = (
                min(max(point[0], box.left), box.right),
                min(max(point[1], box.bottom), box.top),
            )
            if math.dist(nearest, point) > DOT + NEAR + STEP:
                ends = back.transform(np.array([nearest, point]) / unit)
                axes.plot(*ends.T, color=FAINT, linewidth=0.5, zorder=2)
