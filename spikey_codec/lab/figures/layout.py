"""Places in the plane for the channels of one connected part of a graph.

Channels are laid out by how strongly they correlate, by stress majorization (de Leeuw 1977;
Gansner, Koren and North 2004). Nothing is left to chance: the same graph gives the same picture.
"""

from __future__ import annotations

import numpy as np

Links = dict[tuple[int, int], float]  # correlation by pairs of indices, the smaller first

NEAR = 0.44  # inches from a channel to the nearest one
NEAREST = 0.15  # least wanted distance, as two channels cannot have one place
ROUNDS = 300


def arrange(part: list[int], links: Links) -> np.ndarray:
    """Places for connected channels, with strongly correlated ones near each other.

    Returns float64, shape (len(part), 2), inches, from 0 on, about `NEAR` from each to its nearest.
    The wanted distance of two channels is 1 - |correlation|, summed along the shortest way from one
    to the other.
    """
    number = {channel: i for i, channel in enumerate(part)}
    distance = np.full((len(part), len(part)), np.inf)
    for (first, second), correlation in links.items():
        if first in number and second in number:
            i, j = number[first], number[second]
            distance[i, j] = distance[j, i] = max(1 - abs(correlation), NEAREST)
    np.fill_diagonal(distance, 0)
    for middle in range(len(part)):
        np.minimum(distance, distance[:, middle, None] + distance[middle], out=distance)
    places = _least_stress(distance)
    gaps = _gaps(places)
    np.fill_diagonal(gaps, np.inf)
    places *= NEAR / max(float(np.median(gaps.min(axis=1))), 1e-9)
    places = _push_apart(places)
    # The longer side lies.
    places -= places.mean(axis=0)
    turned = places @ np.linalg.svd(places, full_matrices=False)[2].T
    placed: np.ndarray = turned - turned.min(axis=0)
    return placed


def _gaps(places: np.ndarray) -> np.ndarray:
    """Distances of every two places: float64, shape (places, places)."""
    gaps: np.ndarray = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    return gaps


def _least_stress(distance: np.ndarray) -> np.ndarray:
    """Places whose distances come near those wanted: float64, shape (channels, 2)."""
    count = len(distance)
    turn = 2 * np.pi * np.arange(count) / count
    squares = distance**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    axes = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    # An eigenvector's sign is arbitrary, so fix it. A faint circle parts channels that are alike.
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(2)] < 0, -1, 1)
    places: np.ndarray = axes + 1e-3 * distance.max() * np.stack(
        [np.cos(turn), np.sin(turn)], axis=1
    )
    weights = 1 / np.maximum(squares, 1e-12)
    np.fill_diagonal(weights, 0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.pinv(laplacian, hermitian=True)
    for _ in range(ROUNDS):
        pull = weights * distance / np.maximum(_gaps(places), 1e-9)
        np.fill_diagonal(pull, 0)
        new = inverse @ (pull.sum(axis=1)[:, None] * places - pull @ places)
        moved = np.abs(new - places).max()
        places = new
        if moved < 1e-4 * distance.max():
            break
    return places


def _push_apart(places: np.ndarray) -> np.ndarray:
    """Move channels apart that are nearer than `NEAR`, because they would hide each other."""
    for _ in range(ROUNDS):
        between = places[:, None] - places
        gaps = np.hypot(*between.transpose(2, 0, 1))
        np.fill_diagonal(gaps, np.inf)
        lack = np.maximum(NEAR - gaps, 0) / np.maximum(gaps, 1e-9)
        if lack.max() < 0.02:
            break
        places = places + 0.3 * (lack[..., None] * between).sum(axis=1)
    return places
