"""One chunk of codes <-> its side information and its payload of code words.

For every channel the side information is one byte: CONSTANT and the code that fills it, or
the number of its predictor in the codebook, or OWN_PREDICTOR and the weights made for it; then
one byte for the scale it starts with. PEERS before that says which channels help to predict this
one. The payload holds the code words of all channels but the constant ones, in stages: a
channel comes in a later stage than its peers. A chunk that would not get smaller is stored: a
byte STORED and the codes as they are. One that a network does not make smaller is coded without it,
behind a byte LINEAR.
"""

from __future__ import annotations

import functools
import threading
from typing import NamedTuple

import numpy as np

from . import constants as c
from . import weights
from .coders import interleave
from .quantizer import mapping as converter
from .bitstream.header import Reader, write_varint
from .quantizer.mapping import Mapping
from .quantizer.nonuniform import reconstruction_levels, transition_levels_of as _transition_levels_of
from .constants import FINER, GREATEST_TAP_SHIFT, GREATEST_WEIGHT_SUM, MIXED, MOST_REFERENCES, TAPS
from .entropy.contexts import bin_of, scale_bins
from .entropy.huffman import empty_tables
from .errors import CorruptError, WeightsError
from .prediction import choose, cross_channel as joint, linear
from .kernels.huffman_table import build_tables
from .kernels.linear_huffman import linear_huffman_decode, linear_huffman_encode
from .prediction.cross_channel import Reference
from .coders.network import MixedPasses, NetworkPasses

OWN_PREDICTOR, CONSTANT, STORED, PEERS, LINEAR = 255, 254, 253, 252, 251
COMMON_ERRORS = 1, 15  # codes: between these mean |errors| nearly all leads stay
NO_OFFSETS = NO_EDGES = np.zeros(0, np.int32)
LONGEST, LARGEST = 1 << 17, 1 << 22  # a chunk has at most so many frames and so many samples
USUAL, SHORTEST = 3 << 18, 1 << 13  # so many samples, unless that makes fewer frames than these


