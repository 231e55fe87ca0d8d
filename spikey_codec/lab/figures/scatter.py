"""The picture of `spikey bench codecs`: ratio against speed, of encoding and of decoding.

Every point has its name beside it. A name is put at the first of many places around its point
where it covers neither another name nor a point; farther places get a thin line to the point.
"""

from __future__ import annotations

import io
import math
from typing import NamedTuple

from .others import Row
from .plots import FAINT, INK, NEGATIVE, PALE

SIZE = (11.0, 5.4)  # inches
LETTER = 8  # points
DOT = 3.5  # points, half the width of a point
NEAR = 4  # points between a point and its name
RINGS, PLACES = 14, 24  # distances, and directions at each, that are tried for a name
STEP = 6  # points from ring to ring


class Box(NamedTuple):
    """A rectangle, in points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def covers(self, other: Box) -> float:
        """The area of what is common to both."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0) * max(height, 0)


def place(
    points: list[tuple[float, float]], sizes: list[tuple[float, float]], page: Box
) -> list[Box]:
    """A place for each point's name: names cover no name and no point where that can be had.

    Parameters
    ----------
    points : where the points are
    sizes : width and height of their names
    page : what names may not leave

    All in points (1/72 inch); the same for the same input. Where all places are taken, the one that
    covers least is.
    """
    dots = [Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    placed: dict[int, Box] = {}
    # those in a crowd choose first, as they have the least choice
    crowd = [sum(math.dist(p, q) < 60 for q in points) for p in points]
    for number in sorted(range(len(points)), key=lambda i: (-crowd[i], i)):
        best, least = None, math.inf
        taken = [*placed.values(), *dots]
        for box in _candidates(points[number], sizes[number]):
            outside = (box.right - box.left) * (box.top - box.bottom) - page.covers(box)
            cost = outside + sum(box.covers(other) for other in taken)
            if cost < least - 1e-9:
                best, least = box, cost
            if least <= 1e-9:
                break
        placed[number] = best
    return [placed[number] for number in range(len(points))]


def _candidates(point: tuple[float, float], size: tuple[float, float]):
    """Boxes around a point, the nearest first, at the right before the left."""
    (x, y), (width, height) = point, size
    for ring in range(RINGS):
        away = DOT + NEAR + STEP * ring
        for turn in range(PLACES):
            angle = math.pi * ((turn + 1) // 2) / (PLACES / 2) * (-1) ** turn
            # the box touches, from outside, the circle around the point
            centre = (
                x + (away + width / 2) * math.cos(angle),
                y + (away + height / 2) * math.sin(angle),
            )
            yield Box(
                centre[0] - width / 2, centre[1] - height / 2,
                centre[0] + width / 2, centre[1] + height / 2,
            )


def draw(rows: list[Row], size: int, what: str, kind: str) -> bytes:
    """The picture, as bytes of a file of that kind (see `plots.kind_of`).

    rows : as of `others.measure`; size : bytes of all samples; what : the line below the title.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style = {"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "spikey"}
    with rc_context({**style, "font.size": LETTER}):
        figure = Figure(figsize=SIZE, facecolor="white")
        panels = figure.subplots(1, 2, sharey=True)
        figure.subplots_adjust(left=0.06, right=0.975, bottom=0.11, top=0.84, wspace=0.06)
        figure.text(0.06, 0.945, "Size and speed of lossless codecs", size=12, weight="bold",
                    color=INK)
        figure.text(0.06, 0.9, f"{what}; one core; up and right is better", color=FAINT)
        ratios = [size / row.size for row in rows]
        for panel, verb in zip(panels, ("encoding", "decoding")):
            _panel(panel, verb, rows, [size / getattr(row, verb) / 1e6 for row in rows], ratios)
        panels[0].set_ylabel("ratio", color=INK)
        _name(figure, panels, rows)
        picture = io.BytesIO()
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(picture, format=kind, dpi=160, metadata=dated)
    return picture.getvalue()


def _is_ours(row: Row) -> bool:
    return row.name.startswith("spikey ")


def _panel(axes, verb: str, rows: list[Row], speeds: list[float], ratios: list[float]):
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


def _name(figure, panels, rows: list[Row]):
    """Write the names, once it is known where the points and how long the names are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    unit = 72 / figure.dpi  # points of a pixel
    for axes in panels:
        pixels = axes.transData.transform(axes.collections[0].get_offsets()) * unit
        texts = [
            axes.text(
                0, 0, row.name, size=LETTER, va="center", ha="center", zorder=4,
                color=NEGATIVE if _is_ours(row) else INK,
                weight="bold" if _is_ours(row) else "normal", transform=None,
            )
            for row in rows
        ]
        extents = [text.get_window_extent(renderer) for text in texts]
        # letters are a little wider in other viewers of an .svg
        sizes = [(1.06 * box.width * unit, box.height * unit + 2) for box in extents]
        frame = axes.get_window_extent(renderer)
        page = Box(*(edge * unit for edge in (frame.x0, frame.y0, frame.x1, frame.y1)))
        places = place([tuple(point) for point in pixels], sizes, page)
        back = axes.transData.inverted()
        for text, box, point in zip(texts, places, pixels):
            centre = ((box.left + box.right) / 2, (box.bottom + box.top) / 2)
            text.set_transform(axes.transData)
            text.set_position(back.transform((centre[0] / unit, centre[1] / unit)))
            nearest = (
                min(max(point[0], box.left), box.right), min(max(point[1], box.bottom), box.top)
            )
            if math.dist(nearest, point) > DOT + NEAR + STEP:
                ends = back.transform([(x / unit, y / unit) for x, y in (nearest, point)])
                axes.plot(*ends.T, color=FAINT, linewidth=0.5, zorder=2)
