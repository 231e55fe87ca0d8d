"""Canonical Huffman codes, one for each context, made when first met.

Here is the room that the kernels make them in. Memory for all possible contexts is reserved but
only what is met is touched, and since a context's code depends on the weights alone it is kept for
every later recording of the process.
"""

from __future__ import annotations

import numpy as np

from ..constants import ESCAPE, PRIMARY_BITS, SECONDARY_LENGTHS
from ..kernels.groups import HuffmanTables
from .contexts import ScaleBins

LARGEST_ALPHABET = ESCAPE  # symbols of one code besides the escape: what a look-up can name


def empty_tables(bins: ScaleBins, encoding: bool, decoding: bool) -> HuffmanTables:
    """Room for the codes of all contexts, to encode, to decode or both."""
    written = bins.codewords if encoding else 0
    read, contexts = (bins.codewords, bins.contexts) if decoding else (0, 0)
    return HuffmanTables(
        np.zeros((5, 2 * (LARGEST_ALPHABET + 1)), np.int64),
        np.zeros(bins.contexts, np.int32),
        np.zeros(written, np.int32),
        np.zeros(contexts << PRIMARY_BITS, np.uint16),
        np.zeros(contexts * 2 * SECONDARY_LENGTHS, np.int32),
        np.zeros(read, np.uint16),
    )
