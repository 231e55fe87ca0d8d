"""The pipeline: file bytes <-> .brainwire bytes, in the order of FORMAT.md."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from . import chunk, presets
from .bitstream import header as container
from .quantizer import mapping as converter
from .quantizer.detect import MappingDetector
from .readers import wav
from .bitstream.header import Header
from .errors import CorruptError, SpikeyError, VerifyError
from .bitstream.index import Extent, IndexWriter, read_index
from .system.pool import ordered

MAPPINGS = "challenge converter", "plain", "sparse values", "uneven values"
Report = Callable[[int], None]


def compress(data: bytes, preset: str | None = None) -> bytes:
    """Compress the bytes of a file, a WAV recording or anything else.

    Parameters
    ----------
    data : bytes-like
        16-bit PCM WAV of any framing is predicted and coded; other bytes are packed as they are.
    preset : str, optional
        Name of a preset (`spikey_codec.presets.names()`); the default is "linear".

    Returns
    -------
    bytes that `decompress` turns into exactly `data`; the same on every machine.

    Raises
    ------
    UsageError for an unknown preset.
    """
    return b"".join(encoded(memoryview(data), preset))


def decompress(data: bytes) -> bytes:
    """The file that `compress` was given.

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
        where the bytes are not, or are no longer, what `compress` wrote. What is returned has
        the checksum of the original.
    """
    return b"".join(decoded(memoryview(data)))


def encoded(
    source,
    preset: str | None = None,
    place: wav.Place | None = None,
    jobs: int = 1,
    report: Report = lambda chunks: None,
) -> Iterator[bytes]:
    """The compressed file, piece by piece; `decoded` is the inverse.

    Parameters
    ----------
    source : anything with len() and slices of bytes
        It is read twice, block by block.
    preset : as for `compress`
    place : where its samples are; by default what the header of a WAV says
    jobs : processes to use at once
    report : called with the number of all chunks after each of them

    Raises UsageError for an unknown preset, OSError where the source changes while it is read.
    """
    number, tables, identity = presets.resolve(preset)
    place = place or wav.locate(source)
    if place is None:
        data = bytes(source[:])
        # nothing is predicted: whoever has no network can read it
        header = Header(presets.LINEAR, zlib.crc32(data), head=data, opaque=True)
        yield container.write_header(header)
        return
    header = Header(number, 0, *place[1:], network=identity)
    header.head, header.tail = bytes(source[: place.start]), bytes(source[place.end :])
    survey = MappingDetector()
    checksum = zlib.crc32(header.head)
    for samples in _blocks(source, place):
        survey.add(samples)
        checksum = zlib.crc32(samples, checksum)
    header.checksum = zlib.crc32(header.tail, checksum)
    if place.frames:
        header.mapping = _mapping(survey, source, place)
    yield container.write_header(header)
    index = IndexWriter()
    again = zlib.crc32(header.head)

    def work():
        nonlocal again
        for samples in _blocks(source, place):
            again = zlib.crc32(samples, again)
            yield preset, header.mapping, samples

    chunks = len(_starts(place))
    for part in ordered(_encode_chunk, work(), jobs):
        index.add(part)
        yield part
        report(chunks)
    if again != checksum:
        name = getattr(source, "name", "the input")
        raise OSError(errno.EIO, "It changed while it was being read", name)
    if len(index) > 1:
        yield index.write()


def decoded(source, jobs: int = 1, report: Report = lambda chunks: None) -> Iterator[bytes]:
    """The original file, piece by piece, of what `encoded` gave.

    source : anything with len() and slices of bytes
    jobs, report : as for `encoded`
    Raises what `decompress` raises; that the checksum is right is only known after the last piece.
    """
    header, reader = container.read_header(source)
    presets.name_of(header.preset, header.network)
    checksum = zlib.crc32(header.head)
    yield header.head
    if not header.opaque:
        extents = read_index(header, reader)
        work = (_work_of(header, extent, reader.data) for extent in extents)
        for samples in ordered(_decode_chunk, work, jobs):
            samples = samples.astype("<i2", order="C", copy=False)
            checksum = zlib.crc32(samples, checksum)
            yield samples.data.cast("B")
            report(len(extents))
        checksum = zlib.crc32(header.tail, checksum)
        yield header.tail
    if reader.left:
        raise CorruptError("The file is damaged: there is something after its end.")
    compare_checksum(checksum, header)


def salvaged(source, complain: Callable[[str], None]) -> Iterator[bytes]:
    """The original file, piece by piece, with zeros for the samples of chunks that are damaged.

    source : as for `decoded`
    complain : told in a sentence of each chunk that is damaged, and of another checksum

    Raises what `decoded` raises where there is only one chunk, or where the header or the index is
    damaged, without which no chunk can be found.
    """
    header, reader = container.read_header(source)
    presets.name_of(header.preset, header.network)
    extents = [] if header.opaque else read_index(header, reader)
    if len(extents) < 2:
        yield from decoded(source)
        return
    checksum, intact = zlib.crc32(header.head), True
    yield header.head
    for extent in extents:
        try:
            samples = decode_extent(header, extent, reader.data).astype("<i2", copy=False)
        except CorruptError:
            intact = False
            last = extent.first + extent.frames - 1
            complain(f"Frames {extent.first} to {last} are lost: zeros stand for them.")
            samples = np.zeros((extent.frames, header.channels), "<i2")
        samples = np.ascontiguousarray(samples)
        checksum = zlib.crc32(samples, checksum)
        yield samples.data.cast("B")
    yield header.tail
    if intact and zlib.crc32(header.tail, checksum) != header.checksum:
        complain("All samples are intact, but something before or behind them has changed.")


def compare_checksum(found: int, header: Header) -> None:
    """CorruptError unless it is the original file's."""
    if found != header.checksum:
        raise CorruptError("The file is damaged: its checksum is not that of what it decodes to.")


