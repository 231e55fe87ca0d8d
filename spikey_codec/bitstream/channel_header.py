"""The header of each channel of a chunk: FORMAT.md, "Chunks" and "Reference channels".

A channel header is CONSTANT and the code that fills the channel; or the channel's references, if
it has any, then its predictor's number in the codebook (or OWN_PREDICTOR and the weights), then
the scale bin that it starts with.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..constants import MOST_REFERENCES, ORDER, TAPS
from ..errors import CorruptError
from ..prediction.cross_channel import Reference
from .fields import Reader, write_varint

OWN_PREDICTOR, CONSTANT, STORED, REFERENCES, LINEAR_CODED = 255, 254, 253, 252, 251
MOST_PREDICTORS = LINEAR_CODED  # of the codebook: its numbers lie below the markers


class ChannelHeader(NamedTuple):
    """What a chunk says of one channel.

    number : of the predictor in the codebook, or OWN_PREDICTOR, or CONSTANT
    predictor : int16, shape (ORDER,), newest sample first; None where it is still to be looked up
    scale : row of the scale bin that the channel starts with
    constant : the code of a CONSTANT channel
    references : the channels that help to predict this one
    """

    number: int
    predictor: np.ndarray | None = None
    scale: int = 0
    constant: int = 0
    references: tuple[Reference, ...] = ()


def write_channel_header(header: ChannelHeader, for_network: bool = False) -> bytes:
    """One channel's header; `read_channel_header` is the inverse.

    Parameters
    ----------
    header : ChannelHeader
    for_network : whether a network is told each reference's correlation, too
    """
    if header.number == CONSTANT:
        return bytes([CONSTANT]) + header.constant.to_bytes(2, "little", signed=True)
    out = bytes([REFERENCES, len(header.references)]) if header.references else b""
    for reference in header.references:
        out += write_varint(reference.channel) + bytes([reference.shift])
        out += bytes([reference.correlation & 255]) if for_network else b""
        out += reference.taps.astype(np.int8).tobytes()
    out += bytes([header.number])
    if header.number == OWN_PREDICTOR:
        assert header.predictor is not None
        out += header.predictor.astype("<i2").tobytes()
    return out + bytes([header.scale])


def read_channel_header(reader: Reader, for_network: bool = False) -> ChannelHeader:
    """Inverse of `write_channel_header`; a codebook's predictor is not looked up.

    Raises
    ------
    CorruptError
    """
    number = reader.byte()
    if number == CONSTANT:
        return ChannelHeader(number, constant=int.from_bytes(reader.take(2), "little", signed=True))
    references = []
    if number == REFERENCES:
        for _ in range(reader.byte()):
            channel, shift = reader.varint(), reader.byte()
            correlation = (reader.byte() ^ 128) - 128 if for_network else 0
            taps = np.frombuffer(reader.take(TAPS), np.int8)
            references.append(Reference(channel, shift, correlation, taps))
        if not 1 <= len(references) <= MOST_REFERENCES:
            raise CorruptError("The file is damaged: a channel has no references or too many.")
        number = reader.byte()
        if number in (CONSTANT, STORED, REFERENCES):
            raise CorruptError("The file is damaged: it names a predictor that does not exist.")
    own = None
    if number == OWN_PREDICTOR:
        own = np.frombuffer(reader.take(2 * ORDER), "<i2")
    return ChannelHeader(number, own, reader.byte(), references=tuple(references))


def read_names(part: memoryview, channels: int, for_network: bool) -> tuple[list[str], int]:
    """What `spikey info` calls the channels' predictors, and the size of the channel headers.

    Parameters
    ----------
    part : the bytes of a chunk
    channels : how many the chunk has
    for_network : as for `read_channel_header`

    Raises
    ------
    CorruptError
    """
    if part[:1] == bytes([STORED]):
        return ["stored"] * channels, 1
    if for_network and part[:1] == bytes([LINEAR_CODED]):
        names, size = read_names(part[1:], channels, False)
        return names, size + 1
    reader = Reader(part)
    numbers = [read_channel_header(reader, for_network).number for _ in range(channels)]
    words = {CONSTANT: "constant", OWN_PREDICTOR: "own"}
    return [words.get(number, f"codebook {number}") for number in numbers], reader.position
