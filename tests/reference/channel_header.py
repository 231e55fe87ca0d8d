"""FORMAT.md, "Chunks": a channel's own header, its predictor and scale."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from reference.fields import Reader
from reference.levels import ORDER
from reference.logarithm import Norm
from reference.mapping import Coding
from reference.scales import bin_centre, octaves

ROW_BYTES = 2 * ORDER
REFERENCES = 252
CONSTANT = 254
OWN_WEIGHTS = 255


@dataclass
class Reference:
    """A reference channel; the first tap is that of its residual 4 frames later."""

    channel: int
    shift: int
    correlation: int
    taps: tuple[int, ...]


@dataclass
class Moment:
    """What a network made of a channel in one frame; nothing in frame 0."""

    norm: Norm | None
    latent: list[int]


@dataclass
class Heard:
    """The residuals of a reference channel, and what a network made of it in every frame."""

    correlation: int
    residuals: list[int]
    trace: list[Moment]


@dataclass
class Channel:
    """The header of a channel; of a constant one, `constant` alone.

    Decoding adds what its reference channels give it, and what it gives others.
    """

    constant: int | None = None
    predictor: tuple[int, ...] = ()
    centre: int = 0
    references: tuple[Reference, ...] = ()
    heard: tuple[Heard, ...] = ()
    offsets: tuple[int, ...] = ()
    trace: list[Moment] = field(default_factory=list)


def read_channel(reader: Reader, coding: Coding) -> Channel:
    """The header of one channel."""
    number = reader.byte()
    references: list[Reference] = []
    if number == REFERENCES:
        for _ in range(reader.byte()):
            channel, shift = reader.varint(), reader.byte()
            correlation = reader.signed8() if coding.network else 0
            taps = struct.unpack("<13b", reader.take(13))
            references.append(Reference(channel, shift, correlation, taps))
            if shift > 24:
                raise ValueError("the shift of a reference channel is too large")
        if not 1 <= len(references) <= 8:
            raise ValueError("a channel has no reference channels or more than eight")
        number = reader.byte()
        if number == CONSTANT:
            raise ValueError("a constant channel has reference channels")
    if number == CONSTANT:
        return Channel(constant=coding.checked(reader.signed16()))
    if number == OWN_WEIGHTS:
        predictor = struct.unpack("<16h", reader.take(ROW_BYTES))
    elif number < len(coding.weights.linear):
        predictor = coding.weights.linear[number]
    else:
        raise ValueError(f"predictor {number} is reserved")
    if sum(map(abs, predictor)) >= 65536:
        raise ValueError("the weights of a predictor are too large")
    first, last = octaves(coding.nonuniform)
    scale, parts = reader.byte(), coding.parts
    if scale >= parts * (last - first + 1):
        raise ValueError(f"there is no scale {scale}")
    centre = bin_centre(scale + parts * (first + 12), parts)
    return Channel(None, predictor, centre, tuple(references))
