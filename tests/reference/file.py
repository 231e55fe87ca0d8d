"""FORMAT.md, "File": a whole file, from its magic to its checksum."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from reference.fields import Reader
from reference.framing import framed_content, opaque_content
from reference.network_array import find_network
from reference.weights import load_weights


def decode(data: bytes, weights_folder: Path) -> bytes:
    """The original file. Raises ValueError for whatever a reader must refuse."""
    folder = Path(weights_folder)
    reader = Reader(data)
    if reader.take(3) != b"SPK":
        raise ValueError("the magic is not SPK")
    if reader.byte() != 1:
        raise ValueError("the version is not 1")
    kinds = reader.byte()
    preset, framing, mapping = kinds & 15, kinds >> 4 & 3, kinds >> 6
    if preset > 2:
        raise ValueError(f"preset {preset} is reserved")
    (checksum,) = struct.unpack("<I", reader.take(4))
    network = find_network(folder, reader.take(4), preset) if preset else None
    if framing == 3:
        original = opaque_content(reader, mapping)
    else:
        original = framed_content(reader, framing, mapping, load_weights(folder), network)
    if zlib.crc32(original) != checksum:
        raise ValueError("the checksum differs")
    return original
