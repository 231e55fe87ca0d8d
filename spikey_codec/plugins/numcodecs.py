"""Spikey as a compressor of numcodecs, for Zarr format 2 and SpikeInterface.

numcodecs finds it by the entry point "spikey" wherever the package is installed, so nobody has to
import this module: numcodecs.get_codec({"id": "spikey"}).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs.abc import Codec  # type: ignore[import-untyped, unused-ignore]
from numcodecs.compat import ndarray_copy  # type: ignore[import-untyped, unused-ignore]

from .. import arrays, presets
from ..errors import UsageError
from ..system.source import byte_view

if TYPE_CHECKING:
    from ..system.source import Buffer


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

    def encode(self, buf: Buffer) -> bytes:
        """Compress a buffer.

        Parameters
        ----------
        buf : little-endian int16, shape (frames,) or (frames, channels); or another buffer
            A buffer that is no array, and whose items are not int16, is taken as the bytes of
            samples of one channel, as bytes have no shape.

        Returns
        -------
        bytes of a .brainwire file.

        Raises
        ------
        UsageError for an array of another dtype, byte order or shape, for an odd number of bytes,
        and for what is no buffer.
        """
        array = buf if isinstance(buf, np.ndarray) else _samples_in(buf)
        # `decode` returns a buffer without a byte order, so there can only be one.
        if array.dtype.newbyteorder("<") != array.dtype:
            arrays.check_dtype(array.dtype)
            raise UsageError("Spikey codes little-endian int16; this array is big-endian.")
        return arrays.encode_array(array, self.preset)

    def decode(self, buf: Buffer, out: Any = None) -> Any:
        """Inverse of `encode`.

        Parameters
        ----------
        buf : bytes, or another contiguous buffer
        out : writable buffer of exactly the decoded size, optional
            Is filled and returned.

        Returns
        -------
        Little-endian int16, shape (frames, channels), in the memory order that was encoded; or
        `out`.

        Raises
        ------
        What `spikey_codec.arrays.decode_array` raises; UsageError for an `out` that is no buffer,
        ValueError for one of another size.
        """
        samples = arrays.decode_array(byte_view(buf, "decode")).astype("<i2", copy=False)
        try:
            return ndarray_copy(samples, out)
        except TypeError as error:
            raise UsageError(
                f"`out` has to be a writable buffer, not {type(out).__name__}."
            ) from error


def _samples_in(buf: Any) -> np.ndarray:
    """The samples that a buffer holds which is no array."""
    data: Any = buf
    with contextlib.suppress(TypeError, ValueError, BufferError):
        data = memoryview(buf)
        if data.format.lstrip("@=<") == "h":
            return np.asarray(data)
    data = byte_view(data, "encode", "; give it an array of int16")
    if len(data) % 2:
        raise UsageError("Spikey codes samples of 2 bytes; these bytes end within one.")
    return np.frombuffer(data, "<i2")
