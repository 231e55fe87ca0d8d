"""Sums of products of channels, exact and in one thread.

NumPy's matrix products take all of a machine's processors, also those that other processes are at
work on, and wait for one another there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..kernels.bind import add_products

BLOCK = 1 << 17  # values at a time, which a processor's cache holds
SHORTEST_BLOCK = 256  # frames


def common_products(channels: Sequence[np.ndarray] | np.ndarray) -> npt.NDArray[np.int64]:
    """Sums of the products of every two channels' values in the same frame: int64, symmetric.

    channels : int32, of the same length, such that the sums fit 64 bits
    """
    sums = np.zeros((len(channels), len(channels)), np.int64)
    size = max(BLOCK // len(channels), SHORTEST_BLOCK)
    for start in range(0, len(channels[0]), size):
        add_products(np.stack([channel[start : start + size] for channel in channels]), sums)
    return sums
