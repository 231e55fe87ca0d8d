"""Raw files: interleaved int16 samples, little-endian, with no header."""

from __future__ import annotations

from collections.abc import Sized

from .base import SAMPLE_BYTES, Place


def locate(source: Sized, channels: int, rate: int) -> Place:
    """Where the samples lie: whole frames from the first byte on.

    Parameters
    ----------
    source : anything with len(), in bytes
    channels : 1 to 32767
    rate : in Hz; 0 where it is not known
    """
    return Place(0, len(source) // (SAMPLE_BYTES * channels), channels, rate)
