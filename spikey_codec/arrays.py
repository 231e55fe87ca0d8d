"""Arrays of int16 samples <-> bytes: what the codecs for numcodecs and Zarr are made of.

An array travels as the plain WAV that has its samples, coded like any other recording, so that
`spikey info` and every decoder of .brainwire files can read it. Such a WAV has no real sampling
rate; its field says how the samples lay in memory instead, because a compressor of buffers has
to give back the same buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import codec
from .errors import RecordingError, UsageError
from .readers import wav
from .system.source import byte_view

if TYPE_CHECKING:
    from .system.source import Buffer

ROWS, COLUMNS = 1, 2  # the WAV's rate: frame after frame (C order), lead after lead (Fortran)
MOST_CHANNELS = (1 << 15) - 1  # a WAV's block align has 16 bits, of 2 bytes a channel


def encode_array(array: np.ndarray, preset: str | None = None) -> bytes:
    """Compress an array of samples.

    Parameters
    ----------
    array : int16 of either byte order, shape (frames,) or (frames, channels)
        Any memory layout; there may be no frames, but there is at least one channel.
    preset : str, optional
        As for `spikey_codec.compress`; the default is "linear".

    Returns
    -------
    bytes of a .brainwire file, which `decode_array` turns into the same values.

    Raises
    ------
    UsageError for an unknown preset and for an array of another dtype or of another shape.

    >>> decode_array(encode_array(np.array([3, 1, 4], np.int16))).tolist()
    [[3], [1], [4]]
    """
    try:
        array = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"encode_array takes arrays of int16, and this is none: {error}."
        ) from error
    check_dtype(array.dtype)
    check_shape(array.shape)
    flags = array.flags
    layout = COLUMNS if flags.f_contiguous and not flags.c_contiguous else ROWS
    frames, channels = array.shape if array.ndim == 2 else (len(array), 1)
    try:
        header = wav.plain_header(frames, channels, layout)
    except ValueError:
        raise UsageError("An array of 4 GiB or more cannot be coded at once.") from None
    samples = np.ascontiguousarray(array, "<i2")
    return codec.compress(b"".join((header, samples.data)), preset)


def decode_array(data: Buffer) -> np.ndarray:
    """The samples that `encode_array` was given, or those of any compressed 16-bit WAV.

    Parameters
    ----------
    data : bytes, or another contiguous buffer

    Returns
    -------
    int16, shape (frames, channels), writable; one channel gives shape (frames, 1). It is in Fortran
    order if it was so when encoded, else in C order.

    Raises
    ------
    RecordingError for a .brainwire file of something else than 16-bit samples; and whatever
    `spikey_codec.decompress` raises.
    """
    recording = wav.split(codec.decompress(byte_view(data, "decode_array")))
    if recording is None:
        raise RecordingError("These bytes hold a file that has no 16-bit samples, not an array.")
    of_columns = recording.rate == COLUMNS and wav.is_plain(recording)
    return np.array(recording.samples, np.int16, order="F" if of_columns else "C")


def check_dtype(dtype: np.dtype) -> None:
    """UsageError unless it is int16, of either byte order."""
    if dtype.kind != "i" or dtype.itemsize != 2:
        raise UsageError(f"Spikey codes arrays of int16, not of {dtype}.")


def check_shape(shape: tuple[int, ...]) -> None:
    """UsageError unless it is (frames,) or (frames, channels), of 1 to 32,767 channels."""
    if len(shape) not in (1, 2):
        raise UsageError(
            f"Spikey codes arrays of shape (frames,) or (frames, channels), not {shape}; "
            "reshape it so that time is the first axis and channels are the second."
        )
    if len(shape) == 2 and not 1 <= shape[1] <= MOST_CHANNELS:
        raise UsageError(
            f"An array of shape {shape} would have {shape[1]} channels, which must be 1 to "
            f"{MOST_CHANNELS:,}; time has to be the first axis."
        )
