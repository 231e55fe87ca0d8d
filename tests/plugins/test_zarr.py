"""Spikey within numcodecs and Zarr: chunks come back, also where nobody imported the package.

Needs the extra `zarr`; the tests of Zarr format 3 need zarr-python 3.1 or newer.
"""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points

import numpy as np
import pytest

numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")

from spikey_codec.arrays import encode_array  # noqa: E402
from spikey_codec.errors import CorruptError, UsageError  # noqa: E402
from spikey_codec.plugins.numcodecs import Spikey  # noqa: E402

IS_3 = int(zarr.__version__.split(".")[0]) >= 3
if IS_3:
    from zarr.codecs import BytesCodec, TransposeCodec

    from spikey_codec.plugins.zarr import SpikeyCodec

needs_3 = pytest.mark.skipif(not IS_3, reason="Zarr format 3 needs zarr-python 3")
installed = pytest.mark.skipif(
    "spikey" not in entry_points(group="numcodecs.codecs").names,
    reason="the package was installed before it had these entry points: install it again",
)
FORMATS = [2, pytest.param(3, marks=needs_3)]
SIZES = [  # shape and chunks
    ((1,), (1,)),
    ((1, 1), (1, 1)),
    ((1000,), (300,)),
    ((1_000_000, 1), (1_000_000, 1)),
    ((5000, 3), (1500, 2)),
    ((1, 384), (1, 384)),
    ((1001, 384), (1000, 384)),
    ((500, 384), (500, 100)),
]


def walk(*shape: int, seed: int = 0) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 40, shape)
    return np.clip(np.cumsum(steps, axis=0), -32768, 32767).astype(np.int16)


def create(store, zarr_format=3, preset="linear", **options):
    """An array of Zarr that is coded by Spikey alone; `shape`, `chunks` and so on."""
    options = {"dtype": "<i2", "fill_value": 0} | options
    if zarr_format == 3:
        return zarr.create_array(
            store, serializer=SpikeyCodec(preset=preset), compressors=None, **options
        )
    if IS_3:
        return zarr.create_array(store, zarr_format=2, compressors=Spikey(preset), **options)
    return zarr.open_array(store, mode="w", compressor=Spikey(preset), **options)


# numcodecs


@pytest.mark.parametrize("shape", [(0,), (1,), (777,), (0, 2), (1, 384), (1000, 3), (200_000, 1)])
def test_buffers_come_back(shape):
    array = walk(*shape)
    packed = Spikey().encode(array)
    assert isinstance(packed, bytes)
    back = Spikey().decode(packed)
    assert back.dtype == "<i2" and np.array_equal(back.reshape(shape), array)
    out = np.empty_like(array)
    assert Spikey().decode(packed, out=out) is out
    assert np.array_equal(out, array)


def test_decoding_fills_buffers_of_any_kind():
    array = walk(100, 3)
    packed = Spikey().encode(array)
    for out in (bytearray(600), np.empty(600, np.uint8), np.empty(300, np.int16)):
        Spikey().decode(packed, out=out)
        assert bytes(out) == array.tobytes()
    with pytest.raises(ValueError):
        Spikey().decode(packed, out=bytearray(602))


def test_fortran_order_comes_back_as_the_same_memory():
    array = np.asfortranarray(walk(100, 3))
    packed = Spikey().encode(array)
    assert Spikey().decode(packed).tobytes(order="A") == array.tobytes(order="A")
    out = np.empty((100, 3), np.int16, order="F")
    assert np.array_equal(Spikey().decode(packed, out), array)


def test_arrays_that_are_not_contiguous_come_back_by_value():
    array = walk(100, 6)[::-1, ::2]
    assert np.array_equal(Spikey().decode(Spikey().encode(array)), array)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_bytes_are_one_lead(make):
    array = walk(500)
    packed = Spikey().encode(make(array.tobytes()))
    assert packed == Spikey().encode(array)
    assert np.array_equal(Spikey().decode(make(packed)).reshape(-1), array)
    with pytest.raises(UsageError, match="2 bytes"):
        Spikey().encode(make(b"odd"))


def test_views_of_memory_keep_their_shape():
    array = walk(500, 4)
    assert Spikey().encode(memoryview(array)) == Spikey().encode(array)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "i8"])
def test_buffers_of_other_dtypes_are_refused(dtype):
    with pytest.raises(UsageError, match=f"int16, not of {np.dtype(dtype)}"):
        Spikey().encode(np.zeros(10, dtype))


def test_buffers_of_big_endian_order_are_refused():
    with pytest.raises(UsageError, match="big-endian"):
        Spikey().encode(walk(10).astype(">i2"))


def test_damage_is_noticed():
    packed = bytearray(Spikey().encode(walk(1000)))
    packed[-9] ^= 1
    with pytest.raises(CorruptError):
        Spikey().decode(packed)


