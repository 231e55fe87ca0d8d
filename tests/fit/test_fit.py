"""What the fits make: reproducible from the same recordings, and near what was put in."""

import numpy as np
import pytest

from spikey_codec import weights
from spikey_codec.constants import GREATEST_WEIGHT_SUM, MASS_BITS, ORDER, TRANSITION_BITS
from spikey_codec.errors import RecordingError, UsageError, WeightsError
from spikey_codec.fit import commands, data, density
from spikey_codec.fit import converter as fit_converter
from spikey_codec.fit import linear as fit_linear
from spikey_codec.lab.simulate import (
    CONVERTER,
    codes_to_pcm,
    converter_thresholds,
    lead_layout,
    simulate_codes,
    write_recordings,
)
from spikey_codec.quantizer.nonuniform import reconstruction_levels
from spikey_codec.readers import wav
from strategies import plain_wav

LEADS, SEED = 8, 2


@pytest.fixture(scope="module")
def leads():
    return simulate_codes(LEADS, seconds=3.0, seed=SEED)


@pytest.fixture(scope="module")
def edges(leads):
    return fit_converter.fit(leads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    write_recordings(folder, LEADS, seconds=3.0, seed=SEED)
    return folder


def levels(leads, edges):
    table = reconstruction_levels(edges)
    return [table[lead + 512] for lead in leads]


# Recordings to fit on


def test_leads_recorded_together_are_kept_out_together(folder):
    paths = data.find([folder])
    for keep_out in (2, 3, 5):
        split = data.split([folder], keep_out)
        out = {paths.index(path) for path in split.kept_out_paths}
        for group in lead_layout(LEADS, SEED)[0]:
            assert len(out & set(group)) in (0, len(group))
        assert 0 < len(out) < LEADS
        assert len(split.fitted) + len(split.kept_out) == LEADS
        assert (split.about["recordings"], split.about["kept_out"]) == (LEADS - len(out), len(out))


def test_every_second_group_is_kept_out(folder):
    groups = sorted(sorted(group) for group in lead_layout(LEADS, SEED)[0])
    paths = data.find([folder])
    kept = [paths.index(path) for path in data.split([folder], 2).kept_out_paths]
    assert kept == sorted(i for group in groups[::2] for i in group)


def test_nothing_may_be_kept_out(folder):
    split = data.split([folder], 0)
    assert len(split.fitted) == LEADS and not split.kept_out


def test_the_split_does_not_depend_on_how_recordings_are_named_to_it(folder):
    one = data.split([folder], 3)
    other = data.split(sorted(folder.glob("*.wav"), reverse=True), 3)
    assert one.about == other.about
    assert one.kept_out_paths == other.kept_out_paths
    assert all(map(np.array_equal, one.fitted, other.fitted))


def test_the_digest_tells_other_recordings(folder, tmp_path):
    for path in folder.glob("*.wav"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = data.split([tmp_path], 0).about["recordings_sha256"]
    assert before == data.split([folder], 0).about["recordings_sha256"]
    path = data.find([tmp_path])[3]
    path.rename(path.with_name("another.wav"))
    assert before != data.split([tmp_path], 0).about["recordings_sha256"]


@pytest.mark.parametrize("keep_out", [-1, 1])
def test_impossible_numbers_to_keep_out_are_usage_errors(folder, keep_out):
    with pytest.raises(UsageError):
        data.split([folder], keep_out)


STEREO = codes_to_pcm(np.arange(2000, dtype=np.int16).reshape(1000, 2) % 500)


@pytest.mark.parametrize(
    "content",
    [
        b"no sound",
        plain_wav(np.zeros(999, np.int16)),
        plain_wav(np.arange(2000, dtype=np.int16)),
        plain_wav(STEREO),
    ],
    ids=["no sound", "too short", "another converter", "two channels"],
)
def test_what_is_no_challenge_recording_is_refused_by_name(tmp_path, content):
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(RecordingError, match="bad.wav"):
        data.split([tmp_path], 0)


def test_too_few_recordings_are_refused(tmp_path):
    with pytest.raises(RecordingError, match="no .wav file"):
        data.find([tmp_path])
    write_recordings(tmp_path, 1, seconds=0.1)
    with pytest.raises(RecordingError, match="none is left"):
        data.split([tmp_path], 2)


# The converter's edges


def test_the_widths_of_the_simulators_codes_are_found(leads, edges):
    true = np.diff(converter_thresholds(np.random.Generator(np.random.PCG64(CONVERTER))))
    found = np.diff(edges) / (1 << TRANSITION_BITS)
    counts = np.bincount(np.concatenate(leads) + 512, minlength=1024)
    often = (counts > 1000) & (true > 0.05)
    assert often.sum() > 40
    assert np.corrcoef(np.log(true[often]), np.log(found[often]))[0, 1] > 0.8


def test_edges_ascend_near_their_codes(edges):
    assert edges.dtype == np.int32 and edges.shape == (1025,)
    assert (np.diff(edges) >= 0).all()
    assert np.abs(edges / 256 - np.arange(-512, 513)).max() < 8


def test_fitted_edges_shorten_the_code(leads, edges):
    even = np.arange(-512, 513, dtype=np.int32) << TRANSITION_BITS
    assert fit_converter.bits_per_sample(leads, edges) < (
        fit_converter.bits_per_sample(leads, even) - 0.02
    )


def test_the_same_recordings_give_the_same_edges(leads, edges):
    np.testing.assert_array_equal(fit_converter.fit(leads), edges)


# The codebook


def test_the_same_seed_gives_the_same_codebook(leads, edges):
    lines = []
    one = fit_linear.fit(levels(leads, edges), 1, 4, lines.append)
    np.testing.assert_array_equal(one, fit_linear.fit(levels(leads, edges), 1, 4))
    assert one.dtype == np.int16 and one.shape == (4, ORDER)
    assert np.abs(one.astype(int)).sum(1).max() < GREATEST_WEIGHT_SUM
    assert len(lines) > 1


def test_more_predictors_lose_fewer_bits(leads, edges):
    held = levels(leads, edges)
    losses = [
        fit_linear.loss_bits(held, fit_linear.fit(held, 1, predictors)) for predictors in (1, 2, 8)
    ]
    assert losses[0] > losses[1] > losses[2]
    assert abs(losses[2]) < 1e-3  # one for each lead


def test_the_codebook_has_no_more_predictors_than_there_are_leads(leads, edges):
    assert len(fit_linear.fit(levels(leads[:3], edges), 1, 64)) == 3


# The density


def test_the_same_recordings_give_the_same_density(leads, edges):
    codebook = fit_linear.fit(levels(leads, edges), 1, 2)
    mass = density.fit(leads, edges, codebook)
    np.testing.assert_array_equal(density.fit(leads, edges, codebook), mass)
    assert mass.dtype == np.int32 and len(mass) % 2 == 1
    assert mass[0] == 0 and mass[-1] == 1 << MASS_BITS
    assert (np.diff(mass) > 0).all()


def test_the_kurtosis_of_a_gaussian_is_zero():
    x = np.arange(-400, 401) / 50
    mass = np.rint(np.cumsum(np.exp(-0.5 * x**2)) * 2**17)
    assert density.excess_kurtosis(np.append(0, mass)) == pytest.approx(0, abs=0.01)


# The commands


def test_the_commands_make_a_folder_that_can_be_used(folder, tmp_path):
    lines = []
    commands.fit_converter_edges([folder], tmp_path, 4, lines.append)
    commands.fit_linear_codebook([folder], tmp_path, 4, 1, 3, lines.append)
    commands.fit_density_shape([folder], tmp_path, 4, lines.append)
    for name in ("converter", "density", "linear"):
        made, shipped = weights.read(tmp_path, name), weights.load(name)
        assert made.dtype == shipped.dtype and made.shape[1:] == shipped.shape[1:]
    assert any("kept out" in line for line in lines)


def test_fits_that_need_others_first_say_so(folder, tmp_path):
    with pytest.raises(WeightsError, match="manifest"):
        commands.fit_linear_codebook([folder], tmp_path, 0, 1, 3, print)


def test_recordings_are_read_as_the_codec_reads_them(folder):
    path = data.find([folder])[0]
    pcm = wav.split(path.read_bytes()).samples[:, 0]
    np.testing.assert_array_equal(codes_to_pcm(data.read_codes(path)), pcm)
