"""One chunk: codes come back, side information is worth its bytes, nonsense is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks import coder_for
from spikey_codec import chunk, weights
from spikey_codec.bitstream.channel_header import (
    CONSTANT,
    OWN_PREDICTOR,
    REFERENCES,
    STORED,
    ChannelHeader,
    read_channel_header,
    write_channel_header,
)
from spikey_codec.bitstream.fields import Reader
from spikey_codec.bitstream.index import chunk_frames
from spikey_codec.coders import interleave
from spikey_codec.coders.linear_huffman import LinearHuffman
from spikey_codec.constants import GREATEST_WEIGHT_SUM as GREATEST_SUM
from spikey_codec.constants import MOST_REFERENCES, ORDER, TAPS, WEIGHT_BITS
from spikey_codec.errors import CorruptError
from spikey_codec.prediction import choose
from spikey_codec.prediction import cross_channel as joint
from spikey_codec.quantizer.mapping import (
    CHALLENGE,
    NONUNIFORM,
    PALETTE,
    PLAIN,
    Mapping,
    code_range,
)
from strategies import multichannel

MAPPINGS = [Mapping(CHALLENGE), Mapping(PLAIN)] + [
    Mapping(PALETTE, np.arange(n, dtype=np.int16)) for n in (2, 3, 1000)
]
MAPPINGS += [
    Mapping(NONUNIFORM, np.arange(n, dtype=np.int16), np.random.default_rng(n).integers(
        60, 150, n, np.uint8
    )) for n in (2, 300, 4096)
]  # fmt: skip
mappings = st.sampled_from(MAPPINGS)


def fitting(samples: np.ndarray, mapping: Mapping) -> np.ndarray:
    """Samples of 16 bits squeezed into the range of a mapping's codes."""
    lowest, highest = code_range(mapping)
    codes = samples.astype(np.int64) * (highest - lowest + 1) >> 16
    return np.clip(codes, lowest, highest).astype(np.int16)


def encoded(codes: np.ndarray, mapping: Mapping) -> bytes:
    return chunk.encode(coder_for(mapping, encoding=True), codes)


def decoded(data: bytes, mapping: Mapping, frames: int, channels: int = 1) -> np.ndarray:
    coder = coder_for(mapping, encoding=False)
    return chunk.decode(coder, memoryview(data), frames, channels)


def assert_comes_back(codes: np.ndarray, mapping: Mapping) -> bytes:
    data = encoded(codes, mapping)
    back = decoded(data, mapping, *codes.shape)
    assert back.dtype == np.int16
    np.testing.assert_array_equal(back, codes)
    return data


def sides_of(data: bytes, channels: int = 1) -> list[ChannelHeader]:
    reader = Reader(data)
    return [read_channel_header(reader) for _ in range(channels)]


def payload_of(data: bytes) -> bytes:
    """The code words of a single coded channel."""
    return data[34 if data[0] == OWN_PREDICTOR else 2 :]


def following(predictor: np.ndarray, n: int, size: float = 4.0) -> np.ndarray:
    """Codes of a lead that this predictor predicts up to white noise; shape (n, 1)."""
    lead = np.random.default_rng(n).normal(0, size, n)
    for t in range(ORDER + 1, n):
        lead[t] += predictor / (1 << WEIGHT_BITS) @ lead[t - 1 : t - 1 - ORDER : -1]
    return np.clip(np.rint(lead), -512, 511).astype(np.int16)[:, None]


UNUSUAL = np.zeros(ORDER, np.int16)  # unlike any electrode
UNUSUAL[[0, 10]] = -4000, 3500


# Round trips


@given(multichannel(), mappings)
def test_codes_come_back(samples, mapping):
    if len(samples):
        assert_comes_back(fitting(samples, mapping), mapping)


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 18, 511, 512, 1023, 1024, 1025, 4096, 4103])
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("mapping", MAPPINGS[:2], ids=["challenge", "plain"])
def test_codes_come_back_at_the_edges_of_runs_and_orders(frames, channels, mapping):
    rng = np.random.default_rng(frames)
    samples = np.cumsum(rng.normal(0, 300, (frames, channels)), axis=0)
    assert_comes_back(fitting(np.clip(samples, -32768, 32767), mapping), mapping)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: f"{m.kind} {np.size(m.values)}")