@pytest.mark.parametrize("preset", ["linear", "spikey"])
def test_the_configuration_goes_through_json(preset):
    codec = Spikey(preset=preset)
    config = json.loads(json.dumps(codec.get_config()))
    assert config == {"id": "spikey", "preset": preset}
    assert Spikey.from_config({"preset": preset}) == codec
    numcodecs.register_codec(Spikey)
    assert numcodecs.get_codec(config) == codec
    assert pickle.loads(pickle.dumps(codec)) == codec
    assert np.array_equal(codec.decode(codec.encode(walk(300, 1))), walk(300, 1))


def test_an_unknown_preset_is_refused_at_once():
    with pytest.raises(UsageError, match="linear"):
        Spikey(preset="best")


@installed
def test_numcodecs_finds_the_codec_where_nobody_imports_it(run_python):
    code = (
        "import sys, numcodecs\n"
        "assert not any(name.startswith('spikey_codec') for name in sys.modules)\n"
        "print(numcodecs.get_codec({'id': 'spikey'}))"
    )
    done = run_python(code)
    assert done.stdout.decode().strip() == "Spikey(preset='linear')", done.stderr.decode()


# Zarr


@pytest.mark.parametrize("zarr_format", FORMATS)
@pytest.mark.parametrize("shape, chunks", SIZES)
def test_arrays_come_back(tmp_path, zarr_format, shape, chunks):
    values = walk(*shape)
    create(tmp_path / "a", zarr_format, shape=shape, chunks=chunks)[:] = values
    assert np.array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_slices_come_back(tmp_path, zarr_format):
    values = walk(5000, 7)
    array = create(tmp_path / "a", zarr_format, shape=(5000, 7), chunks=(700, 3))
    array[:] = values
    for key in [np.s_[10:20], np.s_[695:1405, 2:4], np.s_[::999, -1], np.s_[4999, 0], np.s_[5:5]]:
        assert np.array_equal(array[key], values[key])
    values[650:1450, 1] = array[650:1450, 1] = -7
    assert np.array_equal(array[:], values)


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_what_was_never_written_is_the_fill_value(tmp_path, zarr_format):
    array = create(tmp_path / "a", zarr_format, shape=(100, 4), chunks=(30, 4), fill_value=-5)
    array[40:50] = 3
    assert (array[:40] == -5).all() and (array[40:50] == 3).all() and (array[50:] == -5).all()


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_arrays_grow(tmp_path, zarr_format):
    values = walk(250, 4)
    array = create(tmp_path / "a", zarr_format, shape=(0, 4), chunks=(100, 4))
    for start in range(0, 250, 70):
        array.append(values[start : start + 70])
    assert np.array_equal(array[:], values)


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_presets_make_a_difference(tmp_path, zarr_format):
    values = walk(3000, 2)
    array = create(tmp_path / "a", zarr_format, preset="spikey", shape=(3000, 2), chunks=(3000, 2))
    array[:] = values
    again = zarr.open_array(tmp_path / "a", mode="r")
    assert "preset='spikey'" in str(again.metadata if IS_3 else again.compressor)
    assert np.array_equal(again[:], values)


@installed
@pytest.mark.parametrize("zarr_format", FORMATS)
def test_arrays_are_read_where_nobody_imports_the_package(tmp_path, zarr_format, run_python):
    create(tmp_path / "a", zarr_format, shape=(5000, 3), chunks=(1500, 2))[:] = walk(5000, 3)
    np.save(tmp_path / "expected.npy", walk(5000, 3))
    code = (
        "import sys, numpy, zarr\n"
        "array = zarr.open_array(sys.argv[1] + '/a', mode='r+')\n"
        "assert numpy.array_equal(array[:], numpy.load(sys.argv[1] + '/expected.npy'))\n"
        "array[7] = 1\n"
        "assert (array[7] == 1).all()"
    )
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_threads_read_and_write_chunks_side_by_side(tmp_path, zarr_format):
    values = walk(16_000, 4)
    array = create(tmp_path / "a", zarr_format, shape=values.shape, chunks=(1000, 2))
    parts = [slice(start, start + 1000) for start in range(0, 16_000, 1000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: array.__setitem__(part, values[part]), parts))
        back = list(pool.map(array.__getitem__, parts))
    assert np.array_equal(np.concatenate(back), values)


@pytest.mark.parametrize("zarr_format", FORMATS)
@pytest.mark.parametrize("dtype", ["<u2", "<i4", "<f4"])
def test_arrays_of_other_dtypes_are_refused(tmp_path, zarr_format, dtype):
    with pytest.raises(UsageError, match="int16, not of"):
        array = create(tmp_path / "a", zarr_format, shape=(10,), chunks=(10,), dtype=dtype)
        array[:] = 1  # format 2 does not ask the compressor before


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_arrays_of_more_dimensions_are_refused(tmp_path, zarr_format):
    with pytest.raises(UsageError, match="time is the first axis"):
        array = create(tmp_path / "a", zarr_format, shape=(2, 3, 4), chunks=(2, 3, 4))
        array[:] = 1


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_chunks_of_too_many_leads_are_refused(tmp_path, zarr_format):
    with pytest.raises(UsageError, match="32,767"):
        array = create(tmp_path / "a", zarr_format, shape=(2, 40_000), chunks=(2, 40_000))
        array[:] = 1


# Zarr format 2


