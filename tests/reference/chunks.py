"""FORMAT.md, "Chunks": the chunks of a recording, their index, and one of them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from reference.channel_header import Heard, read_channel
from reference.coding_passes import passes_of
from reference.fields import Reader
from reference.mapping import Coding
from reference.payload import check_room, read_lanes
from reference.reference_channels import offsets_of, residuals_of

LINEAR = 251
STORED = 253


def read_chunks(reader: Reader, frames: int, channels: int, coding: Coding) -> list[int]:
    """The codes of all chunks, frame by frame."""
    full = max(1, min(131072, max(786432 // channels, min(8192, 4194304 // channels))))
    count = -(-frames // full)
    contents = []
    if count == 1:
        contents = [reader.rest()]
    elif count > 1:
        contents = indexed(reader.rest(), count)
    codes = []
    for content in contents:
        held = min(full, frames)
        frames -= held
        codes += read_chunk(Reader(content), held, channels, coding)
    reader.end()
    return codes


def indexed(data: bytes, count: int) -> list[bytes]:
    """The bytes of each of several chunks, which an index follows."""
    if len(data) < 4:
        raise ValueError("there is no room for an index")
    (size,) = struct.unpack("<I", data[-4:])
    if not 4 < size <= len(data) - 4:
        raise ValueError("the index has an impossible size")
    chunks, fields = data[: -4 - size], data[-4 - size : -8]
    if zlib.crc32(fields) != struct.unpack("<I", data[-8:-4])[0]:
        raise ValueError("the index has changed")
    if count > len(fields):
        raise ValueError("there are fewer chunks than the header says")
    entries, given = Reader(fields), Reader(chunks)
    contents = []
    for _ in range(count):
        content = given.take(entries.varint())
        if struct.pack("<I", zlib.crc32(content)) != entries.take(4):
            raise ValueError("a chunk has changed")
        contents.append(content)
    entries.end()
    given.end()
    return contents


def read_chunk(reader: Reader, frames: int, channels: int, coding: Coding) -> list[int]:
    """The codes of one chunk, frame by frame."""
    if coding.network and reader.data[:1] == bytes([LINEAR]):
        return read_chunk(Reader(reader.data[1:]), frames, channels, replace(coding, network=None))
    if reader.data[:1] == bytes([STORED]):
        reader.byte()
        codes = [coding.checked(reader.signed16()) for _ in range(frames * channels)]
        reader.end()
        return codes
    infos = [read_channel(reader, coding) for _ in range(channels)]
    passes = passes_of(infos)
    if not passes and reader.rest():
        raise ValueError("there is a payload without a coded channel")
    columns = [[info.constant] * frames for info in infos]
    for coding_pass in passes:
        payload = reader.rest() if coding_pass is passes[-1] else reader.take(reader.varint())
        check_room(payload, len(coding_pass) * frames, coding)
        for number in coding_pass:
            info = infos[number]
            heard = [
                residuals_of(columns[p.channel], infos[p.channel], coding) for p in info.references
            ]
            info.offsets = offsets_of(info.references, heard, frames) if heard else ()
            info.heard = tuple(
                Heard(reference.correlation, residuals, infos[reference.channel].trace)
                for reference, residuals in zip(info.references, heard, strict=True)
            )
        coded = [infos[number] for number in coding_pass]
        for number, codes in zip(
            coding_pass, read_lanes(payload, frames, coded, coding), strict=True
        ):
            columns[number] = codes
    return [code for frame in zip(*columns, strict=True) for code in frame]
