"""The benchmarks measure what they say: every sample comes back, every figure is there."""

import numpy as np
import pytest

from spikey_codec.errors import RecordingError
from spikey_codec.lab import bench, simulate


@pytest.fixture(scope="module")
def leads():
    """Three short synthetic leads: int16 samples."""
    codes = simulate.simulate_codes(3, 0.4, seed=5, thresholds=simulate.shipped_edges())
    return [simulate.codes_to_pcm(lead) for lead in codes]


def test_speed_compares_us_with_others_on_the_same_samples(leads):
    rows = {row.name: row for row in bench.speed_rows(leads, rounds=1)}
    assert {"spikey linear, kernels", "spikey linear, compress()", "zlib -6"} <= set(rows)
    assert rows["spikey linear, compress()"].size < rows["zlib -6"].size
    assert rows["spikey linear, kernels"].size < rows["spikey linear, compress()"].size
    assert all(row.encoding > 0 and row.decoding > 0 for row in rows.values())


def test_speed_is_not_measured_on_what_the_kernels_are_not_for(leads):
    with pytest.raises(RecordingError, match="challenge recordings"):
        bench.speed_rows([leads[0], leads[1] + np.int16(1)], rounds=1)


def test_realtime_times_every_frame_of_every_lead(leads):
    run = bench.realtime_run(leads, count=5, frame=20, seconds=1)
    frames = -(-bench.RATE // 20)
    assert len(run.encoding) == len(run.decoding) == frames
    assert 0 < 8 * run.size < 5 * bench.RATE * bench.RAW_BITS


def test_start_is_measured_against_importing_numpy(tmp_path):
    lines = []
    bench.start(1, lines.append)
    assert [line.split()[0] for line in lines[1:]] == ["import", "encode", "decode"]
    ratios = bench.start_ratios(1, tmp_path)
    assert ratios["import numpy"][1] == 1.0
    assert ratios["encode"][0] > 0 and ratios["decode"][1] > 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_an_empty_folder_is_not_taken_for_synthetic_recordings(tmp_path):
    with pytest.raises(RecordingError):
        bench.load([tmp_path])
