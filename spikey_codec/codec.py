"""The pipeline: file bytes <-> .brainwire bytes, in the order of FORMAT.md."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import chunk, presets
from ._aliases import moved
from .bitstream import index
from .bitstream.header import Header, read_header, write_header
from .constants import CHALLENGE, LINEAR
from .errors import CorruptError, SpikeyError, VerifyError
from .presets import Preset
from .quantizer.detect import MappingDetector
from .quantizer.mapping import Mapping, codes_of, to_samples
from .readers import wav
from .readers.base import SAMPLE_BYTES, Place, Source
from .system.pool import ordered
from .system.source import byte_view

if TYPE_CHECKING:
    from .system.source import Buffer

Report = Callable[[int], None]


def compress(data: Buffer, preset: str | None = None) -> bytes:
    """Compress the bytes of a file, a WAV recording or anything else.

    Parameters
    ----------
    data : bytes, or another contiguous buffer, which is taken as its bytes
        16-bit PCM WAV of any framing is predicted and coded; other bytes are packed as they are.
    preset : str, optional
        Name of a preset (`spikey_codec.presets.names()`); the default is "linear".

    Returns
    -------
    bytes that `decompress` turns into exactly `data`; the same on every machine.

    Raises
    ------
    UsageError for an unknown preset, and for what is no contiguous buffer.
    """
    of_array = "; encode_array takes arrays of samples of any layout"
    return b"".join(encoded(byte_view(data, "compress", of_array), preset))


def decompress(data: Buffer) -> bytes:
    """The file that `compress` was given.

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
        where the bytes are not, or are no longer, what `compress` wrote. What is returned has
        the checksum of the original.
    UsageError
        for what is no contiguous buffer
    """
    return b"".join(decoded(byte_view(data, "decompress")))


def encoded(
    source: Source,
    preset: str | None = None,
    place: Place | None = None,
    jobs: int = 1,
    report: Report = lambda chunks: None,
) -> Iterator[bytes]:
    """The compressed file, piece by piece; `decoded` is the inverse.

    Parameters
    ----------
    source : anything with len() and slices of bytes
        It is read twice, block by block.
    preset : as for `compress`
    place : where its samples are; by default where the header of a WAV says
    jobs : processes to use at once
    report : called after each chunk, with the number of all chunks

    Raises
    ------
    UsageError for an unknown preset; OSError where the source changes while it is read.
    """
    resolved = presets.resolve(preset)
    place = place or wav.locate(source)
    if place is None:
        data = bytes(source[:])
        # Nothing is predicted: a reader without the network can decode it.
        yield write_header(Header(LINEAR, zlib.crc32(data), head=data, opaque=True))
        return
    header = Header(resolved.number, 0, *place[1:], network=resolved.identity)
    header.head, header.tail = bytes(source[: place.start]), bytes(source[place.end :])
    detector = MappingDetector()
    checksum = zlib.crc32(header.head)
    for samples in _blocks(source, place):
        detector.add(samples)
        checksum = zlib.crc32(samples.data, checksum)
    header.checksum = zlib.crc32(header.tail, checksum)
    if place.frames:
        header.mapping = _mapping(detector, source, place)
    yield write_header(header)
    noted = index.IndexWriter()
    again = zlib.crc32(header.head)

    def work() -> Iterator[Samples]:
        nonlocal again
        for samples in _blocks(source, place):
            again = zlib.crc32(samples.data, again)
            yield Samples(resolved, header.mapping, samples)

    chunks = len(_starts(place))
    for part in ordered(encode_chunk, work(), jobs):
        noted.add(part)
        yield part
        report(chunks)
    if again != checksum:
        name = getattr(source, "name", "the input")
        raise OSError(errno.EIO, "It changed while it was being read", name)
    if len(noted) > 1:
        yield noted.write()


def decoded(
    source: Source, jobs: int = 1, report: Report = lambda chunks: None
) -> Iterator[bytes | memoryview]:
    """The original file, piece by piece; the inverse of `encoded`.

    Parameters
    ----------
    source : anything with len() and slices of bytes
    jobs, report : as for `encoded`

    Raises
    ------
    What `decompress` raises; that the checksum is right is known only after the last piece.
    """
    header, reader = read_header(source)
    preset = presets.of_file(header.preset, header.network)
    checksum = zlib.crc32(header.head)
    yield header.head
    if not header.opaque:
        extents = index.read_index(header, reader)
        work = (_part_of(preset, header, extent, reader.data) for extent in extents)
        for samples in ordered(decode_chunk, work, jobs):
            samples = samples.astype("<i2", order="C", copy=False)
            checksum = zlib.crc32(samples.data, checksum)
            yield samples.data.cast("B")
            report(len(extents))
        checksum = zlib.crc32(header.tail, checksum)
        yield header.tail
    if reader.left:
        raise CorruptError("The file is damaged: there is something after its end.")
    compare_checksum(checksum, header)


def compare_checksum(found: int, header: Header) -> None:
    """CorruptError unless it is the original file's."""
    if found != header.checksum:
        raise CorruptError("The file is damaged: its checksum is not that of what it decodes to.")


