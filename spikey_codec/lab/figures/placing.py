"""Where the names of points go, so that they cover neither each other nor a point.

Many places around each point are tried, the nearest first; the first that covers nothing is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

DOT = 3.5  # points, half the width of a point
NEAR = 4  # points between a point and its name
RINGS, PLACES = 14, 24  # distances, and directions at each, that are tried for a name
STEP = 6  # points from ring to ring
CROWD = 60  # points within which others crowd a point


class Box(NamedTuple):
    """A rectangle, in points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def covers(self, other: Box) -> float:
        """The area that both share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0) * max(height, 0)


def place(
    points: list[tuple[float, float]], sizes: list[tuple[float, float]], page: Box
) -> list[Box]:
    """A place for each point's name, so that names cover no other name and no point if possible.

    Parameters
    ----------
    points : where the points are
    sizes : width and height of their names
    page : the box that names may not leave

    All lengths are points (1/72 inch). The same input gives the same places. Where every place
    would cover something, the one that covers least is taken.
    """
    dots = [Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    placed: dict[int, Box] = {}
    # Points in a crowd choose first, because they have the least choice.
    crowd = [sum(math.dist(p, q) < CROWD for q in points) for p in points]
    for number in sorted(range(len(points)), key=lambda i: (-crowd[i], i)):
        best, least = page, math.inf
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


def _candidates(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    """Boxes around a point, the nearest first, on the right before the left."""
    (x, y), (width, height) = point, size
    for ring in range(RINGS):
        away = DOT + NEAR + STEP * ring
        for turn in range(PLACES):
            angle = math.pi * ((turn + 1) // 2) / (PLACES / 2) * (-1) ** turn
            # The box touches the circle around the point from outside.
            centre = (
                x + (away + width / 2) * math.cos(angle),
                y + (away + height / 2) * math.sin(angle),
            )
            yield Box(
                centre[0] - width / 2,
                centre[1] - height / 2,
                centre[0] + width / 2,
                centre[1] + height / 2,
            )
