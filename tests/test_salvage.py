"""What is intact of a damaged recording is restored, and nothing else is taken for it."""

import numpy as np
import pytest
from click.testing import CliRunner

from spikey_codec import codec
from spikey_codec.bitstream.header import read_header
from spikey_codec.bitstream.index import read_index
from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, UsageError
from strategies import info_list, plain_wav, riff

FRAMES = 300_000  # three chunks
HEAD = 44


@pytest.fixture(scope="module")
def original() -> bytes:
    steps = np.random.default_rng(1).integers(-9, 10, FRAMES)
    return riff(plain_wav(np.cumsum(steps).astype(np.int16))[12:], info_list())


@pytest.fixture(scope="module")
def packed(original) -> bytes:
    return codec.compress(original)


@pytest.fixture
def salvage(tmp_path):
    """Salvage a file by the command; returns exit status, what is said, what is written."""

    def run(content: bytes, *options: str) -> tuple[int, list[str], bytes | None]:
        (tmp_path / "in").write_bytes(content)
        names = str(tmp_path / "in"), str(tmp_path / "out")
        done = CliRunner().invoke(main, ["decode", "--salvage", *options, *names])
        out = tmp_path / "out"
        return done.exit_code, done.output.splitlines(), out.read_bytes() if out.exists() else None

    return run


def extents_of(packed: bytes):
    return read_index(*read_header(packed))


def flipped(content: bytes, *places: int) -> bytes:
    out = bytearray(content)
    for place in places:
        out[place] ^= 4
    return bytes(out)


def without(original: bytes, *extents) -> bytes:
    """The original with zeros for the samples of some chunks."""
    out = bytearray(original)
    for extent in extents:
        out[HEAD + 2 * extent.first : HEAD + 2 * (extent.first + extent.frames)] = bytes(
            2 * extent.frames
        )
    return bytes(out)


def test_what_is_whole_is_restored_without_a_word(salvage, packed, original):
    assert salvage(packed) == (0, [], original)


@pytest.mark.parametrize("numbers", [(0,), (1,), (2,), (0, 2)])
def test_a_damaged_chunk_is_zeros_and_the_others_are_restored(salvage, packed, original, numbers):
    damaged = [extents_of(packed)[number] for number in numbers]
    content = flipped(packed, *(extent.start + extent.size // 2 for extent in damaged))
    status, said, out = salvage(content)
    assert status == CorruptError.exit_code and out == without(original, *damaged)
    assert said[:-1] == [
        f"spikey: Frames {extent.first} to {extent.first + extent.frames - 1} are lost: zeros "
        "stand for them."
        for extent in damaged
    ]
    assert "in: The file is damaged" in said[-1]


def test_another_checksum_is_told(salvage, packed, original):
    status, said, out = salvage(flipped(packed, 5))
    assert status == CorruptError.exit_code and out == original
    assert "All samples are intact" in said[0]


def test_nothing_is_written_where_no_chunk_can_be_found(salvage, packed):
    for content in (packed[:-1], flipped(packed, len(packed) - 9), packed + b"more"):
        status, said, out = salvage(content)
        assert (status, len(said), out) == (CorruptError.exit_code, 1, None)
        assert "in: Nothing of the file can be salvaged: " in said[0]


def test_nothing_is_written_where_every_chunk_is_damaged(salvage, packed):
    places = (extent.start + extent.size // 2 for extent in extents_of(packed))
    status, said, out = salvage(flipped(packed, *places))
    assert (status, len(said), out) == (CorruptError.exit_code, 1, None)
    assert "in: Nothing of the file can be salvaged: all its chunks are damaged." in said[0]


def test_a_single_chunk_is_all_or_nothing(salvage, original):
    single = codec.compress(original[: HEAD + 2000])
    assert salvage(single) == (0, [], original[: HEAD + 2000])


def test_a_damaged_single_chunk_is_not_written(salvage, original):
    single = codec.compress(original[: HEAD + 2000])
    status, said, out = salvage(flipped(single, len(single) - 100))
    assert (status, len(said), out) == (CorruptError.exit_code, 1, None)
    assert "Nothing of the file can be salvaged" in said[0]


def test_a_part_is_not_salvaged(salvage, packed):
    status, said, out = salvage(packed, "--range", "0:10")
    assert (status, out) == (UsageError.exit_code, None) and "--range" in said[0]
