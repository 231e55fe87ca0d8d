"""Where the parts of a graph go on a page: large groups, a grid of pairs, and single channels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .layout import NEAR, Links, arrange

# All lengths are inches on paper.
PAIR, PAIR_HIGH, APART = 0.86, 0.46, 0.43  # the cell of a pair, and between its two channels
SINGLE, SINGLE_HIGH = 0.43, 0.31
MARGIN, TOP, GAP, HEADING = 0.35, 0.9, 0.3, 0.3
NARROWEST = 7.2
SHAPE = 1.35  # of a page of pairs: width by height
MOST_LABELLED = 130  # channels of one group; the names of more would cover each other
FEW = 30  # channels that still leave room on the smallest page; fewer are drawn further apart
CROWDED = 0.45  # of the distances, where there are no names between the channels


class Page(NamedTuple):
    """Where everything goes, in inches from the top left corner: y grows downwards."""

    places: np.ndarray  # float64, shape (channels, 2)
    size: tuple[float, float]  # of the page
    headings: list[tuple[float, float, str]]


def pack(parts: list[list[int]], links: Links) -> Page:
    """Pack connected parts of a graph into a page: large ones, pairs by strength, single ones."""
    larger = sorted((part for part in parts if len(part) > 2), key=len, reverse=True)
    pairs = sorted(
        (part for part in parts if len(part) == 2), key=lambda p: -abs(links[p[0], p[1]])
    )
    singles = [part for part in parts if len(part) == 1]
    stretch = math.sqrt(max(FEW / sum(map(len, parts)), 1))
    shapes = [
        arrange(part, links) * (CROWDED if len(part) > MOST_LABELLED else stretch)
        for part in larger
    ]
    boxes = [shape.max(axis=0) + NEAR + GAP for shape in shapes]
    width = _width(boxes, len(pairs), len(singles))
    places = np.zeros((sum(map(len, parts)), 2))
    y = _place_larger(places, larger, shapes, boxes, width)
    several = bool(larger) + bool(pairs) + bool(singles) > 1
    headings = []
    for what, cells, cell in (
        ("pairs, the strongest first", pairs, (PAIR, PAIR_HIGH)),
        ("leads without a peer", singles, (SINGLE, SINGLE_HIGH)),
    ):
        if not cells:
            continue
        if several:
            y += HEADING
            headings.append((MARGIN, y - 0.08, what))
        y = _place_cells(places, cells, cell, width, y)
    return Page(places, (width + 2 * MARGIN, y + MARGIN), headings)


def _width(boxes: list[np.ndarray], pairs: int, singles: int) -> float:
    """Width of what is drawn, for a page of about the wanted shape."""
    area = (
        sum(float(box.prod()) for box in boxes)
        + pairs * PAIR * PAIR_HIGH
        + singles * SINGLE * SINGLE_HIGH
    )
    return max([NARROWEST - 2 * MARGIN, math.sqrt(SHAPE * area), *(float(b[0]) for b in boxes)])


def _place_larger(
    places: np.ndarray,
    larger: list[list[int]],
    shapes: list[np.ndarray],
    boxes: list[np.ndarray],
    width: float,
) -> float:
    """Set the places of larger groups, in rows; returns where the last row ends."""
    x, y, row_high = 0.0, TOP, 0.0
    for part, shape, box in zip(larger, shapes, boxes, strict=False):
        if x and x + box[0] > width:
            x, y, row_high = 0.0, y + row_high, 0.0
        if len(larger) == 1:
            x = (width - box[0]) / 2
        places[part] = np.add(shape, (MARGIN + x + (NEAR + GAP) / 2, y + (NEAR + GAP) / 2))
        x, row_high = x + box[0], max(row_high, float(box[1]))
    return y + row_high


def _place_cells(
    places: np.ndarray,
    cells: list[list[int]],
    size: tuple[float, float],
    width: float,
    y: float,
) -> float:
    """Set the places of small parts in a grid of cells from y on; returns where the grid ends."""
    columns = max(int(width / size[0]), 1)
    for number, part in enumerate(cells):
        row, column = divmod(number, columns)
        centre = MARGIN + (column + 0.5) * width / columns
        offsets = (np.arange(len(part)) - (len(part) - 1) / 2) * APART
        places[part, 0] = centre + offsets
        places[part, 1] = y + (row + 0.5) * size[1]
    return y + math.ceil(len(cells) / columns) * size[1]
