"""The benchmarks measure what they say: every sample comes back, every figure is there."""

import itertools
import random
import shutil
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from spikey_codec import presets
from spikey_codec.cli.main import main
from spikey_codec.constants import CHALLENGE_RATE
from spikey_codec.errors import RecordingError, VerifyError
from spikey_codec.lab import simulate
from spikey_codec.lab.bench import (
    codecs,
    libraries,
    measure,
    others,
    programs,
    realtime,
    recordings,
    speed,
    start,
)
from spikey_codec.lab.figures import placing
from strategies import plain_wav


@pytest.fixture(scope="module")
def leads():
    """Three short synthetic leads: int16 samples."""
    codes = simulate.simulate_codes(3, 0.4, seed=5, thresholds=simulate.shipped_transition_levels())
    return [simulate.codes_to_pcm(lead) for lead in codes]


def test_speed_compares_us_with_others_on_the_same_samples(leads):
    rows = {row.name: row for row in speed.speed_rows(leads, rounds=1)}
    assert {"spikey linear, kernels", "spikey linear, compress()", "zlib -6"} <= set(rows)
    assert rows["spikey linear, compress()"].size < rows["zlib -6"].size
    assert rows["spikey linear, kernels"].size < rows["spikey linear, compress()"].size
    assert all(row.encoding > 0 and row.decoding > 0 for row in rows.values())


def test_speed_is_not_measured_on_what_the_kernels_are_not_for(leads):
    with pytest.raises(RecordingError, match="challenge recordings"):
        speed.speed_rows([leads[0], leads[1] + np.int16(1)], rounds=1)


