"""Samples that come one after the other, as through a pipe: raw, or with the header of a WAV."""

from __future__ import annotations

import struct
from typing import BinaryIO

from ..errors import RecordingError, UsageError
from . import wav
from .base import SAMPLE_BYTES

RAW = "`spikey stream` takes raw samples (interleaved int16, little-endian) or 16-bit WAVs"
OTHERS = {
    b"SPK\x01": "a .brainwire file",
    b"SPAK": "an archive of `spikey pack`",
    b"FORM": "an AIFF file",
    b"RIFX": "a big-endian WAV",
    b"riff": "a W64 file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"wvpk": "a WavPack file",
    b"caff": "a CAF file",
}
LONGEST_HEAD = 1 << 26  # bytes before the samples; a header is kept in memory
UNKNOWN_SIZES = 0, 0xFFFFFFFF  # of a data chunk that goes on to the end


class SampleStream:
    """The samples of a stream, as bytes; `read` is that of a file.

    Parameters
    ----------
    source : a file opened for reading bytes, which need not be seekable
    channels : number of channels; None to take that of a WAV's header

    Attributes
    ----------
    channels : number of channels

    Raises
    ------
    RecordingError for a file of another kind, and a WAV of other samples than 16-bit PCM;
    UsageError where the number of channels is unknown or is not that of the WAV.
    """

    def __init__(self, source: BinaryIO, channels: int | None = None) -> None:
        self._source = source
        self._first = source.read(4)
        self._left: int | None = None  # bytes; None: to the end
        if other := OTHERS.get(self._first):
            raise RecordingError(f"The input is {other}; {RAW}.")
        if self._first in (b"RIFF", b"RF64", b"BW64"):
            self._first += source.read(8)
            if self._first[8:] == b"WAVE":
                channels = self._skip_head(channels)
        if channels is None:
            raise UsageError("Raw samples do not tell the number of channels; give it as --leads.")
        self.channels = channels

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of samples; fewer only at the end."""
        if self._left is not None:
            size = min(size, self._left)
        data = self._first[:size]
        self._first = self._first[size:]
        if len(data) < size:
            data += self._source.read(size - len(data))
        if self._left is not None:
            self._left -= len(data)
        return data

    def _skip_head(self, channels: int | None) -> int:
        """Read up to the first sample of a WAV; its number of channels."""
        head, long_size = self._first, None
        while True:
            chunk = self._source.read(8)
            if len(chunk) < 8 or len(head) > LONGEST_HEAD:
                raise RecordingError("The input is a WAV without samples.")
            name, size = struct.unpack("<4sI", chunk)
            head += chunk
            if name == b"data":
                break
            body = self._source.read(min(size + size % 2, LONGEST_HEAD))
            if name == b"ds64" and head[:4] != b"RIFF" and len(body) >= 16:
                long_size = int.from_bytes(body[8:16], "little")
            head += body
        place = wav.locate(head)
        if place is None:
            raise RecordingError(f"The input is a WAV, but not of 16-bit PCM samples; {RAW}.")
        if channels not in (None, place.channels):
            raise UsageError(f"The WAV has {place.channels} channels, not {channels} (--leads).")
        self._first = b""
        self._left = None if size in UNKNOWN_SIZES else size
        if size == UNKNOWN_SIZES[1]:
            self._left = long_size
        if self._left is not None:  # half a frame at the end is no sample
            self._left -= self._left % (SAMPLE_BYTES * place.channels)
        return place.channels
