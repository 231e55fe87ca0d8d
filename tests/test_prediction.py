"""Stage 3: exact covariances, the best predictor, and weights the arithmetic can bear."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec import weights
from spikey_codec.constants import GREATEST_WEIGHT_SUM, ORDER, WEIGHT_BITS
from spikey_codec.prediction import cross_channel, linear
from spikey_codec.prediction.linear import covariance, fitted, residual_powers
from spikey_codec.prediction.products import BLOCK, common_products
from strategies import samples

ONE = 1 << WEIGHT_BITS


def exact_covariance(levels) -> list[list[int]]:
    """The definition, in Python's integers."""
    x = [int(level) for level in levels]
    past = [[x[t - a] for t in range(ORDER, len(x))] for a in range(ORDER + 1)]
    return [[sum(map(int.__mul__, a, b)) for b in past] for a in past]


def autoregressive(taps: list[float], n: int, seed: int = 0, size: float = 1000.0) -> np.ndarray:
    """An autoregressive process of this order, rounded to integers."""
    noise = np.random.default_rng(seed).normal(0, size, n)
    x = np.zeros(n + len(taps))
    for t in range(n):
        x[t + len(taps)] = noise[t] + sum(a * x[t + len(taps) - 1 - i] for i, a in enumerate(taps))
    return np.rint(x[len(taps) :]).astype(np.int32)


def assert_usable(predictor: np.ndarray):
    assert predictor.dtype == np.int16 and predictor.shape == (ORDER,)
    assert np.abs(predictor.astype(int)).sum() < GREATEST_WEIGHT_SUM


# Covariance


@given(samples(200))
def test_covariance_is_exact(levels):
    matrix = covariance(levels)
    assert matrix.dtype == np.float64
    assert matrix.tolist() == exact_covariance(levels)


@pytest.mark.parametrize("level", [-32768, 32767])
def test_covariance_of_the_longest_and_loudest_channel_is_exact(level):
    levels = np.full(131_072, level, np.int16)
    assert (covariance(levels) == level * level * (131_072 - ORDER)).all()


@pytest.mark.parametrize("n", range(ORDER + 2))
def test_covariance_of_very_short_channels(n):
    levels = np.arange(3, 3 + n)
    assert covariance(levels).tolist() == exact_covariance(levels)
    assert covariance(levels).any() == (n > ORDER)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_covariance_takes_any_integers_in_any_layout(dtype):
    levels = np.random.default_rng(0).integers(-32768, 32768, (300, 2)).astype(dtype)
    assert covariance(levels[:, 1]).tolist() == exact_covariance(levels[:, 1])


# Residual powers


@given(samples(300), st.integers(0, 2**32 - 1))
def test_residual_powers_are_those_of_the_residuals(levels, seed):
    rng = np.random.default_rng(seed)
    predictors = rng.integers(-1000, 1000, (3, ORDER))
    predictors[0] = 0
    matrix = covariance(levels)
    unit = 2 ** linear.power_shift(matrix)
    x = [int(level) for level in levels]
    for predictor, power in zip(predictors.tolist(), residual_powers(matrix, predictors).tolist()):
        exact = sum(
            (ONE * x[t] - sum(w * x[t - 1 - i] for i, w in enumerate(predictor))) ** 2
            for t in range(ORDER, len(x))
        )
        # Every entry of the matrix is rounded down by less than one unit.
        most = (ONE + sum(map(abs, predictor))) ** 2
        assert abs(power - exact / unit) <= most


def test_residual_powers_fit_64_bits_for_the_largest_matrix_and_weights():
    matrix = covariance(np.full(1 << 20, -32768, np.int16))
    predictor = np.full(ORDER, -(GREATEST_WEIGHT_SUM - ORDER) // ORDER)
    scaled = int(matrix[0, 0]) >> linear.power_shift(matrix)
    exact = scaled * (ONE - int(predictor.sum())) ** 2
    assert residual_powers(matrix, predictor[None]).tolist() == [exact]


# The best predictor


@pytest.mark.parametrize(
    "taps", [[0.9], [1.6, -0.81], [0.5, 0.2, -0.3], [-0.7], [0.0] * 15 + [0.8]]
)
def test_the_predictor_of_an_autoregressive_process_is_found(taps):
    predictor = fitted(covariance(autoregressive(taps, 20_000)))
    assert_usable(predictor)
    expected = np.zeros(ORDER)
    expected[: len(taps)] = taps
    np.testing.assert_allclose(predictor / ONE, expected, atol=0.05)


@given(samples(2000), st.integers(0, 2**32 - 1))
def test_nothing_near_the_fitted_predictor_or_in_the_codebook_is_better(levels, seed):
    matrix = covariance(levels)
    own = fitted(matrix).astype(int)
    others = own + np.random.default_rng(seed).integers(-200, 201, (20, ORDER))
    if own[ORDER // 2 :].any():
        others = np.vstack([others, weights.load("linear")])
    else:  # it may be that of a lower order, and not be the best of all
        others[:, np.flatnonzero(np.append(1, own))[-1] :] = 0
    powers = residual_powers(matrix, np.vstack([own, others])).tolist()
    rounding = (3 * GREATEST_WEIGHT_SUM) ** 2 + 2e-6 * ONE**2 * matrix[0, 0]
    assert powers[0] <= min(powers[1:]) + rounding


@given(samples(600))
def test_fitted_weights_never_sum_too_high(levels):
    assert_usable(fitted(covariance(levels)))


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 1.0, 1e15]), st.booleans())
def test_any_symmetric_matrix_gives_usable_weights(seed, size, definite):
    a = np.random.default_rng(seed).normal(0, size**0.5, (ORDER + 1, ORDER + 1))
    assert_usable(fitted(a @ a.T if definite else a + a.T))


