"""The synthetic recordings are reproducible and have the traits the codec is built around."""

import itertools
import math
import wave

import numpy as np
import pytest

from spikey_codec.errors import UsageError
from spikey_codec.lab.simulate import (
    LONGEST,
    REFRACTORY,
    SHORTEST,
    codes_to_pcm,
    converter_thresholds,
    lead_layout,
    low_pass,
    shipped_edges,
    shipped_transition_levels,
    simulate_codes,
    spike_times,
    write_recordings,
)
from spikey_codec.readers.wav import is_plain, split

LEADS, SEED = 24, 3


@pytest.fixture(scope="module")
def leads():
    return simulate_codes(LEADS, seed=SEED)


def generator(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def likeness(one, other):
    """Zero-lag correlation of first differences over the common length."""
    length = min(len(one), len(other))
    steps = np.diff(np.stack([one[:length], other[:length]]).astype(np.float64))
    return np.corrcoef(steps)[0, 1]


def on_the_rails(codes):
    return np.mean((codes == -512) | (codes == 511))


def test_codes_have_ten_bits_and_the_lengths_of_the_challenge(leads):
    assert len(leads) == LEADS
    for codes in leads:
        assert codes.dtype == np.int16 and codes.ndim == 1
        assert codes.min() >= -512 and codes.max() <= 511
        assert SHORTEST <= len(codes) <= LONGEST
    assert len({len(codes) for codes in leads}) > 5


def test_same_seed_same_codes_and_other_seeds_differ(leads):
    again = simulate_codes(LEADS, seed=SEED)
    assert all(map(np.array_equal, leads, again))
    short = [simulate_codes(2, 0.5, seed)[0] for seed in range(4)]
    assert not any(np.array_equal(*two) for two in itertools.combinations(short, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 11, 12, 24, 100])
def test_layout_names_every_lead_once(count):
    groups, railed = lead_layout(count, SEED)
    assert sorted(itertools.chain(*groups)) == list(range(count))
    paired = sum(len(group) for group in groups if len(group) == 2)
    assert abs(paired - 0.8 * count) <= 1
    assert len(railed) == (0 if count < 12 else max(1, round(count / 40)))
    assert all((lead,) in groups for lead in railed)


def test_railed_leads_and_no_others_sit_on_the_rails(leads):
    _, railed = lead_layout(LEADS, SEED)
    assert railed
    for index, codes in enumerate(leads):
        share = on_the_rails(codes)
        assert 0.4 <= share <= 0.75 if index in railed else share < 0.1


def test_pairs_hear_common_activity_and_nothing_else_does(leads):
    groups, _ = lead_layout(LEADS, SEED)
    for one, other in itertools.combinations(range(LEADS), 2):
        measure = likeness(leads[one], leads[other])
        if (one, other) in groups or (other, one) in groups:
            assert 0.03 < measure < 0.5
            assert len(leads[one]) == len(leads[other])
        else:
            assert abs(measure) < 0.017


def test_thresholds_ascend_over_the_whole_range():
    for seed in range(10):
        edges = converter_thresholds(generator(seed))
        assert edges.shape == (1025,) and edges.dtype == np.float64
        widths = np.diff(edges)
        assert widths[511] < 0.01 < widths[510] < 0.2
        usual = np.delete(widths, [510, 511])
        assert usual.min() > 0.2 and usual.max() < 2.6
        assert math.isclose(edges[0], -512) and math.isclose(edges[-1], 512)


def test_the_old_name_of_the_transition_levels_is_kept_for_a_release():
    with pytest.warns(DeprecationWarning, match="shipped_transition_levels"):
        assert np.array_equal(shipped_edges(), shipped_transition_levels())


def test_widths_repeat_every_16_and_32_codes():
    pattern = np.log(np.delete(np.diff(converter_thresholds(generator())), [510, 511]))
    pattern -= pattern.mean()
    for lag in (16, 32):
        assert pattern[lag:] @ pattern[:-lag] > 0.5 * (pattern @ pattern)
    assert pattern[5:] @ pattern[:-5] < 0.5 * (pattern @ pattern)


def test_histogram_is_as_uneven_as_the_converter(leads):
    _, railed = lead_layout(LEADS, SEED)
    usual = np.concatenate([codes for i, codes in enumerate(leads) if i not in railed])
    counts = np.bincount(usual + 512, minlength=1024)[512 - 40 : 512 + 40]
    surroundings = np.convolve(counts, np.ones(33) / 33, "same")
    weights = (counts / surroundings)[16:-16]
    minus_two, minus_one = weights[22:24]
    assert minus_one < 0.02 and minus_two < 0.3
    others = np.delete(weights, [22, 23])
    assert others.min() < 0.7 and others.max() > 1.5 and others.min() > 0.2


def test_thresholds_of_another_converter_can_be_used():
    (codes,) = simulate_codes(1, 1.0, thresholds=np.arange(-512.0, 513.0))
    counts = np.bincount(codes + 512, minlength=1024)
    assert counts[511] > 0.5 * counts[512]


def test_residual_is_near_that_of_real_leads(leads):
    _, railed = lead_layout(LEADS, SEED)
    bits, gains = [], []
    for codes in (codes for i, codes in enumerate(leads) if i not in railed):
        x = codes - codes.mean()
        past = np.lib.stride_tricks.sliding_window_view(x[:-1], 16)
        taps = np.linalg.solve(past.T @ past, past.T @ x[16:])
        residual = np.std(x[16:] - past @ taps)
        bits.append(np.log2(residual * math.sqrt(2 * math.pi * math.e)))
        gains.append(np.log2(np.std(np.diff(x)) / residual))
    assert 4.3 < np.median(bits) < 4.9  # 4.58 on real leads
    assert 0.02 < np.median(gains) < 0.3


@pytest.mark.parametrize("frequency", [0.5, 20.0, 400.0])
def test_units_respect_their_refractory_period(frequency):
    frames, rate = 200_000, 19_531
    times = spike_times(generator(), frequency, frames, rate)
    assert times[0] >= 0 and times[-1] < frames
    assert np.diff(times).min() >= REFRACTORY * rate
    expected = frequency * frames / rate
    assert abs(len(times) - expected) < 5 * math.sqrt(expected)


def test_low_pass_is_the_recursion_it_stands_for():
    noise = generator().standard_normal(3000)
    pole = math.exp(-2 * math.pi * 35 / 19_531)
    expected = [noise[0]]
    for sample in noise[1:]:
        expected.append(pole * expected[-1] + math.sqrt(1 - pole**2) * sample)
    np.testing.assert_allclose(low_pass(noise, 35, 19_531), expected, atol=1e-10)


def test_pcm_is_the_map_of_the_challenge():
    codes = np.arange(-512, 512)
    expected = [
        round(q * 64.061577 + 31.034184) if q >= 0 else -round((-q - 1) * 64.061577 + 31.034184) - 1
        for q in codes.tolist()
    ]
    pcm = codes_to_pcm(codes.astype(np.int16))
    assert pcm.dtype == np.int16 and pcm.tolist() == expected
    assert np.array_equal(pcm >> 6, codes)


def test_files_are_plain_wavs(tmp_path):
    folder = tmp_path / "made" / "here"
    paths = write_recordings(folder, leads=3, seconds=0.25, seed=7)
    assert sorted(folder.iterdir()) == sorted(paths)
    for path, codes in zip(paths, simulate_codes(3, 0.25, 7), strict=True):
        assert is_plain(split(path.read_bytes()))
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 19_531)
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert np.array_equal(pcm, codes_to_pcm(codes))
    before = [path.read_bytes() for path in paths]
    assert write_recordings(folder, leads=3, seconds=0.25, seed=7) == paths
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("frames", [1, 2, 31, 100])
def test_short_recordings_have_the_length_asked_for(frames):
    assert {len(codes) for codes in simulate_codes(12, frames / 19_531)} == {frames}


@pytest.mark.parametrize(
    "bad",
    [
        {"leads": 0},
        {"leads": 2.5},
        {"leads": 1, "seconds": 0.0},
        {"leads": 1, "seconds": -1.0},
        {"leads": 1, "seconds": math.nan},
        {"leads": 1, "seconds": math.inf},
        {"leads": 1, "seed": -1},
        {"leads": 1, "rate": 0},
        {"leads": 1, "thresholds": np.arange(1024.0)},
    ],
)
def test_bad_arguments_are_usage_errors(bad):
    with pytest.raises(UsageError):
        simulate_codes(**bad)


def test_bad_arguments_leave_no_folder(tmp_path):
    with pytest.raises(UsageError):
        write_recordings(tmp_path / "new", leads=0)
    assert not (tmp_path / "new").exists()