def test_both_ends_of_the_range_come_back(mapping):
    ends = np.array(code_range(mapping), np.int16)
    codes = ends[np.random.default_rng(0).integers(0, 2, (3000, 1))]
    assert_comes_back(codes, mapping)
    assert_comes_back(np.sort(codes, axis=0), mapping)


@given(multichannel(), mappings)
def test_the_same_codes_give_the_same_bytes_whatever_was_coded_before(samples, mapping):
    if len(samples):
        codes = fitting(samples, mapping)
        lowest, highest = code_range(mapping)
        fresh = LinearHuffman(lowest, highest, chunk.transition_levels(mapping).tobytes(), True)
        assert chunk.encode(fresh, codes) == encoded(codes, mapping)


def test_codes_may_lie_in_memory_in_any_order():
    codes = np.random.default_rng(0).integers(-90, 90, (500, 3)).astype(np.int16)
    assert encoded(np.asfortranarray(codes), MAPPINGS[0]) == encoded(codes, MAPPINGS[0])


# How many frames


@pytest.mark.parametrize(
    ("channels", "frames"),
    [(1, 131_072), (6, 131_072), (7, 112_347), (32, 24_576), (96, 8_192), (384, 8_192)]
    + [(512, 8_192), (513, 8_176), (1024, 4_096), (32_767, 128)],
)
def test_chunks_are_as_long_as_the_format_says(channels, frames):
    assert chunk_frames(channels) == frames


# ChannelHeader information


@st.composite
def sides(draw) -> ChannelHeader:
    number = draw(st.integers(0, 255).filter(lambda number: number != REFERENCES))
    if number == CONSTANT:
        return ChannelHeader(number, constant=draw(st.integers(-32768, 32767)))
    scale = draw(st.integers(0, 255))
    peers = ()
    if number != STORED:
        peers = tuple(draw(st.lists(peers_of_a_channel(), max_size=MOST_REFERENCES)))
    if number != OWN_PREDICTOR:
        return ChannelHeader(number, None, scale, references=peers)
    taps = st.lists(st.integers(-32768, 32767), min_size=ORDER, max_size=ORDER)
    return ChannelHeader(number, np.array(draw(taps), np.int16), scale, references=peers)


@st.composite
def peers_of_a_channel(draw) -> joint.Reference:
    taps = draw(st.lists(st.integers(-128, 127), min_size=TAPS, max_size=TAPS))
    channel, shift = draw(st.integers(0, 32766)), draw(st.integers(0, 24))
    return joint.Reference(channel, shift, draw(st.integers(-128, 127)), np.array(taps, np.int8))


@given(sides(), st.booleans())
def test_side_information_comes_back(side, for_network):
    written = write_channel_header(side, for_network)
    reader = Reader(written)
    read = read_channel_header(reader, for_network)
    assert len(read.references) == len(side.references)
    for got, sent in zip(read.references, side.references):
        expected = (sent.channel, sent.shift, sent.correlation if for_network else 0)
        assert got[:3] == expected and np.array_equal(got.taps, sent.taps)
    assert reader.left == 0
    assert (read.number, read.scale, read.constant) == (side.number, side.scale, side.constant)
    np.testing.assert_array_equal(read.predictor, side.predictor)
    for length in range(len(written)):
        with pytest.raises(CorruptError, match="cut short"):
            read_channel_header(Reader(written[:length]), for_network)


def test_side_information_is_laid_out_as_the_format_says():
    taps = np.arange(1, ORDER + 1, dtype=np.int16)
    assert write_channel_header(ChannelHeader(5, taps, 7)) == b"\x05\x07"
    assert write_channel_header(ChannelHeader(CONSTANT, constant=-2)) == b"\xfe\xfe\xff"
    own = write_channel_header(ChannelHeader(OWN_PREDICTOR, taps, 7))
    assert own == b"\xff" + b"".join(bytes([i, 0]) for i in range(1, 17)) + b"\x07"


@pytest.mark.parametrize("value", [-512, 0, 511])
@pytest.mark.parametrize("frames", [1, 3, 100_000])
def test_a_constant_channel_has_no_code_words(value, frames):
    data = assert_comes_back(np.full((frames, 1), value, np.int16), MAPPINGS[0])
    assert data == write_channel_header(ChannelHeader(CONSTANT, constant=value))


def test_constant_channels_do_not_touch_the_others():
    lead = following(weights.load("linear")[3], 2000)
    still = np.full_like(lead, 7)
    alone = assert_comes_back(lead, MAPPINGS[0])
    between = assert_comes_back(np.hstack([still, lead, still]), MAPPINGS[0])
    constant = write_channel_header(ChannelHeader(CONSTANT, constant=7))
    assert between == constant + alone[:2] + constant + alone[2:]


