"""What is intact of a damaged recording."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import numpy as np

from . import presets
from .bitstream import index
from .bitstream.header import read_header
from .codec import decode_extent, decoded
from .errors import CorruptError
from .readers.base import Source


def salvaged(source: Source, complain: Callable[[str], None]) -> Iterator[bytes | memoryview]:
    """The original file, piece by piece, with zeros for the samples of damaged chunks.

    Parameters
    ----------
    source : as for `decoded`
    complain : called with a sentence for each damaged chunk, and where another checksum differs

    Raises
    ------
    What `decoded` raises where there is only one chunk, or where the header or the index is
    damaged, without which no chunk can be found; CorruptError also where every chunk is damaged.
    """
    try:
        yield from _pieces(source, complain)
    except CorruptError as error:
        why = str(error).removeprefix("The file is damaged: ").rstrip(".")
        why = why[:1].lower() + why[1:]
        raise CorruptError(f"Nothing of the file can be salvaged: {why}.") from error


def _pieces(source: Source, complain: Callable[[str], None]) -> Iterator[bytes | memoryview]:
    header, reader = read_header(source)
    preset = presets.of_file(header.preset, header.network)
    extents = [] if header.opaque else index.read_index(header, reader)
    if len(extents) < 2:
        yield from decoded(source)
        return
    checksum, lost = zlib.crc32(header.head), 0
    yield header.head
    for extent in extents:
        try:
            samples = decode_extent(preset, header, extent, reader.data)
            samples = samples.astype("<i2", copy=False)
        except CorruptError:
            lost += 1
            last = extent.first + extent.frames - 1
            complain(f"Frames {extent.first} to {last} are lost: zeros stand for them.")
            samples = np.zeros((extent.frames, header.channels), "<i2")
        samples = np.ascontiguousarray(samples)
        checksum = zlib.crc32(samples.data, checksum)
        yield samples.data.cast("B")
    if lost == len(extents):
        raise CorruptError("All its chunks are damaged.")
    yield header.tail
    if not lost and zlib.crc32(header.tail, checksum) != header.checksum:
        complain("All samples are intact, but something before or after them has changed.")
