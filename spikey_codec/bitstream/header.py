"""Stage 5: header, framing and packed bytes <-> .brainwire bytes; FORMAT.md specifies them."""

from __future__ import annotations

import bz2
from dataclasses import dataclass, field

import numpy as np

from .. import presets
from ..quantizer import mapping as converter
from ..readers import wav
from ..constants import MOST_NONUNIFORM, MOST_WIDTH
from ..quantizer.mapping import Mapping
from ..quantizer.nonuniform import widths_of
from ..errors import CorruptError, NotBrainwireError, VersionError

MAGIC = b"SPK"
VERSION = 1

CHALLENGE_FRAMING, PLAIN_FRAMING, OTHER_FRAMING, OPAQUE = range(4)
CHALLENGE_CHANNELS, CHALLENGE_RATE = 1, 19531

STORED, BZIP2 = 0, 1
MOST_GAP_BYTES = 2 * 0xFFFF  # between as many values as 16 bits can tell apart
MOST_BYTES_OUT_PER_BYTE = 1 << 21  # bzip2 cannot expand more than this; a promise of more is a lie


@dataclass
class Header:
    """What stands before the chunks.

    preset : number of the preset
    checksum : CRC-32 of the whole original file
    network : identity of the preset's network, if it has one
    frames, channels, rate : of the PCM samples; 0 for an opaque file
    head, tail : bytes around the samples; for an opaque file `head` is all of it
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
    mapping: Mapping = field(default_factory=lambda: Mapping(converter.CHALLENGE))

    @property
    def framing(self) -> int:
        """Which of the four framings writes this header shortest."""
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
    if header.preset in presets.WITH_NETWORK:
        out += header.network.to_bytes(4, "little")
    if framing == OPAQUE:
        return bytes(out + write_packed(header.head))
    out += write_varint(header.frames)
    if framing != CHALLENGE_FRAMING:
        out += write_varint(header.channels) + write_varint(header.rate)
    if framing == OTHER_FRAMING:
        out += write_packed(header.head) + write_packed(header.tail)
    if kind in converter.LISTED:
        values = header.mapping.values.astype(np.int32)
        out += (int(values[0]) & 0xFFFF).to_bytes(2, "little")
        out += write_packed((np.diff(values) - 1).astype("<u2").tobytes())
    if kind == converter.NONUNIFORM:
        out += write_packed(header.mapping.widths.tobytes())
    return bytes(out)


def read_header(data) -> tuple[Header, "Reader"]:
    """The header of a file and a reader that stands at its first chunk.

    data : anything with len() and slices of bytes

    Raises NotBrainwireError, VersionError or CorruptError.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise NotBrainwireError("This is not a .brainwire file: it does not begin with 'SPK'.")
    reader = Reader(data, len(MAGIC))
    version = reader.byte()
    if version != VERSION:
        raise VersionError(
            f"This file has format version {version}, and this release reads version {VERSION}; "
            "use a newer one."
        )
    kinds = reader.byte()
    header = Header(kinds & 15, int.from_bytes(reader.take(4), "little"))
    if header.preset in presets.WITH_NETWORK:
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
            raise CorruptError(f"The file is damaged: it says it has {header.channels} channels.")
    if framing == OTHER_FRAMING:
        header.head, header.tail = read_packed(reader), read_packed(reader)
    else:
        try:
            header.head = wav.plain_header(header.frames, header.channels, header.rate)
        except ValueError as error:
            raise CorruptError("The file is damaged: no WAV has such sizes.") from error
    if kind in converter.LISTED:
        first = np.frombuffer(reader.take(2), "<i2").astype(np.int64)
        gaps = read_packed(reader, MOST_GAP_BYTES)
        steps = np.frombuffer(gaps[: len(gaps) & ~1], "<u2").astype(np.int64) + 1
        values = np.concatenate([first, steps]).cumsum()
        if values[-1] > 32767 or len(gaps) % 2:
            raise CorruptError("The file is damaged: its list of sample values leaves 16 bits.")
        header.mapping = Mapping(kind, values.astype(np.int16))
    else:
        header.mapping = Mapping(kind)
    if kind == converter.NONUNIFORM:
        header.mapping = _read_widths(reader, header.mapping)
    return header, reader


def framing_of(data: bytes) -> int:
    """The framing that a file names, which a shorter one may have done as well as.

    data : what `read_header` has read
    """
    return _framing(data[len(MAGIC) + 1])


def _framing(kinds: int) -> int:
    return kinds >> 4 & 3


def _read_widths(reader: "Reader", mapping: Mapping) -> Mapping:
    """The mapping with the widths of its codes; CorruptError where they cannot be."""
    count = len(mapping.values)
    widths = np.frombuffer(read_packed(reader, count), np.uint8)
    if not 2 <= count <= MOST_NONUNIFORM or len(widths) != count:
        raise CorruptError("The file is damaged: it has not a width for each sample value.")
    if widths_of(widths).sum() > MOST_WIDTH:
        raise CorruptError("The file is damaged: its codes are too wide.")
    return mapping._replace(widths=widths)


def write_varint(number: int) -> bytes:
    """LEB128: seven bits a byte, lowest first, the top bit set on all bytes but the last."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class Reader:
    """Walks through bytes; whatever would pass the end raises CorruptError."""

    def __init__(self, data, position: int = 0):
        """data : anything with len() and slices of bytes"""
        self.data = memoryview(data) if isinstance(data, (bytes, bytearray)) else data
        self.position = position

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, size: int) -> memoryview:
        if size > self.left:
            raise CorruptError("The file is cut short or damaged.")
        self.position += size
        return self.data[self.position - size : self.position]

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        """Inverse of `write_varint`; at most 2^63 - 1, and no longer than it need be."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 56:
                raise CorruptError("The file is damaged: a number in it is too long.")
        if shift and not byte:
            raise CorruptError("The file is damaged: a number in it is longer than it need be.")
        return number


def write_packed(data: bytes) -> bytes:
    """Bytes as they are or as bzip2, whichever is shorter; bzip2 is the same on every machine."""
    packed = bz2.compress(data, 9) if len(data) > 64 else data
    if len(packed) < len(data):
        return bytes([BZIP2]) + write_varint(len(data)) + write_varint(len(packed)) + packed
    return bytes([STORED]) + write_varint(len(data)) + data


def read_packed(reader: Reader, most: int | None = None) -> bytes:
    """Inverse of `write_packed`; more than `most` bytes, if given, are refused before unpacking.

    Raises CorruptError.
    """
    method = reader.byte()
    size = reader.varint()
    if most is not None and size > most:
        raise CorruptError("The file is damaged: a packed part of it is larger than it can be.")
    if method == STORED:
        return bytes(reader.take(size))
    if method != BZIP2:
        raise CorruptError("The file is damaged: it names a way of packing that is reserved.")
    packed = reader.take(reader.varint())
    if size > MOST_BYTES_OUT_PER_BYTE * len(packed):
        raise CorruptError("The file is damaged: it promises more than its size can hold.")
    unpacker = bz2.BZ2Decompressor()
    try:
        data = unpacker.decompress(packed, size + 1)
    except (OSError, ValueError) as error:
        raise CorruptError("The file is damaged: a part of it cannot be unpacked.") from error
    if len(data) != size or not unpacker.eof or unpacker.unused_data:
        raise CorruptError("The file is damaged: a packed part of it has not the size it says.")
    return data
