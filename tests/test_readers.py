"""Stage 1: no byte is lost, and the samples found are the ones the file holds."""

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec.readers.wav import Recording, is_plain, join, locate, plain_header, split
from strategies import (
    ADPCM,
    FLOAT,
    NO_SIZE,
    any_bytes,
    chunk,
    ds64,
    extensible_fmt,
    fmt,
    foreign_wav_files,
    framed_samples,
    info_list,
    multichannel,
    pcm_bytes,
    plain_wav,
    riff,
    wav_files,
)

SHARED = Path(__file__).parents[2] / "shared"

STEREO = np.array([[1, -1], [2, -2], [32767, -32768]], np.int16)
BODY = pcm_bytes(STEREO)


def assert_holds(data: bytes, expected: np.ndarray, rate: int = 19531) -> Recording:
    """`data` splits into exactly these samples and joins again; the recording for more checks."""
    recording = split(data)
    assert recording is not None
    assert recording.samples.dtype == np.dtype("<i2")
    assert recording.samples.shape == expected.shape
    assert recording.samples.flags.c_contiguous
    np.testing.assert_array_equal(recording.samples, expected)
    assert recording.rate == rate
    assert isinstance(recording.head, bytes)
    assert isinstance(recording.tail, bytes)
    assert join(recording) == data
    return recording


def assert_lossless(data: bytes) -> None:
    recording = split(data)
    assert recording is None or join(recording) == data


# Any bytes


@given(st.one_of(wav_files(), any_bytes()))
def test_join_inverts_split(data):
    assert_lossless(data)


@pytest.mark.parametrize(
    "data",
    [
        riff(fmt(2), info_list(), chunk(b"data", BODY), info_list()),
        riff(chunk(b"JUNK", b"odd"), extensible_fmt(2), chunk(b"data", BODY)),
        riff(ds64(len(BODY)), fmt(2), chunk(b"data", BODY, NO_SIZE), info_list(), form=b"RF64"),
    ],
    ids=["list", "extensible", "rf64"],
)
def test_every_truncation_is_lossless(data):
    for length in range(len(data) + 1):
        assert_lossless(data[:length])


