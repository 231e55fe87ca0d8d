"""A second decoder, written from FORMAT.md alone, to find out whether the two agree.

It shares nothing with the package but the weights, and follows FORMAT.md section by section, in
plain Python on plain integers. NumPy only reads the `.npy` files. It is slow: a second for some
thousands of samples, more or less of them with a network of that many weights.

    decode(data, Path("weights"))
"""

import bz2
import struct
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate, chain
from operator import mul
from pathlib import Path

import numpy as np

ORDER = 16
ROW_BYTES = 2 * ORDER
LONGEST_WORD = 15
LINEAR = 251
PEERS = 252
STORED = 253
CONSTANT = 254
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

    def signed8(self) -> int:
        """One byte, signed."""
        return struct.unpack("<b", self.take(1))[0]

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
    tables: dict[tuple[bool, int, int, int], "CodeTable"] = field(default_factory=dict)


@lru_cache
def load_weights(folder: Path) -> Weights:
    """Read the three `.npy` files."""
    converter, linear, density = (
        np.load(folder / f"{name}.npy").tolist() for name in ("converter", "linear", "density")
    )
    return Weights(tuple(converter), tuple(map(tuple, linear)), tuple(density))


def decode(data: bytes, weights_folder: Path) -> bytes:
    """The original file. Raises ValueError for whatever a reader must refuse."""
    folder = Path(weights_folder)
    reader = Reader(data)
    if reader.take(3) != b"SPK":
        raise ValueError("the magic is not SPK")
    if reader.byte() != 1:
        raise ValueError("the version is not 1")
    kinds = reader.byte()
    preset, framing, mapping = kinds & 15, kinds >> 4 & 3, kinds >> 6
    if preset > 2:
        raise ValueError(f"preset {preset} is reserved")
    (checksum,) = struct.unpack("<I", reader.take(4))
    network = find_network(folder, reader.take(4), preset) if preset else None
    if framing == 3:
        original = opaque_content(reader, mapping)
    else:
        original = framed_content(reader, framing, mapping, load_weights(folder), network)
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


