"""Spikey: a lossless codec for recordings of brain electrodes.

>>> import spikey_codec
>>> spikey_codec.decompress(spikey_codec.compress(b"any bytes"))
b'any bytes'
"""

from .errors import SpikeyError

__version__ = "0.2.0"
__all__ = [
    "SpikeyError", "__version__", "compress", "decode_array", "decompress", "encode_array", "open"
]


def compress(data: bytes, preset: str | None = None) -> bytes:
    """See `spikey_codec.codec.compress`; here, so that importing the package loads nothing."""
    from . import codec

    return codec.compress(data, preset)


def decompress(data: bytes) -> bytes:
    """See `spikey_codec.codec.decompress`."""
    from . import codec

    return codec.decompress(data)


def open(source):
    """A compressed recording as an array: see `spikey_codec.recording.Recording`."""
    from .recording import Recording

    return Recording(source)


def encode_array(array, preset: str | None = None) -> bytes:
    """See `spikey_codec.arrays.encode_array`."""
    from . import arrays

    return arrays.encode_array(array, preset)


def decode_array(data: bytes):
    """See `spikey_codec.arrays.decode_array`."""
    from . import arrays

    return arrays.decode_array(data)
