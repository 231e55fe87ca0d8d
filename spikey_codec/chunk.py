"""One chunk of codes <-> its channel headers and payloads: FORMAT.md, "Chunks".

The encoder chooses a header for each channel, codes the chunk in the ways that may pay, and keeps
the smallest. Channels are coded in passes: a channel in a later pass than its references. A chunk
that would not get smaller is stored, and one that a network does not make smaller is coded
without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import weights
from .bitstream.channel_header import (
    CONSTANT,
    LINEAR_CODED,
    OWN_PREDICTOR,
    STORED,
    ChannelHeader,
    read_channel_header,
    write_channel_header,
)  # fmt: skip
from .bitstream.fields import Reader, write_varint
from .coders import interleave, table
from .coders.base import NO_OFFSETS, Coder
from .constants import CHALLENGE, GREATEST_TAP_SHIFT, NONUNIFORM, ORDER
from .entropy.contexts import bin_of
from .errors import CorruptError
from .prediction import choose as choosing
from .prediction import cross_channel
from .prediction.linear import is_usable
from .presets import Preset
from .quantizer.mapping import Mapping, code_range
from .quantizer.nonuniform import transition_levels_of

Residuals = Sequence[np.ndarray | None]  # of each channel: int32, shape (frames,), in 1/32 code


def coder_for(mapping: Mapping, preset: Preset, encoding: bool) -> Coder:
    """The coder of chunks of codes of this mapping, made once a process."""
    lowest, highest = code_range(mapping)
    transitions = transition_levels(mapping).tobytes()
    return table.coder_for(preset.kind, lowest, highest, transitions, encoding, preset.network)


def transition_levels(mapping: Mapping) -> np.ndarray:
    """Code transition levels: int32, shape (codes + 1,), in 1/256 code; empty for even codes."""
    if mapping.kind == CHALLENGE:
        return weights.load("converter")
    return transition_levels_of(mapping) if mapping.kind == NONUNIFORM else np.zeros(0, np.int32)


def encode(coder: Coder, codes: np.ndarray) -> bytes:
    """The bytes of a chunk; `decode` is the inverse.

    Parameters
    ----------
    coder : from `coder_for`
    codes : int16, shape (frames > 0, channels)
    """
    headers = [choose(coder, codes[:, channel]) for channel in range(codes.shape[1])]
    residuals = _all_residuals(coder, codes, headers)
    packed = encode_with(coder, codes, headers, residuals)
    chosen = cross_channel.choose_references(residuals)
    if any(chosen):  # What references promise is not always kept.
        joined = [
            header._replace(references=tuple(references))
            for header, references in zip(headers, chosen, strict=True)
        ]
        packed = min(packed, encode_with(coder, codes, joined, residuals), key=len)
    if coder.alternative:  # A network knows usual channels; one on a rail is not usual.
        packed = min(packed, bytes([LINEAR_CODED]) + encode(coder.alternative, codes), key=len)
    if len(packed) <= 1 + 2 * codes.size:
        return packed
    return bytes([STORED]) + codes.astype("<i2", copy=False).tobytes()


def decode(coder: Coder, data: memoryview, frames: int, channels: int) -> np.ndarray:
    """Inverse of `encode`: codes, int16, shape (frames, channels).

    Raises
    ------
    CorruptError
    """
    if data[:1] == bytes([STORED]):
        return _read_stored(coder, data[1:], frames, channels)
    if data[:1] == bytes([LINEAR_CODED]) and coder.alternative:
        return decode(coder.alternative, data[1:], frames, channels)
    reader = Reader(data)
    headers = [
        checked(coder, read_channel_header(reader, coder.with_network)) for _ in range(channels)
    ]
    passes = passes_of(headers)
    if not passes and reader.left:
        raise CorruptError("The file is damaged: there is something after its last sample.")
    codes = np.empty((frames, channels), np.int16)
    residuals: list[np.ndarray | None] = [None] * channels
    wanted = {reference.channel for header in headers for reference in header.references}
    shared = None
    for coding_pass in passes:
        payload = reader.take(reader.left if coding_pass is passes[-1] else reader.varint())
        if coder.fewest_bits(frames * len(coding_pass)) > 8 * len(payload):
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        shared = shared or coder.shared(headers, frames)
        decoded = _decode_pass(coder, payload, frames, headers, residuals, coding_pass, shared)
        if len(coding_pass) == channels:
            return decoded
        codes[:, coding_pass] = decoded
        for i in wanted.intersection(coding_pass):
            residuals[i] = _residuals(coder, codes[:, i], headers[i])
    for channel, header in enumerate(headers):
        if header.number == CONSTANT:
            codes[:, channel] = header.constant
    return codes


def encode_with(
    coder: Coder, codes: np.ndarray, headers: Sequence[ChannelHeader], residuals: Residuals
) -> bytes:
    """A chunk with these channel headers, and the coding passes that follow from them."""
    parts = [b"".join(write_channel_header(header, coder.with_network) for header in headers)]
    passes = passes_of(headers)
    shared = coder.shared(headers, len(codes))
    for coding_pass in passes:
        part = _encode_pass(coder, codes, headers, residuals, coding_pass, shared)
        if coding_pass is not passes[-1]:
            parts.append(write_varint(len(part)))
        parts.append(part)
    return b"".join(parts)


def _encode_pass(
    coder: Coder, codes: np.ndarray, headers: Sequence[ChannelHeader], residuals: Residuals,
    coding_pass: list[int], shared: Any,
) -> bytes:  # fmt: skip
    """The payload of one coding pass; `_decode_pass` is the inverse."""
    chosen = [headers[i] for i in coding_pass]
    segments = coder.segments(len(codes), len(chosen))
    values = codes if len(chosen) == len(headers) else codes[:, coding_pass]
    offsets = _offsets(chosen, residuals, len(codes), segments)
    state = coder.start(chosen, segments, coding_pass, shared)
    return coder.encode(interleave.interleave(values, segments), state, offsets)


def _decode_pass(
    coder: Coder, payload: bytes | memoryview, frames: int, headers: Sequence[ChannelHeader],
    residuals: Residuals, coding_pass: list[int], shared: Any,
) -> np.ndarray:  # fmt: skip
    """Codes of one coding pass: int16, shape (frames, channels of the pass)."""
    chosen = [headers[i] for i in coding_pass]
    segments = coder.segments(frames, len(chosen))
    offsets = _offsets(chosen, residuals, frames, segments)
    state = coder.start(chosen, segments, coding_pass, shared)
    values = coder.decode(bytes(payload), frames * len(chosen), state, offsets)
    return interleave.deinterleave(values, frames, len(chosen), segments)


def passes_of(headers: Sequence[ChannelHeader]) -> list[list[int]]:
    """The coded channels by pass: each in the first one that comes after all its references.

    Raises
    ------
    CorruptError for a reference that is no other coded channel, or for a circle of references
    """
    waiting = {
        i: header.references for i, header in enumerate(headers) if header.number != CONSTANT
    }
    for i, references in waiting.items():
        channels = [reference.channel for reference in references]
        if len(set(channels)) < len(channels) or any(c == i or c not in waiting for c in channels):
            raise CorruptError("The file is damaged: it names a reference that cannot be one.")
        if any(reference.shift > GREATEST_TAP_SHIFT for reference in references):
            raise CorruptError("The file is damaged: a reference's taps are out of range.")
    passes: list[list[int]] = []
    known: set[int] = set()
    while waiting:
        coding_pass = [
            i for i, references in waiting.items() if all(r.channel in known for r in references)
        ]
        if not coding_pass:
            raise CorruptError("The file is damaged: channels are each other's references.")
        for i in coding_pass:
            del waiting[i]
        known.update(coding_pass)
        passes.append(coding_pass)
    return passes


def checked(coder: Coder, header: ChannelHeader) -> ChannelHeader:
    """The header with its predictor looked up; CorruptError where it cannot be."""
    if header.number == CONSTANT:
        if not coder.lowest <= header.constant <= coder.highest:
            raise CorruptError("The file is damaged: it holds a code outside its range.")
        return header
    if header.scale >= len(coder.bins.table):
        raise CorruptError("The file is damaged: it names a scale that does not exist.")
    if header.number != OWN_PREDICTOR:
        if header.number >= len(coder.codebook):
            raise CorruptError("The file is damaged: it names a predictor that does not exist.")
        return header._replace(predictor=coder.codebook[header.number])
    assert header.predictor is not None  # the header holds it
    if not is_usable(header.predictor):
        raise CorruptError("The file is damaged: a predictor's weights are too large.")
    return header


def _read_stored(coder: Coder, data: memoryview, frames: int, channels: int) -> np.ndarray:
    if len(data) != 2 * frames * channels:
        raise CorruptError("The file is damaged: a stored part of it does not have its size.")
    codes = np.frombuffer(data, "<i2").reshape(frames, channels)
    if codes.min() < coder.lowest or codes.max() > coder.highest:
        raise CorruptError("The file is damaged: it holds a code outside its range.")
    return codes.astype(np.int16, copy=False)


def _residuals(coder: Coder, codes: np.ndarray, header: ChannelHeader) -> np.ndarray:
    assert header.predictor is not None  # it is looked up
    return cross_channel.residuals(coder.levels_of(codes), header.predictor, coder.level_bits)


def _all_residuals(
    coder: Coder, codes: np.ndarray, headers: Sequence[ChannelHeader]
) -> list[np.ndarray | None]:
    """Every channel's residuals, where there are several to have something in common."""
    coded = [header.number != CONSTANT for header in headers]
    if sum(coded) < 2 or len(codes) <= ORDER:
        return [None] * len(headers)
    return [
        _residuals(coder, codes[:, i], header) if coded[i] else None
        for i, header in enumerate(headers)
    ]


