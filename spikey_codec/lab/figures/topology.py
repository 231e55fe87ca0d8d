"""Pictures, drawn with matplotlib, which is imported here alone and only when one is asked for.

Leads that belong together are laid out by how strongly they correlate (stress majorization: de
Leeuw 1977; Gansner, Koren and North 2004), then the groups are packed into a page: large ones
first, pairs in a grid with the strongest first, single leads below. Nothing is drawn by chance.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from collections import Counter
from typing import NamedTuple

import numpy as np

from ..errors import UsageError
from ..system.files import printable
from ..topology.graph import RAW, Topology, connected
from .topology import summary

KINDS = ("png", "svg", "pdf")
INK, FAINT, PALE = "#1d2b3a", "#6b7785", "#c3cad3"
POSITIVE, NEGATIVE = "#2b5b8a", "#c0392b"
# All lengths are inches on paper.
PAIR, PAIR_HIGH, APART = 0.86, 0.46, 0.43  # the cell of a pair, and between its two leads
SINGLE, SINGLE_HIGH = 0.43, 0.31
NEAR = 0.44  # from a lead of a larger group to the nearest one
MARGIN, TOP, GAP, HEADING = 0.35, 0.9, 0.3, 0.3
NARROWEST = 7.2
SHAPE = 1.35  # of a page of pairs: width by height
THINNEST, WIDEST = 0.5, 4.5  # points, of the weakest and the strongest correlation
MOST_LABELLED = 130  # leads of one group; more would only blot each other
FEW = 30  # leads that still leave room on the smallest page; fewer are drawn further apart
CROWDED = 0.45  # of the distances, where there are no names between the leads
ROUNDS = 300


def kind_of(path: str) -> str:
    """The format of a picture by its name's ending; UsageError for others, or no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Drawing needs matplotlib, which is not installed: pip install 'spikey-codec[plot]'."
        ) from error
    kind = os.path.splitext(path)[1][1:].lower()
    if kind not in KINDS:
        raise UsageError(f"A picture's name ends in {', '.join(f'.{k}' for k in KINDS)}: {path!r}.")
    return kind


class _Drawing(NamedTuple):
    """Where everything goes, in inches from the top left corner: y grows downwards."""

    places: np.ndarray  # float64, shape (leads, 2)
    size: tuple[float, float]  # of the page
    headings: list[tuple[float, float, str]]


