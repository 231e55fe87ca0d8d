"""Stage 4b: canonical Huffman codes, one for each (prediction, scale) key, made when first met.

`CodeTables` is the room the kernels make them in. Memory for all possible keys is reserved but
only what is met is touched, and since a key's code depends on the weights alone it is kept for
every later recording of the process.
"""

from __future__ import annotations

import numpy as np

from .. import constants as k
from .contexts import ScaleBins

LARGEST_ALPHABET = k.ESCAPE  # symbols of one code beside the escape: what a look-up can name


class CodeTables:
    """Canonical codes of all keys met so far, for encoding, decoding or both.

    Parameters
    ----------
    classes : ScaleBins
    encoding, decoding : whether the tables for that direction are made
    """

    def __init__(self, classes: ScaleBins, encoding: bool, decoding: bool):
        keys, symbols = classes.keys, classes.symbols
        self.first_symbols = np.zeros(keys, np.int32)
        self.codewords = np.zeros(symbols if encoding else 0, np.int32)
        self.primary = np.zeros(keys << k.PRIMARY_BITS if decoding else 0, np.uint16)
        self.secondary = np.zeros(keys * 2 * k.SECONDARY_LENGTHS if decoding else 0, np.int32)
        self.sorted_symbols = np.zeros(symbols if decoding else 0, np.uint16)
        self.scratch = np.zeros((5, 2 * (LARGEST_ALPHABET + 1)), np.int64)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays as the kernels' HuffmanTables."""
        return (self.scratch, self.first_symbols, self.codewords, self.primary, self.secondary, self.sorted_symbols)