def test_a_lead_is_coded_with_the_predictor_it_follows():
    codebook = weights.load("linear")
    for number in range(0, len(codebook), 7):
        (side,) = sides_of(encoded(following(codebook[number], 8000), MAPPINGS[0]))
        found = codebook[side.number] if side.number != OWN_PREDICTOR else side.predictor
        assert np.abs(found - codebook[number]).sum() < 3000, number


def test_weights_of_its_own_are_made_for_a_long_unusual_lead(monkeypatch):
    codes = following(UNUSUAL, 20_000)
    data = assert_comes_back(codes, MAPPINGS[1])
    (side,) = sides_of(data)
    assert side.number == OWN_PREDICTOR
    np.testing.assert_allclose(side.predictor, UNUSUAL, atol=300)
    monkeypatch.setattr(choose, "OWN_PREDICTOR_BITS", 10**9)
    assert len(encoded(codes, MAPPINGS[1])) > len(data) + 100


def test_a_short_lead_is_not_worth_weights_of_its_own():
    (side,) = sides_of(assert_comes_back(following(UNUSUAL, 200), MAPPINGS[0]))
    assert side.number < len(weights.load("linear"))


@pytest.mark.parametrize("mapping", MAPPINGS[:2], ids=["challenge", "plain"])
def test_the_scale_to_start_with_is_that_of_the_errors(mapping):
    rows = []
    for size in (2, 4, 8, 16):
        codes = following(UNUSUAL, 20_000, size)
        rows.append(sides_of(encoded(codes, mapping))[0].scale)
    assert np.abs(np.diff(rows) - 4).max() <= 1  # four classes an octave
    coder = coder_for(mapping, encoding=True)
    centre = coder.bins.table[rows[1], -1] / 4096
    assert centre == pytest.approx(4 * 0.8, rel=0.2)


# The payload


@pytest.mark.parametrize("code", [-512, -1, 0, 300, 511])
def test_the_first_code_of_a_lane_is_sent_as_it_is(code):
    rest = np.append(np.full(99, 5), [6]).astype(np.int16)
    codes = np.concatenate([[code], rest])[:, None].astype(np.int16)
    data = assert_comes_back(codes, MAPPINGS[0])
    assert int.from_bytes(payload_of(data)[:2], "big") >> 6 == code + 512


def test_every_lane_begins_with_a_code_as_it_is():
    codes = np.random.default_rng(0).integers(-512, 512, (4100, 1)).astype(np.int16)
    payload = payload_of(assert_comes_back(codes, MAPPINGS[0]))
    bits = int.from_bytes(payload[:10], "big")
    sent = [(bits >> (70 - 10 * i) & 1023) - 512 for i in range(8)]
    assert sent == codes[interleave.starts(4100, 8)[:-1], 0].tolist()


# What is refused

LEAD = following(weights.load("linear")[3], 300)
PAYLOAD = bytes(range(256)) * 9


def assert_refused(data: bytes, match: str, mapping=MAPPINGS[0], frames=300, channels=1):
    with pytest.raises(CorruptError, match=match):
        decoded(data, mapping, frames, channels)


@pytest.mark.parametrize("number", range(64, 252))
def test_predictors_that_are_not_there_are_refused(number):
    assert len(weights.load("linear")) == 64
    assert_refused(bytes([number, 20]) + PAYLOAD, "predictor that does not exist")


def test_a_chunk_that_would_not_get_smaller_is_stored():
    noise = np.random.default_rng(5).integers(-32768, 32768, (700, 2)).astype(np.int16)
    stored = encoded(noise, MAPPINGS[1])
    assert stored == bytes([253]) + noise.astype("<i2").tobytes()
    assert np.array_equal(decoded(stored, MAPPINGS[1], 700, 2), noise)


def test_a_stored_chunk_is_checked():
    codes = np.full((300, 1), 5, "<i2")
    assert_refused(bytes([253]) + codes.tobytes() + b"\0", "does not have its size")
    assert_refused(bytes([253]) + codes.tobytes()[:-1], "does not have its size")
    codes[7] = 512
    assert_refused(bytes([253]) + codes.tobytes(), "outside its range")


