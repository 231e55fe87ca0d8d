"""A second decoder, written from FORMAT.md alone, to find out whether the two agree.

It shares nothing with the package but the weights, and follows FORMAT.md section by section, in
plain Python on plain integers. NumPy only reads the `.npy` files. It is slow: a second for some
thousands of samples.

    decode(data, Path("weights"))
"""

import bz2
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path

import numpy as np

ORDER = 16
ROW_BYTES = 2 * ORDER
LONGEST_WORD = 15
CONSTANT = 254
STORED = 253
PEERS = 252
OWN_WEIGHTS = 255
MOST_UNPACKED = 1 << 30  # what a test unpacks at most


# Conventions


class Reader:
    """Fields one after the other, out of bytes."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > len(self.data) - self.position:
            raise ValueError("the file ends in the middle of a field")
        self.position += size
        return self.data[self.position - size : self.position]

    def byte(self) -> int:
        """One unsigned byte."""
        return self.take(1)[0]

    def signed16(self) -> int:
        """Two bytes, signed."""
        return struct.unpack("<h", self.take(2))[0]

    def varint(self) -> int:
        """LEB128, at most nine bytes, not longer than need be."""
        value = 0
        for index in range(9):
            byte = self.byte()
            value |= (byte & 127) << (7 * index)
            if byte < 128:
                if byte == 0 and index > 0:
                    raise ValueError("a varint is longer than it needs to be")
                return value
        raise ValueError("a varint has more than nine bytes")

    def packed(self) -> bytes:
        """Bytes, stored or as a bzip2 stream."""
        method = self.byte()
        size = self.varint()
        if method == 0:
            return self.take(size)
        if method != 1:
            raise ValueError(f"packing method {method} is reserved")
        stream = self.take(self.varint())
        unpacker = bz2.BZ2Decompressor()
        try:
            content = unpacker.decompress(stream, max_length=min(size, MOST_UNPACKED) + 1)
        except OSError as error:
            raise ValueError("a bzip2 stream is damaged") from error
        if not unpacker.eof or unpacker.unused_data or len(content) != size:
            raise ValueError("a bzip2 stream does not unpack to the stated size")
        return content

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.position)

    def end(self) -> None:
        """Refuse anything that is left."""
        if self.position != len(self.data):
            raise ValueError("something stands behind the last field")


# File


@dataclass(frozen=True)
class Weights:
    """The three arrays of preset `linear`, and the code tables that were made from them."""

    converter: tuple[int, ...]
    linear: tuple[tuple[int, ...], ...]
    density: tuple[int, ...]
    tables: dict[tuple[bool, int, int], "CodeTable"] = field(default_factory=dict)


@lru_cache
def load_weights(folder: Path) -> Weights:
    """Read the three `.npy` files."""
    converter, linear, density = (
        np.load(folder / f"{name}.npy").tolist() for name in ("converter", "linear", "density")
    )
    return Weights(tuple(converter), tuple(map(tuple, linear)), tuple(density))


def decode(data: bytes, weights_folder: Path) -> bytes:
    """The original file. Raises ValueError for whatever a reader must refuse."""
    reader = Reader(data)
    if reader.take(3) != b"SPK":
        raise ValueError("the magic is not SPK")
    if reader.byte() != 1:
        raise ValueError("the version is not 1")
    kinds = reader.byte()
    preset, framing, mapping = kinds & 15, kinds >> 4 & 3, kinds >> 6
    if preset != 0:
        raise ValueError(f"preset {preset} is reserved")
    (checksum,) = struct.unpack("<I", reader.take(4))
    if framing == 3:
        original = opaque_content(reader, mapping)
    else:
        original = framed_content(reader, framing, mapping, load_weights(Path(weights_folder)))
    if zlib.crc32(original) != checksum:
        raise ValueError("the checksum differs")
    return original


# Framing


def opaque_content(reader: Reader, mapping: int) -> bytes:
    """The content of a file without samples."""
    if mapping != 0:
        raise ValueError("an opaque file has a mapping")
    content = reader.packed()
    reader.end()
    return content


def framed_content(reader: Reader, framing: int, mapping: int, weights: Weights) -> bytes:
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
    coding = read_mapping(reader, mapping, weights)
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


# Mapping


@dataclass
class Coding:
    """What codes are: the samples behind them, from that of the lowest code to the highest's."""

    uneven: bool
    lowest: int
    samples: Sequence[int]
    weights: Weights

    @property
    def highest(self) -> int:
        """The last code that has a sample."""
        return self.lowest + len(self.samples) - 1

    @property
    def bits(self) -> int:
        """Bits of a code that is sent as it is."""
        return (self.highest - self.lowest).bit_length()

    def checked(self, code: int) -> int:
        """The code, if it is in the range."""
        if not self.lowest <= code <= self.highest:
            raise ValueError(f"code {code} is out of the range")
        return code