@pytest.mark.parametrize("shape", [(500, 7), (500, 1), (500,)])
def test_arrays_in_fortran_order_come_back(tmp_path, shape):
    values = walk(*shape)
    array = create(tmp_path / "a", 2, shape=shape, chunks=(200, 3)[: len(shape)], order="F")
    array[:] = values
    assert np.array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)


def test_filters_may_come_before(tmp_path):
    values = walk(500)
    delta = numcodecs.Delta(dtype="<i2")
    array = create(tmp_path / "a", 2, shape=(500,), chunks=(200,), filters=[delta])
    array[:] = values
    assert np.array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)


def test_big_endian_arrays_of_format_2_are_refused(tmp_path):
    array = create(tmp_path / "a", 2, shape=(500,), chunks=(200,), dtype=">i2")
    with pytest.raises(UsageError, match="big-endian"):
        array[:] = 1


# Zarr format 3


@needs_3
def test_the_metadata_go_through_json(tmp_path):
    create(tmp_path / "a", preset="spikey", shape=(10, 2), chunks=(10, 2))
    metadata = json.loads((tmp_path / "a" / "zarr.json").read_text())
    codecs = metadata["codecs"]
    assert codecs == [{"name": "spikey", "configuration": {"preset": "spikey"}}]
    assert SpikeyCodec.from_dict(codecs[0]) == SpikeyCodec(preset="spikey")
    assert SpikeyCodec.from_dict({"name": "spikey"}) == SpikeyCodec()
    assert pickle.loads(pickle.dumps(SpikeyCodec())) == SpikeyCodec()


@needs_3
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "bytes"},
        {"name": "spikey", "configuration": {"level": 3}},
        {"name": "spikey", "configuration": 5},
        {"name": "spikey", "configuration": [["preset"]]},
        {"name": "spikey", "must_understand": False},
    ],
)
def test_other_metadata_are_refused(data):
    with pytest.raises(UsageError, match="not a configuration"):
        SpikeyCodec.from_dict(data)


@needs_3
def test_an_unknown_preset_is_refused_before_there_is_an_array():
    with pytest.raises(UsageError, match="linear"):
        SpikeyCodec(preset="best")


@needs_3
@pytest.mark.parametrize("shards", [None, (8, 2)])
def test_format_3_refuses_other_dtypes_when_the_array_is_created(tmp_path, shards):
    with pytest.raises(UsageError, match="int16, not of uint16"):
        create(tmp_path / "a", shape=(8, 2), chunks=(4, 2), shards=shards, dtype="uint16")


@needs_3
@pytest.mark.parametrize(
    "shape, chunks, shards",
    [
        ((1000,), (100,), (400,)),
        ((5001, 5), (500, 2), (2000, 6)),
        ((300, 384), (100, 384), (300, 384)),
    ],
)
def test_shards_come_back(tmp_path, shape, chunks, shards):
    values = walk(*shape)
    array = create(tmp_path / "a", shape=shape, chunks=chunks, shards=shards)
    array[:] = values
    again = zarr.open_array(tmp_path / "a", mode="r")
    assert np.array_equal(again[:], values)
    assert np.array_equal(again[90:110], values[90:110])


@needs_3
@pytest.mark.parametrize("shape", [(60,), (60, 1), (20, 3), (10, 2)])
def test_a_chunk_of_another_shape_is_damage(tmp_path, shape):
    array = create(tmp_path / "a", shape=(30, 2), chunks=(30, 2))
    array[:] = walk(30, 2)
    (tmp_path / "a" / "c" / "0" / "0").write_bytes(encode_array(walk(*shape)))
    with pytest.raises(CorruptError, match="shape"):
        array[:]


@needs_3
def test_big_endian_arrays_of_format_3_come_back(tmp_path):
    values = walk(500, 2).astype(">i2")
    create(tmp_path / "a", shape=(500, 2), chunks=(200, 2), dtype=">i2")[:] = values
    assert np.array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)


@needs_3
def test_arrays_whose_first_axis_are_leads_are_transposed(tmp_path):
    values = walk(40_000, 3).T
    array = create(
        tmp_path / "a",
        shape=(3, 40_000),
        chunks=(3, 40_000),
        filters=[TransposeCodec(order=(1, 0))],
    )
    array[:] = values
    assert np.array_equal(zarr.open_array(tmp_path / "a", mode="r")[:], values)
    leads = create(tmp_path / "b", shape=(40_000, 3), chunks=(40_000, 3))
    leads[:] = values.T
    assert array.nbytes_stored() - leads.nbytes_stored() < 200  # of metadata


@needs_3
def test_the_codec_of_format_3_is_far_smaller_than_plain_bytes(tmp_path):
    array = create(tmp_path / "a", shape=(20_000, 2), chunks=(20_000, 2))
    array[:] = walk(20_000, 2)
    plain = zarr.create_array(
        tmp_path / "b",
        shape=(20_000, 2),
        chunks=(20_000, 2),
        dtype="int16",
        serializer=BytesCodec(),
        compressors=None,
    )
    plain[:] = array[:]
    assert array.nbytes_stored() < 0.6 * plain.nbytes_stored()
