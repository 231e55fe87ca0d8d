"""Spikey: a lossless codec for recordings of brain electrodes.

>>> import spikey_codec
>>> spikey_codec.decompress(spikey_codec.compress(b"any bytes"))
b'any bytes'
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _aliases
from .errors import SpikeyError
from .version import __version__

if TYPE_CHECKING:
    import os
    from typing import BinaryIO

    import numpy as np

    from .recording import Recording
    from .system.source import Buffer

__all__ = [
    "SpikeyError",
    "__version__",
    "compress",
    "decode_array",
    "decompress",
    "encode_array",
    "open",
]


sys.meta_path.append(_aliases.Finder)

# Importing the package loads nothing that a caller does not use.


def compress(data: Buffer, preset: str | None = None) -> bytes:
    """Compress the bytes of a file: see `spikey_codec.codec.compress`."""
    from . import codec

    return codec.compress(data, preset)


def decompress(data: Buffer) -> bytes:
    """The file that `compress` was given: see `spikey_codec.codec.decompress`."""
    from . import codec

    return codec.decompress(data)


def open(source: str | os.PathLike[str] | BinaryIO | Buffer) -> Recording:
    """A compressed recording as an array: see `spikey_codec.recording.Recording`."""
    from .recording import Recording

    return Recording(source)


def encode_array(array: np.ndarray, preset: str | None = None) -> bytes:
    """Compress an array of samples: see `spikey_codec.arrays.encode_array`."""
    from . import arrays

    return arrays.encode_array(array, preset)


def decode_array(data: Buffer) -> np.ndarray:
    """The array that `encode_array` was given: see `spikey_codec.arrays.decode_array`."""
    from . import arrays

    return arrays.decode_array(data)
