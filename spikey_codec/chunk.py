"""One chunk of codes <-> its side information and its payload of code words.

For every channel the side information is one byte: CONSTANT and the code that fills it, or
the number of its predictor in the codebook, or OWN_PREDICTOR and the weights made for it; then
one byte for the scale it starts with. The payload holds the code words of all other channels.
A chunk that would not get smaller is stored: a byte STORED and the codes as they are.
"""

from __future__ import annotations

import functools
import math
import threading
from typing import NamedTuple

import numpy as np

from . import converter, kernels, lanes, weights
from .container import Reader
from .converter import Mapping
from .entropy.density import class_of, scale_classes
from .entropy.huffman import CodeTables
from .errors import CorruptError, WeightsError
from .predictors import linear

OWN_PREDICTOR, CONSTANT, STORED = 255, 254, 253
COMMON_ERRORS = 1, 15  # codes: between these mean |errors| nearly all leads stay
OWN_PREDICTOR_BITS = 8 * 2 * kernels.ORDER
# The codebook was made for leads of the challenge's converter; there, weights of its own are sent
# only for a lead of another kind, which gains 2^-5 bits a sample by them.
OWN_PREDICTOR_SHIFT = 5
LONGEST, LARGEST = 1 << 17, 1 << 22  # a chunk has at most so many frames and so many samples


