"""The picture of `spikey topology`: a node for every channel, a line from it to every peer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...topology.correlation import RAW
from ...topology.graph import Topology
from ...topology.groups import connected
from ...topology.text import short_names, summary
from .layout import Links
from .packing import MARGIN, MOST_LABELLED, Page, pack
from .style import EDITABLE, FAINT, INK, NEGATIVE, PALE, POSITIVE, picture, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THINNEST, WIDEST = 0.5, 4.5  # points, of the weakest and the strongest correlation


def draw_topology(topology: Topology, kind: str) -> bytes:
    """A picture of the graph, as the bytes of a file. Needs matplotlib.

    Parameters
    ----------
    topology : the graph
    kind : one of style.KINDS, see `style.kind_of`
    """
    links = links_of(topology)
    linked = np.zeros((len(topology.channels),) * 2, bool)
    for first, second in links:
        linked[first, second] = linked[second, first] = True
    parts = connected(linked)
    page = pack(parts, links)
    with styled(EDITABLE):
        return picture(_figure(topology, parts, links, page), kind)


def links_of(topology: Topology) -> Links:
    """The correlation of every two channels of which one is a peer of the other."""
    return {
        (min(channel, peer.channel), max(channel, peer.channel)): peer.correlation
        for channel in range(len(topology.channels))
        for peer in topology.peers(channel)
    }


def _figure(
    topology: Topology,
    parts: list[list[int]],
    links: Links,
    page: Page,
) -> Figure:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    width, height = page.size
    figure = Figure(figsize=page.size, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    pen = _Pen.of(links.values())
    weakest_first = sorted(links, key=lambda pair: abs(links[pair]))
    if links:
        axes.add_collection(
            LineCollection(
                [page.places[list(pair)] for pair in weakest_first],
                linewidths=[pen.width(links[pair]) for pair in weakest_first],
                colors=[pen.colour(links[pair]) for pair in weakest_first],
                capstyle="round",
            )
        )
    of_part = {channel: len(part) for part in parts for channel in part}
    _draw_channels(axes, topology, of_part, page.places)
    for pair in weakest_first:
        if of_part[pair[0]] == 2:
            x, y = page.places[list(pair)].mean(axis=0)
            axes.text(x, y - 0.06, f"{links[pair]:.2f}", size=5.5, color=INK, ha="center")
    axes.text(MARGIN, 0.36, summary(topology), size=12, weight="bold", color=INK)
    axes.text(MARGIN, 0.64, _legend(topology), size=7.5, color=FAINT)
    for x, y, what in page.headings:
        axes.text(x, y, what, size=7.5, color=FAINT)
    if links:
        _draw_scale(axes, width - MARGIN, links.values(), pen)
    return figure


class _Pen(NamedTuple):
    """Width and colour of links, from the weakest to the strongest |correlation|."""

    weakest: float
    strongest: float

    @classmethod
    def of(cls, correlations: Iterable[float]) -> _Pen:
        """The pen for these correlations."""
        strengths = [abs(correlation) for correlation in correlations] or [0, 1]
        return cls(min(strengths), max(strengths))

    def _share(self, correlation: float) -> float:
        span = self.strongest - self.weakest
        return (abs(correlation) - self.weakest) / span if span > 0 else 1.0

    def width(self, correlation: float) -> float:
        """In points."""
        return THINNEST + (WIDEST - THINNEST) * self._share(correlation)

    def colour(self, correlation: float) -> tuple[float, float, float]:
        """By sign; the weaker the paler."""
        from matplotlib.colors import to_rgb

        base = np.array(to_rgb(NEGATIVE if correlation < 0 else POSITIVE))
        red, green, blue = 1 - (0.3 + 0.7 * self._share(correlation)) * (1 - base)
        return red, green, blue


def _legend(topology: Topology) -> str:
    raw = "raw values, which drift alone relates"
    what = raw if topology.measure == RAW else "first differences"
    return f"Zero-lag correlation of {what}; of each lead up to {topology.most} peers"


def _draw_channels(
    axes: Axes, topology: Topology, of_part: dict[int, int], places: np.ndarray
) -> None:
    """Dots with names: short ones of larger groups inside the dot, others below it."""
    labels = short_names(topology.channels)
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}
    for channel, (x, y) in enumerate(places):
        size = of_part[channel]
        inside = size > 2 and len(labels[channel]) <= 4
        colour = PALE if size == 1 else INK
        radius = 0.045 if size <= 2 else 0.125 if inside else 0.06
        if size > MOST_LABELLED:
            inside, radius = False, 0.035
        axes.plot(
            x,
            y,
            "o",
            markersize=2 * 72 * radius,
            color="white" if inside else colour,
            markeredgecolor=colour,
            markeredgewidth=0.9,
        )
        if size > MOST_LABELLED:
            continue
        if inside:
            axes.text(x, y, labels[channel], size=6.5, color=INK, ha="center", va="center_baseline")
        else:
            axes.text(x, y + 0.15, labels[channel], size=5, color=FAINT, ha="center", bbox=behind)


def _draw_scale(axes: Axes, right: float, correlations: Iterable[float], pen: _Pen) -> None:
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
                [x, x + 0.32],
                [0.32, 0.32],
                solid_capstyle="round",
                linewidth=pen.width(correlation),
                color=pen.colour(correlation),
            )
        )
        axes.text(x + 0.16, 0.48, f"{correlation:.2f}", size=6, color=FAINT, ha="center")