def draw_topology(topology: Topology, kind: str) -> bytes:
    """A picture of the graph: a node for every lead, an edge from it to every peer.

    Parameters
    ----------
    topology : the graph
    kind : one of KINDS

    Returns
    -------
    The bytes of a file of that kind. Needs matplotlib, see `kind_of`.
    """
    from matplotlib import rc_context

    edges = transition_levels_of(topology)
    linked = np.zeros((len(topology.leads),) * 2, bool)
    for first, second in edges:
        linked[first, second] = linked[second, first] = True
    parts = connected(linked)
    drawing = _lay_out(parts, edges)
    # Names are no formulas, the text of an .svg stays text, and its identifiers stay the same.
    style = {"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "spikey"}
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in other letters
        figure = _figure(topology, parts, edges, drawing)
        picture = io.BytesIO()
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(picture, format=kind, dpi=160, metadata=dated)
    return picture.getvalue()


def transition_levels_of(topology: Topology) -> dict[tuple[int, int], float]:
    """Correlation by pairs of indices, the smaller first, of leads one of which is a peer's."""
    return {
        (min(lead, peer.lead), max(lead, peer.lead)): peer.correlation
        for lead in range(len(topology.leads))
        for peer in topology.peers(lead)
    }


# Where the leads go


def _lay_out(parts: list[list[int]], edges: dict[tuple[int, int], float]) -> _Drawing:
    """Pack connected parts of the graph into a page."""
    larger = sorted((part for part in parts if len(part) > 2), key=len, reverse=True)
    pairs = sorted((part for part in parts if len(part) == 2), key=lambda p: -abs(edges[tuple(p)]))
    singles = [part[0] for part in parts if len(part) == 1]
    stretch = math.sqrt(max(FEW / sum(map(len, parts)), 1))
    shapes = [
        arrange(part, edges) * (CROWDED if len(part) > MOST_LABELLED else stretch)
        for part in larger
    ]
    boxes = [shape.max(axis=0) + NEAR + GAP for shape in shapes]
    area = (
        sum(float(box.prod()) for box in boxes)
        + len(pairs) * PAIR * PAIR_HIGH
        + len(singles) * SINGLE * SINGLE_HIGH
    )
    width = max([NARROWEST - 2 * MARGIN, math.sqrt(SHAPE * area), *(float(b[0]) for b in boxes)])
    places = np.zeros((sum(map(len, parts)), 2))
    headings = []
    y = TOP
    x = row_high = 0.0
    for part, shape, box in zip(larger, shapes, boxes):
        if x and x + box[0] > width:
            x, y, row_high = 0.0, y + row_high, 0.0
        if len(larger) == 1:
            x = (width - box[0]) / 2
        places[part] = shape + (MARGIN + x + (NEAR + GAP) / 2, y + (NEAR + GAP) / 2)
        x, row_high = x + box[0], max(row_high, float(box[1]))
    y += row_high
    several = bool(larger) + bool(pairs) + bool(singles) > 1
    for what, cells, cell in (
        ("pairs, the strongest first", pairs, (PAIR, PAIR_HIGH)),
        ("leads without a peer", [[lead] for lead in singles], (SINGLE, SINGLE_HIGH)),
    ):
        if not cells:
            continue
        if several:
            y += HEADING
            headings.append((MARGIN, y - 0.08, what))
        columns = max(int(width / cell[0]), 1)
        for number, part in enumerate(cells):
            row, column = divmod(number, columns)
            centre = MARGIN + (column + 0.5) * width / columns
            offsets = (np.arange(len(part)) - (len(part) - 1) / 2) * APART
            places[part, 0] = centre + offsets
            places[part, 1] = y + (row + 0.5) * cell[1]
        y += -(-len(cells) // columns) * cell[1]
    return _Drawing(places, (width + 2 * MARGIN, y + MARGIN), headings)


def arrange(part: list[int], edges: dict[tuple[int, int], float]) -> np.ndarray:
    """Places in the plane for connected leads, so that strongly correlated ones are near.

    Returns float64, shape (len(part), 2), from 0 on, about `NEAR` from each to its nearest. The
    wanted distance of two leads is 1 - |correlation| along the shortest way from one to the
    other; it is not let fall too low, as no two leads can have one place.
    """
    number = {lead: i for i, lead in enumerate(part)}
    distance = np.full((len(part), len(part)), np.inf)
    for (first, second), correlation in edges.items():
        if first in number and second in number:
            i, j = number[first], number[second]
            distance[i, j] = distance[j, i] = max(1 - abs(correlation), 0.15)
    np.fill_diagonal(distance, 0)
    for middle in range(len(part)):
        np.minimum(distance, distance[:, middle, None] + distance[middle], out=distance)
    places = _least_stress(distance)
    gaps = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    places *= NEAR / max(float(np.median(gaps.min(axis=1))), 1e-9)
    places = _spread(places)
    # The longer side lies.
    places -= places.mean(axis=0)
    places = places @ np.linalg.svd(places, full_matrices=False)[2].T
    return places - places.min(axis=0)


def _least_stress(distance: np.ndarray) -> np.ndarray:
    """Places whose distances come near those wanted: float64, shape (leads, 2)."""
    count = len(distance)
    turn = 2 * np.pi * np.arange(count) / count
    squares = distance**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    axes = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    # Which way an eigenvector points is a matter of chance; a faint circle parts equal leads.
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(2)] < 0, -1, 1)
    places = axes + 1e-3 * distance.max() * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    weights = 1 / np.maximum(squares, 1e-12)
    np.fill_diagonal(weights, 0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    for _ in range(ROUNDS):
        gaps = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
        pull = weights * distance / np.maximum(gaps, 1e-9)
        np.fill_diagonal(pull, 0)
        new = inverse @ (pull.sum(axis=1)[:, None] * places - pull @ places)
        moved = np.abs(new - places).max()
        places = new
        if moved < 1e-4 * distance.max():
            break
    return places


def _spread(places: np.ndarray) -> np.ndarray:
    """Push leads apart that are nearer than `NEAR`, or would hide each other."""
    for _ in range(ROUNDS):
        between = places[:, None] - places
        gaps = np.hypot(*between.transpose(2, 0, 1))
        np.fill_diagonal(gaps, np.inf)
        lack = np.maximum(NEAR - gaps, 0) / np.maximum(gaps, 1e-9)
        if lack.max() < 0.02:
            break
        places = places + 0.3 * (lack[..., None] * between).sum(axis=1)
    return places


# What is drawn there


def _figure(
    topology: Topology,
    parts: list[list[int]],
    edges: dict[tuple[int, int], float],
    drawing: _Drawing,
):
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    width, height = drawing.size
    figure = Figure(figsize=drawing.size, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    pen = _Pen.of(edges.values())
    weakest_first = sorted(edges, key=lambda pair: abs(edges[pair]))
    if edges:
        axes.add_collection(
            LineCollection(
                [drawing.places[list(pair)] for pair in weakest_first],
                linewidths=[pen.width(edges[pair]) for pair in weakest_first],
                colors=[pen.colour(edges[pair]) for pair in weakest_first],
                capstyle="round",
            )
        )
    of_part = {lead: len(part) for part in parts for lead in part}
    _draw_leads(axes, topology, of_part, drawing.places)
    for pair in weakest_first:
        if of_part[pair[0]] == 2:
            x, y = drawing.places[list(pair)].mean(axis=0)
            axes.text(x, y - 0.06, f"{edges[pair]:.2f}", size=5.5, color=INK, ha="center")
    axes.text(MARGIN, 0.36, summary(topology), size=12, weight="bold", color=INK)
    axes.text(MARGIN, 0.64, _legend(topology), size=7.5, color=FAINT)
    for x, y, what in drawing.headings:
        axes.text(x, y, what, size=7.5, color=FAINT)
    if edges:
        _draw_scale(axes, width - MARGIN, edges.values(), pen)
    return figure


class _Pen(NamedTuple):
    """Width and colour of edges, from the weakest to the strongest |correlation| there is."""

    weakest: float
    strongest: float

    @classmethod
    def of(cls, correlations) -> _Pen:
        strengths = [abs(correlation) for correlation in correlations] or [0, 1]
        return cls(min(strengths), max(strengths))

    def _share(self, correlation: float) -> float:
        span = self.strongest - self.weakest
        return (abs(correlation) - self.weakest) / span if span > 0 else 1.0

    def width(self, correlation: float) -> float:
        return THINNEST + (WIDEST - THINNEST) * self._share(correlation)

    def colour(self, correlation: float) -> tuple:
        """By sign; the weaker the paler."""
        from matplotlib.colors import to_rgb

        base = np.array(to_rgb(NEGATIVE if correlation < 0 else POSITIVE))
        return tuple(1 - (0.3 + 0.7 * self._share(correlation)) * (1 - base))


def _legend(topology: Topology) -> str:
    raw = "raw values, which drift alone relates"
    what = raw if topology.measure == RAW else "first differences"
    return f"Zero-lag correlation of {what}; of each lead up to {topology.most} peers"


def _draw_leads(axes, topology: Topology, of_part: dict[int, int], places: np.ndarray):
    """Dots with names: short ones of larger groups inside the dot, others below it."""
    labels = label_leads(topology)
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}
    for lead, (x, y) in enumerate(places):
        size = of_part[lead]
        inside = size > 2 and len(labels[lead]) <= 4
        colour = PALE if size == 1 else INK
        radius = 0.045 if size <= 2 else 0.125 if inside else 0.06
        if size > MOST_LABELLED:
            inside, radius = False, 0.035
        axes.plot(
            x, y, "o", markersize=2 * 72 * radius, color="white" if inside else colour,
            markeredgecolor=colour, markeredgewidth=0.9,
        )
        if size > MOST_LABELLED:
            continue
        if inside:
            axes.text(x, y, labels[lead], size=6.5, color=INK, ha="center", va="center_baseline")
        else:
            axes.text(
                x, y + 0.15, labels[lead], size=5, color=FAINT, ha="center", bbox=behind
            )


def label_leads(topology: Topology) -> list[str]:
    """A short name for each lead: channels of the only file by number, files by how they begin.

    As few letters of a file's name as tell it from the others, but at least 4; where that takes
    more than 10, its end.
    """
    stems = {
        lead.file: printable(os.path.splitext(os.path.basename(lead.file))[0])
        for lead in topology.leads
    }
    channels = Counter(lead.file for lead in topology.leads)
    if len(channels) == 1 and len(topology.leads) > 1:
        return [str(lead.channel) for lead in topology.leads]
    names = set(stems.values())
    length = 4
    while length < 10 and len({stem[:length] for stem in names}) < len(names):
        length += 1
    if len({stem[:length] for stem in names}) == len(names):
        short = {file: stem[:length] for file, stem in stems.items()}
    else:
        short = {
            file: stem if len(stem) <= 10 else f"…{stem[-9:]}" for file, stem in stems.items()
        }
    return [
        short[lead.file] if channels[lead.file] == 1 else f"{short[lead.file]}:{lead.channel}"
        for lead in topology.leads
    ]


def _draw_scale(axes, right: float, correlations, pen: _Pen):
    """What widths and colours stand for, at the top right."""
    from matplotlib.lines import Line2D

    marks = [pen.strongest, (pen.weakest + pen.strongest) / 2, pen.weakest]
    marks = marks if pen.weakest < pen.strongest else marks[:1]
    least = min(correlations)
    if least < 0:
        marks.append(least)
    for number, correlation in enumerate(marks):
        x = right - 0.5 * (number + 1) + 0.14
        axes.add_line(
            Line2D(
                [x, x + 0.32], [0.32, 0.32], solid_capstyle="round",
                linewidth=pen.width(correlation), color=pen.colour(correlation),
            )
        )
        axes.text(x + 0.16, 0.48, f"{correlation:.2f}", size=6, color=FAINT, ha="center")