def verify(source, jobs: int = 1) -> None:
    """Decode what has just been encoded, before anything is replaced by it.

    source, jobs : as for `decoded`
    Raises VerifyError where it is not what it was made from.
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


def decode_extent(header: Header, extent: Extent, source) -> np.ndarray:
    """The samples of one chunk: int16, shape (frames, channels).

    Raises CorruptError, WeightsError.
    """
    return _decode_chunk(_work_of(header, extent, source))


def _work_of(header: Header, extent: Extent, source) -> tuple:
    name = presets.name_of(header.preset, header.network)
    # bytes, for another process to get
    return name, header.mapping, bytes(extent.read(source)), extent.frames, header.channels


def _mapping(survey: MappingDetector, source, place: wav.Place) -> converter.Mapping:
    """The mapping of samples that have been surveyed."""
    mapping = survey.mapping()
    if mapping.kind == converter.CHALLENGE or not survey.may_be_nonuniform:
        return mapping
    from .prediction.linear import best_predictor
    from .quantizer import estimate

    starts = _starts(place)
    chosen = starts[:: -(-len(starts) // estimate.PIECES)]
    pieces = [_block(source, place, start) for start in chosen]
    samples = place.frames * place.channels
    return estimate.refined(mapping, survey.values, pieces, samples, best_predictor)


def _blocks(source, place: wav.Place) -> Iterator[np.ndarray]:
    """The samples of each chunk: little-endian int16, shape (frames, channels)."""
    for start in _starts(place):
        yield _block(source, place, start)


def _starts(place: wav.Place) -> range:
    """The first frame of each chunk."""
    return range(0, place.frames, chunk.chunk_frames(place.channels))


def _block(source, place: wav.Place, start: int) -> np.ndarray:
    """The samples of the chunk that begins with this frame."""
    stop = min(start + chunk.chunk_frames(place.channels), place.frames)
    size = 2 * place.channels
    data = source[place.start + size * start : place.start + size * stop]
    return np.frombuffer(data, "<i2").reshape(stop - start, place.channels)


def _encode_chunk(work: tuple) -> bytes:
    """A chunk of these samples: (name of the preset, mapping, samples)."""
    preset, mapping, samples = work
    coder = chunk.coder_for(mapping, encoding=True, network=presets.resolve(preset)[1])
    return coder.encode(converter.codes_of(samples, mapping))


def _decode_chunk(work: tuple) -> np.ndarray:
    """Inverse of `_encode_chunk`: (preset, mapping, bytes, frames, channels) -> samples."""
    preset, mapping, part, frames, channels = work
    coder = chunk.coder_for(mapping, encoding=False, network=presets.resolve(preset)[1])
    return converter.to_samples(coder.decode(memoryview(part), frames, channels), mapping)


def read_info(data: bytes) -> dict:
    """What a .brainwire file says of itself, without decoding its samples; see `spikey info`.

    Raises what `decompress` raises, as far as it reads.
    """
    header, reader = container.read_header(data)
    info = {
        "format version": container.VERSION,
        "preset": presets.name_of(header.preset, header.network),
        "file bytes": len(data),
        "checksum": f"{header.checksum:08x}",
    }
    if header.opaque:
        return info | {"original bytes": len(header.head), "content": "packed as bytes"}
    size = 2 * header.frames * header.channels
    header_bytes = len(data) - reader.left
    info |= {
        "original bytes": len(header.head) + size + len(header.tail),
        "content": "16-bit PCM",
        "channels": header.channels,
        "frames": header.frames,
        "rate": header.rate,
        "seconds": header.frames / header.rate if header.rate else 0.0,
        "mapping": MAPPINGS[header.mapping.kind],
        "header bytes": header_bytes,
    }
    side = 0
    used: dict[str, int] = {}
    extents = read_index(header, reader)
    info["chunks"] = len(extents)
    for extent in extents:
        for_network = header.preset in presets.WITH_NETWORK
        part = extent.read(reader.data)
        names, size_of_side = chunk.read_names(part, header.channels, for_network)
        for name in names:
            used[name] = used.get(name, 0) + 1
        side += size_of_side
    info["side information bytes"] = side
    info["payload bytes"] = len(data) - header_bytes - side
    info["predictors"] = used
    if size:
        info["bits per sample"] = 8 * len(data) / (size // 2)
    return info