def test_truncation_keeps_the_whole_frames_left():
    data = plain_wav(STEREO)
    for length in range(44, len(data)):
        assert_holds(data[:length], STEREO[: (length - 44) // 4])
    for length in range(44):
        assert split(data[:length]) is None


@given(framed_samples())
def test_the_samples_of_a_sound_file_are_found(framed):
    data, expected, rate = framed
    assert_holds(data, expected, rate)


@given(foreign_wav_files())
def test_foreign_files_are_declined(data):
    assert split(data) is None


# One framing after the other

HEAD = riff(fmt(2), chunk(b"data", b"", len(BODY)))
LOOSE = b"\x00trailing"

WHOLE = {
    "plain": (riff(fmt(2), chunk(b"data", BODY)), b""),
    "list before": (riff(fmt(2), info_list(), chunk(b"data", BODY)), b""),
    "list after": (riff(fmt(2), chunk(b"data", BODY), info_list()), info_list()),
    "odd chunk before": (riff(chunk(b"JUNK", b"odd"), fmt(2), chunk(b"data", BODY)), b""),
    "fmt with cbSize": (
        riff(chunk(b"fmt ", fmt(2)[8:] + b"\0\0"), chunk(b"data", BODY)),
        b"",
    ),
    "extensible": (riff(extensible_fmt(2), chunk(b"data", BODY)), b""),
    "extensible, 12 bits": (riff(extensible_fmt(2, valid_bits=12), chunk(b"data", BODY)), b""),
    "riff size 0": (riff(fmt(2), chunk(b"data", BODY), size=0), b""),
    "riff size unknown": (riff(fmt(2), chunk(b"data", BODY), size=NO_SIZE), b""),
    "trailing bytes": (riff(fmt(2), chunk(b"data", BODY)) + LOOSE, LOOSE),
    "half a frame and its pad byte": (riff(fmt(2), chunk(b"data", BODY + b"abc")), b"abc\0"),
    "half a frame, then a list": (
        riff(fmt(2), chunk(b"data", BODY + b"abc"), info_list()),
        b"abc\0" + info_list(),
    ),
    "data size beyond the end": (riff(fmt(2), chunk(b"data", BODY, len(BODY) + 1)), b""),
    "data size unknown": (riff(fmt(2), chunk(b"data", BODY, NO_SIZE), size=NO_SIZE), b""),
    "data size 0": (riff(fmt(2), chunk(b"data", BODY, 0), size=36), b""),
    "data size 0 and half a frame": (riff(fmt(2), chunk(b"data", BODY, 0)) + b"ab", b"ab"),
    "second data chunk": (
        riff(fmt(2), chunk(b"data", BODY), chunk(b"data", BODY)),
        chunk(b"data", BODY),
    ),
    "second fmt": (riff(fmt(2, bits=8), fmt(2), chunk(b"data", BODY)), b""),
    "rf64": (
        riff(ds64(len(BODY)), fmt(2), chunk(b"data", BODY, NO_SIZE), info_list(), form=b"RF64"),
        info_list(),
    ),
    "bw64": (
        riff(ds64(len(BODY)), fmt(2), chunk(b"data", BODY, NO_SIZE), form=b"BW64", size=NO_SIZE),
        b"",
    ),
    "rf64 with a true data size": (
        riff(ds64(0), fmt(2), chunk(b"data", BODY), info_list(), form=b"RF64"),
        info_list(),
    ),
    "rf64 too long": (
        riff(ds64(2**63), fmt(2), chunk(b"data", BODY, NO_SIZE), form=b"RF64"),
        b"",
    ),
    "rf64 still 0": (riff(ds64(0), fmt(2), chunk(b"data", BODY, NO_SIZE), form=b"RF64"), b""),
    "rf64 without ds64": (riff(fmt(2), chunk(b"data", BODY, NO_SIZE), form=b"RF64"), b""),
    "rf64 with a short ds64": (
        # Read beyond its end, the ds64 would make the data 4 bytes long.
        riff(
            chunk(b"ds64", bytes(8)),
            chunk(b"\4\0\0\0", b""),
            fmt(2),
            chunk(b"data", BODY, NO_SIZE),
            form=b"RF64",
        ),
        b"",
    ),
    "ds64 where none belongs": (riff(ds64(4), fmt(2), chunk(b"data", BODY, NO_SIZE)), b""),
}


@pytest.mark.parametrize(("data", "tail"), WHOLE.values(), ids=WHOLE.keys())
def test_framing(data, tail):
    recording = assert_holds(data, STEREO)
    assert recording.tail == tail


@pytest.mark.parametrize("channels", [1, 3, 384, 32767])
def test_any_number_of_channels(channels):
    frames = np.arange(2 * channels).astype(np.int16).reshape(2, channels)
    assert_holds(plain_wav(frames), frames)


@pytest.mark.parametrize(
    "after",
    [
        b"",
        info_list(),
        info_list() + chunk(b"cue ", b"odd"),
        info_list() + chunk(b"cue ", b"odd")[:-1],
    ],
    ids=["nothing", "list", "odd chunk", "odd chunk without pad byte"],
)
def test_an_empty_data_chunk_before_other_chunks_is_empty(after):
    recording = assert_holds(riff(fmt(2), chunk(b"data", b"")) + after, STEREO[:0])
    assert recording.tail == after


@pytest.mark.parametrize("after", [bytes(8), b"LIST\xff\xff\xff\x7f", info_list() + b"loose"])
def test_an_empty_data_chunk_before_anything_else_is_a_stream(after):
    recording = split(riff(fmt(1), chunk(b"data", b"")) + after)
    assert pcm_bytes(recording.samples) + recording.tail == after
    assert len(recording.samples) == len(after) // 2


# Sizes that 32 bits cannot hold


class Sparse:
    """The bytes of a file of any length that has zeros between its beginning and its end."""

    def __init__(self, begin: bytes, size: int, end: bytes = b""):
        self._begin, self._size, self._end = begin, size, end

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        behind = self._size - len(self._end)
        zeros = bytes(max(min(stop, behind) - max(start, len(self._begin)), 0))
        end = self._end[max(start - behind, 0) : max(stop - behind, 0)]
        return self._begin[start:stop] + zeros + end


SIX_GB = 6_000_000_000
TWO_GB_LESS_A_PAGE = 0x7FFFF000  # what SoX writes where it cannot seek


@pytest.mark.parametrize("size", [SIX_GB % (1 << 32), TWO_GB_LESS_A_PAGE, 0])
def test_the_samples_of_a_header_that_cannot_hold_their_size_go_on_to_the_end(size):
    head = riff(fmt(4), chunk(b"data", b"", size))
    place = locate(Sparse(head, len(head) + SIX_GB))
    assert (place.start, place.frames, place.channels) == (len(head), SIX_GB // 8, 4)


def test_rf64_holds_any_size():
    after = info_list()
    head = riff(ds64(SIX_GB), fmt(4), chunk(b"data", b"", NO_SIZE), form=b"RF64")
    place = locate(Sparse(head, len(head) + SIX_GB + len(after), after))
    assert (place.start, place.frames) == (len(head), SIX_GB // 8)


@pytest.mark.parametrize("odd", [0, 1])
def test_a_long_chunk_behind_the_samples_is_none_of_them(odd):
    long = chunk(b"LIST", b"", 3 << 30)
    head = riff(fmt(1), chunk(b"data", BODY + bytes(odd)))
    assert locate(Sparse(head + long, len(head + long) + (3 << 30))).frames == len(BODY) // 2


DECLINED = {
    "nothing": b"",
    "eleven bytes": HEAD[:11],
    "another kind of riff": riff(fmt(2), chunk(b"data", BODY)).replace(b"WAVE", b"AVI "),
    "rifx": riff(fmt(2), chunk(b"data", BODY), form=b"RIFX"),
    "no fmt": riff(chunk(b"data", BODY)),
    "fmt after data": riff(chunk(b"data", BODY), fmt(2)),
    "no data": riff(fmt(2), info_list()),
    "8 bits": riff(fmt(2, bits=8), chunk(b"data", BODY)),
    "12 bits in 16": riff(fmt(2, bits=12, block=4), chunk(b"data", BODY)),
    "24 bits": riff(fmt(2, bits=24), chunk(b"data", BODY)),
    "float": riff(fmt(2, bits=32, tag=FLOAT), chunk(b"data", BODY)),
    "16-bit float": riff(fmt(2, tag=FLOAT), chunk(b"data", BODY)),
    "adpcm": riff(fmt(2, bits=4, tag=ADPCM, block=256), chunk(b"data", BODY)),
    "extensible float": riff(extensible_fmt(2, subtag=FLOAT), chunk(b"data", BODY)),
    "extensible 24 bits": riff(extensible_fmt(2, bits=24), chunk(b"data", BODY)),
    "extensible without its extension": riff(fmt(2, tag=0xFFFE), chunk(b"data", BODY)),
    "no channel": riff(fmt(0), chunk(b"data", BODY)),
    "block align of another width": riff(fmt(2, block=6), chunk(b"data", BODY)),
    "block align that overflows": riff(fmt(32768, block=0), chunk(b"data", BODY)),
    "short fmt": riff(chunk(b"fmt ", fmt(2)[8:22]), chunk(b"data", BODY)),
    "chunk of unknown size before data": riff(
        fmt(2), chunk(b"JUNK", b"", NO_SIZE), chunk(b"data", BODY)
    ),
}


@pytest.mark.parametrize("data", DECLINED.values(), ids=DECLINED.keys())
def test_declined(data):
    assert split(data) is None


# Memory and layout


def test_split_copies_no_samples():
    data = plain_wav(np.arange(1000, dtype=np.int16))
    samples = split(data).samples
    assert np.shares_memory(samples, np.frombuffer(data, np.uint8))
    assert samples.flags.aligned


@given(multichannel())
def test_join_takes_any_byte_order_and_layout(frames):
    expected = plain_wav(frames)
    head = expected[:44]
    for samples in (frames.astype(">i2"), np.asfortranarray(frames), frames[::-1].copy()[::-1]):
        assert join(Recording(head, samples, b"", 19531)) == expected


def test_join_refuses_samples_that_are_not_int16():
    with pytest.raises(TypeError):
        join(Recording(b"", np.zeros((3, 1), np.int32), b"", 0))


# The canonical header


@pytest.mark.parametrize("rate", [1, 19531, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("frames", [0, 1, 999])
def test_plain_header_is_what_the_standard_library_writes(frames, channels, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, rate, frames, "NONE", "not compressed"))
        writer.writeframes(bytes(2 * frames * channels))
    header = plain_header(frames, channels, rate)
    assert len(header) == 44
    assert header + bytes(2 * frames * channels) == file.getvalue()


def test_plain_header_splits():
    data = plain_header(3, 1, 19531) + b"\x01\x00\xff\xff\x00\x80"
    recording = assert_holds(data, np.array([[1], [-1], [-32768]], np.int16))
    assert recording.head == data[:44]
    assert recording.tail == b""
    assert is_plain(recording)


@pytest.mark.parametrize(
    ("frames", "channels", "rate"),
    [
        (-1, 1, 19531),
        (0, 0, 19531),
        (0, -1, 19531),
        (0, 32768, 19531),
        (0, 1, -1),
        (0, 1, 2**31),
        ((2**32 - 36) // 2, 1, 19531),
        (2**32, 1, 19531),
    ],
)
def test_plain_header_refuses_what_it_cannot_hold(frames, channels, rate):
    with pytest.raises(ValueError):
        plain_header(frames, channels, rate)


def test_plain_header_of_the_longest_recording():
    frames = (2**32 - 36) // 2 - 1
    assert plain_header(frames, 1, 19531)[4:8] == b"\xfe\xff\xff\xff"


@given(wav_files())
def test_a_plain_recording_is_header_and_samples(data):
    recording = split(data)
    if recording is not None and is_plain(recording):
        header = plain_header(*recording.samples.shape, recording.rate)
        assert header + pcm_bytes(recording.samples) == data


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (plain_wav(STEREO), True),
        (plain_wav(STEREO[:0]), True),
        (plain_wav(STEREO) + b"\0", False),
        (plain_wav(STEREO)[:-1], False),
        (riff(fmt(2), chunk(b"data", BODY), size=0), False),
        (riff(fmt(2), chunk(b"data", BODY, 0)), False),
        (riff(fmt(2), chunk(b"data", BODY), info_list()), False),
        (riff(extensible_fmt(2), chunk(b"data", BODY)), False),
        # The rate fits its field, but the bytes per second do not fit theirs.
        (plain_wav(STEREO).replace(fmt(2), fmt(2)[:12] + b"\xff" * 4 + fmt(2)[16:]), False),
    ],
)
def test_is_plain(data, plain):
    assert is_plain(split(data)) is plain


# Real recordings, where there are some


def first_recordings() -> list[Path]:
    return sorted((SHARED / "recordings").glob("*.wav"))[:5]


@pytest.mark.skipif(not first_recordings(), reason="no recordings here")
def test_challenge_recordings_are_plain():
    for path in first_recordings():
        data = path.read_bytes()
        expected = np.frombuffer(data, "<i2", offset=44).reshape(-1, 1)
        recording = assert_holds(data, expected)
        assert is_plain(recording)
        assert len(recording.head) == 44


@pytest.mark.parametrize(
    ("name", "frames", "rate", "tail_start"),
    [
        ("starling_A8_1.wav", 265600, 20000, b""),
        ("byb_ratecoding_old.wav", 363630, 10000, b"LIST"),
    ],
)
def test_recordings_of_other_makers(name, frames, rate, tail_start):
    path = SHARED / "arrays" / name
    if not path.exists():
        pytest.skip("no recordings here")
    data = path.read_bytes()
    expected = np.frombuffer(data, "<i2", count=frames, offset=44).reshape(-1, 1)
    recording = assert_holds(data, expected, rate)
    assert is_plain(recording) is (tail_start == b"")
    assert recording.tail[:4] == tail_start


@pytest.mark.parametrize("name", [b"LIST", b"anyx"])
@pytest.mark.parametrize("size", [1, 15, 4001])
def test_a_pad_byte_may_be_forgotten(name, size):
    """Before the samples; the file comes back as it is."""
    samples = np.random.default_rng(size).integers(-9, 9, (300, 2)).astype("<i2")
    data = chunk(b"data", samples.tobytes())
    for pad in (b"", b"\0", b"d"):
        whole = riff(fmt(2), name + struct.pack("<I", size) + b"A" * size + pad, data)
        recording = split(whole)
        assert join(recording) == whole
        np.testing.assert_array_equal(recording.samples, samples)
