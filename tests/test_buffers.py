"""Buffers of any items are taken as their bytes; what is no buffer is refused in one sentence."""

import array
import ctypes
import datetime
import io
import mmap
import pathlib
import re

import numpy as np
import pytest

import spikey_codec
from spikey_codec.archive import Archive, pack
from spikey_codec.errors import UsageError
from spikey_codec.stream import StreamDecoder, StreamEncoder
from strategies import plain_wav

SAMPLES = np.random.default_rng(0).normal(0, 30, (300, 4)).astype("<i2")
DATA = plain_wav(SAMPLES)  # 2,444 bytes: items of 1, 2 and 4 bytes fill them


def mapped(data: bytes) -> mmap.mmap:
    found = mmap.mmap(-1, len(data))
    found.write(data)
    return found


def shaped(data: bytes) -> memoryview:
    return memoryview(data).cast("B", (4, len(data) // 4))


AS = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "memoryview of characters": lambda data: memoryview(data).cast("c"),
    "memoryview of two dimensions": shaped,
    "mmap": mapped,
    "ctypes": lambda data: (ctypes.c_char * len(data)).from_buffer_copy(data),
    "BytesIO's buffer": lambda data: io.BytesIO(data).getbuffer(),
    "array of bytes": lambda data: array.array("b", data),
}
# As above, for what has a multiple of four bytes.
OF_ITEMS = {
    **{f"array of {code}": lambda data, code=code: array.array(code, data) for code in "hHiIf"},
    "memoryview of int16": lambda data: memoryview(data).cast("h"),
    **{
        f"NumPy's {dtype}": lambda data, dtype=dtype: np.frombuffer(data, dtype)
        for dtype in ("i1", "<i2", ">i2", "<f2", "<f4", "?", "S2", "V4", "<i2,<i2")
    },
    "NumPy of two dimensions": lambda data: np.frombuffer(data, "<i2").reshape(-1, 2),
    "ctypes of int32": lambda data: (ctypes.c_int32 * (len(data) // 4)).from_buffer_copy(data),
}
EVERYTHING = AS | OF_ITEMS


def padded(packed: bytes, make) -> bytes:
    """Something packed, such that its size is a multiple of four bytes."""
    while len(found := packed(make)) % 4:
        make += b"\0"
    return found


PACKED = padded(spikey_codec.compress, DATA)
ORIGINAL = spikey_codec.decompress(PACKED)


@pytest.mark.parametrize("make", EVERYTHING.values(), ids=EVERYTHING)
def test_the_bytes_of_any_buffer_are_compressed(make):
    assert spikey_codec.compress(make(DATA)) == spikey_codec.compress(DATA)


@pytest.mark.parametrize("make", EVERYTHING.values(), ids=EVERYTHING)
def test_the_bytes_of_any_buffer_are_decompressed(make):
    given = make(PACKED)
    assert spikey_codec.decompress(given) == ORIGINAL
    assert np.array_equal(spikey_codec.decode_array(given), SAMPLES)
    with spikey_codec.open(given) as found:
        assert np.array_equal(found[10:20], SAMPLES[10:20])


@pytest.mark.parametrize("make", EVERYTHING.values(), ids=EVERYTHING)
def test_the_bytes_of_any_buffer_are_archived(make):
    packed = pack([("a.wav", make(DATA)), ("other", make(b"abcd"))])
    assert packed == pack([("a.wav", DATA), ("other", b"abcd")])
    packed = padded(lambda data: pack([("a", data)]), DATA)
    assert Archive(make(packed)).read("a")[: len(DATA)] == DATA


@pytest.mark.parametrize("make", EVERYTHING.values(), ids=EVERYTHING)
def test_the_bytes_of_any_buffer_are_received(make):
    encoder, decoder = StreamEncoder(4), StreamDecoder()
    packet = encoder.push(SAMPLES)
    whole = len(packet) // 4 * 4
    blocks = [*decoder.blocks(make(packet[:whole])), *decoder.blocks(packet[whole:])]
    assert [(first, samples.tobytes()) for first, samples in blocks] == [(0, SAMPLES.tobytes())]


@pytest.mark.parametrize("data", [np.zeros((0, 3), "i2"), np.zeros((3, 0)), array.array("h"), b""])
def test_an_empty_buffer_is_no_bytes(data):
    assert spikey_codec.compress(data) == spikey_codec.compress(b"")


NO_BUFFERS = "text", None, 5, 2.5, [1, 2], {}, object(), datetime.date(1, 1, 1), io.BytesIO(b"")
REFUSED = [
    *NO_BUFFERS,
    np.array(["a", None], object),
    np.array([5], "datetime64[s]"),
    np.zeros((6, 4), "i2")[::2],
    np.zeros((6, 4), "i2").T,
    memoryview(b"abcdef")[::2],
]


@pytest.mark.parametrize(
    "function",
    [
        spikey_codec.compress, spikey_codec.decompress, spikey_codec.decode_array,
        lambda data: pack([("a", data)]),
        lambda data: StreamDecoder().push(data),
    ],
    ids=["compress", "decompress", "decode_array", "pack", "push"],
)  # fmt: skip
@pytest.mark.parametrize("data", REFUSED, ids=lambda data: type(data).__name__)
def test_anything_else_is_refused_in_one_sentence(function, data):
    with pytest.raises(UsageError, match=r"^[A-Za-z][^.\n]*\.$"):
        function(data)


def test_an_array_with_gaps_is_led_to_encode_array():
    with pytest.raises(UsageError, match="encode_array"):
        spikey_codec.compress(SAMPLES[:, 1:])
    with pytest.raises(UsageError, match="encode_array"):
        spikey_codec.compress(SAMPLES.T)


@pytest.mark.parametrize("data", [None, 5, [1, 2], object(), np.array([None]), SAMPLES[::2]])
@pytest.mark.parametrize("function", [spikey_codec.open, Archive])
def test_what_cannot_be_read_from_is_refused_in_one_sentence(function, data):
    with pytest.raises(UsageError, match=r"\.$"):
        function(data)


@pytest.mark.parametrize("function", [spikey_codec.open, Archive])
def test_files_that_give_no_bytes_are_refused_in_one_sentence(function, tmp_path):
    (tmp_path / "a").write_bytes(PACKED)
    with open(tmp_path / "a", encoding="latin-1") as text:
        for file in (text, io.StringIO("text")):
            with pytest.raises(UsageError, match="'rb'"):
                function(file)
    with pytest.raises(UsageError, match="name of a file"):
        function("a\0b")
    with pytest.raises(FileNotFoundError):
        function(pathlib.Path("missing"))


@pytest.mark.parametrize("data", ["text", None, [[1], [1, 2]], {}, object(), [1.5]])
def test_what_is_no_array_of_samples_is_refused_in_one_sentence(data):
    with pytest.raises(UsageError, match="int16"):
        spikey_codec.encode_array(data)


@pytest.mark.parametrize("make", EVERYTHING.values(), ids=EVERYTHING)
def test_the_codec_of_numcodecs_takes_any_buffer(make):
    spikey = pytest.importorskip("spikey_codec.plugins.numcodecs").Spikey()
    given = make(SAMPLES.tobytes())
    if isinstance(given, np.ndarray) and given.dtype != np.int16:
        with pytest.raises(UsageError, match="int16"):
            spikey.encode(given)
    else:
        assert spikey.decode(spikey.encode(given)).tobytes() == SAMPLES.tobytes()
    assert spikey.decode(make(PACKED)).tobytes() == SAMPLES.tobytes()


@pytest.mark.parametrize("data", [*NO_BUFFERS, b"abc"], ids=lambda data: type(data).__name__)
def test_the_codec_of_numcodecs_refuses_anything_else_in_one_sentence(data):
    spikey = pytest.importorskip("spikey_codec.plugins.numcodecs").Spikey()
    with pytest.raises(UsageError, match=re.compile(r"^[^\n]*\.$")):
        spikey.encode(data)
    if data != b"abc":
        with pytest.raises(UsageError, match=r"\.$"):
            spikey.decode(data)
        with pytest.raises(UsageError, match="`out`"):
            spikey.decode(PACKED, out=5)
