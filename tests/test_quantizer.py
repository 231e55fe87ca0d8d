"""Stage 2: every sample comes back from its code, and codes are dense where they can be."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec import codec, weights
from spikey_codec.constants import CHALLENGE, HIGHEST_CODE, LOWEST_CODE, PALETTE, PLAIN
from spikey_codec.quantizer.detect import MappingDetector, to_codes
from spikey_codec.quantizer.mapping import Mapping, challenge_pcm, code_range, to_samples
from spikey_codec.quantizer.nonuniform import reconstruction_levels
from strategies import multichannel, pcm_bytes, plain_wav, samples

CODES = np.arange(LOWEST_CODE, HIGHEST_CODE + 1, dtype=np.int16)


def assert_exact(values: np.ndarray) -> tuple[np.ndarray, Mapping]:
    """Samples that come back from their codes; codes and mapping for more checks."""
    codes, mapping = to_codes(values)
    assert codes.dtype == np.int16 and codes.shape == values.shape
    back = to_samples(codes, mapping)
    assert back.dtype == np.int16
    np.testing.assert_array_equal(back, values)
    if codes.size:
        lowest, highest = code_range(mapping)
        assert lowest <= codes.min() and codes.max() <= highest
    return codes, mapping


def many_of(values, count: int = 20_000) -> np.ndarray:
    """A recording that uses each of these values."""
    values = np.asarray(values, np.int16)
    rng = np.random.default_rng(len(values))
    return rng.permutation(np.concatenate([values, rng.choice(values, count)]))


# The challenge's converter


def test_the_map_is_the_formula_in_exact_arithmetic():
    def pcm(q: int) -> int:
        exact = Decimal(q) * Decimal("64.061577") + Decimal("31.034184")
        return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))

    expected = [-pcm(-q - 1) - 1 if q < 0 else pcm(q) for q in range(-512, 512)]
    assert challenge_pcm().tolist() == expected


def test_all_codes_map_both_ways():
    pcm = challenge_pcm()
    codes, mapping = assert_exact(pcm)
    assert mapping.kind == CHALLENGE
    np.testing.assert_array_equal(codes, CODES)
    assert code_range(mapping) == (-512, 511)


@pytest.mark.parametrize("shape", [(1024, 1), (512, 2), (4, 256)])
def test_the_map_takes_frames_of_channels(shape):
    codes, mapping = assert_exact(challenge_pcm().reshape(shape))
    assert mapping.kind == CHALLENGE
    np.testing.assert_array_equal(codes, CODES.reshape(shape))


@pytest.mark.parametrize("at", [0, 1, 511, 512, 1022, 1023])
@pytest.mark.parametrize("by", [-1, 1])
def test_one_value_off_the_map_makes_it_another_mapping(at, by):
    values = challenge_pcm().copy()
    if not -32768 <= int(values[at]) + by <= 32767:
        by = -by
    values[at] += by
    _codes, mapping = assert_exact(values)
    assert mapping.kind != CHALLENGE


def test_no_samples_are_a_recording_of_the_challenge():
    _codes, mapping = assert_exact(np.zeros((0, 1), np.int16))
    assert mapping.kind == CHALLENGE


# Values with gaps

GAPPED = {
    "multiples of 16": 16 * np.arange(-200, 200),
    "multiples of 30": 30 * np.arange(-1000, 1000),
    "another gain": np.rint(np.arange(-500, 500) * 50.3 + 7),
    "two values": [-32768, 32766],
    "positive only": 12 * np.arange(100, 300),
}


@pytest.mark.parametrize("used", GAPPED.values(), ids=GAPPED.keys())
def test_values_with_gaps_are_ranked(used):
    used = np.asarray(used, np.int16)
    codes, mapping = assert_exact(many_of(used))
    assert mapping.kind == PALETTE
    np.testing.assert_array_equal(mapping.values, used)
    n = len(used)
    assert code_range(mapping) == (-(n // 2), n - 1 - n // 2)
    np.testing.assert_array_equal(np.unique(codes), np.arange(-(n // 2), n - n // 2))


@pytest.mark.parametrize("n", [32_767, 32_768, 32_769, 40_000, 49_151, 65_536])
def test_ranks_are_exact_beyond_the_range_of_16_signed_bits(n):
    used = np.arange(-32768, 32768, dtype=np.int16)[:n]
    mapping = Mapping(PALETTE, used)
    lowest, highest = code_range(mapping)
    codes = np.arange(lowest, highest + 1, dtype=np.int16)
    np.testing.assert_array_equal(to_samples(codes, mapping), used)


def test_values_without_gaps_are_their_own_codes():
    values = many_of(np.arange(-1000, 1000))
    codes, mapping = assert_exact(values)
    assert mapping.kind == PLAIN
    assert code_range(mapping) == (-32768, 32767)
    np.testing.assert_array_equal(codes, values)


def test_few_samples_are_not_worth_a_list_of_values():
    _codes, mapping = assert_exact(16 * np.arange(-200, 200, dtype=np.int16))
    assert mapping.kind == PLAIN


@pytest.mark.parametrize("gap", [2, 16, 30])
@pytest.mark.parametrize("frames", [100, 4000])
def test_ranks_are_used_where_they_make_the_file_shorter(monkeypatch, gap, frames):
    rng = np.random.default_rng(gap)
    data = plain_wav((np.rint(rng.normal(0, 20, frames)) * gap).astype(np.int16))
    chosen = len(codec.compress(data))
    monkeypatch.setattr(MappingDetector, "mapping", lambda self: Mapping(PLAIN))
    plain = len(codec.compress(data))
    assert chosen < plain if frames == 4000 else chosen <= plain + 4


@pytest.mark.parametrize("value", [-32768, -1, 0, 1, 5, 32767])
@pytest.mark.parametrize("frames", [1, 2, 1000])
def test_a_constant_has_one_code(value, frames):
    codes, _mapping = assert_exact(np.full(frames, value, np.int16))
    assert len(np.unique(codes)) == 1


# Anything


@given(st.one_of(samples(), multichannel()))
def test_samples_come_back_from_their_codes(values):
    assert_exact(values)


@given(multichannel())
def test_samples_may_be_a_view_of_the_files_bytes(values):
    view = np.frombuffer(pcm_bytes(values), "<i2").reshape(values.shape)
    assert_exact(view)


# Where codes lie


def test_the_level_of_a_code_is_the_middle_of_its_interval():
    random = np.random.default_rng(8)
    transitions = np.sort(random.integers(-9999, 9999, 1025)).astype(np.int32)
    levels = reconstruction_levels(transitions)
    assert levels.dtype == np.int32
    middle = (transitions[1:] + transitions[:-1]) / 2 / 8
    assert levels.tolist() == np.floor(middle + 0.5).tolist()


def test_even_codes_have_levels_at_their_middle():
    even = np.arange(-512, 513, dtype=np.int32) << 8
    np.testing.assert_array_equal(reconstruction_levels(even), 32 * CODES.astype(int) + 16)


def test_the_shipped_transition_levels_ascend_over_the_range_of_codes():
    transitions = weights.load("converter")
    assert transitions.dtype == np.int32 and transitions.shape == (1025,)
    assert (np.diff(transitions) >= 0).all()
    assert np.abs(transitions - 256 * np.arange(-512, 513)).max() < 8 * 256
