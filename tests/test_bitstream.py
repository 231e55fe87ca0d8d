"""Stage 5: headers come back as they were written, and what no writer wrote is refused."""

import bz2
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec import codec, constants, weights
from spikey_codec.bitstream import header as container
from spikey_codec.bitstream.fields import Reader, write_varint
from spikey_codec.bitstream.header import Header, read_header, write_header
from spikey_codec.errors import CorruptError, NotBrainwireError, VersionError
from spikey_codec.info import read_info
from spikey_codec.lab.simulate import codes_to_pcm
from spikey_codec.quantizer.mapping import (
    CHALLENGE,
    NONUNIFORM,
    PALETTE,
    PLAIN,
    Mapping,
    challenge_pcm,
)
from spikey_codec.readers.wav import plain_header
from strategies import plain_wav

CHECKSUM = bytes(4)
OTHER = 2 << 4  # kinds of framing "other" with the challenge's mapping
STORED_NOTHING = b"\0\0"


def file(kinds: int, *fields: bytes, version: int = 1) -> bytes:
    """The bytes of a file, field by field."""
    return b"SPK" + bytes([version, kinds]) + CHECKSUM + b"".join(fields)


def varints(*numbers: int) -> bytes:
    return b"".join(map(write_varint, numbers))


# Varints


@given(st.integers(0, 2**63 - 1))
def test_varints_come_back(number):
    written = write_varint(number)
    reader = Reader(written + b"\xff")
    assert reader.varint() == number
    assert reader.left == 1
    assert len(written) == max(1, -(-number.bit_length() // 7))


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**63 - 1, "ff" * 8 + "7f")],
)
def test_varints_have_seven_bits_a_byte_lowest_first(number, written):
    assert write_varint(number).hex() == written
    assert Reader(bytes.fromhex(written)).varint() == number


@pytest.mark.parametrize("written", ["8000", "ff00", "808000", "80" * 8 + "00"])
def test_varints_longer_than_need_be_are_refused(written):
    with pytest.raises(CorruptError, match="longer than"):
        Reader(bytes.fromhex(written)).varint()


@pytest.mark.parametrize("written", ["80" * 9 + "01", "ff" * 9 + "7f", "ff" * 100])
def test_varints_of_ten_bytes_are_refused(written):
    with pytest.raises(CorruptError, match="too long"):
        Reader(bytes.fromhex(written)).varint()


@pytest.mark.parametrize("written", ["", "80", "ffff"])
def test_varints_cut_short_are_refused(written):
    with pytest.raises(CorruptError, match="cut short"):
        Reader(bytes.fromhex(written)).varint()


# Headers


@st.composite
def mappings(draw) -> Mapping:
    kind = draw(st.sampled_from([CHALLENGE, PLAIN, PALETTE, NONUNIFORM]))
    if kind in (CHALLENGE, PLAIN):
        return Mapping(kind)
    values = draw(st.sets(st.integers(-32768, 32767), min_size=2, max_size=300))
    widths = draw(st.binary(min_size=len(values), max_size=len(values)))
    if kind == PALETTE:
        return Mapping(kind, np.array(sorted(values), np.int16))
    few = np.frombuffer(widths, np.uint8) % 180  # 300 of them are not too wide
    return Mapping(kind, np.array(sorted(values), np.int16), few)


@st.composite
def headers(draw) -> Header:
    """Headers of all framings and mappings."""
    checksum = draw(st.integers(0, 2**32 - 1))
    content = st.one_of(st.binary(max_size=200), st.binary(max_size=9).map(lambda b: b * 99))
    if draw(st.integers(0, 3)) == 0:
        return Header(0, checksum, head=draw(content), opaque=True)
    if draw(st.booleans()):
        shape = draw(st.integers(0, 2**40)), draw(st.integers(1, 32767))
        head, rate = draw(content), draw(st.integers(0, 2**32 - 1))
    else:
        shape = draw(st.integers(0, 30_000)), draw(st.sampled_from([1, 2, 32767]))
        rate = draw(st.sampled_from([19531, 1, 30000]))
        head = plain_header(*shape, rate)
    tail = draw(st.one_of(st.just(b""), content))
    return Header(0, checksum, *shape, rate, head, tail, mapping=draw(mappings()))


