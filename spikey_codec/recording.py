"""Random access: any frames and channels of a .brainwire file, without decoding the rest."""

from __future__ import annotations

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from . import chunk, codec, presets
from .bitstream import header as container
from .readers import wav
from .errors import RecordingError, UsageError
from .bitstream.index import Extent, read_index
from .system.source import FileBytes

SECONDS = "s"  # behind a number of `--range`
LONGEST_NUMBER = 40  # characters; Python takes none of more than 4,300 digits
KEPT = 2  # chunks that stay decoded: what lies about a border is read again and again


class Recording:
    """A compressed recording as an array: `recording[start:stop, channels]`.

    Only the chunks that hold what is asked for are read and decoded. May be used by several
    threads at once; a `with` statement closes the file.

    Parameters
    ----------
    source : path of a .brainwire file, a file opened for reading bytes, `FileBytes`, or bytes

    Attributes
    ----------
    shape : (frames, channels); dtype : int16; ndim : 2
    rate : sampling rate in Hz as the file has it, 0 to 2^32 - 1; it may be nonsense
    preset : name of the preset
    head, tail : the bytes around the samples in the original file

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError; RecordingError where the file holds no samples
    but other bytes; OSError of the file.
    """

    dtype = np.dtype(np.int16)
    ndim = 2

    def __init__(self, source):
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._file = None
        if isinstance(source, (str, os.PathLike)):
            source = self._file = open(source, "rb")
        try:
            if hasattr(source, "read"):
                source = FileBytes(source)
            self._source = source if isinstance(source, FileBytes) else memoryview(source)
            header, reader = container.read_header(self._source)
            self.preset = presets.name_of(header.preset, header.network)
            if header.opaque:
                raise RecordingError("This file holds no recording of 16-bit samples.")
            self._extents = read_index(header, reader)
        except BaseException:
            self.close()
            raise
        self._header = header
        self._step = chunk.chunk_frames(header.channels)
        self.shape = header.frames, header.channels
        self.rate, self.head, self.tail = header.rate, header.head, header.tail

    def __len__(self) -> int:
        """Number of frames."""
        return self.shape[0]

    @property
    def duration(self) -> float:
        """Seconds; 0 where the file does not tell the rate."""
        return self.shape[0] / self.rate if self.rate else 0.0

    def __getitem__(self, key) -> np.ndarray:
        """Samples, int16: frames, or (frames, channels), each a number, a slice or a list.

        What comes back is what NumPy gives for an array of this shape and basic indices; lists
        of channels may be any index of one axis. IndexError where there is no such sample.
        """
        frames, channels = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        if isinstance(frames, slice):
            start, stop, step = frames.indices(len(self))
            rows = range(start, stop, step)
            if not rows:
                return np.empty((0, self.shape[1]), np.int16)[:, channels]
            low, high = min(rows[0], rows[-1]), max(rows[0], rows[-1]) + 1
            block = self._read(low, high)
            taken = block[:: step] if step > 0 else block[::-1][:: -step]
            return np.array(taken[:, channels], order="C")  # a copy: chunks stay decoded
        if isinstance(frames, (int, np.integer)):
            frame = int(frames) + (len(self) if frames < 0 else 0)
            if not 0 <= frame < len(self):
                raise IndexError(f"There is no frame {frames}; there are {len(self)}.")
            return self._read(frame, frame + 1)[0, channels].copy()
        raise IndexError("Frames are chosen by a number or a slice, channels by those or a list.")

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """All samples, so that NumPy takes this for an array."""
        if copy is False:
            raise ValueError("The samples have to be decoded: there is nothing to be shared.")
        return self[:].astype(dtype or np.int16, copy=False)

    def _read(self, start: int, stop: int) -> np.ndarray:
        first, last = start // self._step, (stop - 1) // self._step
        parts = []
        for number in range(first, last + 1):
            begin = number * self._step
            part = self._chunk(number)
            parts.append(part[max(start - begin, 0) : stop - begin])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _chunk(self, number: int) -> np.ndarray:
        """The samples of a chunk, which must not be changed."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            extent = self._extents[number]
            samples = codec.decode_extent(self._header, extent, self._source)
            if extent.check is None:  # there is one chunk
                before = zlib.crc32(samples.astype("<i2", order="C", copy=False),
                                    zlib.crc32(self.head))
                codec.compare_checksum(zlib.crc32(self.tail, before), self._header)
            self._kept[number] = samples
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return samples

    @property
    def chunks(self) -> list[Extent]:
        """Where each chunk lies."""
        return list(self._extents)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def __repr__(self) -> str:
        frames, channels = self.shape
        return f"<Recording of {frames} frames, {channels} channels, {self.rate} Hz>"


def raw_place(source, channels: int, rate: int) -> wav.Place:
    """Where the samples of a file are that holds nothing else.

    source : anything with len(); channels : 1 to 32767; rate : in Hz, 0 if it is not known
    """
    return wav.Place(0, len(source) // (2 * channels), channels, rate)


def part_of(recording: Recording, span: str | None, channels: str | None) -> Iterator[bytes]:
    """A part of a recording as a WAV with a plain header, or raw where the original was; in pieces.

    span : "START:STOP" in frames, or in seconds where an `s` follows; either may be left out
    channels : "0,2,8-15"; the file holds them in this order
    UsageError for what is not of this form or not there, and where no WAV can hold it.
    """
    start, stop = (0, len(recording)) if span is None else frames_of(span, recording)
    chosen = list(range(recording.shape[1]))
    if channels is not None:
        chosen = channels_of(channels, recording)
    if recording.head:
        try:
            yield wav.plain_header(stop - start, len(chosen), recording.rate)
        except ValueError as error:
            raise UsageError(f"No WAV can hold this part: {error}.") from error
    step = chunk.chunk_frames(recording.shape[1])
    for first in range(start - start % step, stop, step):
        samples = recording[max(first, start) : min(first + step, stop), chosen]
        yield samples.astype("<i2", copy=False).tobytes()


def frames_of(span: str, recording: Recording) -> tuple[int, int]:
    """First frame of a range and the one behind its last; see `part_of`."""
    limits = []
    for text, otherwise in zip(span.split(":"), (0, len(recording)), strict=False):
        try:
            if len(text) > LONGEST_NUMBER or "e" in text.lower():  # 1e999999999 has no room
                raise ValueError
            if not text:
                limits.append(otherwise)
            elif text.endswith(SECONDS):
                limits.append(round(Fraction(text.removesuffix(SECONDS)) * recording.rate))
            else:
                limits.append(int(text))
        except (ValueError, ZeroDivisionError) as error:
            raise UsageError(
                f"{text!r} is neither a number of frames nor of seconds (as in 2.5s)."
            ) from error
    if span.count(":") != 1:
        raise UsageError(f"A range is START:STOP, not {span!r}.")
    start, stop = limits
    if not 0 <= start <= stop <= len(recording):
        raise UsageError(
            f"There are no frames {start} to {stop}: the recording has {len(recording)}."
        )
    return start, stop


def channels_of(text: str, recording: Recording) -> list[int]:
    """Numbers of the channels that a list names; see `part_of`."""
    chosen: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers = first.isdecimal() and (last or first).isdecimal()
        if not numbers or len(part) > LONGEST_NUMBER:
            raise UsageError(f"Channels are numbers like 3 or 8-15, not {part!r}.")
        low, high = int(first), int(last or first)
        if not low <= high < recording.shape[1]:
            count = recording.shape[1]
            raise UsageError(f"There is no channel {part}: there are {count}, from 0 on.")
        chosen += range(low, high + 1)
    return chosen
