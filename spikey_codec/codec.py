"""The pipeline: file bytes <-> .brainwire bytes, in the order of FORMAT.md."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from . import chunk, container, converter, presets, wav
from .container import Header
from .errors import CorruptError


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
    number, tables, identity = presets.resolve(preset)
    header = Header(number, zlib.crc32(data), network=identity)
    recording = wav.split(data)
    if recording is None:
        header.preset = presets.LINEAR  # nothing is predicted: whoever has no network can read it
        header.opaque, header.head = True, bytes(data)
        return container.write_header(header)
    samples = recording.samples
    header.frames, header.channels = samples.shape
    header.rate, header.head, header.tail = recording.rate, recording.head, recording.tail
    if not samples.size:
        return container.write_header(header)
    codes, header.mapping = converter.to_codes(samples)
    coder = chunk.coder_for(header.mapping, encoding=True, network=tables)
    parts = [container.write_header(header)]
    step = chunk.chunk_frames(header.channels)
    for start in range(0, header.frames, step):
        part = coder.encode(codes[start : start + step])
        if start + step < header.frames:  # the last one ends with the file
            parts.append(container.write_varint(len(part)))
        parts.append(part)
    return b"".join(parts)


def decompress(data: bytes) -> bytes:
    """The file that `compress` was given.

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
        where the bytes are not, or are no longer, what `compress` wrote. What is returned has
        the checksum of the original.
    """
    header, reader = container.read_header(data)
    original = header.head
    presets.name_of(header.preset, header.network)
    if not header.opaque:
        samples = decode_samples(header, reader)
        original = wav.join(wav.Recording(header.head, samples, header.tail, header.rate))
    if reader.left:
        raise CorruptError("The file is damaged: there is something after its end.")
    if zlib.crc32(original) != header.checksum:
        raise CorruptError("The file is damaged: its checksum is not that of what it decodes to.")
    return original


def decode_samples(header: Header, reader: container.Reader) -> np.ndarray:
    """The samples of the chunks that the reader stands before: int16, shape (frames, channels).

    Raises CorruptError or WeightsError.
    """
    tables = presets.resolve(presets.name_of(header.preset, header.network))[1]
    coder = None
    decoded = [np.empty((0, header.channels), np.int16)]
    for frames, part in _chunks(header, reader):
        coder = coder or chunk.coder_for(header.mapping, encoding=False, network=tables)
        codes = coder.decode(part, frames, header.channels)
        decoded.append(converter.to_samples(codes, header.mapping))
    return np.concatenate(decoded)


def _chunks(header: Header, reader: container.Reader) -> Iterator[tuple[int, memoryview]]:
    """Number of frames and bytes of each chunk that the reader stands before."""
    step = chunk.chunk_frames(header.channels)
    for start in range(0, header.frames, step):
        last = start + step >= header.frames  # it ends with the file
        part = reader.take(reader.left if last else reader.varint())
        yield min(step, header.frames - start), part


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
        "mapping": ("challenge converter", "plain", "sparse values")[header.mapping.kind],
        "header bytes": header_bytes,
        "chunks": -(-header.frames // chunk.chunk_frames(header.channels)),
    }
    side = 0
    used: dict[str, int] = {}
    for _, part in _chunks(header, reader):
        for_network = header.preset != presets.LINEAR
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
