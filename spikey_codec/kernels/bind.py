"""The exported kernels by name, run by the engine in use. Stands above all other kernels.

The compiled module has all of them; where it is used, no module of this room is imported but
`groups`, which saves ./encode a part of its start-up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ..engine import marks

HOMES = {
    "add_offsets": "cross_channel",
    "add_products": "estimate",
    "build_tables": "huffman_table",
    "expectation_step": "estimate",
    "lagged_products": "estimate",
    "linear_huffman_decode": "linear_huffman",
    "linear_huffman_encode": "linear_huffman",
    "network_huffman_decode": "network_huffman",
    "network_huffman_encode": "network_huffman",
    "network_rans_decode": "network_rans",
    "network_rans_encode": "network_rans",
    "own_residuals": "cross_channel",
    "trace": "network",
}


def __getattr__(name: str) -> Callable[..., int]:
    if name not in HOMES:
        raise AttributeError(f"there is no kernel {name!r}")
    kernel: Callable[..., int]
    if marks.compiled is not None:
        kernel = getattr(marks.compiled, name)
    else:
        kernel = getattr(importlib.import_module(f".{HOMES[name]}", __package__), name)
    return kernel
