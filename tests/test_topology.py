"""Which leads were recorded together."""

import numpy as np
import pytest

from spikey_codec.lab.simulate import lead_layout, simulate_codes
from spikey_codec.topology import SIMULTANEOUS, common_activity, simultaneous_groups


def noise(leads: int, samples: int = 20_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 30, (leads, samples))


def codes(*leads) -> list[np.ndarray]:
    return [np.rint(lead).astype(np.int16) for lead in leads]


def test_simulated_pairs_are_found():
    groups, railed = lead_layout(11, seed=4)
    assert not railed
    leads = simulate_codes(11, seconds=5.0, seed=4)
    assert simultaneous_groups(leads) == sorted(sorted(group) for group in groups)


def test_the_measure_is_the_correlation_of_first_differences():
    a, b = noise(2)
    leads = codes(a, b + 0.5 * a, 5 * a + b)
    expected = np.abs(np.corrcoef(np.diff(np.stack(leads).astype(float))))
    np.fill_diagonal(expected, 0)
    measure = common_activity(leads)
    np.testing.assert_allclose(measure, expected, atol=1e-4)
    assert measure.dtype == np.float32


def test_unrelated_leads_are_alone():
    leads = codes(*noise(6, 100_000))
    assert common_activity(leads).max() < SIMULTANEOUS
    assert simultaneous_groups(leads) == [[0], [1], [2], [3], [4], [5]]


def test_common_drift_alone_relates_no_leads():
    a, b = noise(2, 100_000)
    drift = 3000 * np.sin(np.arange(100_000) / 10_000)
    assert simultaneous_groups(codes(a + drift, b + drift)) == [[0], [1]]


def test_a_lead_turned_upside_down_is_related():
    a, b = noise(2)
    assert simultaneous_groups(codes(a, b, -a)) == [[0, 2], [1]]


def test_leads_of_different_length_are_compared_but_never_together():
    a, = noise(1)
    leads = codes(a, a[:-1])
    assert common_activity(leads)[0, 1] == pytest.approx(1, abs=1e-5)
    assert simultaneous_groups(leads) == [[0], [1]]


def test_leads_that_share_a_peer_are_one_group():
    a, b, c = noise(3)
    assert simultaneous_groups(codes(a, a + b, b, c)) == [[0, 1, 2], [3]]


def test_groups_are_in_order_of_their_first_member():
    a, b, c = noise(3)
    assert simultaneous_groups(codes(a, c, b, a + b)) == [[0, 2, 3], [1]]


@pytest.mark.parametrize("length", [0, 1, 2, 1000])
def test_constant_leads_are_related_to_nothing(length):
    still = np.full(length, 7, np.int16)
    assert not common_activity([still, still]).any()
    assert simultaneous_groups([still, still]) == [[0], [1]]
