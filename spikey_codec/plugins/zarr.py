"""Spikey as the serializer of arrays of Zarr format 3; needs zarr-python 3.1 or newer.

Zarr finds it by the entry point "spikey" wherever the package is installed; it has to be
imported only to create arrays. For Zarr format 2 there is `spikey_codec.plugins.numcodecs`.

The name "spikey" is not (yet) in the registry of Zarr extensions.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

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
    UsageError for an unknown preset; and from `validate` and `evolve_from_array_spec`, which
    Zarr calls when an array is created or opened, for other dtypes and other dimensions.
    """

    preset: str = presets.DEFAULT

    is_fixed_size = False

    def __post_init__(self):
        presets.resolve(self.preset)

    @classmethod
    def from_dict(cls, data: dict) -> SpikeyCodec:
        """From {"name": "spikey", "configuration": {"preset": ...}}; all but the name may lack."""
        configuration = data.get("configuration") or {}
        known = isinstance(configuration, dict) and configuration.keys() <= {"preset"}
        if data.get("name") != NAME or not known or not data.keys() <= {"name", "configuration"}:
            raise UsageError(f"This is no configuration of the codec {NAME!r}: {data}.")
        return cls(**configuration)

    def to_dict(self) -> dict:
        return {"name": NAME, "configuration": {"preset": self.preset}}

    def validate(self, *, shape, dtype, chunk_grid) -> None:
        _check(dtype, shape)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> SpikeyCodec:
        # Inside of shards this is the only one of the two that Zarr calls.
        _check(array_spec.dtype, array_spec.shape)
        return self

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError  # it depends on the samples

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        data = arrays.encode_array(chunk_array.as_numpy_array(), self.preset)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        samples = arrays.decode_array(chunk_bytes.as_numpy_array())
        if samples.shape != (*chunk_spec.shape, 1)[:2]:
            raise CorruptError(
                f"A chunk of the array is damaged: it has the shape {samples.shape} where "
                f"{chunk_spec.shape} is due."
            )
        samples = samples.reshape(chunk_spec.shape)
        samples = samples.astype(chunk_spec.dtype.to_native_dtype(), copy=False)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(samples)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)


def _check(dtype, shape: tuple[int, ...]) -> None:
    """UsageError unless Spikey can code chunks of an array of this dtype and this shape.

    The number of channels is not looked at: a codec before this one may transpose the chunks.
    """
    arrays.check_dtype(dtype.to_native_dtype())
    arrays.check_shape((*shape[:1], *(1 for _ in shape[1:])))
