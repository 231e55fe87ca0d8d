"""WAV files: file bytes <-> framing and PCM samples.

A recording is cut into three pieces, and gluing them together gives the file back byte for byte:

    head      RIFF header and every chunk up to the first sample
    samples   16-bit PCM, whole frames only (a frame is one sample of every channel)
    tail      the rest: half a frame, a pad byte, later chunks, bytes behind the RIFF

Nothing in the head has to be true for that, so wrong size fields cost compression at most. Which
bytes are samples is decided by chunk headers alone, and for a file that ends early or was written
as a stream, by where the file ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .base import Place, Source

_RIFF = struct.Struct("<4sI4s")  # form, size, type
_CHUNK = struct.Struct("<4sI")  # id, size
_FMT = struct.Struct("<HHIIHH")  # tag, channels, rate, bytes per second, block align, bits
_DS64 = struct.Struct("<QQ")  # 64-bit sizes of the RIFF and of its data chunk

_PCM = 0x0001
_EXTENSIBLE = 0xFFFE
_EXTENSIBLE_FMT_SIZE = 40
_SUBFORMAT_PCM = bytes.fromhex("0100000000001000800000aa00389b71")

_KNOWN = {b"data", b"fmt ", b"LIST", b"fact", b"cue ", b"smpl", b"bext", b"JUNK", b"id3 ", b"iXML"}

_SIZE_ELSEWHERE = 0xFFFFFFFF  # "see ds64" in RF64 and BW64, "unknown" from streaming writers
_LONGEST_REST = 1 << 28  # bytes behind a data chunk that are believed not to be samples


class Recording(NamedTuple):
    """A WAV file of 16-bit PCM, in three pieces.

    `head + samples + tail` are the bytes of the file; `rate` repeats what the head says.
    """

    head: bytes
    """Every byte before the first sample."""
    samples: np.ndarray
    """Little-endian int16, shape (frames, channels), C-contiguous. From `split` it is a read-only
    view of the file's bytes, which stay in memory as long as it does."""
    tail: bytes
    """Every byte after the last whole frame."""
    rate: int
    """Sampling rate in Hz as the fmt chunk has it, 0 to 2**32 - 1; it may be nonsense."""


def split(data: bytes) -> Recording | None:
    """Find the 16-bit PCM samples in the bytes of a WAV file, copying none of them.

    None where `locate` finds none; no bytes make this function raise.
    """
    place = locate(data)
    if place is None:
        return None
    frames, channels = place.frames, place.channels
    samples = np.frombuffer(data, "<i2", count=frames * channels, offset=place.start)
    shaped = samples.reshape(frames, channels)
    return Recording(data[: place.start], shaped, data[place.end :], place.rate)


