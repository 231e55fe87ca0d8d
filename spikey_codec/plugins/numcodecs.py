"""Spikey as a compressor of numcodecs, which Zarr format 2 and SpikeInterface write with.

numcodecs finds it by the entry point "spikey" wherever the package is installed. To read or
write, nothing of this has to be imported: numcodecs.get_codec({"id": "spikey"}).
"""

from __future__ import annotations

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy

from .. import arrays, presets
from ..errors import UsageError


class Spikey(Codec):
    """Lossless compression of int16 samples, shape (frames,) or (frames, channels).

    Parameters
    ----------
    preset : str
        Name of a preset (`spikey_codec.presets.names()`).

    Raises
    ------
    UsageError for an unknown preset.
    """

    codec_id = "spikey"

    def __init__(self, preset: str = presets.DEFAULT):
        presets.resolve(preset)  # now, and not when the first chunk is written
        self.preset = preset

    def encode(self, buf) -> bytes:
        """Compress a buffer.

        Parameters
        ----------
        buf : int16 of little-endian order, shape (frames,) or (frames, channels); or bytes
            An array or anything that exports a buffer. Bytes without a shape are taken as the
            samples of one lead.

        Raises
        ------
        UsageError for arrays of another dtype, byte order or shape, and for half a sample.
        """
        array = np.asarray(buf if isinstance(buf, np.ndarray) else memoryview(buf))
        if array.dtype == np.uint8 and not isinstance(buf, np.ndarray):
            if array.nbytes % 2:
                raise UsageError("Spikey codes samples of 2 bytes; these bytes end within one.")
            array = array.reshape(-1).view("<i2")
        # What is decoded is a buffer whose reader decides how its bytes are to be taken.
        if array.dtype.newbyteorder("<") != array.dtype:
            arrays.check_dtype(array.dtype)
            raise UsageError("Spikey codes little-endian int16; this array is big-endian.")
        return arrays.encode_array(array, self.preset)

    def decode(self, buf, out=None):
        """Inverse of `encode`: little-endian int16, shape (frames, channels), the same memory.

        Parameters
        ----------
        buf : bytes-like
        out : writable buffer of exactly the decoded size, optional
            Is filled and returned.

        Raises
        ------
        What `spikey_codec.arrays.decode_array` raises.
        """
        samples = arrays.decode_array(ensure_contiguous_ndarray(buf))
        return ndarray_copy(samples.astype("<i2", copy=False), out)