def chunk_frames(channels: int) -> int:
    """Frames of every chunk but the last."""
    return max(1, min(LONGEST, LARGEST // channels))


class Side(NamedTuple):
    """Side information of one channel: int16 predictor, newest sample first, and scale class."""

    number: int
    predictor: np.ndarray | None = None
    scale: int = 0
    constant: int = 0


def write_side(side: Side) -> bytes:
    """One channel's side information; `read_side` is the inverse."""
    if side.number == CONSTANT:
        return bytes([CONSTANT]) + side.constant.to_bytes(2, "little", signed=True)
    own = side.predictor.astype("<i2").tobytes() if side.number == OWN_PREDICTOR else b""
    return bytes([side.number]) + own + bytes([side.scale])


def read_side(reader: Reader) -> Side:
    number = reader.byte()
    if number == CONSTANT:
        return Side(number, constant=int.from_bytes(reader.take(2), "little", signed=True))
    own = None
    if number == OWN_PREDICTOR:
        own = np.frombuffer(reader.take(2 * kernels.ORDER), "<i2")
    return Side(number, own, reader.byte())


def read_names(part: memoryview, channels: int) -> tuple[list[str], int]:
    """What `spikey info` calls the channels' predictors, and the side information's bytes."""
    if part[:1] == bytes([STORED]):
        return ["stored"] * channels, 1
    reader = Reader(part)
    names = {CONSTANT: "constant", OWN_PREDICTOR: "own"}
    numbers = [read_side(reader).number for _ in range(channels)]
    return [names.get(number, f"codebook {number}") for number in numbers], reader.position


class ChunkCoder:
    """Codes chunks of one kind of codes: the challenge converter's, or codes of even width.

    Get one from `coder_for`; it keeps the code tables that it has made for the next recording.
    """

    def __init__(self, lowest: int, highest: int, uneven: bool, encoding: bool):
        self.lowest, self.highest = lowest, highest
        self._lock = threading.Lock()  # the kernels share the tables, and make them as they go
        self.value_bits = (highest - lowest).bit_length()
        self.level_bits = kernels.MU_BITS if uneven else 0
        self.edges = weights.load("converter").copy() if uneven else np.zeros(0, np.int32)
        self.levels = np.zeros(0, np.int32)
        if uneven:
            self.levels = converter.levels(self.edges, kernels.EDGE_BITS, kernels.MU_BITS)
        self.density = weights.load("density").copy()
        self.codebook = weights.load("linear")
        if len(self.codebook) > STORED:
            raise WeightsError("The codebook has more predictors than a byte can tell apart.")
        self.classes = scale_classes(lowest, highest, even=not uneven)
        self.tables = CodeTables(self.classes, encoding, decoding=not encoding)

    def encode(self, codes: np.ndarray) -> bytes:
        """Side information and payload of a chunk; int16, shape (frames > 0, channels)."""
        sides = [self.choose(codes[:, channel]) for channel in range(codes.shape[1])]
        coded = [i for i, side in enumerate(sides) if side.number != CONSTANT]
        packed = b"".join(map(write_side, sides))
        if coded:
            values = lanes.fold(codes if len(coded) == len(sides) else codes[:, coded])
            runs = lanes.runs(len(codes), len(coded))
            packed += self.encode_rows(values, 0, self.lane_state([sides[i] for i in coded], runs))
        if len(packed) <= 1 + 2 * codes.size:
            return packed
        return bytes([STORED]) + codes.astype("<i2", copy=False).tobytes()

    def decode(self, data: memoryview, frames: int, channels: int) -> np.ndarray:
        """Inverse of `encode`: codes, int16, shape (frames, channels); else CorruptError."""
        reader = Reader(data)
        if data[:1] == bytes([STORED]):
            return self._stored(data[1:], frames, channels)
        sides = [self.checked(read_side(reader)) for _ in range(channels)]
        payload = reader.take(reader.left)
        coded = [i for i, side in enumerate(sides) if side.number != CONSTANT]
        if not coded and len(payload):
            raise CorruptError("The file is damaged: there is something after its last sample.")
        if len(coded) == channels:
            return self._decode_payload(payload, frames, sides)
        codes = np.empty((frames, channels), np.int16)
        if coded:
            codes[:, coded] = self._decode_payload(payload, frames, [sides[i] for i in coded])
        for channel, side in enumerate(sides):
            if side.number == CONSTANT:
                codes[:, channel] = side.constant
        return codes

    def _stored(self, data: memoryview, frames: int, channels: int) -> np.ndarray:
        if len(data) != 2 * frames * channels:
            raise CorruptError("The file is damaged: a stored part of it has not its size.")
        codes = np.frombuffer(data, "<i2").reshape(frames, channels)
        if codes.min() < self.lowest or codes.max() > self.highest:
            raise CorruptError("The file is damaged: it holds a code outside its range.")
        return codes.astype(np.int16, copy=False)

    def _decode_payload(self, payload: memoryview, frames: int, sides: list[Side]) -> np.ndarray:
        state = self.lane_state(sides, lanes.runs(frames, len(sides)))
        values = self.decode_rows(payload, frames * len(sides), 0, state)
        return lanes.unfold(values, frames, len(sides))

    def checked(self, side: Side) -> Side:
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
        if np.abs(side.predictor.astype(np.int64)).sum() >= linear.GREATEST_SUM:
            raise CorruptError("The file is damaged: a predictor's weights are too large.")
        return side

    def choose(self, lead: np.ndarray) -> Side:
        """Predictor to use and scale to start with, for a lead: codes of shape (frames,)."""
        if lead[0] == lead[-1] and (lead == lead[0]).all():
            return Side(CONSTANT, constant=int(lead[0]))
        matrix = self._covariance(lead)
        n = len(lead) - kernels.ORDER
        own = linear.fitted(matrix)
        side, power = self._nearest(matrix, n)
        own_power = int(linear.residual_powers(matrix, own[None])[0])
        # it saves n/2 * log2(ratio) bits, and log(ratio) is nearly ratio - 1 where it is close
        cost = OWN_PREDICTOR_BITS + (n >> OWN_PREDICTOR_SHIFT if len(self.levels) else 0)
        if n > 0 and power * n > own_power * (n + int(2 * math.log(2) * cost) + 1):
            return Side(OWN_PREDICTOR, own, self._scale_of(matrix, own_power, n))
        return side

    def choose_from_codebook(self, lead: np.ndarray) -> Side:
        """Like `choose`, but the predictor is always one of the codebook."""
        return self._nearest(self._covariance(lead), len(lead) - kernels.ORDER)[0]

    def _covariance(self, lead: np.ndarray) -> np.ndarray:
        levels = self.levels[lead.astype(np.intp) - self.lowest] if len(self.levels) else lead
        return linear.covariance(levels)

    def _nearest(self, matrix: np.ndarray, samples: int) -> tuple[Side, int]:
        """The codebook's predictor that leaves the least power, and that power."""
        if samples <= 0:
            return Side(0, self.codebook[0], len(self.classes.table) // 2), 0
        powers = linear.residual_powers(matrix, self.codebook)
        number = int(powers.argmin())
        power = int(powers[number])
        return Side(number, self.codebook[number], self._scale_of(matrix, power, samples)), power

    def _scale_of(self, matrix: np.ndarray, power: int, samples: int) -> int:
        """Row of the scale class of a residual power over so many samples."""
        power = max(power, 0) << linear.power_shift(matrix)
        power <<= 2 * (kernels.MU_BITS - self.level_bits)
        deviation = math.isqrt(power // samples) >> kernels.WEIGHT_BITS  # in 1/32 code
        scale = deviation * 4 // 5 << kernels.SLOW_SHIFT  # of a Gaussian: sqrt(2 / pi)
        return class_of(scale, self.classes)

    def lane_state(self, sides: list[Side], runs: int = 1) -> tuple[np.ndarray, ...]:
        """Weights, past levels and trackers of all lanes at their start: int32, lane by lane."""
        predictors = np.array([side.predictor for side in sides], np.int32)[:, ::-1]
        centre = self.classes.table[[side.scale for side in sides], kernels.CENTRE]
        trackers = np.stack([centre >> kernels.SLOW_SHIFT - kernels.FAST_SHIFT, centre], axis=1)
        return (
            np.ascontiguousarray(np.tile(predictors, (runs, 1))),
            np.zeros((runs * len(sides), 2 * kernels.ORDER), np.int32),
            np.ascontiguousarray(np.tile(trackers, (runs, 1)), np.int32),
        )

    def prepare(self) -> None:
        """Make the codes of all common scales now, so that no sample has to wait for one."""
        rows = [
            class_of(mean_error << kernels.SCALE_BITS, self.classes) for mean_error in COMMON_ERRORS
        ]
        classes, tables = self.classes.table, self.tables.arrays()
        with self._lock:
            kernels.prepare(*rows, self.lowest, classes, self.edges, self.density, *tables)

    def encode_rows(self, values: np.ndarray, row: int, state: tuple[np.ndarray, ...]) -> bytes:
        """Code words of values in coding order, from a row of the lanes on; moves the state on."""
        out = np.empty(len(values) + 2, np.uint32)
        with self._lock:
            bits = kernels.encode(*self._arguments(values, row, state), out)
        return out.astype(">u4").tobytes()[: (bits + 7) // 8]

    def decode_rows(
        self, payload: bytes, count: int, row: int, state: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        """Inverse of `encode_rows`: `count` values, int16; CorruptError if they are not there."""
        if count > 8 * len(payload):  # a code word has at least one bit
            raise CorruptError("The file is damaged: it promises more than its size can hold.")
        values = np.empty(count, np.int16)
        lane_count = len(state[0])
        room = -len(payload) % 4 + 4 * (lane_count + 4)  # a row reads at most a word a lane
        words = np.frombuffer(b"".join([payload, bytes(room)]), ">u4").astype(np.uint32)
        with self._lock:
            bits = kernels.decode(*self._arguments(values, row, state), words)
        if bits == kernels.BAD_SYMBOL:
            raise CorruptError("The file is damaged: it holds a code outside its range.")
        unused = 8 * len(payload) - bits
        if bits == kernels.OVERRUN or unused < 0:
            raise CorruptError("The file is cut short or damaged.")
        if unused > 7 or payload[-1] & ((1 << unused) - 1):
            raise CorruptError("The file is damaged: there is something after its last sample.")
        return values

    def _arguments(self, values: np.ndarray, row: int, state: tuple[np.ndarray, ...]) -> tuple:
        """Arguments of the kernels up to the words."""
        return (
            values,
            len(state[0]),
            row,
            self.level_bits,
            self.lowest,
            self.highest,
            self.value_bits,
            self.classes.first,
            self.classes.table,
            self.edges,
            self.levels,
            self.density,
            *state,
            *self.tables.arrays(),
        )


def coder_for(mapping: Mapping, encoding: bool) -> ChunkCoder:
    """The coder of chunks of codes of this mapping, made once per process."""
    lowest, highest = converter.code_range(mapping)
    return _coder(lowest, highest, mapping.kind == converter.CHALLENGE, encoding)


@functools.lru_cache(maxsize=8)
def _coder(lowest: int, highest: int, uneven: bool, encoding: bool) -> ChunkCoder:
    return ChunkCoder(lowest, highest, uneven, encoding)
