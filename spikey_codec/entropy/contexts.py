"""Stage 4a: the predictive density, in integers.

The density of the error is one fixed shape (the weights `density`: its cumulative mass on a grid
of 1/32 of the mean absolute error), stretched by the lead's present scale. The scale is quantised
to quarter octaves ("classes"), the prediction to cells of 1/8 to 1/4 of the mean absolute error;
a (class, cell) pair is a key, and every key has one canonical code (kernels/huffman_table.py).

With the challenge's uneven converter every cell of the code range is a key of its own. With codes
of even width only the place of the prediction within a code matters, and a wide error is coded as
a bin of 2^LOW_BITS codes by Huffman and LOW_BITS bits as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import constants as k

# Classes run from a mean |error| of 1/4 code (of 1/16 code where that is cheap to tabulate) to one
# of 256 codes, beyond which every code of the converter has nearly the same probability.
UNEVEN_OCTAVES = (-2, 8)
EVEN_OCTAVES = (-4, 16)
COARSEST_BIN = 3  # bins of even codes are so wide that the mean |error| is below 2^(3 + 1) bins
CELL_BITS = 2  # a cell is 2^-2 of the octave's mean |error|
CLASS_BITS = 2  # 2^2 classes an octave
FINER = 1  # a network's classes and cells are finer by so many bits
HALF_WINDOW = 25  # in quarters of the mean |error|: symbols reach 6.25 mean |errors| to each side


class ScaleBins(NamedTuple):
    """The table of classes that the kernels read, and how much room its keys take.

    table : int32, shape (classes, 8), columns as named in constants.py
    first : class number of row 0: 4 * octave + quarter of the scale
    keys, symbols : total number of keys, and of code words over all keys
    """

    table: np.ndarray
    first: int
    keys: int
    symbols: int


def scale_bins(
    lowest_code: int, highest_code: int, even: bool, finer: int = 0
) -> ScaleBins:
    """Classes for codes lowest_code .. highest_code, of even width or the converter's.

    finer : by so many bits classes are narrower and cells smaller
    """
    class_bits = CLASS_BITS + finer
    rows = []
    keys = symbols = 0
    octaves = EVEN_OCTAVES if even else UNEVEN_OCTAVES
    for octave in range(*octaves):
        low_bits = max(0, octave - COARSEST_BIN) if even else 0
        step = max(0, octave + k.PREDICTION_BITS - CELL_BITS - finer)
        for part in range(1 << class_bits):
            # the middle of the part, [1 + part/4, 1 + (part + 1)/4) * 2^octave codes for quarters
            centre = (2 << class_bits) + 1 + 2 * part << (octave + k.SCALE_BITS) >> class_bits + 1
            half = (centre * HALF_WINDOW >> (2 + k.SCALE_BITS + low_bits)) + 2
            count = 2 * half + 1
            if even:
                cells = 1 << max(0, k.PREDICTION_BITS + low_bits - step)
            else:
                lowest = lowest_code << k.PREDICTION_BITS
                highest = ((highest_code + 1) << k.PREDICTION_BITS) - 1
                cells = (highest >> step) - (lowest >> step) + 1
            rows.append((step, low_bits, half, count, cells - 1, keys, symbols, centre))
            keys += cells
            symbols += cells * (count + 1)
    return ScaleBins(
        np.array(rows, np.int32), (octaves[0] + k.SCALE_BITS) << class_bits, keys, symbols
    )


def bin_of(scale: int, classes: ScaleBins, finer: int = 0) -> int:
    """Row of the class of a scale (1/2^SCALE_BITS code); kernels.huffman.bin_row does the same."""
    class_bits = CLASS_BITS + finer
    octave = max(scale, 1).bit_length() - 1
    part = (max(scale, 1) << class_bits >> octave) & ((1 << class_bits) - 1)
    return min(max((octave << class_bits) + part - classes.first, 0), len(classes.table) - 1)