def test_realtime_times_every_frame_of_every_lead(leads):
    run = realtime.realtime_run(leads, count=5, frame=20, seconds=1)
    frames = -(-CHALLENGE_RATE // 20)
    assert len(run.encoding) == len(run.decoding) == frames
    assert 0 < 8 * run.size < 5 * CHALLENGE_RATE * realtime.RAW_BITS


def test_start_is_measured_against_importing_numpy(tmp_path):
    lines = []
    start.run(1, lines.append)
    assert [line.split()[0] for line in lines[1:]] == ["import", "encode", "decode"]
    ratios = start.start_ratios(1, tmp_path)
    assert ratios["import numpy"][1] == 1.0
    assert ratios["encode"][0] > 0 and ratios["decode"][1] > 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_an_empty_folder_is_not_taken_for_synthetic_recordings(tmp_path):
    with pytest.raises(RecordingError):
        recordings.load([tmp_path])


# spikey bench codecs


@pytest.fixture
def alone(monkeypatch):
    """As if nothing were installed that Python does not bring, and the tests need not."""
    monkeypatch.setattr(libraries, "_module", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(recordings, "use_one_core", lambda: None)  # for the tests after this one


@pytest.fixture
def spikey():
    """Run `spikey bench codecs` and give its lines."""

    def run(*arguments, status: int = 0) -> list[str]:
        result = CliRunner().invoke(main, ["bench", "codecs", *map(str, arguments)])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.output.splitlines()

    return run


def rows_of(said: list[str]) -> dict[str, list[float]]:
    """Ratio and the four speeds of each codec, by its name, out of the table."""
    start = next(i for i, line in enumerate(said) if line.startswith("codec "))
    end = next(i for i, line in enumerate(said) if line.startswith("MB are"))
    rows = [line.split() for line in said[start + 1 : end]]
    return {
        line[:30].strip(): [float(x) for x in row[-5:]]
        for line, row in zip(said[start + 1 : end], rows)
    }


PRESETS = [f"spikey {name}" for name in codecs.PRESETS if name in presets.names()]


def test_codecs_are_measured_and_those_missing_named(leads, tmp_path, spikey, alone):
    for number, lead in enumerate(leads):
        (tmp_path / f"{number}.wav").write_bytes(plain_wav(lead))
    said = spikey(tmp_path)
    assert said[0].startswith("3 recordings, 1 channel at 19531 Hz")
    rows = rows_of(said)
    assert list(rows) == [*PRESETS, "zlib -6", "bzip2 -9", "xz -6"]
    assert all(number > 0 for row in rows.values() for number in row)
    assert rows["spikey linear"][0] > rows["zlib -6"][0]
    assert any("10-bit codes" in line for line in said)
    missing = [line for line in said if line.startswith("not there: ")]
    assert len(missing) == 1
    for name in ("zstd", "blosc", "flac", "wavpack", "pcodec"):
        assert f"{name} (" in missing[0]


def test_codecs_of_raw_files_with_many_channels(tmp_path, spikey, alone):
    samples = np.random.default_rng(3).normal(0, 50, (500, 11)).astype("<i2")
    (tmp_path / "raw.dat").write_bytes(samples.tobytes())
    said = spikey(tmp_path / "raw.dat", "--raw", "--channels", 11, "--rate", 30000)
    assert said[0].startswith("1 recording, 11 channels at 30000 Hz, 5,500 samples of 16 bits;")
    assert set(PRESETS) < set(rows_of(said))
    assert not any("10-bit codes" in line for line in said)
    said = spikey(tmp_path / "raw.dat", "--raw", "--channels", 11, "--rate", 100, "--seconds", 0.5)
    assert "550 samples of 16 bits;" in said[0]


@pytest.mark.parametrize("channels", [1, 2, 19])
@pytest.mark.parametrize("rate", [19531, 700000, 0])
def test_whatever_is_installed_gives_every_sample_back(channels, rate):
    rng = np.random.default_rng(channels)
    samples = [rng.integers(-99, 99, (n, channels)).astype(np.int16) for n in (1, 700)]
    samples[1][:2] = [[-32768], [32767]]
    there, missing = others.found()
    assert len(there) + len(missing) >= 8
    for codec in there:
        row = measure.measure(codec, samples, rate=rate)
        assert row.size > 0 and row.encoding > 0 and row.decoding > 0 and row.version != "?"


def test_a_codec_that_loses_something_is_found_out():
    samples = np.arange(100, dtype=np.int16)[:, None]
    for back in (samples[:-1], samples + np.int16(1), b"", samples.tobytes()[:-2] + b"??"):
        bad = measure.Library("bad", "1", lambda x: b"", lambda packed, shape, back=back: back)
        with pytest.raises(VerifyError, match="bad did not give"):
            measure.measure(bad, [samples])


def test_a_program_that_fails_is_named(leads, tmp_path, spikey, alone, monkeypatch):
    failing = (sys.executable, "-c", "raise SystemExit(3)")
    program = measure.Program("flac -8", "1", failing, failing, ".flac")
    monkeypatch.setattr(programs, "flac", lambda: program)
    (tmp_path / "a.wav").write_bytes(plain_wav(leads[0]))
    said = spikey(tmp_path)
    assert "zlib -6" in rows_of(said) and "flac -8" not in rows_of(said)
    assert said[-1].startswith("not there: ") and "flac -8 (it failed)" in said[-1]


def test_a_codec_that_loses_something_is_one_sentence(leads, tmp_path, spikey, monkeypatch):
    monkeypatch.setattr(recordings, "use_one_core", lambda: None)
    bad = measure.Library("bad", "1", lambda x: b"", lambda packed, shape: b"")
    monkeypatch.setattr(others, "found", lambda: ([bad], []))
    (tmp_path / "a.wav").write_bytes(plain_wav(leads[0]))
    said = spikey(tmp_path, status=VerifyError.exit_code)
    assert said == ["spikey: bad did not give the samples back."]


RAW = "--raw", "--channels", "2", "--rate", "9"


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["a.raw", "--raw"], 2, "--raw needs --channels and --rate"),
        (["a.raw", "--channels", "2"], 2, "for --raw"),
        (["a.raw", *RAW], RecordingError.exit_code, "no whole number of frames"),
        (["a.raw"], RecordingError.exit_code, "a.raw is not a recording of 16-bit samples"),
        (["none.raw", *RAW], RecordingError.exit_code, "There are no samples"),
        (["folder"], RecordingError.exit_code, "There is no .wav file"),
        (["folder", *RAW], 1, "Is a directory"),
        (["a.raw", "--plot", "a.raw"], 2, "picture"),
        (["a.raw", "--plot", "nowhere/a.svg"], 1, "nowhere/a.svg: No such file"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    tmp_path, spikey, monkeypatch, arguments, status, part
):
    if "--plot" in arguments:
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.raw").write_bytes(bytes(6))
    (tmp_path / "none.raw").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    said = spikey(*arguments, status=status)
    assert len(said) == 1 and said[0].startswith("spikey: ") and part in said[0]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_picture_is_drawn(kind, leads, tmp_path, spikey, alone):
    pytest.importorskip("matplotlib")
    (tmp_path / "a.wav").write_bytes(plain_wav(leads[0]))
    picture = tmp_path / f"a.{kind}"
    said = spikey(tmp_path / "a.wav", "--plot", picture)
    data = picture.read_bytes()
    if kind == "png":
        assert data.startswith(b"\x89PNG")
    else:
        for name in rows_of(said):
            assert data.decode().count(f">{name}<") == 2, name


def test_a_picture_needs_matplotlib(leads, tmp_path, spikey, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (tmp_path / "a.wav").write_bytes(plain_wav(leads[0]))
    said = spikey(tmp_path / "a.wav", "--plot", tmp_path / "a.png", status=2)
    assert len(said) == 1 and "spikey-codec[plot]" in said[0]


@pytest.mark.parametrize("seed", range(20))
def test_names_in_the_picture_do_not_cover_each_other(seed):
    rng = random.Random(seed)
    page = placing.Box(0, 0, 350, 280)
    points = [(rng.uniform(20, 330), rng.uniform(20, 260)) for _ in range(9)]
    points += [(x + rng.uniform(-9, 9), y + rng.uniform(-9, 9)) for x, y in points[:5]]
    sizes = [(rng.uniform(30, 110), 11.0) for _ in points]
    places = placing.place(points, sizes, page)
    for one, other in itertools.combinations(places, 2):
        assert one.covers(other) < 1e-6
    for place, (width, height) in zip(places, sizes):
        assert page.covers(place) == pytest.approx(width * height)
        assert not any(
            place.left < x < place.right and place.bottom < y < place.top for x, y in points
        )
