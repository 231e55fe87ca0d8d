"""Networks in integers: their array and back, what is refused, and that they code losslessly."""

import gc
import weakref

import numpy as np
import pytest

from networks import KINDS, coder_for, for_preset, layer, no_way_back, using_weights, write_weights
from spikey_codec import chunk, codec, presets, weights
from spikey_codec.bitstream.channel_header import (
    CONSTANT,
    LINEAR_CODED,
    ChannelHeader,
    read_names,
)  # fmt: skip
from spikey_codec.bitstream.header import read_header
from spikey_codec.coders.network_huffman import NetworkHuffman
from spikey_codec.coders.network_rans import NetworkRans
from spikey_codec.constants import (
    CHALLENGE,
    LINEAR,
    MIXED,
    NETWORK,
    PLAIN,
    PREDICTION_BITS,
    SMALLEST_LOG,
    TAPS,
)
from spikey_codec.errors import CorruptError, UsageError, VersionError, WeightsError
from spikey_codec.info import read_info
from spikey_codec.lab.simulate import shipped_transition_levels, simulate_codes
from spikey_codec.prediction import cross_channel, linear
from spikey_codec.prediction.network import Tables, logistic, trace
from spikey_codec.prediction.network_array import Layer, Network, identity, parse, to_array
from spikey_codec.quantizer.mapping import Mapping, to_samples
from spikey_codec.quantizer.nonuniform import reconstruction_levels
from spikey_codec.readers.wav import plain_header


def signals() -> dict[str, tuple[np.ndarray, Mapping]]:
    """Codes of simulated leads, alone and in simultaneous pairs, and of another converter."""
    leads = simulate_codes(4, 0.11, seed=3, thresholds=shipped_transition_levels())
    four = np.stack([lead[:1500] for lead in leads], axis=1).astype(np.int16)
    walk = np.random.default_rng(1).normal(0, 30, (1200, 3)).cumsum(0)
    return {
        "one lead": (four[:, :1], Mapping(CHALLENGE)),
        "four leads": (four, Mapping(CHALLENGE)),
        "copies": (np.repeat(four[:, :1], 3, axis=1), Mapping(CHALLENGE)),
        "16 bits": (walk.astype(np.int16), Mapping(PLAIN)),
        "two frames": (four[:2, :2], Mapping(CHALLENGE)),
        "one frame": (four[:1, :2], Mapping(CHALLENGE)),
    }


@pytest.fixture
def always_networks():
    """No chunk declines its network."""
    with no_way_back():
        yield


