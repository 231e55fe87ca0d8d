"""The table that picks the coder of a preset, and the coders that were made."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

from .. import weights
from ..presets import HUFFMAN, LINEAR_PREDICTOR, NETWORK_PREDICTOR, RANS

if TYPE_CHECKING:
    from .base import Coder

# By predictor and entropy coder: module of this room and class. A module is imported when it is
# wanted, for ./encode starts anew for every file.
CODERS = {
    (LINEAR_PREDICTOR, HUFFMAN): ("linear_huffman", "LinearHuffman"),
    (NETWORK_PREDICTOR, HUFFMAN): ("network_huffman", "NetworkHuffman"),
    (NETWORK_PREDICTOR, RANS): ("network_rans", "NetworkRans"),
}
KEPT = 8  # coders


def coder_for(
    kind: tuple[str, str], lowest: int, highest: int, transitions: bytes, encoding: bool,
    network: Any = None,
) -> Coder:  # fmt: skip
    """The coder for a predictor and an entropy coder, made once a process; see `base.Coder`."""
    module, name = CODERS[kind]
    made = getattr(importlib.import_module(f".{module}", __package__), name)
    return coder_of(made, lowest, highest, transitions, encoding, network)


@functools.lru_cache(maxsize=KEPT)
def coder_of(
    kind: type[Coder], lowest: int, highest: int, transitions: bytes, encoding: bool,
    network: Any = None,
) -> Coder:  # fmt: skip
    """A coder of this class."""
    return kind(lowest, highest, transitions, encoding, network)


weights.when_changed(coder_of.cache_clear)
