"""Spikey as the serializer of Zarr format 3 arrays; needs zarr-python 3.1 or newer.

Zarr finds it by the entry point "spikey" wherever the package is installed, so only code that
creates arrays imports this module. For Zarr format 2 there is `spikey_codec.plugins.numcodecs`.

The name "spikey" is not in the registry of Zarr extensions yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from zarr.abc.codec import ArrayBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer

from .. import arrays, presets
from ..errors import CorruptError, UsageError

NAME = "spikey"


@dataclass(frozen=True)
class SpikeyCodec(ArrayBytesCodec):
    """Lossless compression of int16 arrays, shape (frames,) or (frames, channels).

    Parameters
    ----------
    preset : str
        Name of a preset (`spikey_codec.presets.names()`).

    Raises
    ------
    UsageError for an unknown preset. `validate` and `evolve_from_array_spec`, which Zarr calls
    when an array is created or opened, raise it for another dtype or number of dimensions.
    """

    preset: str = presets.DEFAULT

    is_fixed_size = False

    def __post_init__(self) -> None:
        presets.resolve(self.preset)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SpikeyCodec:
        """From {"name": "spikey", "configuration": {"preset": ...}}, as `to_dict` gives it.

        The preset and the whole configuration may be missing. UsageError for anything else.
        """
        configuration = data.get("configuration") or {}
        known = isinstance(configuration, dict) and configuration.keys() <= {"preset"}
        if data.get("name") != NAME or not known or not data.keys() <= {"name", "configuration"}:
            raise UsageError(f"This is not a configuration of the codec {NAME!r}: {data}.")
        return cls(**configuration)

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`."""
        return {"name": NAME, "configuration": {"preset": self.preset}}

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """UsageError unless Spikey can code chunks of such an array."""
        _check(dtype, shape)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> SpikeyCodec:
        """UsageError as from `validate`, which Zarr does not call for a codec within a shard."""
        _check(array_spec.dtype, array_spec.shape)
        return self

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Raises NotImplementedError, as Zarr wants it: the size depends on the samples."""
        raise NotImplementedError

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        data = arrays.encode_array(chunk_array.as_numpy_array(), self.preset)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        samples = arrays.decode_array(chunk_bytes.as_numpy_array())
        if samples.shape != (*chunk_spec.shape, 1)[:2]:
            raise CorruptError(
                f"A chunk of the array is damaged: its shape is {samples.shape} instead of "
                f"{chunk_spec.shape}."
            )
        samples = samples.reshape(chunk_spec.shape)
        samples = samples.astype(chunk_spec.dtype.to_native_dtype(), copy=False)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(samples)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)


def _check(dtype: Any, shape: tuple[int, ...]) -> None:
    """UsageError unless Spikey can code chunks of an array of this dtype and this shape.

    The number of channels does not matter: a codec before this one may transpose the chunks.
    """
    arrays.check_dtype(dtype.to_native_dtype())
    arrays.check_shape((*shape[:1], *(1 for _ in shape[1:])))