def assert_same(header: Header, other: Header):
    for name in ("preset", "checksum", "frames", "channels", "rate", "head", "tail", "opaque"):
        assert getattr(header, name) == getattr(other, name), name
    assert header.mapping.kind == other.mapping.kind
    np.testing.assert_array_equal(header.mapping.values, other.mapping.values)


@given(headers(), st.binary(max_size=5))
def test_headers_come_back_and_chunks_follow(header, chunks):
    read, reader = read_header(write_header(header) + chunks)
    assert_same(read, header)
    assert bytes(reader.take(reader.left)) == chunks


FEW = Mapping(PALETTE, np.array([-32768, -5, 0, 32767], np.int16))
MANY = Mapping(PALETTE, np.arange(-4000, 4000, 16, dtype=np.int16))
HEADERS = {
    "challenge": Header(0, 1, 98_600, 1, 19531, plain_header(98_600, 1, 19531)),
    "plain": Header(0, 2, 300, 2, 30000, plain_header(300, 2, 30000), mapping=Mapping(PLAIN)),
    "other": Header(0, 3, 300, 2, 30000, b"head", b"tail", mapping=FEW),
    "packed": Header(0, 4, 300, 2, 30000, b"head" * 99, b"tail" * 99, mapping=MANY),
    "opaque": Header(0, 5, head=b"content", opaque=True),
    "opaque, packed": Header(0, 5, head=b"content" * 99, opaque=True),
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_every_truncation_of_a_header_is_refused(header):
    written = write_header(header)
    assert_same(read_header(written)[0], header)
    for length in range(len(written)):
        with pytest.raises(NotBrainwireError if length < 3 else CorruptError):
            read_header(written[:length])


@pytest.mark.parametrize(("name", "size"), [("challenge", 12), ("plain", 9 + 2 + 1 + 3)])
def test_plain_headers_are_not_written_down(name, size):
    assert len(write_header(HEADERS[name])) == size


def test_a_long_head_is_packed():
    assert len(write_header(HEADERS["packed"])) < 250


# What is refused


@pytest.mark.parametrize("data", [b"", b"S", b"RIFF", b"spk\1", b"\0SPK\1"])
def test_another_magic_is_another_file(data):
    with pytest.raises(NotBrainwireError):
        read_header(data)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_other_versions_are_refused(version):
    with pytest.raises(VersionError, match=f"has format version {version}, "):
        read_header(file(0, b"\0", version=version))


def test_a_network_that_is_not_there_is_refused():
    data = bytearray(file(1, b"\1\2\3\4" + varints(0)))
    for read in (codec.decompress, read_info):
        with pytest.raises(VersionError, match="needs the network 04030201"):
            read(bytes(data))


@pytest.mark.parametrize("preset", range(3, 16))
def test_reserved_presets_are_refused(preset):
    data = file(preset, varints(0))
    for read in (codec.decompress, read_info):
        with pytest.raises(VersionError, match=f"preset number {preset}"):
            read(data)


REFUSED = {
    "a width too few": file(3 << 6, varints(1), b"\0\0", b"\0\2\0\0", b"\0\1\0"),
    "a width too many": file(3 << 6, varints(1), b"\0\0", b"\0\2\0\0", b"\0\3\0\0\0"),
    "widths of one value": file(3 << 6, varints(1), b"\0\0", b"\0\0", b"\0\1\0"),
    "codes too wide": file(
        3 << 6, varints(1), b"\0\0", b"\0\x50" + bytes(80), b"\0\x29" + b"\xff" * 41
    ),
    "opaque with a mapping": file(3 << 4 | 1 << 6, STORED_NOTHING),
    "packed by method 2": file(3 << 4, b"\2\0"),
    "packed by method 255": file(3 << 4, b"\xff\0"),
    "no channel": file(OTHER, varints(1, 0, 19531), STORED_NOTHING, STORED_NOTHING),
    "32768 channels": file(OTHER, varints(1, 32768, 19531), STORED_NOTHING, STORED_NOTHING),
    "no channel, plain": file(1 << 4, varints(1, 0, 19531)),
    "4 GiB of samples in a plain header": file(0, varints(2**31)),
    "a rate of 33 bits in a plain header": file(1 << 4, varints(1, 1, 2**32)),
    "values beyond 16 bits": file(2 << 6, varints(1), b"\xff\x7f", b"\0\2\0\0"),
    "half a gap": file(2 << 6, varints(1), b"\0\0", b"\0\3\0\0\0"),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_reserved_and_impossible_fields_are_refused(data):
    with pytest.raises(CorruptError, match="is damaged"):
        read_header(data)


PACKED = bz2.compress(b"a" * 100)
BADLY_PACKED = {
    "promises less": varints(99, len(PACKED)) + PACKED,
    "promises more": varints(101, len(PACKED)) + PACKED,
    "no bzip2": varints(3, 3) + b"abc",
    "nothing": varints(0, 0),
    "two streams": varints(200, 2 * len(PACKED)) + 2 * PACKED,
    "bytes behind the stream": varints(100, len(PACKED) + 1) + PACKED + b"\0",
    "an unfinished stream": varints(100, len(PACKED) - 1) + PACKED[:-1],
    "a stream with a flipped bit": varints(100, len(PACKED)) + PACKED[:20] + b"?" + PACKED[21:],
}


@pytest.mark.parametrize("packed", BADLY_PACKED.values(), ids=BADLY_PACKED.keys())
def test_packed_bytes_must_be_one_stream_of_their_size(packed):
    assert read_header(file(3 << 4, b"\1", varints(100, len(PACKED)), PACKED))[0].head == b"a" * 100
    with pytest.raises(CorruptError, match="part of it"):
        read_header(file(3 << 4, b"\1", packed))


TERABYTE = 1 << 40
BOMB = bz2.compress(bytes(10_000))
PROMISES = {
    "stored": file(3 << 4, b"\0", varints(TERABYTE), b"abc"),
    "bzip2": file(3 << 4, b"\1", varints(TERABYTE, len(BOMB)), BOMB),
    "bzip2, packed": file(3 << 4, b"\1", varints(100, TERABYTE), BOMB),
    "largest varint": file(3 << 4, b"\1", varints(2**63 - 1, len(BOMB)), BOMB),
    "frames": file(OTHER, varints(TERABYTE, 1, 19531), 2 * STORED_NOTHING, b"\x02\0\x20"),
    "frames, last chunk": file(0, varints(2**31 - 99), bytes(40)),
    "frames and channels": file(OTHER, varints(TERABYTE, 32767, 1), 2 * STORED_NOTHING, bytes(99)),
    "chunk": file(OTHER, varints(TERABYTE, 1, 1), 2 * STORED_NOTHING, varints(TERABYTE), b"ab"),
    "chunk of few bytes": file(0, varints(131_072), bytes(99)),
}


@pytest.mark.parametrize("data", PROMISES.values(), ids=PROMISES.keys())
def test_promises_beyond_the_files_size_are_refused_at_once(data):
    codec.decompress(codec.compress(plain_wav(challenge_pcm())))  # makes the coder's tables
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(CorruptError):
            codec.decompress(data)
        taken = time.process_time() - start
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert taken < 5


# What a file costs beside its code words


def test_a_challenge_recording_has_at_most_16_bytes_beside_its_code_words():
    """The lead follows a predictor of the codebook, so that it needs no weights of its own."""
    taps = weights.load("linear")[0] / (1 << constants.WEIGHT_BITS)
    lead = np.random.default_rng(0).normal(0, 4, 98_600)
    for t in range(constants.ORDER + 1, len(lead)):
        lead[t] += taps @ lead[t - 1 : t - 1 - constants.ORDER : -1]
    codes = np.clip(np.rint(lead), -512, 511).astype(np.int16)
    info = read_info(codec.compress(plain_wav(codes_to_pcm(codes))))
    assert info["header bytes"] + info["side information bytes"] <= 16
    assert info["payload bytes"] > 10_000


def test_own_weights_are_the_only_other_cost_of_a_recording(recordings):
    for data in recordings:
        info = read_info(codec.compress(data))
        own = 32 * info["predictors"].get("own", 0)
        assert info["header bytes"] + info["side information bytes"] - own <= 16


def test_info_names_the_parts_of_the_file(recordings):
    data = recordings[0]
    packed = codec.compress(data)
    info = read_info(packed)
    assert info["file bytes"] == len(packed)
    assert info["original bytes"] == len(data)
    assert info["header bytes"] == len(write_header(container.read_header(packed)[0]))
    parts = ("header bytes", "side information bytes", "payload bytes")
    assert sum(info[part] for part in parts) == len(packed)
    assert info["bits per sample"] == 8 * len(packed) / ((len(data) - 44) // 2)
