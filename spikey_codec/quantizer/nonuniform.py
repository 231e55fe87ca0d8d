"""The non-uniform quantiser: code widths, code transition levels and reconstruction levels.

A converter's code stands for the interval between two code transition levels (IEEE 1241). They are
known for the challenge's converter (the weights `converter`); for any other one its code widths are
written in the file, one byte each, and the transition levels are their running sum.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..constants import PREDICTION_BITS, TRANSITION_BITS, WIDTH_FRACTION_BITS
from .mapping import Mapping, code_range

EVEN_WIDTH = 8 << WIDTH_FRACTION_BITS  # as written: 16 << 8 >> 4 = 256 / 256 code


def widths_of(written: np.ndarray) -> npt.NDArray[np.int64]:
    """Code widths in 1/256 code of written bytes; `written_of` is the inverse.

    >>> widths_of(np.array([0, 128, 255])).tolist()
    [1, 256, 63488]
    """
    b = written.astype(np.int64)
    one = 1 << WIDTH_FRACTION_BITS
    return ((one + (b & one - 1)) << (b >> WIDTH_FRACTION_BITS)) >> WIDTH_FRACTION_BITS


def written_of(widths: np.ndarray) -> npt.NDArray[np.uint8]:
    """The bytes whose widths are nearest to these, which are floats in 1/256 code."""
    known = widths_of(np.arange(256))
    middles = (known[1:] + known[:-1]) / 2
    return np.searchsorted(middles, widths).astype(np.uint8)


def transition_levels_of(mapping: Mapping) -> npt.NDArray[np.int32]:
    """Transition levels of a NONUNIFORM mapping, in 1/256 code: int32, shape (codes + 1,).

    Item k is where the interval of the k-th code begins; the last item is where the last one ends.
    """
    first = code_range(mapping)[0] << TRANSITION_BITS
    ends = first + widths_of(np.asarray(mapping.widths)).cumsum()
    return np.concatenate([[first], ends]).astype(np.int32)


def reconstruction_levels(transitions: np.ndarray) -> npt.NDArray[np.int32]:
    """Middle of each code's interval, in 1/32 code: int32, shape (codes,).

    transitions : int32, shape (codes + 1,), ascending, in 1/256 code
    """
    shift = TRANSITION_BITS - PREDICTION_BITS + 1
    half = 1 << shift >> 1
    levels: npt.NDArray[np.int32] = ((transitions[1:] + transitions[:-1] + half) >> shift).astype(
        np.int32
    )
    return levels
