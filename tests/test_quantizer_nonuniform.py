"""Non-uniform converters of unknown make are recognised, and even ones are left alone."""

import numpy as np
import pytest

from spikey_codec import codec
from spikey_codec.bitstream.header import read_header
from spikey_codec.constants import CHALLENGE, NONUNIFORM, PALETTE, PLAIN
from spikey_codec.prediction.linear import best_predictor
from spikey_codec.quantizer import estimate
from spikey_codec.quantizer.detect import FEWEST
from spikey_codec.quantizer.mapping import Mapping, challenge_pcm
from spikey_codec.quantizer.nonuniform import transition_levels_of, widths_of, written_of
from strategies import plain_wav


def channel(frames: int, seed: int = 0, spread: float = 14) -> np.ndarray:
    """A signal on the linear scale, in codes."""
    random = np.random.default_rng(seed)
    slow = np.convolve(random.normal(0, 1, frames + 300), np.ones(300) / 17, "valid")[:frames]
    return 40 * slow + random.normal(0, spread, frames)


def kind(samples: np.ndarray) -> int:
    packed = codec.compress(plain_wav(samples))
    assert codec.decompress(packed) == plain_wav(samples)
    return read_header(packed)[0].mapping.kind


def through(transitions: np.ndarray, signal: np.ndarray) -> np.ndarray:
    return (np.searchsorted(transitions, signal) - len(transitions) // 2).astype(np.int16)


@pytest.mark.parametrize("channels", [1, 3])
def test_known_widths_are_found_again(channels):
    random = np.random.default_rng(5)
    widths = np.exp(random.normal(0, 0.5, 600))
    transitions = np.cumsum(widths) - widths.sum() / 2
    samples = np.stack([through(transitions, channel(90_000, i)) for i in range(channels)], axis=1)
    header, _ = read_header(codec.compress(plain_wav(samples)))
    assert header.mapping.kind == NONUNIFORM
    found = widths_of(header.mapping.widths) / 256
    true = widths[header.mapping.values.astype(int) + 300]
    often = (samples.ravel() == header.mapping.values[:, None]).sum(1)
    common = often > 1000 * channels
    assert common.sum() > 10
    assert np.corrcoef(np.log(found[common]), np.log(true[common]))[0, 1] > 0.95


@pytest.mark.parametrize(("samples", "expected"), [
    (np.rint(channel(60_000)).astype(np.int16), PALETTE),  # of its rarest values some are missing
    (np.rint(channel(60_000, spread=3)).astype(np.int16), PLAIN),
    (np.rint(channel(60_000)).astype(np.int16) * 16, PALETTE),
    (challenge_pcm()[np.rint(channel(60_000)).astype(int) + 512], CHALLENGE),
    (np.random.default_rng(0).integers(-900, 900, 60_000).astype(np.int16), PLAIN),
    (np.repeat(np.array([0, 900], np.int16), 30_000), PALETTE),
    (np.tile(np.arange(-400, 400), 80).astype(np.int16), PLAIN),
], ids=["even", "quiet", "multiples", "challenge", "noise", "a step", "a saw"])  # fmt: skip
def test_even_converters_stay_even(samples, expected):
    assert kind(samples) == expected


def test_short_recordings_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(estimate, "refined", None)
    assert kind(np.rint(channel(FEWEST - 1)).astype(np.int16) * 3) == PALETTE


def test_widths_are_steps_of_a_sixteenth_of_an_octave():
    widths = widths_of(np.arange(256))
    assert widths[0] == 1 and widths[128] == 256 and widths[255] == 31 << 11
    assert (np.diff(widths) >= 0).all()
    assert (widths[129:] / widths[128:-1]).max() < 1.07
    mapping = Mapping(NONUNIFORM, np.arange(3, dtype=np.int16), np.full(3, 128, np.uint8))
    assert transition_levels_of(mapping).tolist() == [-256, 0, 256, 512]
    assert (widths_of(written_of(widths)) == widths).all()


def test_what_is_found_does_not_depend_on_the_order_of_memory():
    widths = np.where(np.arange(800) % 2, 1.6, 0.4)
    transitions = np.cumsum(widths) - 400
    samples = np.stack([through(transitions, channel(40_000, i)) for i in range(2)], axis=1)
    mapping = Mapping(PLAIN)
    values = np.unique(samples)
    found = estimate.refined(mapping, values, [samples], samples.size, best_predictor)
    again = estimate.refined(
        mapping, values, [np.asfortranarray(samples)], samples.size, best_predictor
    )
    np.testing.assert_array_equal(found.widths, again.widths)
    assert estimate.refined(mapping, values, [], 0, best_predictor) == mapping


def counts_of(samples: np.ndarray) -> np.ndarray:
    return np.bincount(samples - samples.min())


@pytest.mark.parametrize("deviation", [3, 6, 10, 30, 200])
@pytest.mark.parametrize("whole", [np.rint, np.trunc], ids=["rounded", "cut"])
def test_a_gaussian_of_even_codes_is_not_searched(deviation, whole):
    """However narrow it is, and also where 0 comes twice as often because samples were cut."""
    samples = np.random.default_rng(deviation).normal(0.3, deviation, 200_000)
    assert not estimate.is_rough(counts_of(whole(samples).astype(int)))


@pytest.mark.parametrize("deviation", [10, 60, 150])
def test_codes_of_different_widths_are_searched(deviation):
    random = np.random.default_rng(deviation)
    edges = random.uniform(0.6, 1.4, 12 * deviation).cumsum()
    samples = random.normal(edges[-1] / 2, deviation, 400_000)
    assert estimate.is_rough(counts_of(np.searchsorted(edges, samples)))