def locate(data) -> Place | None:
    """Find the 16-bit PCM samples of a WAV file, given anything with len() and slices of bytes.

    Understood are RIFF, RF64 and BW64 files where the last fmt chunk before the first data chunk
    declares PCM of 16 bits, plain or EXTENSIBLE, with a block align of 2 bytes per channel.
    The answer is None for anything else.

    The samples end where the data chunk does. They go on to the end of the file where the size of
    the chunk is more than is left, 0xFFFFFFFF without a usable ds64 chunk, or 0 although bytes
    follow, or where 256 MiB or more follow: recorders that go on past 4 GiB write what is left of
    the size in 32 bits. The exception to the last two: bytes that read as a list of chunks, each
    with a printable id, down to exactly the end of the file, are no samples.
    The RIFF's own size is ignored.
    """
    if len(data) < _RIFF.size:
        return None
    form, _, kind = _RIFF.unpack(data[: _RIFF.size])
    if form not in (b"RIFF", b"RF64", b"BW64") or kind != b"WAVE":
        return None

    layout, long_size = None, None
    for name, start, size in _chunks(data, _RIFF.size):
        if name == b"data":
            break
        if name == b"fmt ":
            layout = _layout(data[start : start + min(size, _EXTENSIBLE_FMT_SIZE)])
        elif name == b"ds64" and form != b"RIFF" and len(data) - start >= _DS64.size <= size:
            _, long_size = _DS64.unpack(data[start : start + _DS64.size])
    else:
        return None
    if layout is None:
        return None

    channels, rate = layout
    end = _end_of_samples(data, start, long_size if size == _SIZE_ELSEWHERE else size)
    return Place(start, (end - start) // (2 * channels), channels, rate)


def join(recording: Recording) -> bytes:
    """The bytes of the file: `join(split(data)) == data` wherever `split` finds samples.

    The samples may be of any byte order and memory layout; TypeError if they are not int16.
    """
    samples = recording.samples.astype("<i2", order="C", casting="equiv", copy=False)
    return b"".join((recording.head, samples.data, recording.tail))


def plain_header(frames: int, channels: int, rate: int) -> bytes:
    """The canonical 44-byte header: RIFF, a fmt chunk of 16 bytes for 16-bit PCM, data.

    `rate` is in Hz. Raises ValueError if there is no channel or a field cannot hold its value,
    which is so from 4 GiB of samples or 32,768 channels on.
    """
    block = 2 * channels
    size = frames * block
    try:
        if channels < 1:
            raise ValueError("a recording has at least one channel")
        return (
            _RIFF.pack(b"RIFF", 36 + size, b"WAVE")
            + _CHUNK.pack(b"fmt ", _FMT.size)
            + _FMT.pack(_PCM, channels, rate, rate * block, block, 16)
            + _CHUNK.pack(b"data", size)
        )
    except struct.error:
        raise ValueError(
            f"no WAV header can hold {frames} frames of {channels} channels at {rate} Hz"
        ) from None


def is_plain(recording: Recording) -> bool:
    """Whether `plain_header` and the samples make up the whole file: no framing need be kept."""
    frames, channels = recording.samples.shape
    head = recording.head
    return not recording.tail and is_plain_header(head, frames, channels, recording.rate)


def is_plain_header(head: bytes, frames: int, channels: int, rate: int) -> bool:
    """Whether `head` is the plain header of so many samples; False if there can be none."""
    try:
        return head == plain_header(frames, channels, rate)
    except ValueError:
        return False


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """Id, start of the body and declared size of each chunk; the last may exceed the data."""
    while position + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack(data[position : position + _CHUNK.size])
        start = position + _CHUNK.size
        yield name, start, size
        position = start + size
        if size % 2 and not _lacks_pad(data, position):
            position += 1  # chunks start at even positions


def _lacks_pad(data: Source, position: int) -> bool:
    """Whether a chunk of odd size that ends here has the next one right after it.

    Some writers forget the pad byte. Only ids that are known say so, because a pad byte may be
    anything, and ids may be any letters.
    """
    at, after = bytes(data[position : position + 4]), bytes(data[position + 1 : position + 5])
    return at in _KNOWN and after not in _KNOWN


def _layout(fmt: bytes) -> tuple[int, int] | None:
    """Channels and rate from the body of a fmt chunk, None unless it declares 16-bit PCM."""
    if len(fmt) < _FMT.size:
        return None
    tag, channels, rate, _, block, bits = _FMT.unpack_from(fmt)
    # The valid bits of EXTENSIBLE do not matter: fewer than 16 still lie in 16-bit containers.
    pcm = tag == _PCM or (tag == _EXTENSIBLE and fmt[24:] == _SUBFORMAT_PCM)
    if not pcm or bits != 16 or channels < 1 or block != 2 * channels:
        return None
    return channels, rate


def _end_of_samples(data: bytes, start: int, size: int | None) -> int:
    """Where the data chunk whose body begins at `start` ends; None is an unknown size."""
    if size is None or size > len(data) - start:
        return len(data)
    end = start + size
    is_doubtful = size == 0 or len(data) - end >= _LONGEST_REST
    if is_doubtful and not _is_chunk_list(data, end + size % 2):
        return len(data)
    return end


def _is_chunk_list(data: bytes, position: int) -> bool:
    """Whether the bytes from `position` on are chunks and nothing else, possibly none."""
    end = position
    for name, start, size in _chunks(data, position):
        if not all(0x20 <= letter <= 0x7E for letter in name):
            return False
        end = start + size
    # The pad byte after a last chunk of odd size is often forgotten.
    return len(data) - end in (0, end % 2)
