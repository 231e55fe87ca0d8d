"""Random access: any frames and channels of a .brainwire file, without decoding the rest."""

from __future__ import annotations

import os
import threading
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from . import codec, presets
from ._aliases import moved
from .bitstream import index
from .bitstream.header import read_header
from .errors import RecordingError
from .system import forks
from .system.source import FileBytes, Opened, Reopened

if TYPE_CHECKING:
    from .system.source import Buffer

KEPT = 2  # chunks that stay decoded: frames around a border are read again and again


class Recording(Opened):
    """A compressed recording as an array: `recording[start:stop, channels]`.

    Only the chunks that hold what is asked for are read and decoded. Several threads and forked
    children may use it at once; a `with` statement closes the file. It can be copied and pickled:
    it travels as the path of its file, or as its bytes.

    Parameters
    ----------
    source : path of a .brainwire file, a file opened for reading bytes, `FileBytes`, or a buffer

    Attributes
    ----------
    shape : (frames, channels); dtype : int16; ndim : 2
    rate : sampling rate in Hz as the file has it, 0 to 2^32 - 1; it may be nonsense
    preset : name of the preset
    head, tail : the bytes around the samples in the original file

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError; RecordingError where the file holds no samples
    but other bytes; UsageError for what cannot be read from, and from copying and pickling where
    the source is an open file that no path leads to; OSError of the file.
    """

    dtype = np.dtype(np.int16)
    ndim = 2

    def __init__(
        self, source: str | os.PathLike[str] | BinaryIO | FileBytes | Reopened | Buffer
    ) -> None:
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        super().__init__(source, "open")
        self.renew()
        forks.renew_in_children(self)
        try:
            header, reader = read_header(self._source)
            self._preset = presets.of_file(header.preset, header.network)
            self.preset = self._preset.name
            if header.opaque:
                raise RecordingError("This file holds no recording of 16-bit samples.")
            self._extents = index.read_index(header, reader)
        except BaseException:
            self.close()
            raise
        self._header = header
        self._step = index.chunk_frames(header.channels)
        self.shape = header.frames, header.channels
        self.rate, self.head, self.tail = header.rate, header.head, header.tail

    def __len__(self) -> int:
        """Number of frames."""
        return self.shape[0]

    @property
    def duration(self) -> float:
        """Seconds; 0 where the file does not tell the rate."""
        return self.shape[0] / self.rate if self.rate else 0.0

    def __getitem__(self, key: Any) -> np.ndarray:
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
            taken = block[::step] if step > 0 else block[::-1][::-step]
            return np.array(taken[:, channels], order="C")  # a copy: chunks stay decoded
        if isinstance(frames, (int, np.integer)):
            frame = int(frames) + (len(self) if frames < 0 else 0)
            if not 0 <= frame < len(self):
                raise IndexError(f"There is no frame {frames}; there are {len(self)}.")
            return self._read(frame, frame + 1)[0, channels].copy()
        raise IndexError("Frames are chosen by a number or a slice, channels by those or a list.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
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
            samples = codec.decode_extent(self._preset, self._header, extent, self._source)
            if extent.check is None:  # there is one chunk
                stored = samples.astype("<i2", order="C", copy=False)
                before = zlib.crc32(stored.data, zlib.crc32(self.head))
                codec.compare_checksum(zlib.crc32(self.tail, before), self._header)
            self._kept[number] = samples
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return samples

    @property
    def chunks(self) -> list[index.Extent]:
        """Where each chunk lies."""
        return list(self._extents)

    def renew(self) -> None:
        """See `forks.Renewed`."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        frames, channels = self.shape
        return f"<Recording of {frames} frames, {channels} channels, {self.rate} Hz>"


__getattr__ = moved("recording", {"part_of": "excerpt"})