def verify(source: Source, jobs: int = 1) -> None:
    """Decode what has just been encoded, before it replaces anything.

    Parameters
    ----------
    source, jobs : as for `decoded`

    Raises
    ------
    VerifyError where it does not decode to what it was made from.
    """
    try:
        for _ in decoded(source, jobs):
            pass
    except SpikeyError as error:
        why = str(error).rstrip(".")
        raise VerifyError(
            f"What was encoded did not decode to the same bytes ({why}), so nothing was written; "
            "please report this."
        ) from error


# Chunks, as work for this process or another


@dataclass(frozen=True, eq=False)
class Samples:
    """Work for `encode_chunk`: the samples of a chunk.

    samples : little-endian int16, shape (frames, channels)
    """

    preset: Preset
    mapping: Mapping
    samples: np.ndarray


@dataclass(frozen=True, eq=False)
class Part:
    """Work for `decode_chunk`: the bytes of a chunk."""

    preset: Preset
    mapping: Mapping
    part: bytes
    frames: int
    channels: int


def encode_chunk(work: Samples) -> bytes:
    """The bytes of a chunk; `decode_chunk` is the inverse."""
    coder = chunk.coder_for(work.mapping, work.preset, encoding=True)
    return chunk.encode(coder, codes_of(work.samples, work.mapping))


def decode_chunk(work: Part) -> np.ndarray:
    """The samples of a chunk: int16, shape (frames, channels).

    Raises
    ------
    CorruptError, WeightsError
    """
    coder = chunk.coder_for(work.mapping, work.preset, encoding=False)
    codes = chunk.decode(coder, memoryview(work.part), work.frames, work.channels)
    return to_samples(codes, work.mapping)


def decode_extent(
    preset: Preset, header: Header, extent: index.Extent, source: Source
) -> np.ndarray:
    """The samples of the chunk that lies there in the file: int16, shape (frames, channels).

    Raises
    ------
    CorruptError, WeightsError
    """
    return decode_chunk(_part_of(preset, header, extent, source))


def _part_of(preset: Preset, header: Header, extent: index.Extent, source: Source) -> Part:
    part = bytes(extent.read(source))  # a copy that another process can get
    return Part(preset, header.mapping, part, extent.frames, header.channels)


def _mapping(detector: MappingDetector, source: Source, place: Place) -> Mapping:
    """The mapping of samples that the detector has seen."""
    mapping = detector.mapping()
    if mapping.kind == CHALLENGE or not detector.may_be_nonuniform:
        return mapping
    from .prediction.linear import best_predictor
    from .quantizer import estimate

    starts = _starts(place)
    chosen = starts[:: -(-len(starts) // estimate.PIECES)]
    pieces = [_block(source, place, start) for start in chosen]
    samples = place.frames * place.channels
    return estimate.refined(mapping, detector.values, pieces, samples, best_predictor)


def _blocks(source: Source, place: Place) -> Iterator[np.ndarray]:
    """The samples of each chunk: little-endian int16, shape (frames, channels)."""
    for start in _starts(place):
        yield _block(source, place, start)


def _starts(place: Place) -> range:
    """The first frame of each chunk."""
    return range(0, place.frames, index.chunk_frames(place.channels))


def _block(source: Source, place: Place, start: int) -> np.ndarray:
    """The samples of the chunk that begins with this frame."""
    stop = min(start + index.chunk_frames(place.channels), place.frames)
    size = SAMPLE_BYTES * place.channels
    data = source[place.start + size * start : place.start + size * stop]
    return np.frombuffer(data, "<i2").reshape(stop - start, place.channels)


__getattr__ = moved("codec", {"read_info": "info", "salvaged": "salvage"})