@pytest.mark.parametrize(("mapping", "classes"), [(MAPPINGS[0], 40), (MAPPINGS[1], 80)])
def test_scales_that_are_not_there_are_refused(mapping, classes):
    for scale in (classes, 255):
        assert_refused(bytes([3, scale]) + PAYLOAD, "scale that does not exist", mapping)
    predictor = weights.load("linear")[3]
    own = write_channel_header(ChannelHeader(OWN_PREDICTOR, predictor, classes))
    assert_refused(own + PAYLOAD, "scale that does not exist", mapping)


@pytest.mark.parametrize("taps", [[32767, 32767, 2], [-32768, -32768], [32767] * 16, [4096] * 16])
def test_weights_that_sum_too_high_are_refused(taps):
    predictor = np.zeros(ORDER, np.int16)
    predictor[: len(taps)] = taps
    assert np.abs(predictor.astype(int)).sum() >= GREATEST_SUM
    assert_refused(
        write_channel_header(ChannelHeader(OWN_PREDICTOR, predictor, 20)) + PAYLOAD, "too large"
    )


@pytest.mark.parametrize("taps", [[32767, 32767, 1], [-32768, -32767]])
@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: f"{m.kind} {np.size(m.values)}")
def test_the_largest_weights_are_no_danger(taps, mapping):
    predictor = np.zeros(ORDER, np.int16)
    predictor[: len(taps)] = taps
    data = write_channel_header(ChannelHeader(OWN_PREDICTOR, predictor, 20)) + PAYLOAD
    with pytest.raises(CorruptError, match="after its last|cut short|outside its range"):
        decoded(data, mapping, 300, 1)


@pytest.mark.parametrize(
    ("constant", "mapping"),
    [(-513, MAPPINGS[0]), (512, MAPPINGS[0]), (-2, MAPPINGS[3]), (2, MAPPINGS[3])],
)
def test_constants_outside_the_range_are_refused(constant, mapping):
    assert_refused(
        write_channel_header(ChannelHeader(CONSTANT, constant=constant)),
        "outside its range",
        mapping,
    )


def test_code_words_of_constant_channels_are_refused():
    assert_refused(write_channel_header(ChannelHeader(CONSTANT)) + b"\0", "after its last sample")


def test_a_code_outside_the_range_is_refused():
    assert decoded(b"\0\0\x80", MAPPINGS[3], 1).tolist() == [[1]]
    assert_refused(b"\0\0\xc0", "outside its range", MAPPINGS[3], frames=1)


def test_every_truncation_of_a_chunk_is_refused():
    data = encoded(LEAD, MAPPINGS[0])
    np.testing.assert_array_equal(decoded(data, MAPPINGS[0], 300), LEAD)
    for length in range(len(data)):
        assert_refused(data[:length], "cut short|can hold")


def test_more_code_words_than_bits_are_refused_before_they_are_read():
    assert_refused(b"\0\0" + bytes(3), "promises more", frames=25)
    assert_refused(b"\0\0" + bytes(3), "cut short", frames=24)


def test_bytes_after_the_last_sample_are_refused():
    data = encoded(LEAD, MAPPINGS[0])
    for more in (b"\0", b"\1", bytes(100)):
        assert_refused(data + more, "after its last sample")


def test_unused_bits_of_the_last_byte_are_zero():
    """A single code of 10 bits leaves 6 unused ones."""
    data = b"\0\0" + (700 << 6).to_bytes(2, "big")
    assert decoded(data, MAPPINGS[0], 1).tolist() == [[700 - 512]]
    for bit in range(6):
        assert_refused(data[:-1] + bytes([data[-1] | 1 << bit]), "after its last", frames=1)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 400), st.integers(1, 3), mappings)
def test_garbage_gives_codes_in_range_or_is_refused(garbage, frames, channels, mapping):
    head = b"".join(
        write_channel_header(ChannelHeader(5 * i, None, 9 * i)) for i in range(channels)
    )
    try:
        codes = decoded(head + garbage, mapping, frames, channels)
    except CorruptError:
        return
    lowest, highest = code_range(mapping)
    assert codes.shape == (frames, channels)
    assert lowest <= codes.min() and codes.max() <= highest


@given(st.binary(max_size=100), st.integers(1, 50), st.integers(1, 3), mappings)
def test_any_bytes_are_codes_or_refused(data, frames, channels, mapping):
    try:
        codes = decoded(data, mapping, frames, channels)
    except CorruptError:
        return
    assert codes.shape == (frames, channels)
