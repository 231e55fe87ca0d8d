"""What a .brainwire file says of itself; its samples are not decoded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from . import archive, presets
from .bitstream import archive_index
from .bitstream import header as bitstream_header
from .bitstream.channel_header import read_names
from .bitstream.index import read_index
from .constants import WITH_NETWORK
from .readers.base import SAMPLE_BYTES, Source

MAPPINGS = "challenge converter", "plain", "sparse values", "uneven values"


def read_archive_info(opened: archive.Archive) -> dict[str, Any]:
    """The lines of `spikey info` about an archive, by their names; its groups are not decoded."""
    original = sum(member.size for member in opened.members)
    info: dict[str, Any] = {
        "format version": archive_index.VERSION,
        "content": "archive",
        "file bytes": opened.size,
        "original bytes": original,
        "files": len(opened.members),
        "groups": len(opened.groups),
        "files in the largest group": max((len(g.members) for g in opened.groups), default=0),
        "ratio": original / opened.size,
    }
    return info | ({"missing bytes": opened.missing} if opened.missing else {})


def read_info(data: Source) -> dict[str, Any]:
    """The lines of `spikey info`, by their names.

    Parameters
    ----------
    data : anything with len() and slices of bytes

    Raises
    ------
    What `spikey_codec.decompress` raises, as far as it reads.
    """
    header, reader = bitstream_header.read_header(data)
    info: dict[str, Any] = {
        "format version": bitstream_header.VERSION,
        "preset": presets.of_file(header.preset, header.network).name,
        "file bytes": len(data),
        "checksum": f"{header.checksum:08x}",
    }
    if header.opaque:
        return info | {"original bytes": len(header.head), "content": "packed as bytes"}
    size = SAMPLE_BYTES * header.frames * header.channels
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
    extents = read_index(header, reader)
    info["chunks"] = len(extents)
    side = 0
    used: Counter[str] = Counter()
    for extent in extents:
        part = extent.read(reader.data)
        for_network = header.preset in WITH_NETWORK
        found, size_of_headers = read_names(part, header.channels, for_network)
        used.update(found)
        side += size_of_headers
    info["side information bytes"] = side
    info["payload bytes"] = len(data) - header_bytes - side
    info["predictors"] = dict(used)
    if size:
        info["bits per sample"] = 8 * len(data) / (size // SAMPLE_BYTES)
    return info