def _offsets(
    headers: Sequence[ChannelHeader], residuals: Residuals, frames: int, segments: int
) -> np.ndarray:
    """Inter-channel prediction of a coding pass, in coding order; empty without references."""
    if not any(header.references for header in headers):
        return NO_OFFSETS
    offsets = np.zeros((frames, len(headers)), np.int32)
    for i, header in enumerate(headers):
        if header.references:
            known = [_known(residuals, reference.channel) for reference in header.references]
            offsets[:, i] = cross_channel.inter_channel_prediction(header.references, known)
    return interleave.interleave(offsets, segments)


def _known(residuals: Residuals, channel: int) -> np.ndarray:
    """The residuals of a reference, whose coding pass came before."""
    known = residuals[channel]
    assert known is not None
    return known


# The choice of headers, by the encoder alone


def choose(coder: Coder, codes: np.ndarray) -> ChannelHeader:
    """The header of a channel, without references: codes of shape (frames,)."""
    if codes[0] == codes[-1] and (codes == codes[0]).all():
        return ChannelHeader(CONSTANT, constant=int(codes[0]))
    levels = coder.levels_of(codes)
    choice = choosing.choose(levels, coder.level_bits, coder.codebook, coder.of_challenge)
    return _header(coder, choice)


def choose_from_codebook(coder: Coder, codes: np.ndarray) -> ChannelHeader:
    """Like `choose`, but the predictor is always one of the codebook."""
    levels = coder.levels_of(codes)
    return _header(coder, choosing.choose_from_codebook(levels, coder.level_bits, coder.codebook))


def _header(coder: Coder, choice: choosing.Choice) -> ChannelHeader:
    number = OWN_PREDICTOR if choice.number is None else choice.number
    return ChannelHeader(number, choice.predictor, bin_of(choice.scale, coder.bins))
