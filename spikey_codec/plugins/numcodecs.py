"""Spikey as a compressor of numcodecs, for Zarr format 2 and SpikeInterface.

numcodecs finds it by the entry point "spikey" wherever the package is installed, so nobody has to
import this module: numcodecs.get_codec({"id": "spikey"}).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numcodecs.abc import Codec  # type: ignore[import-untyped, unused-ignore]
from numcodecs.compat import (  # type: ignore[import-untyped, unused-ignore]
    ensure_contiguous_ndarray,
    ndarray_copy,
)

from .. import arrays, presets
from ..errors import UsageError

if TYPE_CHECKING:
    BytesLike = bytes | bytearray | memoryview


class Spikey(Codec):  # type: ignore[misc, unused-ignore]
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

    def __init__(self, preset: str = presets.DEFAULT) -> None:
        presets.resolve(preset)  # now, not when the first chunk is written
        self.preset = preset

    def encode(self, buf: npt.NDArray[np.int16] | BytesLike) -> bytes:
        """Compress a buffer.

        Parameters
        ----------
        buf : little-endian int16, shape (frames,) or (frames, channels); or bytes-like
            Any object that exports a buffer. Bytes have no shape, so they are taken as the
            samples of one channel.

        Returns
        -------
        bytes of a .brainwire file.

        Raises
        ------
        UsageError for another dtype, byte order or shape, and for an odd number of bytes.
        """
        array = np.asarray(buf if isinstance(buf, np.ndarray) else memoryview(buf))
        if array.dtype == np.uint8 and not isinstance(buf, np.ndarray):
            if array.nbytes % 2:
                raise UsageError("Spikey codes samples of 2 bytes; these bytes end within one.")
            array = array.reshape(-1).view("<i2")
        # `decode` returns a buffer without a byte order, so there can only be one.
        if array.dtype.newbyteorder("<") != array.dtype:
            arrays.check_dtype(array.dtype)
            raise UsageError("Spikey codes little-endian int16; this array is big-endian.")
        return arrays.encode_array(array, self.preset)

    def decode(self, buf: BytesLike | npt.NDArray[Any], out: Any = None) -> Any:
        """Inverse of `encode`.

        Parameters
        ----------
        buf : bytes-like
        out : writable buffer of exactly the decoded size, optional
            Is filled and returned.

        Returns
        -------
        Little-endian int16, shape (frames, channels), in the memory order that was encoded; or
        `out`.

        Raises
        ------
        What `spikey_codec.arrays.decode_array` raises.
        """
        samples = arrays.decode_array(ensure_contiguous_ndarray(buf))
        return ndarray_copy(samples.astype("<i2", copy=False), out)