def framed_content(
    reader: Reader, framing: int, mapping: int, weights: Weights, network: "Network | None"
) -> bytes:
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
    coding = replace(read_mapping(reader, mapping, weights), network=network)
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
    network: "Network | None" = None

    @property
    def mixed(self) -> bool:
        """Whether densities are mixed: preset 2."""
        return self.network is not None and self.network.preset == 2

    @property
    def parts(self) -> int:
        """Rows of the table of scale classes in an octave."""
        return 4 if self.network is None else 8

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
    else:
        samples = sparse_values(reader)
        lowest = -(len(samples) // 2)
    if mapping == 3:
        widths = reader.packed()
        if len(widths) != len(samples) or not 2 <= len(samples) <= 4096:
            raise ValueError("there is not a width for each value")
        wide = [((16 + b % 16) << (b // 16)) >> 4 for b in widths]
        if sum(wide) > 1 << 21:
            raise ValueError("the codes are too wide")
        edges = tuple(accumulate(wide, initial=256 * lowest))
        weights = replace(weights, converter=edges, tables={})
    return Coding(mapping in (0, 3), lowest, samples, weights)


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
    correlation: int
    taps: tuple[int, ...]


@dataclass
class Channel:
    """The side information of a channel; of a constant one, `constant` alone.

    Beside it what decoding finds: what its peers are to it, and what it is to others.
    """

    constant: int | None = None
    predictor: tuple[int, ...] = ()
    centre: int = 0
    peers: tuple[Peer, ...] = ()
    heard: tuple["Heard", ...] = ()
    offsets: tuple[int, ...] = ()
    trace: list["Moment"] = field(default_factory=list)


@dataclass
class Heard:
    """A peer's errors, and what a network made of it in every frame."""

    correlation: int
    errors: list[int]
    trace: list["Moment"]


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
    stages = stages_of(infos)
    if not stages and reader.rest():
        raise ValueError("there is a payload without a coded channel")
    columns = [[info.constant] * frames for info in infos]
    for stage in stages:
        payload = reader.rest() if stage is stages[-1] else reader.take(reader.varint())
        check_room(payload, len(stage) * frames, coding)
        for number in stage:
            info = infos[number]
            heard = [peer_errors(columns[p.channel], infos[p.channel], coding) for p in info.peers]
            info.offsets = offsets_of(info.peers, heard, frames) if heard else ()
            info.heard = tuple(
                Heard(peer.correlation, errors, infos[peer.channel].trace)
                for peer, errors in zip(info.peers, heard, strict=True)
            )
        coded = [infos[number] for number in stage]
        for number, codes in zip(
            stage, read_lanes(payload, frames, coded, coding), strict=True
        ):
            columns[number] = codes
    return [code for frame in zip(*columns, strict=True) for code in frame]


def check_room(payload: bytes, codes: int, coding: Coding) -> None:
    """Refuse a part that cannot hold so many codes."""
    if 8 * len(payload) < codes // (32768 if coding.mixed else 1):
        raise ValueError("the payload is too short for its samples")


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
        errors.append(fine(newest, coding) - expected)
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
            correlation = reader.signed8() if coding.network else 0
            taps = struct.unpack("<13b", reader.take(13))
            peers.append(Peer(channel, shift, correlation, taps))
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
    scale, parts = reader.byte(), coding.parts
    if scale >= parts * (last - first + 1):
        raise ValueError(f"there is no scale {scale}")
    centre = class_centre(scale + parts * (first + 12), parts)
    return Channel(None, predictor, centre, tuple(peers))


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


def run_lengths(coded: int, frames: int, coding: Coding) -> list[int]:
    """Frames of each run of a channel."""
    runs = 1 if coding.network else max(1, min(8 // coded, frames // 512))
    shortest, longer = divmod(frames, runs)
    return [shortest + (run < longer) for run in range(runs)]


def read_lanes(
    payload: bytes, frames: int, coded: list[Channel], coding: Coding
) -> list[list[int]]:
    """The codes of each coded channel."""
    bits = Slots(payload) if coding.mixed else Bits(payload)
    kind = MixedLane if coding.mixed else NetworkLane if coding.network else Lane
    lengths = run_lengths(len(coded), frames, coding)
    starts = [sum(lengths[:run]) for run in range(len(lengths))]
    runs = [[kind(channel, coding, start) for channel in coded] for start in starts]
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
            self.begin(level(code, self.coding))
        else:
            code = self.next_code(bits)
        self.codes.append(code)

    def begin(self, first: int) -> None:
        """What is known after row 0, whose level is given."""
        self.levels = [first] * ORDER

    def offset(self) -> int:
        """What peers add to the next prediction."""
        return self.offsets[len(self.codes)] if self.offsets else 0

    def next_code(self, bits: Bits) -> int:
        """Steps 1 to 6 of a row after the first."""
        coding = self.coding
        mean = predict(self.predictor, self.levels, self.offset(), coding)
        scale = max(self.slow - (self.slow >> 4) + self.fast, 12 * self.fast)
        middle, number = self.expected(mean, scale)
        _, step = low_bits_and_step(number, coding)
        code = read_code(bits, coding, number, middle >> step)
        newest = level(code, coding)
        self.update(newest, fine(newest, coding) - mean)
        return code

    def expected(self, mean: int, scale: int) -> tuple[int, int]:
        """Where the code is expected, and the number of its class."""
        return mean, scale_class(scale, self.coding)

    def update(self, newest: int, error: int) -> None:
        """Step 6."""
        self.fast += abs(error) - (self.fast >> 3)
        self.slow += abs(error) - (self.slow >> 7)
        self.levels = [newest, *self.levels[:-1]]


def raw_code(bits: Bits, coding: Coding) -> int:
    """A code that is sent as it is."""
    return coding.checked(bits.take(coding.bits) + coding.lowest)


def level(code: int, coding: Coding) -> int:
    """The level of a code: in 1/32 code if uneven, else in whole codes."""
    if not coding.uneven:
        return code
    edge = coding.weights.converter
    return (edge[code - coding.lowest] + edge[code - coding.lowest + 1] + 8) >> 4


def fine(newest: int, coding: Coding) -> int:
    """A level in 1/32 code."""
    return newest if coding.uneven else 32 * newest


# Rows from 1 on


def unlimited(predictor: tuple[int, ...], levels: list[int], coding: Coding) -> int:
    """The prediction from the channel's own past, in 1/32 code."""
    total = sum(weight * past for weight, past in zip(predictor, levels, strict=True))
    return total >> (13 if coding.uneven else 8)


def predict(predictor: tuple[int, ...], levels: list[int], offset: int, coding: Coding) -> int:
    """The expected level, in 1/32 code."""
    return limited(unlimited(predictor, levels, coding) + offset, coding)


def limited(mean: int, coding: Coding, beyond: int = 0) -> int:
    """A mean within the range of the codes, or so far beyond."""
    return min(max(mean, 32 * coding.lowest - beyond), 32 * coding.highest + 31 + beyond)


def scale_class(scale: int, coding: Coding) -> int:
    """The number of the class of a scale."""
    scale = max(scale, 1)
    octave = scale.bit_length() - 1
    quarter = ((scale << 2) >> octave) % 4
    return in_table(4 * octave + quarter, coding)


# Table of scale classes


def octaves(uneven: bool) -> tuple[int, int]:
    """First and last octave' of the table."""
    return (-2, 7) if uneven else (-4, 15)


def in_table(number: int, coding: Coding) -> int:
    """The number of a class, limited to those of the table."""
    first, last = octaves(coding.uneven)
    return min(max(number, coding.parts * (first + 12)), coding.parts * (last + 13) - 1)


def low_bits_and_step(number: int, coding: Coding) -> tuple[int, int]:
    """Columns `low` and `step` of a class."""
    octave = number // coding.parts - 12
    low = 0 if coding.uneven else max(0, octave - 3)
    return low, max(0, octave + (3 if coding.parts == 4 else 2))


def class_centre(number: int, parts: int) -> int:
    """Column `centre` of a class."""
    octave, part = divmod(number, parts)
    if parts == 4:
        return ((9 + 2 * part) << octave) >> 3
    return ((17 + 2 * part) << octave) >> 4


def half_count(centre: int, low: int) -> int:
    """Column `half` of a class."""
    return ((25 * centre) >> (14 + low)) + 2


# Symbols


def read_code(bits: Bits, coding: Coding, number: int, cell: int) -> int:
    """Read a code by the table of its class and cell."""
    low, step = low_bits_and_step(number, coding)
    half = half_count(class_centre(number, coding.parts), low)
    if coding.uneven:
        first = nearest_uneven(cell, step, coding) - half
        kept = cell
    else:
        first = ((cell << step) >> (5 + low)) - half
        kept = cell % (1 << max(0, 5 + low - step))
    key = (coding.uneven, coding.parts, number, kept)
    tables = coding.weights.tables
    if key not in tables:
        if coding.uneven:
            masses = uneven_masses(number, cell, first, 2 * half + 1, coding)
        else:
            masses = even_masses(number, kept, coding)
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
    nearest = bisect_right(edge, middle(cell, step)) - 1 + coding.lowest
    return min(max(nearest, coding.lowest), coding.highest)


# Masses


def below(x: int, centre: int, density: tuple[int, ...]) -> int:
    """The mass below x (in 1/256 code)."""
    last = len(density) - 1
    return below_u((x << 17) // centre + 128 * last, density)


def below_u(u: int, density: tuple[int, ...]) -> int:
    """The mass below 1/256 of a step of the table."""
    last = len(density) - 1
    if u <= 0:
        return 0
    if u >= 256 * last:
        return density[last]
    i = u >> 8
    return density[i] + (((density[i + 1] - density[i]) * (u % 256)) >> 8)


def uneven_masses(number: int, cell: int, first: int, count: int, coding: Coding) -> list[int]:
    """The masses of the symbols and the escape, codes of different width."""
    edge, density = coding.weights.converter, coding.weights.density
    _, step = low_bits_and_step(number, coding)
    centre, m = class_centre(number, coding.parts), middle(cell, step)
    masses = []
    for q in range(first, first + count):
        if not coding.lowest <= q <= coding.highest:
            masses.append(0)
            continue
        left = 0 if q == coding.lowest else below(edge[q - coding.lowest] - m, centre, density)
        right = below(edge[q - coding.lowest + 1] - m, centre, density)
        if q == coding.highest:
            right = density[-1]
        masses.append(max(1, right - left))
    return with_escape(masses, density)


def even_masses(number: int, cell: int, coding: Coding) -> list[int]:
    """The masses of the symbols and the escape, codes of one width."""
    density = coding.weights.density
    low, step = low_bits_and_step(number, coding)
    centre, m = class_centre(number, coding.parts), middle(cell, step)
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


# Networks: the array


@dataclass(frozen=True)
class Layer:
    """Weights of one output after the other, the rest of a layer."""

    columns: tuple[tuple[int, ...], ...]
    biases: tuple[int, ...]
    activation: int
    shift: int

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return len(self.columns[0])

    @property
    def outputs(self) -> int:
        """How many numbers it gives, before a recurrent layer makes one of four."""
        return len(self.columns)

    def sums(self, x: list[int]) -> list[int]:
        """The outputs before the activation."""
        shift, half = self.shift, (1 << self.shift) >> 1
        return [
            lim((sum(map(mul, column, x)) + (bias << shift) + half) >> shift)
            for column, bias in zip(self.columns, self.biases, strict=True)
        ]

    def of(self, x: list[int]) -> list[int]:
        """The outputs."""
        return [ACTIVATIONS[self.activation](y) for y in self.sums(x)]


@dataclass(frozen=True)
class Network:
    """A network's layers, the numbers of levels and errors that it takes, and what it is for."""

    preset: int
    levels: int
    errors: int
    filter_bank: Layer | None
    recurrent: tuple[Layer, ...]
    projector: tuple[Layer, ...]
    message: Layer | None
    messages_added: bool
    predictor: tuple[Layer, ...]

    @property
    def latent(self) -> int:
        """The size of the latent."""
        return self.projector[-1].outputs if self.projector else self.recurrent[-1].outputs // 4


class Items:
    """The items of an array, one after the other."""

    def __init__(self, items: list[int]):
        self.items = items
        self.position = 0

    def take(self, count: int) -> tuple[int, ...]:
        """The next items."""
        taken = tuple(self.items[self.position : self.position + count])
        if len(taken) < count:
            raise ValueError("the array ends too early")
        self.position += count
        return taken

    def one(self, lowest: int, highest: int) -> int:
        """The next item, which must be in a range."""
        (item,) = self.take(1)
        if not lowest <= item <= highest:
            raise ValueError(f"an item is {item}, not in [{lowest}, {highest}]")
        return item

    def layer(self) -> Layer:
        """The next layer."""
        inputs, outputs = self.one(1, 512), self.one(1, 512)
        activation, shift = self.one(0, 4), self.one(0, 16)
        weights, biases = self.take(inputs * outputs), self.take(outputs)
        columns = tuple(weights[output::outputs] for output in range(outputs))
        for column, bias in zip(columns, biases, strict=True):
            if 16383 * sum(map(abs, column)) + ((abs(bias) + 1) << shift) >= 1 << 31:
                raise ValueError("the weights of a layer are too large")
        return Layer(columns, biases, activation, shift)

    def layers(self, count: int) -> tuple[Layer, ...]:
        """The next layers."""
        return tuple(self.layer() for _ in range(count))


@lru_cache
def load_networks(folder: Path) -> dict[bytes, list[int]]:
    """The arrays of all networks, by their checksums as a file has them."""
    arrays = map(np.load, sorted((folder / "networks").glob("*.npy")))
    return {struct.pack("<I", zlib.crc32(a.astype("<i2").tobytes())): a.tolist() for a in arrays}


@lru_cache
def find_network(folder: Path, checksum: bytes, preset: int) -> Network:
    """The network that a file of this preset names."""
    if checksum not in load_networks(folder):
        raise ValueError("there is no network of this checksum")
    network = parse_network(load_networks(folder)[checksum])
    if network.preset != preset:
        raise ValueError("the network is for another preset")
    return network


def parse_network(array: list[int]) -> Network:
    """The network of an array. Raises ValueError for whatever a reader must refuse."""
    items = Items(array)
    preset = items.one(1, 2)
    kind = items.one(0, 1)
    levels, errors = items.one(1, 256), items.one(0, 256)
    banks, projectors = items.one(0, 1), items.one(0, 8)
    recurrent = items.one(kind, 4 * kind)
    messages, added, predictors = items.one(0, 1), items.one(0, 1), items.one(1, 8)
    network = Network(
        preset,
        levels,
        errors,
        items.layer() if banks else None,
        items.layers(recurrent),
        items.layers(projectors),
        items.layer() if messages else None,
        bool(added),
        items.layers(predictors),
    )
    if items.position != len(array):
        raise ValueError("something stands behind the layers")
    check_fit(network)
    return network


def check_fit(network: Network) -> None:
    """Refuse layers that do not fit each other."""
    given = network.levels
    if network.filter_bank:
        must(network.filter_bank.inputs == given)
        given = network.filter_bank.outputs
    given += network.errors + 7
    for layer in network.recurrent:
        must(layer.outputs % 4 == 0 and layer.activation == 0)
        must(layer.inputs == given + layer.outputs // 4)
        given = layer.outputs // 4
    latent = given = fits(network.projector, given)
    if network.message:
        must(network.message.inputs == 2 * latent + 2)
        must(not network.messages_added or network.message.outputs == latent)
        given += 0 if network.messages_added else network.message.outputs
    must(fits(network.predictor, given) == 2 and network.predictor[-1].activation == 0)


def fits(layers: tuple[Layer, ...], given: int) -> int:
    """What layers in a row give; they must take what they are given."""
    for layer in layers:
        must(layer.inputs == given)
        given = layer.outputs
    return given


def must(fit: bool) -> None:
    """Refuse a network of which something does not hold."""
    if not fit:
        raise ValueError("the layers of a network do not fit")


# Networks: arithmetic


def lim(x: int) -> int:
    """A number between layers, limited."""
    return min(max(x, -16383), 16383)


def logistic_table() -> list[int]:
    """The 2048 items of G."""
    table = [0] * 2048
    power = 4593706758521714574
    for i in range(1024):
        table[1024 + i] = min((1 << 77) // ((1 << 62) + power), 32767)
        table[1023 - i] = 32768 - table[1024 + i]
        power = (power * 4575797593107614194) >> 62
    return table


LOGISTIC = logistic_table()


def logistic(k: int) -> int:
    """G(k)."""
    return LOGISTIC[1024 + min(max(k, -1024), 1023)]


ACTIVATIONS = (
    lambda x: x,
    lambda x: max(x, 0),
    lambda x: (x * logistic(x >> 3)) >> 15,
    lambda x: (logistic(x >> 2) - 16384) >> 4,
    lambda x: logistic(x >> 3) >> 5,
)


class Memory:
    """A recurrent layer's cells and past outputs."""

    def __init__(self, layer: Layer):
        self.layer = layer
        self.size = layer.outputs // 4
        self.cells = [0] * self.size
        self.outputs = [0] * self.size

    def step(self, x: list[int]) -> list[int]:
        """The outputs of the next frame."""
        gates = self.layer.sums(x + self.outputs)
        for i in range(self.size):
            a, f, g, o = gates[i :: self.size]
            new = logistic(a >> 3) * ((2 * logistic(g >> 2) - 32768) >> 3)
            c = (logistic(f >> 3) * self.cells[i] + new) >> 15
            self.cells[i] = c = min(max(c, -32767), 32767)
            self.outputs[i] = (logistic(o >> 3) * (2 * logistic(c >> 4) - 32768)) >> 20
        return list(self.outputs)


# Networks: state, rows from 1 on


def pseudo_logarithm(x: int) -> int:
    """The logarithm of a number in 2^-12 code, in 1/64 octave."""
    x = min(max(x, 512), (1 << 29) - 1)
    octave = x.bit_length() - 1
    return 64 * octave + ((x << 6) >> octave) % 64


def size_of(logarithm: int) -> int:
    """The number in 2^-12 code of which this is the pseudo-logarithm."""
    return ((64 + logarithm % 64) << (logarithm >> 6)) >> 6


class Norm:
    """Differences in 1/32 code, in parts of the expected error."""

    def __init__(self, logarithm: int):
        size = size_of(logarithm)
        self.unit = size >> 7
        self.reciprocal = (1 << 33) // size

    def of(self, d: int) -> int:
        """norm(d)."""
        return (max(-15 * self.unit, min(15 * self.unit, d)) * self.reciprocal) >> 16


@dataclass
class Moment:
    """What a network made of a channel in one frame; nothing in frame 0."""

    norm: Norm | None
    latent: list[int]


class NetworkLane(Lane):
    """A lane whose mean and scale a network corrects."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        super().__init__(channel, coding, start)
        self.network = coding.network
        self.heard = channel.heard
        self.trace = channel.trace
        self.mid = self.slow >> 2
        self.long = self.slow << 3
        self.window: list[int] = []
        self.errors = [0] * self.network.errors
        self.memories = [Memory(layer) for layer in self.network.recurrent]

    def begin(self, first: int) -> None:
        """What is known after row 0."""
        super().begin(first)
        self.window = [fine(first, self.coding)] * self.network.levels
        self.trace.append(Moment(None, []))

    def expected(self, mean: int, scale: int) -> tuple[int, int]:
        """Where the code is expected, and the number of its class."""
        logarithm = pseudo_logarithm(scale)
        corrected, changed = self.corrected(mean, logarithm, Norm(logarithm))
        return corrected, in_table(changed >> 3, self.coding)

    def corrected(self, mean: int, logarithm: int, norm: "Norm") -> tuple[int, int]:
        """mean', and the pseudo-logarithm that the network makes of the scale's."""
        latent = self.latent(mean, logarithm, norm)
        self.trace.append(Moment(norm, latent))
        deviation, stretch = self.predicted(latent)
        beyond = 16384 if self.coding.mixed else 0
        corrected = limited(mean + ((deviation * norm.unit) >> 10), self.coding, beyond)
        return corrected, logarithm + (stretch >> 4)

    def latent(self, mean: int, logarithm: int, norm: Norm) -> list[int]:
        """What filter bank, recurrent layers and projector make of the inputs."""
        x = [norm.of(past - mean) for past in self.window]
        if self.network.filter_bank:
            x = self.network.filter_bank.of(x)
        x += [norm.of(error) for error in self.errors]
        trackers = (self.fast << 4, self.mid << 2, self.slow, self.long >> 3)
        x += [lim((pseudo_logarithm(tracker) - logarithm) << 4) for tracker in trackers]
        offset = norm.of(self.offset())
        x += [lim((logarithm - 917) << 3), lim(mean >> 2), lim(offset)]
        for memory in self.memories:
            x = memory.step(x)
        return through(self.network.projector, x)

    def predicted(self, latent: list[int]) -> list[int]:
        """D and S."""
        x = latent
        if self.network.message:
            region = self.region(latent)
            if self.network.messages_added:
                x = [lim(own + other) for own, other in zip(latent, region, strict=True)]
            else:
                x = latent + region
        return through(self.network.predictor, x)

    def region(self, latent: list[int]) -> list[int]:
        """The mean of the peers' messages."""
        t = len(self.codes)
        total = [0] * self.network.message.outputs
        for peer in self.heard:
            later = peer.trace[t + 5].latent if t + 5 < len(peer.trace) else [0] * len(latent)
            error = peer.trace[t].norm.of(peer.errors[t])
            message = self.network.message.of([*latent, *later, peer.correlation << 3, error])
            total = [a + b for a, b in zip(total, message, strict=True)]
        return [number // max(1, len(self.heard)) for number in total]

    def update(self, newest: int, error: int) -> None:
        """Step 6, with the window and two more trackers."""
        super().update(newest, error)
        self.mid += abs(error) - (self.mid >> 5)
        self.long += abs(error) - (self.long >> 10)
        self.window = [fine(newest, self.coding), *self.window[:-1]]
        self.errors = [error, *self.errors][: self.network.errors]


def through(layers: tuple[Layer, ...], x: list[int]) -> list[int]:
    """What layers in a row make of numbers."""
    for layer in layers:
        x = layer.of(x)
    return x


# Mixing


class Slots:
    """rANS: slots out of words of four bytes."""

    def __init__(self, payload: bytes):
        if len(payload) < 8 or len(payload) % 4:
            raise ValueError("the payload is no state and words")
        (self.x,) = struct.unpack("<Q", payload[:8])
        if not 1 << 31 <= self.x < 1 << 63:
            raise ValueError("the state is out of its range")
        self.words = list(struct.unpack(f"<{len(payload) // 4 - 2}I", payload[8:]))
        self.words.reverse()

    @property
    def slot(self) -> int:
        """The next one; `leave` its interval then."""
        return self.x % (1 << 28)

    def leave(self, start: int, width: int) -> None:
        """Go on behind a code of this interval."""
        self.x = width * (self.x >> 28) + self.slot - start
        if self.x < 1 << 31:
            if not self.words:
                raise ValueError("the payload ends before its last sample")
            self.x = (self.x << 32) + self.words.pop()

    def take(self, count: int) -> int:
        """A number of so many bits."""
        number, width = self.slot >> (28 - count), 1 << (28 - count)
        self.leave(number * width, width)
        return number

    def end(self) -> None:
        """Refuse anything but the state that a writer begins with."""
        if self.words or self.x != 1 << 31:
            raise ValueError("the last sample leaves another state")


class MixedLane(NetworkLane):
    """A lane that learns gains and shares as it goes."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        super().__init__(channel, coding, start)
        self.gains = [0] * 48
        self.remainders = [0] * 16
        self.power = 48 << 20
        self.shares = [32768, 26214, 6554]
        self.past: list[int] = []

    def begin(self, first: int) -> None:
        """What is known after row 0."""
        super().begin(first)
        self.past = [fine(first, self.coding)] * 32

    def next_code(self, bits: Slots) -> int:
        """All steps of a row after the first."""
        coding = self.coding
        mean = predict(self.predictor, self.levels, self.offset(), coding)
        scale = max(self.slow - (self.slow >> 4) + self.fast, 12 * self.fast)
        logarithm = pseudo_logarithm(scale)
        norm = Norm(logarithm)
        corrected, changed = self.corrected(mean, logarithm, norm)
        x = [norm.of(remainder) for remainder in self.remainders]
        x += [norm.of(past - corrected) >> 2 for past in self.past]
        correction = sum(map(mul, self.gains, x)) >> 24
        learnt = limited(corrected + ((correction * norm.unit) >> 10), coding, 16384)
        size = size_of(min(max(changed, 576), 1855))
        densities = [(learnt, size), (corrected, size), (mean, size_of(logarithm))]
        code, masses = self.find(bits, densities)
        newest = level(code, coding)
        exact = fine(newest, coding)
        self.update(newest, exact - mean)
        self.past = [exact, *self.past[:-1]]
        self.move_shares(masses)
        self.remainders = [self.remainder(code, exact - corrected), *self.remainders[:-1]]
        self.power += (sum(map(mul, x, x)) - self.power) >> 8
        error = max(-4096, min(4096, norm.of(self.remainder(code, exact - learnt))))
        g = (error * ((1 << 41) // (self.power + (1 << 14)))) >> 14
        moved = (a + ((g * b + (1 << 13)) >> 14) for a, b in zip(self.gains, x, strict=True))
        self.gains = [max(-(1 << 26), min(1 << 26, gain)) for gain in moved]
        return code

    def remainder(self, code: int, left: int) -> int:
        """What is left of a code; of the last codes only what leads inwards."""
        if code == self.coding.highest:
            return max(left, 0)
        return min(left, 0) if code == self.coding.lowest else left

    def masses_below(self, q: int, densities: list[tuple[int, int]]) -> list[int]:
        """The mass of each density below the edge of a code."""
        coding, density = self.coding, self.coding.weights.density
        if q == coding.lowest:
            return [0, 0, 0]
        if q > coding.highest:
            return [density[-1]] * 3
        edge = coding.weights.converter[q - coding.lowest] if coding.uneven else 256 * q - 128
        last, masses = len(density) - 1, []
        for mean, size in densities:
            u = (((edge - 8 * mean) * ((1 << 41) // size)) >> 24) + 128 * last
            masses.append(below_u(u, density))
        return masses

    def start(self, q: int, masses: list[int]) -> int:
        """Where the interval of a code begins, from the masses below it."""
        lowest, highest = self.coding.lowest, self.coding.highest
        if q > highest:
            return 1 << 28
        n = highest - lowest + 1
        floor = max(1, (1 << 14) // n)
        part = sum(map(mul, self.shares, masses)) >> 12
        return ((part * ((1 << 28) - n * floor)) >> 28) + floor * (q - lowest)

    def find(self, bits: Slots, densities: list[tuple[int, int]]) -> tuple[int, list[int]]:
        """The code whose interval holds the slot, and its mass in every density."""
        low, high = self.coding.lowest, self.coding.highest + 1
        while high - low > 1:
            half = (low + high) // 2
            if self.start(half, self.masses_below(half, densities)) <= bits.slot:
                low = half
            else:
                high = half
        under, over = self.masses_below(low, densities), self.masses_below(high, densities)
        start = self.start(low, under)
        bits.leave(start, self.start(high, over) - start)
        return low, [b - a for a, b in zip(under, over, strict=True)]

    def move_shares(self, masses: list[int]) -> None:
        """Towards the density that had most of the code."""
        parts = [share * (mass + 1) for share, mass in zip(self.shares, masses, strict=True)]
        total = sum(parts)
        for i in (1, 2):
            share = self.shares[i]
            self.shares[i] += (
                (parts[i] << 16) // total - share + ((21845 - share) >> 8)
            ) >> 6
        self.shares[0] = 65536 - self.shares[1] - self.shares[2]
