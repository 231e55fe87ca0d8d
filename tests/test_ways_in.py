"""Recordings of 1 to 384 channels, of 1 sample to millions, by every way into the codec."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from click.testing import CliRunner

import spikey_codec
from spikey_codec import codec
from spikey_codec.cli import challenge as executables
from spikey_codec.cli.main import main
from spikey_codec.errors import VerifyError
from spikey_codec.prediction import cross_channel as joint
from strategies import plain_wav

SHAPES = [
    (1, 1), (1, 384), (2, 2), (17, 3), (4000, 16), (9000, 384), (60_000, 32), (3_000_000, 1),
]  # fmt: skip


def probe(frames: int, channels: int) -> np.ndarray:
    """A probe whose neighbouring channels hear the same: int16, shape (frames, channels)."""
    random = np.random.default_rng(frames + channels)
    heard = np.cumsum(random.normal(0, 1, (frames, channels + 4)).astype("f4"), axis=1)
    common = heard[:, 4:] - heard[:, :-4]  # each four sources in common with its neighbour, less
    return np.rint(40 * common + random.normal(0, 12, (frames, channels))).astype(np.int16)


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: f"{shape[0]} x {shape[1]}")
def samples(request) -> np.ndarray:
    return probe(*request.param)


def check(packed: bytes, samples: np.ndarray) -> None:
    with spikey_codec.open(packed) as found:
        assert found.shape == samples.shape
        middle = len(samples) // 2
        np.testing.assert_array_equal(found[middle : middle + 7], samples[middle : middle + 7])


@pytest.mark.long
def test_python(samples):
    original = plain_wav(samples, 20000)
    packed = spikey_codec.compress(original)
    assert spikey_codec.decompress(packed) == original
    check(packed, samples)


def test_arrays(samples):
    np.testing.assert_array_equal(
        spikey_codec.decode_array(spikey_codec.encode_array(samples)), samples
    )


@pytest.mark.long
@pytest.mark.parametrize("raw", [False, True], ids=["wav", "raw"])
def test_command_line(samples, tmp_path, raw):
    original = samples.tobytes() if raw else plain_wav(samples, 20000)
    (tmp_path / "a").write_bytes(original)
    options = ["--raw", "--channels", str(samples.shape[1])] if raw else []
    names = [str(tmp_path / name) for name in "abc"]
    for arguments in (["encode", *options, "-j", "2", *names[:2]], ["decode", *names[1:]]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    assert (tmp_path / "c").read_bytes() == original
    check((tmp_path / "b").read_bytes(), samples)


@pytest.mark.long
def test_executables(samples, tmp_path):
    original = plain_wav(samples, 20000)
    (tmp_path / "a").write_bytes(original)
    assert executables.encode([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert executables.decode([str(tmp_path / "b"), str(tmp_path / "c")]) == 0
    assert (tmp_path / "c").read_bytes() == original


# Against others


@pytest.fixture(scope="module")
def eight() -> np.ndarray:
    return probe(50_000, 8)


def test_channels_tell_about_each_other(eight, monkeypatch):
    packed = codec.compress(plain_wav(eight))
    monkeypatch.setattr(joint, "choose_references", lambda errors: [[] for _ in errors])
    assert len(packed) < 0.95 * len(codec.compress(plain_wav(eight)))


@pytest.mark.parametrize("command", [
    ["flac", "-8", "-s", "--channel-map=none", "-o"], ["wavpack", "-q", "-hh", "-x", "-o"],
], ids=["flac", "wavpack"])  # fmt: skip
def test_files_are_smaller_than_those_of(command, eight, tmp_path):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    (tmp_path / "a.wav").write_bytes(plain_wav(eight, 20000))
    raw = ["--force-raw-format", "--endian=little", "--sign=signed", "--channels=8", "--bps=16",
           "--sample-rate=20000"]  # fmt: skip
    source = tmp_path / "a.wav"
    if command[0] == "flac":  # which takes a WAV of more than two channels for loudspeakers
        source = tmp_path / "a.raw"
        source.write_bytes(eight.tobytes())
        command = [*command[:1], *raw, *command[1:]]
    subprocess.run([*command, tmp_path / "b", source], check=True, capture_output=True)
    packed = next(path for path in tmp_path.iterdir() if path.stem == "b")
    assert len(codec.compress(plain_wav(eight))) < 0.97 * packed.stat().st_size


# Verification


@pytest.mark.parametrize("way", ["spikey", "encode"])
def test_what_does_not_decode_to_the_same_is_not_written(way, tmp_path, monkeypatch, capsys):
    plain = codec.encode_chunk

    def wrong(work):
        return plain(dataclasses.replace(work, samples=work.samples ^ 1))

    monkeypatch.setattr(codec, "encode_chunk", wrong)
    (tmp_path / "a").write_bytes(plain_wav(probe(500, 1)))
    (tmp_path / "b").write_bytes(b"what was there")
    names = [str(tmp_path / name) for name in "ab"]

    def run(*options: str) -> tuple[int, str]:
        if way == "encode":
            return executables.encode([*options, *names]), capsys.readouterr().err
        done = CliRunner().invoke(main, ["encode", *options, *names])
        return done.exit_code, done.output

    status, said = run()
    assert status == VerifyError.exit_code
    assert "did not decode to the same bytes (" in said and "so nothing was written" in said
    assert (tmp_path / "b").read_bytes() == b"what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert run("--no-verify") == (0, "")
    assert (tmp_path / "b").read_bytes() != b"what was there"
