"""Arrays of int16 come back with the same values, or are refused in one sentence."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given

import spikey_codec
from spikey_codec import arrays, codec
from spikey_codec.arrays import decode_array, encode_array
from spikey_codec.errors import CorruptError, NotBrainwireError, RecordingError, UsageError
from spikey_codec.info import read_info
from strategies import multichannel, plain_wav, samples


def walk(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 40, (frames, channels))
    return np.clip(np.cumsum(steps, axis=0), -32768, 32767).astype(np.int16)


def assert_comes_back(array: np.ndarray) -> np.ndarray:
    back = decode_array(encode_array(array))
    assert back.dtype == np.int16 and back.flags.writeable
    assert back.shape == (array.shape if array.ndim == 2 else (len(array), 1))
    assert np.array_equal(back.reshape(array.shape), array)
    return back


@given(samples())
def test_one_lead_comes_back(array):
    assert_comes_back(np.asarray(array, np.int16))


@given(multichannel())
def test_several_leads_come_back(array):
    assert_comes_back(np.asarray(array, np.int16))


@pytest.mark.long
@pytest.mark.parametrize(
    "shape",
    [
        (0,),
        (1,),
        (1_000_000,),
        (0, 1),
        (0, 7),
        (1, 1),
        (1, 384),
        (3000, 384),
        (2, 32_767),
    ],
)
def test_arrays_of_every_size_come_back(shape):
    assert_comes_back(walk(shape[0], *shape[1:]).reshape(shape))


@pytest.mark.parametrize(
    "layout",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a[::-2, ::3],
        lambda a: a.T[:50],
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: a.astype(">i2"),
        lambda a: np.asfortranarray(a.astype(">i2")),
        lambda a: np.lib.stride_tricks.sliding_window_view(a[:, 0], 9),
        lambda a: np.frombuffer(b"\0" + a.astype("<i2").tobytes(), "<i2", a.size, 1).reshape(
            a.shape
        ),
    ],
)
def test_arrays_of_any_layout_come_back(layout):
    array = layout(walk(300, 40))
    array.flags.writeable = False
    assert_comes_back(array)


def test_the_order_in_memory_comes_back_too():
    for array in (walk(100, 3), np.asfortranarray(walk(100, 3))):
        assert assert_comes_back(array).flags.f_contiguous == array.flags.f_contiguous
    assert assert_comes_back(walk(100, 3)[::2]).flags.c_contiguous


def test_the_order_in_memory_costs_nothing():
    array = walk(3000, 3)
    assert len(encode_array(np.asfortranarray(array))) == len(encode_array(array))


def test_what_is_written_is_the_file_of_a_plain_wav():
    array = walk(1000, 2)
    packed = encode_array(array)
    assert packed == codec.compress(plain_wav(array, rate=arrays.ROWS))
    assert read_info(packed)["channels"] == 2


def test_any_wav_of_16_bits_is_an_array():
    array = walk(1000, 2)
    assert np.array_equal(decode_array(codec.compress(plain_wav(array, rate=19531))), array)


@pytest.mark.parametrize("make", [bytearray, memoryview, lambda b: np.frombuffer(b, np.uint8)])
def test_bytes_may_be_of_any_kind(make):
    assert np.array_equal(decode_array(make(encode_array(walk(100, 2)))), walk(100, 2))


def test_presets_are_passed_on():
    packed = encode_array(walk(2000), preset="spikey")
    assert read_info(packed)["preset"] == "spikey"
    assert np.array_equal(decode_array(packed), walk(2000))
    with pytest.raises(UsageError, match="linear"):
        encode_array(walk(10), preset="best")


def test_the_package_offers_both_directions():
    packed = spikey_codec.encode_array(walk(100, 2), preset="linear")
    assert packed == encode_array(walk(100, 2))
    assert np.array_equal(spikey_codec.decode_array(packed), walk(100, 2))


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4", "i1", "M8[s]", "S2", "V2", "bool", object])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(UsageError, match="int16, not of"):
        encode_array(np.zeros((4, 2), dtype))


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (4, 0), (2, 32_768)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UsageError, match="time"):
        encode_array(np.zeros(shape, np.int16))


def test_more_than_a_wav_can_hold_is_refused():
    with pytest.raises(UsageError, match="4 GiB"):
        encode_array(np.broadcast_to(np.int16(1), (1 << 31,)))


def test_other_bytes_are_refused():
    packed = encode_array(walk(100))
    with pytest.raises(NotBrainwireError):
        decode_array(b"something else")
    with pytest.raises(RecordingError):
        decode_array(codec.compress(b"something else"))
    with pytest.raises(CorruptError):
        decode_array(packed[:-1])


def test_threads_do_not_disturb_each_other():
    leads = [walk(3000 + 100 * i, 1 + i % 3, seed=i) for i in range(24)]
    expected = [encode_array(lead) for lead in leads]
    with ThreadPoolExecutor(8) as pool:
        packed = list(pool.map(encode_array, leads))
        back = list(pool.map(decode_array, packed))
    assert packed == expected
    assert all(map(np.array_equal, back, leads))


def test_the_package_loads_neither_zarr_nor_numcodecs(run_python):
    code = (
        "import sys, spikey_codec, spikey_codec.arrays\n"
        "spikey_codec.decompress(spikey_codec.compress(b'any'))\n"
        "assert not {'zarr', 'numcodecs'} & {name.split('.')[0] for name in sys.modules}"
    )
    assert run_python(code).returncode == 0
