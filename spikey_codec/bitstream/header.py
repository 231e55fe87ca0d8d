"""The header of a .brainwire file: FORMAT.md, "File" to "Mapping"."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..constants import (
    CHALLENGE,
    CHALLENGE_CHANNELS,
    CHALLENGE_RATE,
    LISTED,
    MOST_NONUNIFORM,
    MOST_WIDTH,
    NONUNIFORM,
    WITH_NETWORK,
)  # fmt: skip
from ..errors import CorruptError, NotBrainwireError, VersionError
from ..quantizer.mapping import Mapping
from ..quantizer.nonuniform import widths_of
from ..readers import wav
from ..readers.base import Source
from . import archive_index, packet
from .fields import Reader, read_packed, write_packed, write_varint

MAGIC = b"SPK"
VERSION = 1

CHALLENGE_FRAMING, PLAIN_FRAMING, OTHER_FRAMING, OPAQUE = range(4)
MOST_GAP_BYTES = 2 * 0xFFFF  # between as many values as 16 bits can tell apart


@dataclass
class Header:
    """What stands before the chunks.

    Parameters
    ----------
    preset : number of the preset
    checksum : CRC-32 of the whole original file
    frames, channels, rate : of the PCM samples, the rate in Hz; 0 for an opaque file
    head, tail : bytes around the samples; for an opaque file `head` is all of it
    opaque : whether the file is packed as bytes
    network : identity of the preset's network, if it has one
    mapping : how samples became codes
    """

    preset: int
    checksum: int
    frames: int = 0
    channels: int = 0
    rate: int = 0
    head: bytes = b""
    tail: bytes = b""
    opaque: bool = False
    network: int = 0
    mapping: Mapping = field(default_factory=lambda: Mapping(CHALLENGE))

    @property
    def framing(self) -> int:
        """The framing that writes this header shortest."""
        if self.opaque:
            return OPAQUE
        if self.tail or not wav.is_plain_header(self.head, self.frames, self.channels, self.rate):
            return OTHER_FRAMING
        if (self.channels, self.rate) == (CHALLENGE_CHANNELS, CHALLENGE_RATE):
            return CHALLENGE_FRAMING
        return PLAIN_FRAMING


def write_header(header: Header) -> bytes:
    """The header's bytes; `read_header` is the inverse."""
    framing = header.framing
    kind = header.mapping.kind
    out = bytearray(MAGIC)
    out.append(VERSION)
    out.append(header.preset | framing << 4 | kind << 6)
    out += header.checksum.to_bytes(4, "little")
    if header.preset in WITH_NETWORK:
        out += header.network.to_bytes(4, "little")
    if framing == OPAQUE:
        return bytes(out + write_packed(header.head))
    out += write_varint(header.frames)
    if framing != CHALLENGE_FRAMING:
        out += write_varint(header.channels) + write_varint(header.rate)
    if framing == OTHER_FRAMING:
        out += write_packed(header.head) + write_packed(header.tail)
    return bytes(out + _write_mapping(header.mapping))


def _what_else(start: bytes) -> str:
    """A sentence about a file that begins like this, and is no .brainwire file."""
    if start == archive_index.MAGIC:
        return "This is an archive, not a .brainwire file; `spikey unpack` restores its files."
    if start[:2] == packet.MARKER:
        return "This is a stream, not a .brainwire file; `spikey stream decode` restores it."
    return "This is not a .brainwire file: it does not begin with 'SPK'."


def read_header(data: Source) -> tuple[Header, Reader]:
    """The header of a file, and a reader that stands at its first chunk.

    Parameters
    ----------
    data : anything with len() and slices of bytes

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
    """
    if data[: len(MAGIC)] != MAGIC:
        raise NotBrainwireError(_what_else(bytes(data[:4])))
    reader = Reader(data, len(MAGIC))
    version = reader.byte()
    if version != VERSION:
        raise VersionError(
            f"This file has format version {version}, and this release reads version {VERSION}; "
            "use a newer one."
        )
    kinds = reader.byte()
    header = Header(kinds & 15, int.from_bytes(reader.take(4), "little"))
    if header.preset in WITH_NETWORK:
        header.network = int.from_bytes(reader.take(4), "little")
    framing, kind = _framing(kinds), kinds >> 6
    if framing == OPAQUE:
        if kind:
            raise CorruptError("The file is damaged: a reserved field of its header is not zero.")
        header.opaque = True
        header.head = read_packed(reader)
        return header, reader
    header.frames = reader.varint()
    header.channels, header.rate = CHALLENGE_CHANNELS, CHALLENGE_RATE
    if framing != CHALLENGE_FRAMING:
        header.channels, header.rate = reader.varint(), reader.varint()
        if not 0 < header.channels < 1 << 15:
            raise CorruptError(f"The file is damaged: it claims {header.channels} channels.")
    if framing == OTHER_FRAMING:
        header.head, header.tail = read_packed(reader), read_packed(reader)
    else:
        try:
            header.head = wav.plain_header(header.frames, header.channels, header.rate)
        except ValueError as error:
            raise CorruptError("The file is damaged: no WAV has such sizes.") from error
    header.mapping = _read_mapping(reader, kind)
    return header, reader


def framing_of(data: bytes | memoryview) -> int:
    """The framing that a file names; a shorter one might have done as well.

    Parameters
    ----------
    data : what `read_header` has read
    """
    return _framing(data[len(MAGIC) + 1])


def _framing(kinds: int) -> int:
    return kinds >> 4 & 3


def _write_mapping(mapping: Mapping) -> bytes:
    """The values and code widths that a mapping lists; `_read_mapping` is the inverse."""
    out = b""
    if mapping.kind in LISTED:
        assert mapping.values is not None
        values = mapping.values.astype(np.int32)
        out += (int(values[0]) & 0xFFFF).to_bytes(2, "little")
        out += write_packed((np.diff(values) - 1).astype("<u2").tobytes())
    if mapping.kind == NONUNIFORM:
        assert mapping.widths is not None
        out += write_packed(mapping.widths.tobytes())
    return out


def _read_mapping(reader: Reader, kind: int) -> Mapping:
    """The mapping of this kind; CorruptError where its lists cannot be."""
    if kind not in LISTED:
        return Mapping(kind)
    first = np.frombuffer(reader.take(2), "<i2").astype(np.int64)
    gaps = read_packed(reader, MOST_GAP_BYTES)
    steps = np.frombuffer(gaps[: len(gaps) & ~1], "<u2").astype(np.int64) + 1
    values = np.concatenate([first, steps]).cumsum()
    if values[-1] > 32767 or len(gaps) % 2:
        raise CorruptError("The file is damaged: its list of sample values leaves 16 bits.")
    widths = _read_widths(reader, len(values)) if kind == NONUNIFORM else None
    return Mapping(kind, values.astype(np.int16), widths)


def _read_widths(reader: Reader, count: int) -> np.ndarray:
    """The widths of so many codes: uint8; CorruptError where they cannot be."""
    widths = np.frombuffer(read_packed(reader, count), np.uint8)
    if not 2 <= count <= MOST_NONUNIFORM or len(widths) != count:
        raise CorruptError("The file is damaged: it does not have a width for each sample value.")
    if widths_of(widths).sum() > MOST_WIDTH:
        raise CorruptError("The file is damaged: its codes are too wide.")
    return widths
