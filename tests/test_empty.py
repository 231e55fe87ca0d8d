"""No answer is empty without a word: what holds nothing is refused, unless it was asked for."""

import numpy as np
import pytest
from click.testing import CliRunner

from spikey_codec import archive, codec
from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, RecordingError, UsageError
from strategies import plain_wav

RATE = 8000
SAMPLES = np.random.default_rng(0).normal(0, 30, (160, 2)).astype("<i2")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with recordings: of a known rate, of an unknown one, and of no frames."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "known").write_bytes(codec.compress(plain_wav(SAMPLES, RATE)))
    (tmp_path / "unknown.wav").write_bytes(plain_wav(SAMPLES, 0))
    (tmp_path / "unknown").write_bytes(codec.compress(plain_wav(SAMPLES, 0)))
    (tmp_path / "empty").write_bytes(codec.compress(plain_wav(SAMPLES[:0], RATE)))
    (tmp_path / "a.dat").write_bytes(SAMPLES.tobytes())
    (tmp_path / "empty.spikey").write_bytes(archive.pack([]))
    return tmp_path


def run(*arguments: str, status: int = 0, stdin: bytes = b"") -> str:
    """Run a command; what it says on standard error, one sentence where it fails."""
    done = CliRunner().invoke(main, arguments, input=stdin)
    assert done.exit_code == status, done.output
    said = done.stderr
    if status:
        assert done.stdout == "" and said.startswith("spikey: "), done.output
        assert said.endswith(".\n") and said.count("\n") == 1, said
    return said


@pytest.mark.parametrize("span", ["1s:2s", "0s:", ":2s", "0:1s", "0s:0s"])
def test_seconds_of_an_unknown_rate_are_refused(here, span):
    run("encode", "--raw", "--channels", "2", "a.dat", "raw")
    for packed in ("raw", "unknown"):
        said = run("decode", "--range", span, packed, "out", status=UsageError.exit_code)
        assert "rate is unknown" in said
        assert not (here / "out").exists()


@pytest.mark.parametrize("packed", ["known", "unknown"])
def test_frames_of_an_unknown_rate_are_restored(here, packed):
    run("decode", "--range", "10:20", packed, "out")
    assert (here / "out").read_bytes()[44:] == SAMPLES[10:20].tobytes()


@pytest.mark.parametrize("span", ["160:", ":0", "0s:0.00001s", "0.02s:", "0.00001s:0.00002s"])
def test_a_range_that_holds_nothing_is_refused(here, span):
    said = run("decode", "--range", span, "known", "out", status=UsageError.exit_code)
    assert span in said and "no frame" in said and "160" in said
    assert not (here / "out").exists()


@pytest.mark.parametrize("span", ["0:0", "5:5", "160:160", "0.001s:0.001s", "8:0.001s"])
def test_nothing_may_be_asked_for(here, span):
    run("decode", "--range", span, "known", "out")
    assert len((here / "out").read_bytes()) == 44


@pytest.mark.parametrize("part", [["--range", "0:"], ["--range", ":"], ["--channels", "1"]])
def test_a_part_of_a_recording_without_frames_is_refused(here, part):
    run("decode", *part, "empty", "out", status=UsageError.exit_code)
    assert not (here / "out").exists()
    run("decode", "empty", "out")
    assert (here / "out").read_bytes() == plain_wav(SAMPLES[:0], RATE)


def test_an_archive_of_no_files_is_refused(here):
    said = run("unpack", "empty.spikey", "-o", "out", status=UsageError.exit_code)
    assert "empty.spikey" in said and not (here / "out").exists()


def test_a_stream_of_nothing_is_refused(here):
    run("stream", "encode", "--leads", "2", status=RecordingError.exit_code)
    run("stream", "calibrate", "--leads", "2", "out", status=RecordingError.exit_code)
    run("stream", "decode", status=CorruptError.exit_code)
    assert not (here / "out").exists()


def test_the_command_line_is_a_module(run_python):
    code = "import runpy; runpy.run_module('spikey_codec.cli', run_name='__main__', alter_sys=True)"
    done = run_python(code, "--version")
    assert done.returncode == 0 and done.stdout.startswith(b"spikey, version ")