@pytest.mark.parametrize("seed", [2, 9, 24])
def test_weights_that_sum_too_high_are_replaced_by_those_of_a_lower_order(seed):
    a = np.random.default_rng(seed).normal(0, 1e4, (ORDER + 1, ORDER + 1))
    matrix = np.rint(a @ a.T)
    best = np.linalg.solve(matrix[1:, 1:], matrix[0, 1:])
    assert np.abs(best).sum() > GREATEST_WEIGHT_SUM / ONE
    predictor = fitted(matrix)
    assert_usable(predictor)
    expected = np.linalg.solve(matrix[1:9, 1:9], matrix[0, 1:9])
    np.testing.assert_allclose(predictor[:8] / ONE, expected, atol=0.01)
    assert not predictor[8:].any()


@pytest.mark.parametrize(
    "levels",
    [
        np.zeros(500, np.int16),
        np.zeros(3, np.int16),
        np.r_[np.full(16, 32767), np.zeros(50)].astype(np.int16),
        np.r_[np.zeros(16), 1].astype(np.int16),
    ],
    ids=["silence", "too short", "silence after a click", "one sample"],
)
def test_channels_without_anything_to_go_by_give_no_weights(levels):
    predictor = fitted(covariance(levels))
    assert_usable(predictor)
    assert not predictor.any()


@pytest.mark.parametrize("value", [1, -32768, 32767])
def test_a_constant_channel_is_predicted_by_itself(value):
    predictor = fitted(covariance(np.full(500, value, np.int16)))
    assert_usable(predictor)
    assert abs(predictor.astype(int).sum() - ONE) < ORDER


# The codebook


def test_the_codebook_holds_predictors_the_arithmetic_can_bear():
    codebook = weights.load("linear")
    assert codebook.dtype == np.int16
    assert codebook.ndim == 2 and codebook.shape[1] == ORDER and 1 <= len(codebook) <= 254
    assert np.abs(codebook.astype(int)).sum(1).max() < GREATEST_WEIGHT_SUM
    assert len(np.unique(codebook, axis=0)) == len(codebook)


# Products of channels


@given(st.integers(1, 7), st.integers(0, 700), st.integers(0, 99))
def test_common_products_are_exact(channels, frames, seed):
    values = np.random.default_rng(seed).integers(-(1 << 20), 1 << 20, (channels, frames), np.int32)
    wide = values.astype(np.int64)
    found = common_products(list(values))
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, wide @ wide.T)


def test_common_products_of_many_blocks_are_exact():
    values = np.random.default_rng(0).integers(-(1 << 15), 1 << 15, (3, BLOCK), np.int32)
    wide = values.astype(np.int64)
    np.testing.assert_array_equal(common_products(values), wide @ wide.T)


ONE_THREAD = """
import time
import numpy as np
import spikey_codec
from spikey_codec.archive import pack
from spikey_codec.readers.wav import plain_header
from spikey_codec.topology.correlation import RAW, Moments

random = np.random.default_rng(0)
samples = random.normal(0, 30, (4000, 128)).round().astype(np.int16)
wide = samples.astype(np.int64) << 20
members = [(str(i), plain_header(4000, 1, 9) + samples[:, i].tobytes()) for i in range(16)]

def work():
    spikey_codec.encode_array(samples)
    pack(members)
    for _ in range(5):
        Moments.of(list(samples.T), RAW)
    Moments.of(list(wide.T), RAW)

work()
everything, this = time.process_time(), time.thread_time()
for _ in range(2):
    work()
everything, this = time.process_time() - everything, time.thread_time() - this
assert everything < 1.2 * this + 0.02, (everything, this)
"""


def test_encoding_takes_one_thread(run_python):
    """On a machine of several processors; on others it cannot fail."""
    done = run_python(ONE_THREAD)
    assert done.returncode == 0, done.stderr.decode()


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_references_are_looked_for_among_the_nearest_that_are_coded(channels, seed):
    """In the order of Prim: the next channel is the one nearest to any of those coded."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, 60, (40, 1)) * random.integers(0, 2, channels)
    found = [*(random.normal(0, 60, (40, channels)) + shared).astype(np.int32).T.copy()]
    asked = []

    def worth(all_residuals, products, own, near):
        asked.append((own, near))
        return []

    with mock.patch.object(cross_channel, "_worth", worth):
        cross_channel.choose_references(found, 3)
    together = _correlations(found)
    coded = [int(together.sum(0).argmax())]
    expected = []
    while len(coded) < channels:
        left = [i for i in range(channels) if i not in coded]
        new = max(left, key=lambda i: (max(together[i, coded]), -i))
        near = sorted(coded, key=lambda i: (-together[new, i], i))[:3]
        if near := [i for i in near if together[new, i] >= cross_channel.WEAKEST]:
            expected.append((new, near))
        coded.append(new)
    assert asked == expected


def _correlations(residuals: list[np.ndarray]) -> np.ndarray:
    products = np.array(
        [[int(a.astype(np.int64) @ b.astype(np.int64)) for b in residuals] for a in residuals],
        float,
    )
    size = np.sqrt(np.diag(products).clip(1))
    products = np.abs(products) / size[:, None] / size[None]
    np.fill_diagonal(products, 0)
    return products
