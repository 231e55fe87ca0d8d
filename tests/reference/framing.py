"""FORMAT.md, "Framing: what was around the samples": head, samples and tail."""

from __future__ import annotations

import struct
from dataclasses import replace

from reference.chunks import read_chunks
from reference.fields import Reader
from reference.mapping import read_mapping
from reference.network_array import Network
from reference.weights import Weights


def opaque_content(reader: Reader, mapping: int) -> bytes:
    """The content of a file without samples."""
    if mapping != 0:
        raise ValueError("an opaque file has a mapping")
    content = reader.packed()
    reader.end()
    return content


def framed_content(
    reader: Reader, framing: int, mapping: int, weights: Weights, network: Network | None
) -> bytes:
    """Head, samples and tail."""
    frames, channels, rate = reader.varint(), 1, 19531
    if framing != 0:
        channels, rate = reader.varint(), reader.varint()
    if not 1 <= channels <= 32767:
        raise ValueError(f"{channels} is no possible number of channels")
    if framing == 2:
        head, tail = reader.packed(), reader.packed()
    else:
        head, tail = plain_header(frames, channels, rate), b""
    coding = replace(read_mapping(reader, mapping, weights), network=network)
    codes = read_chunks(reader, frames, channels, coding)
    samples = (coding.samples[code - coding.lowest] for code in codes)
    return head + struct.pack(f"<{len(codes)}h", *samples) + tail


def plain_header(frames: int, channels: int, rate: int) -> bytes:
    """The 44 bytes in front of the samples of the plainest WAV file."""
    size = 2 * frames * channels
    try:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + size,
            b"WAVE",
            b"fmt ",
            16,
            1,
            channels,
            rate,
            2 * channels * rate,
            2 * channels,
            16,
            b"data",
            size,
        )
    except struct.error as error:
        raise ValueError("a count does not fit the plain header") from error