def read_mapping(reader: Reader, mapping: int, weights: Weights) -> Coding:
    """The codes of a mapping, and the sample behind each."""
    if mapping == 0:
        lowest, samples = -512, [challenge_sample(code) for code in range(-512, 512)]
    elif mapping == 1:
        lowest, samples = -32768, range(-32768, 32768)
    elif mapping == 2:
        samples = sparse_values(reader)
        lowest = -(len(samples) // 2)
    else:
        raise ValueError("mapping 3 is reserved")
    return Coding(mapping == 0, lowest, samples, weights)


def challenge_sample(code: int) -> int:
    """The 16-bit value of a 10-bit code, computed exactly, in millionths."""
    if code < 0:
        return -challenge_sample(-code - 1) - 1
    return (code * 64_061577 + 31_034184 + 500000) // 1_000000


def sparse_values(reader: Reader) -> list[int]:
    """The values in use, ascending."""
    first = reader.signed16()
    gaps = reader.packed()
    if len(gaps) % 2:
        raise ValueError("the gaps end in half a gap")
    steps = (gap + 1 for (gap,) in struct.iter_unpack("<H", gaps))
    values = []
    for value in accumulate(chain([first], steps)):
        if value > 32767:
            raise ValueError("a value needs more than 16 bits")
        values.append(value)
    return values


# Chunks


@dataclass
class Peer:
    """Another channel whose errors help; taps from that of the error 4 frames later on."""

    channel: int
    shift: int
    taps: tuple[int, ...]


@dataclass
class Channel:
    """The side information of a channel; of a constant one, `constant` alone."""

    constant: int | None = None
    predictor: tuple[int, ...] = ()
    centre: int = 0
    peers: tuple[Peer, ...] = ()
    offsets: tuple[int, ...] = ()


def read_chunks(reader: Reader, frames: int, channels: int, coding: Coding) -> list[int]:
    """The codes of all chunks, frame by frame."""
    full = min(131072, max(1, 4194304 // channels))
    codes = []
    while frames > 0:
        held = min(full, frames)
        frames -= held
        content = reader.take(reader.varint()) if frames > 0 else reader.rest()
        codes += read_chunk(Reader(content), held, channels, coding)
    reader.end()
    return codes


def read_chunk(reader: Reader, frames: int, channels: int, coding: Coding) -> list[int]:
    """The codes of one chunk, frame by frame."""
    if reader.data[:1] == bytes([STORED]):
        reader.byte()
        codes = [coding.checked(reader.signed16()) for _ in range(frames * channels)]
        reader.end()
        return codes
    infos = [read_channel(reader, coding) for _ in range(channels)]
    stages = stages_of(infos)
    if not stages and reader.rest():
        raise ValueError("there is a payload without a coded channel")
    columns = [[info.constant] * frames for info in infos]
    for stage in stages:
        payload = reader.rest() if stage is stages[-1] else reader.take(reader.varint())
        if 8 * len(payload) < len(stage) * frames:
            raise ValueError("the payload is too short for its samples")
        for number in stage:
            info = infos[number]
            heard = [peer_errors(columns[p.channel], infos[p.channel], coding) for p in info.peers]
            info.offsets = offsets_of(info.peers, heard, frames)
        coded = [infos[number] for number in stage]
        for number, codes in zip(
            stage, read_lanes(Bits(payload), frames, coded, coding), strict=True
        ):
            columns[number] = codes
    return [code for frame in zip(*columns, strict=True) for code in frame]


def stages_of(infos: list[Channel]) -> list[list[int]]:
    """The numbers of the coded channels, stage by stage."""
    left = [number for number, info in enumerate(infos) if info.constant is None]
    for number in left:
        named = [peer.channel for peer in infos[number].peers]
        if len(set(named)) < len(named) or number in named or not set(named) <= set(left):
            raise ValueError("a channel has an impossible peer")
    stages: list[list[int]] = []
    while left:
        stage = [n for n in left if not {peer.channel for peer in infos[n].peers} & set(left)]
        if not stage:
            raise ValueError("channels are peers in a ring")
        stages.append(stage)
        left = [n for n in left if n not in stage]
    return stages


def peer_errors(codes: list[int], channel: Channel, coding: Coding) -> list[int]:
    """E[t] of a peer, in 1/32 code."""
    past = [level(codes[0], coding)] * ORDER
    errors = []
    for code in codes:
        newest = level(code, coding)
        expected = unlimited(channel.predictor, past, coding)
        errors.append((newest if coding.uneven else 32 * newest) - expected)
        past = [newest, *past[:-1]]
    return [0, *errors[1:]]


def offsets_of(peers: tuple[Peer, ...], heard: list[list[int]], frames: int) -> tuple[int, ...]:
    """What peers add to the prediction of every frame."""
    offsets = []
    for t in range(frames):
        offset = 0
        for peer, errors in zip(peers, heard, strict=True):
            total = 0
            for lag, tap in zip(range(-4, 9), peer.taps, strict=True):
                if 0 <= t - lag < frames:
                    total += tap * errors[t - lag]
            offset += total >> peer.shift
        offsets.append(offset)
    return tuple(offsets)


def read_channel(reader: Reader, coding: Coding) -> Channel:
    """The side information of one channel."""
    number = reader.byte()
    peers: list[Peer] = []
    if number == PEERS:
        for _ in range(reader.byte()):
            channel, shift = reader.varint(), reader.byte()
            peers.append(Peer(channel, shift, struct.unpack("<13b", reader.take(13))))
            if shift > 24:
                raise ValueError("the shift of a peer is too large")
        if not 1 <= len(peers) <= 8:
            raise ValueError("a channel has no peers or more than eight")
        number = reader.byte()
        if number == CONSTANT:
            raise ValueError("a constant channel has peers")
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
    first, last = octaves(coding.uneven)
    scale = reader.byte()
    if scale >= 4 * (last - first + 1):
        raise ValueError(f"there is no scale {scale}")
    return Channel(None, predictor, class_centre(scale + 4 * (first + 12)), tuple(peers))


class Bits:
    """Bits out of bytes, the most significant of each byte first."""

    def __init__(self, payload: bytes):
        self.payload = payload
        self.position = 0

    def peek(self, count: int) -> int:
        """The next bits as a number; zeros behind the end. At most 25 bits."""
        start, skipped = divmod(self.position, 8)
        window = int.from_bytes(self.payload[start : start + 4].ljust(4, b"\0"), "big")
        return (window >> (32 - skipped - count)) & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        """Move on."""
        self.position += count
        if self.position > 8 * len(self.payload):
            raise ValueError("the payload ends before its last sample")

    def take(self, count: int) -> int:
        """The next bits as a number; there must be so many."""
        value = self.peek(count)
        self.skip(count)
        return value

    def end(self) -> None:
        """Refuse anything behind but less than eight zeros."""
        left = 8 * len(self.payload) - self.position
        if left >= 8 or self.peek(left):
            raise ValueError("something stands behind the last sample")


# Lanes


def run_lengths(coded: int, frames: int) -> list[int]:
    """Frames of each run of a channel."""
    runs = max(1, min(8 // coded, frames // 512))
    shortest, longer = divmod(frames, runs)
    return [shortest + (run < longer) for run in range(runs)]


def read_lanes(bits: Bits, frames: int, coded: list[Channel], coding: Coding) -> list[list[int]]:
    """The codes of each coded channel."""
    lengths = run_lengths(len(coded), frames)
    starts = [sum(lengths[:run]) for run in range(len(lengths))]
    runs = [[Lane(channel, coding, start) for channel in coded] for start in starts]
    for row in range(max(lengths)):
        for length, lanes in zip(lengths, runs, strict=True):
            if row < length:
                for lane in lanes:
                    lane.read(bits)
    bits.end()
    return [
        [code for lanes in runs for code in lanes[channel].codes] for channel in range(len(coded))
    ]


class Lane:
    """One run of one channel: its state, and its codes so far."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        self.coding = coding
        self.offsets = channel.offsets[start:]
        self.predictor = channel.predictor
        self.slow = channel.centre
        self.fast = channel.centre >> 4
        self.levels: list[int] = []
        self.codes: list[int] = []

    def read(self, bits: Bits) -> None:
        """Read the next sample."""
        if not self.codes:
            code = raw_code(bits, self.coding)
            self.levels = [level(code, self.coding)] * ORDER
        else:
            code = self.next_code(bits)
        self.codes.append(code)

    def next_code(self, bits: Bits) -> int:
        """Steps 1 to 6 of a row after the first."""
        coding = self.coding
        mean = predict(self.predictor, self.levels, self.offsets[len(self.codes)], coding)
        scale = max(self.slow - (self.slow >> 4) + self.fast, 12 * self.fast)
        number = scale_class(scale, coding.uneven)
        _, step = low_bits_and_step(number, coding.uneven)
        code = read_code(bits, coding, number, mean >> step)
        newest = level(code, coding)
        error = abs((newest if coding.uneven else 32 * newest) - mean)
        self.fast += error - (self.fast >> 3)
        self.slow += error - (self.slow >> 7)
        self.levels = [newest, *self.levels[:-1]]
        return code


def raw_code(bits: Bits, coding: Coding) -> int:
    """A code that is sent as it is."""
    return coding.checked(bits.take(coding.bits) + coding.lowest)


def level(code: int, coding: Coding) -> int:
    """The level of a code: in 1/32 code if uneven, else in whole codes."""
    if not coding.uneven:
        return code
    edge = coding.weights.converter
    return (edge[code + 512] + edge[code + 513] + 8) >> 4


# Rows from 1 on


def unlimited(predictor: tuple[int, ...], levels: list[int], coding: Coding) -> int:
    """The prediction from the channel's own past, in 1/32 code."""
    total = sum(weight * past for weight, past in zip(predictor, levels, strict=True))
    return total >> (13 if coding.uneven else 8)


def predict(
    predictor: tuple[int, ...], levels: list[int], offset: int, coding: Coding
) -> int:
    """The expected level, in 1/32 code."""
    mean = unlimited(predictor, levels, coding) + offset
    return min(max(mean, 32 * coding.lowest), 32 * coding.highest + 31)


def scale_class(scale: int, uneven: bool) -> int:
    """The number of the class of a scale."""
    scale = max(scale, 1)
    octave = scale.bit_length() - 1
    quarter = ((scale << 2) >> octave) % 4
    first, last = octaves(uneven)
    return min(max(4 * octave + quarter, 4 * (first + 12)), 4 * (last + 12) + 3)


# Table of scale classes


def octaves(uneven: bool) -> tuple[int, int]:
    """First and last octave' of the table."""
    return (-2, 7) if uneven else (-4, 15)


def low_bits_and_step(number: int, uneven: bool) -> tuple[int, int]:
    """Columns `low` and `step` of a class."""
    octave = number // 4 - 12
    return 0 if uneven else max(0, octave - 3), max(0, octave + 3)


def class_centre(number: int) -> int:
    """Column `centre` of a class."""
    octave, quarter = divmod(number, 4)
    return ((9 + 2 * quarter) << octave) >> 3


def half_count(centre: int, low: int) -> int:
    """Column `half` of a class."""
    return ((25 * centre) >> (14 + low)) + 2


# Symbols


def read_code(bits: Bits, coding: Coding, number: int, cell: int) -> int:
    """Read a code by the table of its class and cell."""
    low, step = low_bits_and_step(number, coding.uneven)
    half = half_count(class_centre(number), low)
    if coding.uneven:
        first = nearest_uneven(cell, step, coding) - half
        kept = cell
    else:
        first = ((cell << step) >> (5 + low)) - half
        kept = cell % (1 << max(0, 5 + low - step))
    key = (coding.uneven, number, kept)
    tables = coding.weights.tables
    if key not in tables:
        if coding.uneven:
            masses = uneven_masses(number, cell, first, 2 * half + 1, coding)
        else:
            masses = even_masses(number, kept, coding.weights.density)
        tables[key] = CodeTable(code_lengths(masses))
    symbol = tables[key].read(bits)
    if symbol == 2 * half + 1:
        return raw_code(bits, coding)
    return coding.checked(((first + symbol) << low) + bits.take(low))


def middle(cell: int, step: int) -> int:
    """The middle of a cell, in 1/256 code."""
    return ((2 * cell + 1) << step) << 2


def nearest_uneven(cell: int, step: int, coding: Coding) -> int:
    """The code whose interval holds the middle of a cell."""
    edge = coding.weights.converter
    nearest = bisect_right(edge, middle(cell, step)) - 1 - 512
    return min(max(nearest, coding.lowest), coding.highest)


# Masses


def below(x: int, centre: int, density: tuple[int, ...]) -> int:
    """The mass below x (in 1/256 code)."""
    last = len(density) - 1
    u = (x << 17) // centre + 128 * last
    if u <= 0:
        return 0
    if u >= 256 * last:
        return density[last]
    i = u >> 8
    return density[i] + (((density[i + 1] - density[i]) * (u % 256)) >> 8)


def uneven_masses(number: int, cell: int, first: int, count: int, coding: Coding) -> list[int]:
    """The masses of the symbols and the escape, codes of different width."""
    edge, density = coding.weights.converter, coding.weights.density
    _, step = low_bits_and_step(number, True)
    centre, m = class_centre(number), middle(cell, step)
    masses = []
    for q in range(first, first + count):
        if not coding.lowest <= q <= coding.highest:
            masses.append(0)
            continue
        left = 0 if q == coding.lowest else below(edge[q + 512] - m, centre, density)
        right = below(edge[q + 513] - m, centre, density)
        if q == coding.highest:
            right = density[-1]
        masses.append(max(1, right - left))
    return with_escape(masses, density)


def even_masses(number: int, cell: int, density: tuple[int, ...]) -> list[int]:
    """The masses of the symbols and the escape, codes of one width."""
    low, step = low_bits_and_step(number, False)
    centre, m = class_centre(number), middle(cell, step)
    half = half_count(centre, low)
    nearest = (cell << step) >> (5 + low)
    masses = []
    for i in range(nearest - half, nearest + half + 1):
        left = 256 * (i << low) - 128
        right = left + (256 << low)
        mass = below(right - m, centre, density) - below(left - m, centre, density)
        masses.append(max(1, mass))
    return with_escape(masses, density)


def with_escape(masses: list[int], density: tuple[int, ...]) -> list[int]:
    """Append the mass of the escape: what the others left over."""
    return [*masses, max(1, density[-1] - sum(masses))]


# Canonical Huffman codes


def code_lengths(masses: list[int]) -> list[int]:
    """The length of each symbol's code word, 0 for none."""
    floor = max(1, sum(masses) >> 15)
    while True:
        depths = leaf_depths(masses, floor)
        if max(depths.values()) <= LONGEST_WORD:
            return [depths.get(symbol, 0) for symbol in range(len(masses))]
        floor *= 2


def leaf_depths(masses: list[int], floor: int) -> dict[int, int]:
    """The depth of each symbol's leaf in the Huffman tree, by two queues."""
    leaves = sorted((max(mass, floor), symbol) for symbol, mass in enumerate(masses) if mass > 0)
    if len(leaves) == 1:
        return {leaves[0][1]: 1}
    count = len(leaves)
    # Nodes are numbered: the leaves in sorted order, then the inner ones as they are made.
    weights = [mass for mass, _ in leaves]
    parents = [0] * (2 * count - 1)
    next_leaf, next_inner = 0, count
    for made in range(count, 2 * count - 1):
        total = 0
        for _ in range(2):
            inner_ready = next_inner < made
            if next_leaf < count and not (
                inner_ready and weights[next_inner] < weights[next_leaf]
            ):
                taken, next_leaf = next_leaf, next_leaf + 1
            else:
                taken, next_inner = next_inner, next_inner + 1
            total += weights[taken]
            parents[taken] = made
        weights.append(total)
    depths = [0] * (2 * count - 1)
    for node in reversed(range(2 * count - 2)):
        depths[node] = depths[parents[node]] + 1
    return {symbol: depths[node] for node, (_, symbol) in enumerate(leaves)}


class CodeTable:
    """Canonical code words of given lengths."""

    def __init__(self, lengths: list[int]):
        self.symbols: dict[tuple[int, int], int] = {}
        ordered = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
        word, before = -1, ordered[0][0]
        for length, symbol in ordered:
            word = (word + 1) << (length - before)
            self.symbols[length, word] = symbol
            before = length
        self.used = sorted({length for length, _ in self.symbols})

    def read(self, bits: Bits) -> int:
        """The symbol of the next code word."""
        window = bits.peek(LONGEST_WORD)
        for length in self.used:
            symbol = self.symbols.get((length, window >> (LONGEST_WORD - length)))
            if symbol is not None:
                bits.skip(length)
                return symbol
        raise ValueError("no code word begins so")
