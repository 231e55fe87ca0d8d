"""Stage 4b: canonical Huffman codes, one for each (prediction, scale) key, made when first met.

`CodeTables` is the room the kernels make them in. Memory for all possible keys is reserved but
only what is met is touched, and since a key's code depends on the weights alone it is kept for
every later recording of the process.
"""

from __future__ import annotations

import numpy as np

from .. import kernels as k
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
        self.origins = np.zeros(keys, np.int32)
        self.words = np.zeros(symbols if encoding else 0, np.int32)
        self.fast = np.zeros(keys << k.FAST_BITS if decoding else 0, np.uint16)
        self.slow = np.zeros(keys * 2 * k.SLOW_LENGTHS if decoding else 0, np.int32)
        self.sorted_symbols = np.zeros(symbols if decoding else 0, np.uint16)
        self.scratch = np.zeros((5, 2 * (LARGEST_ALPHABET + 1)), np.int64)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays in the order in which `kernels.encode` and `kernels.decode` take them."""
        return (self.scratch, self.origins, self.words, self.fast, self.slow, self.sorted_symbols)
