"""Contexts of the entropy coder: scale bins and quantised means.

The density of a residual is one fixed shape (the weights `density`: its cumulative mass on a grid
of 1/32 of the mean |residual|), stretched by the channel's present scale. The scale falls into one
of four bins an octave, the prediction is quantised to steps of 1/8 to 1/4 of the mean |residual|;
a scale bin and a quantised mean are a context, and every context has one canonical code.

With the challenge's non-uniform converter every quantised mean of the code range makes a context.
With codes of even width only the phase of the prediction within a code matters, and a wide residual
is coded as a symbol of 2^LOW_BITS codes and LOW_BITS bits as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..constants import (
    BIN_BITS,
    COARSEST_SYMBOL,
    EVEN_OCTAVES,
    HALF_WINDOW,
    HALF_WINDOW_BITS,
    MEAN_BITS,
    PREDICTION_BITS,
    SCALE_BITS,
    UNEVEN_OCTAVES,
)
from ..kernels.state import mitchell_log


class ScaleBins(NamedTuple):
    """The table of scale bins that the kernels read, and the room that its contexts take.

    table : int32, shape (bins, 8), columns STEP to CENTRE of constants.py
    first : number of row 0's bin: 2^bin_bits * log2 of its scale, by Mitchell's approximation
    bin_bits : 2^bin_bits bins are an octave
    contexts, codewords : their total numbers
    """

    table: np.ndarray
    first: int
    bin_bits: int
    contexts: int
    codewords: int


def scale_bins(lowest_code: int, highest_code: int, even: bool, finer: int = 0) -> ScaleBins:
    """Scale bins for codes lowest_code .. highest_code.

    even : whether the codes have even width
    finer : bits by which bins are narrower and means quantised more finely: FINER for a network
    """
    bin_bits = BIN_BITS + finer
    rows = []
    contexts = codewords = 0
    octaves = EVEN_OCTAVES if even else UNEVEN_OCTAVES
    for octave in range(*octaves):
        low_bits = max(0, octave - COARSEST_SYMBOL) if even else 0
        step = max(0, octave + PREDICTION_BITS - MEAN_BITS - finer)
        for part in range(1 << bin_bits):
            # the middle of the part, [1 + part/4, 1 + (part + 1)/4) * 2^octave codes for quarters
            centre = (2 << bin_bits) + 1 + 2 * part << (octave + SCALE_BITS) >> bin_bits + 1
            half = (centre * HALF_WINDOW >> (HALF_WINDOW_BITS + SCALE_BITS + low_bits)) + 2
            count = 2 * half + 1
            if even:
                means = 1 << max(0, PREDICTION_BITS + low_bits - step)
            else:
                lowest = lowest_code << PREDICTION_BITS
                highest = ((highest_code + 1) << PREDICTION_BITS) - 1
                means = (highest >> step) - (lowest >> step) + 1
            rows.append((step, low_bits, half, count, means - 1, contexts, codewords, centre))
            contexts += means
            codewords += means * (count + 1)
    table = np.array(rows, np.int32)
    return ScaleBins(table, (octaves[0] + SCALE_BITS) << bin_bits, bin_bits, contexts, codewords)


def bin_of(scale: int | None, bins: ScaleBins) -> int:
    """Row of the bin of a scale, in 2^-SCALE_BITS code; the middle row if it is not known.

    Kernels find it by the same logarithm: a bin's number is that, in 2^-bin_bits.
    """
    if scale is None:
        return len(bins.table) // 2
    number: int = mitchell_log(max(scale, 1), bins.bin_bits)
    return min(max(number - bins.first, 0), len(bins.table) - 1)