def chunk_frames(channels: int) -> int:
    """Frames of every chunk but the last.

    Few enough for a second out of the middle of many channels to be read at once, and enough for
    what a chunk says of every channel to weigh little.
    """
    return max(1, min(LONGEST, max(USUAL // channels, min(SHORTEST, LARGEST // channels))))


class ChannelHeader(NamedTuple):
    """ChannelHeader information of one channel: int16 predictor, newest sample first, and scale class."""

    number: int
    predictor: np.ndarray | None = None
    scale: int = 0
    constant: int = 0
    references: tuple[Reference, ...] = ()


def write_channel_header(side: ChannelHeader, for_network: bool = False) -> bytes:
    """One channel's side information; `read_channel_header` is the inverse. A network is told more."""
    if side.number == CONSTANT:
        return bytes([CONSTANT]) + side.constant.to_bytes(2, "little", signed=True)
    own = side.predictor.astype("<i2").tobytes() if side.number == OWN_PREDICTOR else b""
    peers = bytes([PEERS, len(side.references)]) if side.references else b""
    for peer in side.references:
        peers += write_varint(peer.channel) + bytes([peer.shift])
        peers += bytes([peer.correlation & 255]) if for_network else b""
        peers += peer.taps.astype(np.int8).tobytes()
    return peers + bytes([side.number]) + own + bytes([side.scale])


def read_channel_header(reader: Reader, for_network: bool = False) -> ChannelHeader:
    number = reader.byte()
    if number == CONSTANT:
        return ChannelHeader(number, constant=int.from_bytes(reader.take(2), "little", signed=True))
    peers = []
    if number == PEERS:
        for _ in range(reader.byte()):
            channel, shift = reader.varint(), reader.byte()
            correlation = (reader.byte() ^ 128) - 128 if for_network else 0
            taps = np.frombuffer(reader.take(TAPS), np.int8)
            peers.append(Reference(channel, shift, correlation, taps))
        if not 1 <= len(peers) <= MOST_REFERENCES:
            raise CorruptError("The file is damaged: a channel has no peers or too many.")
        number = reader.byte()
        if number in (CONSTANT, STORED, PEERS):
            raise CorruptError("The file is damaged: it names a predictor that is not there.")
    own = None
    if number == OWN_PREDICTOR:
        own = np.frombuffer(reader.take(2 * c.ORDER), "<i2")
    return ChannelHeader(number, own, reader.byte(), references=tuple(peers))


def passes_of(sides: list[ChannelHeader]) -> list[list[int]]:
    """The coded channels by stage: each in the first one that comes after all of its peers.

    CorruptError for a peer that is no other coded channel, or for a ring of peers.
    """
    waiting = {i: side.references for i, side in enumerate(sides) if side.number != CONSTANT}
    for i, peers in waiting.items():
        channels = [peer.channel for peer in peers]
        if len(set(channels)) < len(channels) or any(c == i or c not in waiting for c in channels):
            raise CorruptError("The file is damaged: it names a peer that cannot be one.")
        if any(peer.shift > GREATEST_TAP_SHIFT for peer in peers):
            raise CorruptError("The file is damaged: a peer's taps are out of range.")
    stages: list[list[int]] = []
    known: set[int] = set()
    while waiting:
        stage = [i for i, peers in waiting.items() if all(p.channel in known for p in peers)]
        if not stage:
            raise CorruptError("The file is damaged: channels are each other's peers.")
        for i in stage:
            del waiting[i]
        known.update(stage)
        stages.append(stage)
    return stages


def read_names(part: memoryview, channels: int, for_network: bool) -> tuple[list[str], int]:
    """What `spikey info` calls the channels' predictors, and the side information's bytes."""
    if part[:1] == bytes([STORED]):
        return ["stored"] * channels, 1
    if for_network and part[:1] == bytes([LINEAR]):
        names, size = read_names(part[1:], channels, False)
        return names, size + 1
    reader = Reader(part)
    names = {CONSTANT: "constant", OWN_PREDICTOR: "own"}
    numbers = [read_channel_header(reader, for_network).number for _ in range(channels)]
    return [names.get(number, f"codebook {number}") for number in numbers], reader.position


class ChunkCoder:
    """Codes chunks of one kind of codes: of an uneven converter's, or codes of even width.

    Get one from `coder_for`; it keeps the code tables that it has made for the next recording.
    """

    def __init__(self, lowest: int, highest: int, edges: bytes, encoding: bool, network=None):
        """edges : of uneven codes, the bytes of an int32 array, in 1/256 code; b"" of even ones"""
        uneven = len(edges) > 0
        self.of_challenge = uneven and edges == weights.load("converter").tobytes()
        self.network = network  # predictors.network.Tables, or None
        self.lowest, self.highest = lowest, highest
        self.lock = threading.Lock()  # the kernels share the tables, and make them as they go
        self.value_bits = (highest - lowest).bit_length()
        self.level_bits = c.PREDICTION_BITS if uneven else 0
        self.edges = np.frombuffer(edges, np.int32).copy()
        self.levels = np.zeros(0, np.int32)
        if uneven:
            self.levels = reconstruction_levels(self.edges)
        self.density = weights.load("density").copy()
        self.codebook = linear.codebook()
        if len(self.codebook) > LINEAR:
            raise WeightsError("The codebook has more predictors than a byte can tell apart.")
        self.classes = scale_bins(lowest, highest, even=not uneven, finer=FINER if network else 0)
        self.encoding = encoding
        self.tables = empty_tables(self.classes, encoding, decoding=not encoding)

    @property
    def stages(self) -> NetworkPasses:
        """What codes the stages of a network's chunks. It refers to this, so that it is not kept:
        large tables would live on until circles of references are looked for."""
        return MixedPasses(self) if self.network.network.preset == MIXED else NetworkPasses(self)

    def encode(self, codes: np.ndarray) -> bytes:
        """ChannelHeader information and payload of a chunk; int16, shape (frames > 0, channels)."""
        sides = [self.choose(codes[:, channel]) for channel in range(codes.shape[1])]
        errors = self._all_errors(codes, sides)
        packed = self.encode_with(codes, sides, errors)
        chosen = joint.choose_references(errors)
        if any(chosen):  # what they promise is not always kept
            joined = [side._replace(references=tuple(p)) for side, p in zip(sides, chosen, strict=True)]
            packed = min(packed, self.encode_with(codes, joined, errors), key=len)
        if self.network:  # which knows usual leads: one on a rail is not
            packed = min(packed, bytes([LINEAR]) + self._linear().encode(codes), key=len)
        if len(packed) <= 1 + 2 * codes.size:
            return packed
        return bytes([STORED]) + codes.astype("<i2", copy=False).tobytes()

    def encode_with(
        self, codes: np.ndarray, sides: list[ChannelHeader], errors: list[np.ndarray | None]
    ) -> bytes:
        """A chunk with this side information, and the stages that follow from it."""
        parts = [b"".join(write_channel_header(side, bool(self.network)) for side in sides)]
        stages = passes_of(sides)
        latents = self.stages.latents(sides, len(codes)) if self.network else None
        for stage in stages:
            values = codes if len(stage) == len(sides) else codes[:, stage]
            part = self._encode_stage(values, [sides[i] for i in stage], errors, stage, latents)
            if stage is not stages[-1]:
                parts.append(write_varint(len(part)))
            parts.append(part)
        return b"".join(parts)

    def decode(self, data: memoryview, frames: int, channels: int) -> np.ndarray:
        """Inverse of `encode`: codes, int16, shape (frames, channels); else CorruptError."""
        reader = Reader(data)
        if data[:1] == bytes([STORED]):
            return self._stored(data[1:], frames, channels)
        if data[:1] == bytes([LINEAR]) and self.network:
            return self._linear().decode(data[1:], frames, channels)
        sides = [self.checked(read_channel_header(reader, bool(self.network))) for _ in range(channels)]
        stages = passes_of(sides)
        if not stages and reader.left:
            raise CorruptError("The file is damaged: there is something after its last sample.")
        codes = np.empty((frames, channels), np.int16)
        errors: list[np.ndarray | None] = [None] * channels
        wanted = {peer.channel for side in sides for peer in side.references}
        latents = None
        for stage in stages:
            payload = reader.take(reader.left if stage is stages[-1] else reader.varint())
            fewest = frames * len(stage) >> (self.stages.fewest_bits_shift if self.network else 0)
            if fewest > 8 * len(payload):
                raise CorruptError("The file is damaged: it promises more than its size can hold.")
            if self.network:
                latents = latents or self.stages.latents(sides, frames)
            chosen = [sides[i] for i in stage]
            decoded = self._decode_stage(payload, frames, chosen, errors, stage, latents)
            if len(stage) == channels:
                return decoded
            codes[:, stage] = decoded
            for i in wanted.intersection(stage):
                errors[i] = self._errors(codes[:, i], sides[i])
        for channel, side in enumerate(sides):
            if side.number == CONSTANT:
                codes[:, channel] = side.constant
        return codes

    def _linear(self) -> ChunkCoder:
        """The coder of the same codes without a network."""
        return _coder(self.lowest, self.highest, self.edges.tobytes(), self.encoding, None)

    def _stored(self, data: memoryview, frames: int, channels: int) -> np.ndarray:
        if len(data) != 2 * frames * channels:
            raise CorruptError("The file is damaged: a stored part of it has not its size.")
        codes = np.frombuffer(data, "<i2").reshape(frames, channels)
        if codes.min() < self.lowest or codes.max() > self.highest:
            raise CorruptError("The file is damaged: it holds a code outside its range.")
        return codes.astype(np.int16, copy=False)

    def _runs(self, frames: int, channels: int) -> int:
        """A network has a long memory, and its lanes are not what keeps a processor waiting."""
        return 1 if self.network else interleave.segments(frames, channels)

    def _encode_stage(self, codes, sides, errors, stage, latents) -> bytes:
        """Code words of the channels of one stage: codes of shape (frames, channels)."""
        runs = self._runs(len(codes), len(sides))
        values = interleave.interleave(codes, runs)
        offsets = self._offsets(sides, errors, len(codes), runs)
        if not self.network:
            return self.encode_rows(values, 0, self.lane_state(sides, runs), offsets)
        return self.stages.encode(values, sides, offsets, stage, latents)

    def _decode_stage(self, payload, frames, sides, errors, stage, latents) -> np.ndarray:
        """Inverse of `_encode_stage`."""
        runs = self._runs(frames, len(sides))
        offsets = self._offsets(sides, errors, frames, runs)
        count = frames * len(sides)
        if not self.network:
            values = self.decode_rows(payload, count, 0, self.lane_state(sides, runs), offsets)
        else:
            values = self.stages.decode(payload, count, sides, offsets, stage, latents)
        return interleave.deinterleave(values, frames, len(sides), runs)

    def _errors(self, lead: np.ndarray, side: ChannelHeader) -> np.ndarray:
        return joint.residuals(self._levels_of(lead), side.predictor, self.level_bits)

    def _all_errors(self, codes: np.ndarray, sides: list[ChannelHeader]) -> list[np.ndarray | None]:
        """Every channel's errors, where there is more than one to have something in common."""
        coded = [side.number != CONSTANT for side in sides]
        if sum(coded) < 2 or len(codes) <= c.ORDER:
            return [None] * len(sides)
        return [
            self._errors(codes[:, i], side) if coded[i] else None for i, side in enumerate(sides)
        ]

    def _offsets(self, sides, errors, frames: int, runs: int) -> np.ndarray:
        """What peers add to the predictions of a stage, in coding order; empty without peers."""
        if not any(side.references for side in sides):
            return NO_OFFSETS
        table = np.zeros((frames, len(sides)), np.int32)
        for i, side in enumerate(sides):
            if side.references:
                table[:, i] = joint.inter_channel_prediction(side.references, [errors[p.channel] for p in side.references])
        return interleave.interleave(table, runs)

    def checked(self, side: ChannelHeader) -> ChannelHeader:
        """The side information with its predictor looked up; CorruptError if it cannot be."""
        if side.number == CONSTANT:
            if not self.lowest <= side.constant <= self.highest:
                raise CorruptError("The file is damaged: it holds a code outside its range.")
            return side
        if side.scale >= len(self.classes.table):
            raise CorruptError("The file is damaged: it names a scale that is not there.")
        if side.number != OWN_PREDICTOR:
            if side.number >= len(self.codebook):
                raise CorruptError("The file is damaged: it names a predictor that is not there.")
            return side._replace(predictor=self.codebook[side.number])
        if np.abs(side.predictor.astype(np.int64)).sum() >= GREATEST_WEIGHT_SUM:
            raise CorruptError("The file is damaged: a predictor's weights are too large.")
        return side

    def choose(self, lead: np.ndarray) -> ChannelHeader:
        """Predictor to use and scale to start with, for a lead: codes of shape (frames,)."""
        if lead[0] == lead[-1] and (lead == lead[0]).all():
            return ChannelHeader(CONSTANT, constant=int(lead[0]))
        choice = choose.choose(
            self._levels_of(lead), self.level_bits, self.codebook, self.of_challenge
        )
        return self._header(choice)

    def choose_from_codebook(self, lead: np.ndarray) -> ChannelHeader:
        """Like `choose`, but the predictor is always one of the codebook."""
        levels = self._levels_of(lead)
        return self._header(choose.choose_from_codebook(levels, self.level_bits, self.codebook))

    def _header(self, choice: choose.Choice) -> ChannelHeader:
        number = OWN_PREDICTOR if choice.number is None else choice.number
        return ChannelHeader(number, choice.predictor, bin_of(choice.scale, self.classes))

    def _levels_of(self, lead: np.ndarray) -> np.ndarray:
        return self.levels[lead.astype(np.intp) - self.lowest] if len(self.levels) else lead

    def lane_state(self, sides: list[ChannelHeader], runs: int = 1) -> tuple[np.ndarray, ...]:
        """Weights, past levels and trackers of all lanes at their start: int32, lane by lane."""
        predictors = np.array([side.predictor for side in sides], np.int32)[:, ::-1]
        centre = self.classes.table[[side.scale for side in sides], c.CENTRE]
        trackers = np.stack([centre >> c.LONG_TERM_SHIFT - c.SHORT_TERM_SHIFT, centre], axis=1)
        return (
            np.ascontiguousarray(np.tile(predictors, (runs, 1))),
            np.zeros((runs * len(sides), 2 * c.ORDER), np.int32),
            np.ascontiguousarray(np.tile(trackers, (runs, 1)), np.int32),
        )

    def prepare(self) -> None:
        """Make the codes of all common scales now, so that no sample has to wait for one."""
        rows = [
            bin_of(mean_error << c.SCALE_BITS, self.classes) for mean_error in COMMON_ERRORS
        ]
        with self.lock:
            build_tables(
                *rows, *self.quantizer(), *self.contexts(), *self.tables
            )

    def encode_rows(
        self,
        values: np.ndarray,
        row: int,
        state: tuple[np.ndarray, ...],
        offsets: np.ndarray = NO_OFFSETS,
    ) -> bytes:
        """Code words of values in coding order, from a row of the lanes on; moves the state on.

        offsets : what peers add to each prediction: int32, in coding order; or empty
        """
        out = np.empty(len(values) + 2, np.uint32)
        with self.lock:
            bits = linear_huffman_encode(*self._arguments(values, row, state, offsets), out)
        return out.astype(">u4").tobytes()[: (bits + 7) // 8]

    def decode_rows(
        self,
        payload: bytes,
        count: int,
        row: int,
        state: tuple[np.ndarray, ...],
        offsets: np.ndarray = NO_OFFSETS,
    ) -> np.ndarray:
        """Inverse of `encode_rows`: `count` values, int16; CorruptError if they are not there."""
        if count > 8 * len(payload):  # a code word has at least one bit
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        values = np.empty(count, np.int16)
        words = self.words(payload, len(state[0]))
        with self.lock:
            bits = linear_huffman_decode(*self._arguments(values, row, state, offsets), words)
        self.check_end(payload, bits)
        return values

    @staticmethod
    def words(payload: bytes, lane_count: int) -> np.ndarray:
        """A payload as the kernels read it."""
        room = -len(payload) % 4 + 4 * (lane_count + 4)  # a row reads at most a word a lane
        return np.frombuffer(b"".join([payload, bytes(room)]), ">u4").astype(np.uint32)

    @staticmethod
    def check_end(payload: bytes, bits: int) -> None:
        """CorruptError unless a kernel that returned `bits` came to the payload's very end."""
        if bits == c.BAD_SYMBOL:
            raise CorruptError("The file is damaged: it holds a code outside its range.")
        unused = 8 * len(payload) - bits
        if bits == c.OVERRUN or unused < 0:
            raise CorruptError("The file is cut short or damaged.")
        if unused > 7 or payload[-1] & ((1 << unused) - 1):
            raise CorruptError("The file is damaged: there is something after its last sample.")

    def _arguments(
        self, values: np.ndarray, row: int, state: tuple[np.ndarray, ...], offsets: np.ndarray
    ) -> tuple:
        """Arguments of the kernels up to the words."""
        return (
            values,
            len(state[0]),
            row,
            *self.quantizer(),
            *self.contexts(),
            *state,
            offsets,
            *self.tables,
        )

    def quantizer(self) -> tuple:
        """The kernels' Quantizer."""
        return (
            self.level_bits,
            self.lowest,
            self.highest,
            self.value_bits,
            self.edges,
            self.levels,
        )

    def contexts(self) -> tuple:
        """The kernels' Contexts."""
        return self.classes.first, self.classes.table, self.density


def coder_for(mapping: Mapping, encoding: bool, network=None) -> ChunkCoder:
    """The coder of chunks of codes of this mapping, made once per process.

    network : predictors.network.Tables, or None for the linear preset
    """
    lowest, highest = converter.code_range(mapping)
    return _coder(lowest, highest, transition_levels_of(mapping).tobytes(), encoding, network)


def transition_levels_of(mapping: Mapping) -> np.ndarray:
    """Where the intervals of uneven codes begin and the last one ends: int32, in 1/256 code.

    Empty for codes of even width.
    """
    if mapping.kind == converter.CHALLENGE:
        return weights.load("converter")
    return _transition_levels_of(mapping) if mapping.kind == converter.NONUNIFORM else NO_EDGES


@functools.lru_cache(maxsize=8)
def _coder(lowest: int, highest: int, edges: bytes, encoding: bool, network) -> ChunkCoder:
    return ChunkCoder(lowest, highest, edges, encoding, network)


weights.when_changed(_coder.cache_clear)