@pytest.mark.parametrize("signal", signals())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", [NETWORK, MIXED])
def test_what_a_network_encodes_it_decodes(preset, kind, signal, always_networks):
    codes, mapping = signals()[signal]
    tables = Tables(parse(to_array(for_preset(kind, preset))))
    packed = chunk.encode(coder_for(mapping, True, tables), codes)
    decoded = chunk.decode(coder_for(mapping, False, tables), memoryview(packed), *codes.shape)
    np.testing.assert_array_equal(decoded, codes)
    for length in range(0, len(packed), 97):
        with pytest.raises(CorruptError):
            coder = coder_for(mapping, False, tables)
            chunk.decode(coder, memoryview(packed)[:length], *codes.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_comes_back(kind):
    array = to_array(KINDS[kind])
    again = parse(array)
    np.testing.assert_array_equal(to_array(again), array)
    for got, sent in zip(again.layers, KINDS[kind].layers, strict=True):
        np.testing.assert_array_equal(got.weights, sent.weights)
        np.testing.assert_array_equal(got.biases, sent.biases)
    for length in [*range(30), len(array) - 1]:
        with pytest.raises(WeightsError):
            parse(array[:length])
    with pytest.raises(WeightsError, match="follows its last layer"):
        parse(np.append(array, np.int16(0)))


@pytest.mark.parametrize(("item", "value", "message"), [
    (0, 3, "preset number 3"), (0, 0, "preset number 0"), (1, 2, "shape"),
    (2, 0, "shape"), (2, 257, "shape"), (3, -1, "shape"),
    (5, 9, "shape"), (6, 1, "shape"), (8, 1, "shape"), (9, 0, "shape"), (2, 21, "do not fit"),
    (10, 0, "layer"), (12, 5, "activation"), (13, 17, "layer"),
])  # fmt: skip
def test_impossible_networks_are_refused(item, value, message):
    array = to_array(KINDS["fc"])
    array[item] = value
    with pytest.raises(WeightsError, match=message):
        parse(array)


def test_weights_whose_sums_would_not_fit_are_refused():
    large = Layer(np.full((8, 2), 32767, np.int16), np.zeros(2, np.int16), 0, 12)
    with pytest.raises(WeightsError, match="too large"):
        parse(to_array(Network(1, 0, projector=[layer(8, 8)], predictor=[large])))
    with pytest.raises(WeightsError, match="list of 16-bit"):
        parse(np.zeros(20, np.int32))


def test_the_logistic_function_is_one():
    x = (np.arange(2048) - 1023.5) / 128
    exact = 32768 / (1 + np.exp(-x))
    assert np.abs(logistic() - exact).max() <= 1
    assert (np.diff(logistic()) >= 0).all()


SHIPPED = {name: KINDS[name] for name in ("fc", "rnn", "messages")}
SHIPPED["mixed"] = for_preset("messages added", MIXED)


@pytest.fixture
def with_networks(tmp_path):
    """A copy of the weights with the networks of `KINDS`, in use for one test."""
    write_weights(tmp_path, SHIPPED)
    with using_weights(tmp_path) as folder:
        yield folder


def recording(channels: int) -> bytes:
    codes, mapping = signals()["four leads"]
    pcm = to_samples(np.ascontiguousarray(codes[:, :channels]), mapping)
    return plain_header(len(pcm), channels, 19531) + pcm.astype("<i2").tobytes()


@pytest.mark.parametrize("preset", SHIPPED)
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("way_back", [True, False])
def test_files_name_their_network(with_networks, preset, channels, way_back, request):
    if not way_back:
        request.getfixturevalue("always_networks")
    data = recording(channels)
    packed = codec.compress(data, preset)
    assert codec.decompress(packed) == data
    assert read_info(packed)["preset"] == preset
    header, _ = read_header(packed)
    assert header.network == identity(to_array(SHIPPED[preset]))
    assert header.preset == SHIPPED[preset].preset
    if channels == 4:
        stored = read_info(packed)["predictors"]
        assert sum(stored.values()) == 4


def test_a_mean_beyond_the_last_code_makes_rails_cheap():
    """A channel that is clipped most of the time, by a network that says it lies far above."""
    seen = np.random.default_rng(6).random(1500) < 0.05
    codes = np.where(seen, 508, 511).astype(np.int16)[:, None]
    high = Layer(np.zeros((8, 2), np.int16), np.array([2000, 0], np.int16), 0, 12)
    known = Network(1, 0, projector=[layer(8, 8)], predictor=[high], preset=MIXED)
    coder = coder_for(Mapping(CHALLENGE), True, Tables(known))
    packed = chunk.encode(coder, codes)
    assert packed[0] != LINEAR_CODED
    assert 8 * len(packed) < len(codes)


def test_a_network_that_does_harm_is_declined():
    codes, mapping = signals()["one lead"]
    loud = Network(1, 0, projector=[layer(8, 8)], predictor=[layer(8, 2, "identity", 16000)])
    packed = chunk.encode(coder_for(mapping, True, Tables(loud)), codes)
    assert packed == bytes([LINEAR_CODED]) + chunk.encode(coder_for(mapping, True), codes)
    assert read_names(memoryview(packed), 1, True)[1] == 3
    with pytest.raises(CorruptError, match="predictor that does not exist"):
        chunk.decode(coder_for(mapping, False), memoryview(packed), *codes.shape)


def test_a_coder_that_nobody_needs_frees_its_tables_at_once():
    for preset in (NETWORK, MIXED):
        tables = Tables(for_preset("fc", preset))
        edges = weights.load("converter").tobytes()
        kind = NetworkHuffman if preset == NETWORK else NetworkRans
        coder = kind(-512, 511, edges, True, tables)
        chunk.encode(coder, signals()["one lead"][0])
        gone = weakref.ref(coder)
        gc.disable()
        try:
            del coder
            assert gone() is None
        finally:
            gc.enable()


def test_a_network_that_is_gone_is_missed(with_networks):
    packed = codec.compress(recording(1), "fc")
    weights.save(with_networks / "networks", "fc", to_array(KINDS["short"]), {})
    weights.use(with_networks)
    with pytest.raises(VersionError, match="needs the network"):
        codec.decompress(packed)
    there_is = "no preset 'nothing'; there is linear, fc, messages, mixed, rnn"
    with pytest.raises(UsageError, match=there_is):
        codec.compress(recording(1), "nothing")
    assert presets.names() == ["linear", "fc", "messages", "mixed", "rnn"]


def test_a_network_for_another_preset_is_refused(with_networks):
    packed = bytearray(codec.compress(recording(1), "fc"))
    packed[4] += MIXED - NETWORK
    for read in (codec.decompress, read_info):
        with pytest.raises(CorruptError, match="another preset"):
            read(bytes(packed))


def test_what_has_no_samples_needs_no_network(with_networks):
    packed = codec.compress(b"no recording", "fc")
    assert read_header(packed)[0].preset == LINEAR
    assert codec.decompress(packed) == b"no recording"


# Reference channels


def test_residuals_and_their_prediction_are_those_of_the_format():
    random = np.random.default_rng(2)
    levels = random.integers(-3000, 3000, 60).astype(np.int32)
    predictor = weights.load("linear")[3]
    found = cross_channel.residuals(levels, predictor, PREDICTION_BITS)
    past = np.concatenate([np.full(16, levels[0]), levels])
    for t in range(1, 60):
        mean = int(predictor.astype(int) @ past[t + 15 : t - 1 if t else None : -1]) >> 13
        assert found[t] == levels[t] - mean
    assert found[0] == 0
    taps = random.integers(-127, 128, TAPS).astype(np.int8)
    predicted = cross_channel.inter_channel_prediction(
        [cross_channel.Reference(0, 9, 0, taps)], [found]
    )
    for t in range(60):
        total = 0
        for lag in range(-4, 9):
            if 0 <= t - lag < 60:
                total += int(taps[lag + 4]) * int(found[t - lag])
        assert predicted[t] == total >> 9


def test_a_channel_that_hears_another_one_takes_it_as_its_reference():
    random = np.random.default_rng(4)
    common = random.normal(0, 100, 5000)
    heard = 0.5 * common + 0.5 * np.roll(common, -2) + random.normal(0, 80, 5000)
    errors = [np.rint(e).astype(np.int32) for e in (common, heard, random.normal(0, 100, 5000))]
    chosen = cross_channel.choose_references(errors)
    assert sorted(map(len, chosen)) == [0, 0, 1]
    (channel,) = [i for i, peers in enumerate(chosen) if peers]
    (peer,) = chosen[channel]
    assert {channel, peer.channel} == {0, 1}
    left = errors[channel] - cross_channel.inter_channel_prediction([peer], [errors[peer.channel]])
    assert left.std() < 0.8 * errors[channel].std()


@pytest.mark.parametrize("peers", [{0: [0]}, {0: [1], 1: [0]}, {0: [1, 1]}, {0: [3]}, {0: [2]}])
def test_references_that_cannot_be_are_refused(peers):
    taps = np.zeros(TAPS, np.int8)
    sides = [
        ChannelHeader(
            CONSTANT if i == 2 else 0, None, 5,
            references=tuple(cross_channel.Reference(c, 0, 0, taps) for c in peers.get(i, [])),
        )
        for i in range(3)
    ]  # fmt: skip
    with pytest.raises(CorruptError, match="reference"):
        chunk.passes_of(sides)


def test_the_trace_is_what_the_kernel_sees():
    """Its means are the linear preset's: its residuals are those that the headers' scale is of."""
    codes, _ = signals()["one lead"]
    levels = reconstruction_levels(weights.load("converter"))[codes[:, 0] + 512]
    predictor = linear.best_predictor(levels)
    known = trace(levels, predictor, 20 << 12)
    plain = cross_channel.residuals(levels, predictor, PREDICTION_BITS)
    inside = np.abs(known[:, 0]) < 16000
    np.testing.assert_array_equal(known[inside, 1], plain[inside])
    assert (known[1:, 2] >= SMALLEST_LOG).all()
    assert not known[:, 7].any()
