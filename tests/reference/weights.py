"""FORMAT.md, "Weights": the arrays that every file mixture_weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from reference.huffman import CodeTable


@dataclass(frozen=True)
class Weights:
    """The three arrays of preset `linear`, and the code tables that were made from them."""

    converter: tuple[int, ...]
    linear: tuple[tuple[int, ...], ...]
    density: tuple[int, ...]
    tables: dict[tuple[bool, int, int, int], CodeTable] = field(default_factory=dict)


@lru_cache
def load_weights(folder: Path) -> Weights:
    """Read the three `.npy` files."""
    converter, linear, density = (
        np.load(folder / f"{name}.npy").tolist() for name in ("converter", "linear", "density")
    )
    return Weights(tuple(converter), tuple(map(tuple, linear)), tuple(density))
