"""The shipped arrays are those that the manifest lists, and nothing else is taken for them."""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spikey_codec import weights
from spikey_codec.errors import WeightsError

NAMES = ("converter", "density", "linear")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the shipped weights that is used in their place."""
    shutil.copytree(weights.folder(), tmp_path / "weights")
    monkeypatch.setattr(weights, "FOLDERS", (tmp_path / "weights",))
    for cached in (weights.folder, weights.load):
        cached.cache_clear()
    yield tmp_path / "weights"
    monkeypatch.undo()
    for cached in (weights.folder, weights.load):
        cached.cache_clear()


def assert_refused(match: str, name: str = "linear"):
    """Loading fails with one sentence; `match` is a part of it."""
    with pytest.raises(WeightsError, match=match) as caught:
        weights.load(name)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


# What is shipped


def test_the_manifest_lists_all_arrays_with_their_checksums():
    folder = Path(weights.folder())
    listed = json.loads((folder / weights.MANIFEST).read_text("utf-8"))["arrays"]
    assert sorted(listed) == sorted(path.stem for path in folder.glob("*.npy")) == sorted(NAMES)
    for name, entry in listed.items():
        assert entry["crc32"] == f"{zlib.crc32((folder / f'{name}.npy').read_bytes()):08x}"


@pytest.mark.parametrize("name", NAMES)
def test_arrays_are_integers_that_nobody_can_change(name):
    array = weights.load(name)
    manifest = Path(weights.folder()) / weights.MANIFEST
    listed = json.loads(manifest.read_text("utf-8"))["arrays"][name]
    assert np.issubdtype(array.dtype, np.integer)
    assert (str(array.dtype), list(array.shape)) == (listed["dtype"], listed["shape"])
    assert weights.load(name) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


@pytest.mark.parametrize("name", NAMES)
def test_arrays_say_how_they_were_made(name):
    manifest = Path(weights.folder()) / weights.MANIFEST
    listed = json.loads(manifest.read_text("utf-8"))["arrays"][name]
    assert listed["made_by"].startswith(f"spikey fit {name}")
    assert len(listed["recordings_sha256"]) == 64


def test_weights_are_data_without_code():
    paths = [path for path in Path(weights.folder()).rglob("*") if path.is_file()]
    for path in paths:
        if path.suffix == ".npy":
            assert np.load(path, allow_pickle=False).dtype.kind == "i"
    assert {path.suffix for path in paths} <= {".npy", ".json", ".md"}


# What is refused


def test_the_copied_folder_is_as_good(copied):
    for name in NAMES:
        np.testing.assert_array_equal(weights.load(name), np.load(copied / f"{name}.npy"))


@pytest.mark.parametrize("at", [0, 10, 100, -1])
def test_a_damaged_array_is_refused(copied, at):
    content = bytearray((copied / "linear.npy").read_bytes())
    content[at] ^= 1
    (copied / "linear.npy").write_bytes(content)
    assert_refused("linear.npy are damaged")
    assert weights.load("density").size  # the others are still good


@pytest.mark.parametrize("size", [0, 100, -1])
def test_an_array_cut_short_is_refused(copied, size):
    content = (copied / "linear.npy").read_bytes()
    (copied / "linear.npy").write_bytes(content[:size])
    assert_refused("linear.npy are damaged")


def test_a_missing_array_is_refused(copied):
    (copied / "linear.npy").unlink()
    assert_refused("linear.npy cannot be read: No such file")


def test_an_array_that_is_not_listed_is_refused(copied):
    np.save(copied / "extra.npy", np.arange(3))
    assert_refused("'extra' are not listed", "extra")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"arrays": []}',
        '{"arrays": {"linear": {"md5": ""}}}',
        "\x00",
        "null",
        pytest.param("[" * 9999, id="nested too deeply"),
    ],
)
def test_an_unreadable_manifest_is_refused(copied, content):
    (copied / weights.MANIFEST).write_text(content, "utf-8")
    assert_refused("list of weights .* cannot be read")


def test_a_manifest_that_is_no_text_is_refused(copied):
    (copied / weights.MANIFEST).write_bytes(b"\xff\xfe{}")
    assert_refused("list of weights .* cannot be read")


def test_a_missing_folder_is_refused(copied):
    shutil.rmtree(copied)
    assert_refused("weights are missing")


def test_a_pickled_array_is_not_unpickled(copied):
    """Not even where the manifest lists it."""
    path = copied / "linear.npy"
    np.save(path, np.array([{"any": "object"}], object), allow_pickle=True)
    manifest = json.loads((copied / weights.MANIFEST).read_text("utf-8"))
    manifest["arrays"]["linear"]["crc32"] = f"{zlib.crc32(path.read_bytes()):08x}"
    (copied / weights.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(WeightsError, match="not an array of numbers"):
        weights.load("linear")


def test_encoding_with_damaged_weights_ends_in_one_sentence(copied, run_python):
    (copied / "linear.npy").write_bytes(b"")
    code = (
        "import pathlib, sys; from spikey_codec import weights;"
        "weights.FOLDERS = (pathlib.Path(sys.argv.pop(1)),);"
        "from spikey_codec.cli.challenge import encode; sys.exit(encode())"
    )
    wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\1\0\0\0\2\0\0\0\2\0\x10\0data\2\0\0\0ab"
    done = run_python(code, copied, "-", "-", stdin=wav)
    assert done.returncode == WeightsError.exit_code and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and b"linear.npy are damaged" in done.stderr


def test_an_array_that_is_not_that_of_the_format_is_refused(copied):
    array = weights.read(copied, "density")
    array[5] += 1
    weights.save(copied, "density", array, {})
    assert_refused("'density' .* not those of the format", "density")


def test_any_array_can_be_measured(copied):
    array = weights.read(copied, "density")
    array[5] += 1
    weights.save(copied, "density", array, {})
    weights.use(copied)
    try:
        assert np.array_equal(weights.load("density"), array)
    finally:
        weights.use(None)


# Writing


@given(
    st.dictionaries(
        st.sampled_from(["one", "two", "three"]),
        arrays.arrays(
            st.sampled_from([np.int8, np.int16, np.int32, np.int64]),
            arrays.array_shapes(max_dims=3, max_side=5),
        ),
    )
)
def test_read_inverts_save(tmp_path_factory, held):
    folder = tmp_path_factory.mktemp("weights") / "new"
    for name, array in held.items():
        weights.save(folder, name, array, {"made_by": name})
    for name, array in held.items():
        read = weights.read(folder, name)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)
    if held:
        listed = json.loads((folder / weights.MANIFEST).read_text("utf-8"))["arrays"]
        assert list(listed) == sorted(held)
        assert all(listed[name]["made_by"] == name for name in held)


def test_saving_again_replaces_an_array_and_keeps_the_others(tmp_path):
    weights.save(tmp_path, "one", np.arange(3), {})
    weights.save(tmp_path, "two", np.arange(4), {})
    weights.save(tmp_path, "one", np.arange(5), {"seed": 1})
    assert weights.read(tmp_path, "one").tolist() == [0, 1, 2, 3, 4]
    assert weights.read(tmp_path, "two").tolist() == [0, 1, 2, 3]


def test_the_same_array_gives_the_same_files(tmp_path):
    for name in ("first", "second"):
        weights.save(tmp_path / name, "one", np.arange(9).reshape(3, 3), {"seed": 1})
    for file in ("one.npy", weights.MANIFEST):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_objects_are_not_saved(tmp_path):
    with pytest.raises(ValueError):
        weights.save(tmp_path, "one", np.array([{}], object), {})
    assert not (tmp_path / weights.MANIFEST).exists()
