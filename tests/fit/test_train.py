"""Training: configurations that are refused, the network in floating point against the integers
of FORMAT.md, and that a training learns, goes on where it was cut off, and writes a network."""

import contextlib
import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from spikey_codec import weights
from spikey_codec.cli.main import main
from spikey_codec.constants import CDF_GRID_BITS
from spikey_codec.errors import RecordingError, UsageError
from spikey_codec.fit import config
from spikey_codec.fit.sections import Config, FeatureExtractor
from spikey_codec.lab.simulate import (
    lead_layout,
    shipped_transition_levels,
    simulate_codes,
    write_recordings,
)
from spikey_codec.prediction import network as integer_network
from spikey_codec.prediction.network_array import parse, to_array

SEED = 3
ROOT = Path(__file__).parents[2]


# Configurations


def test_defaults_are_a_configuration():
    assert config.parse(None) == Config() == config.parse({"training": None})


def test_every_shipped_configuration_can_be_used(pytestconfig):
    pytest.importorskip("yaml")
    paths = sorted((pytestconfig.rootpath / "docs" / "networks").glob("*.yaml"))
    assert paths
    for path in paths:
        made = config.load(path)
        assert made.data.keep_out == 5 and made.data.recordings


RNN = {"type": "rnn", "latent_size": 8, "rnn_hidden_size": 8, "rnn_num_layers": 1}

BAD = [
    ([], "sections"),
    ({"features": {}}, "features is not a section"),
    ({"training": []}, "training is not"),
    ({"training": {"epoch": 3}}, "training.epoch is not a key"),
    ({"training": {"epochs": "many"}}, "training.epochs must be a whole number"),
    ({"training": {"epochs": True}}, "training.epochs"),
    ({"training": {"epochs": 0}}, "training.epochs must be at least 1"),
    ({"training": {"learning_rate": "fast"}}, "training.learning_rate must be a number"),
    ({"training": {"learning_rate": 0}}, "training.learning_rate"),
    ({"training": {"learning_rate": float("nan")}}, "training.learning_rate"),
    ({"training": {"samples_per_epoch": 10}}, "training.samples_per_epoch"),
    ({"training": {"device": "tpu"}}, "training.device"),
    ({"training": {"peer_gradients_factor": 2}}, "training.peer_gradients_factor"),
    ({"feature_extractor": {"type": "fourier"}}, "feature_extractor.type"),
    ({"feature_extractor": {"length": 0}}, "feature_extractor.length"),
    ({"feature_extractor": {"length": 256, "errors": 256}}, "feature_extractor.length and errors"),
    ({"latent_projector": {"type": "cnn"}}, "latent_projector.type"),
    ({"latent_projector": {"latent_size": 513}}, "latent_projector.latent_size"),
    ({"latent_projector": {"layer_shapes": 64}}, "latent_projector.layer_shapes must be a list"),
    ({"latent_projector": {"layer_shapes": [64, 0]}}, "latent_projector.layer_shapes"),
    ({"latent_projector": {"layer_shapes": [8] * 8}}, "latent_projector.layer_shapes"),
    (
        {"latent_projector": {"layer_shapes": [8], "activations": ["relu"]}},
        "latent_projector.activations",
    ),
    ({"latent_projector": {"activations": ["gelu"]}}, "latent_projector.activations"),
    ({"latent_projector": {"rnn_hidden_size": 8}}, "latent_projector.rnn_hidden_size is only"),
    ({"latent_projector": {"type": "rnn"}}, "latent_projector.rnn_hidden_size is missing"),
    ({"latent_projector": RNN | {"rnn_num_layers": 5}}, "latent_projector.rnn_num_layers"),
    ({"latent_projector": RNN | {"activations": ["relu"]}}, "latent_projector.activations"),
    (
        {
            "latent_projector": RNN | {"rnn_hidden_size": 128},
            "feature_extractor": {"length": 256, "errors": 200},
        },
        "latent_projector.rnn_hidden_size",
    ),
    ({"latent_projector": RNN, "training": {"burn_in": 160}}, "training.burn_in"),
    ({"latent_projector": RNN, "training": {"batch_size": 16}}, "training.batch_size"),
    ({"latent_projector": RNN, "training": {"sequence_length": 5000}}, "training.sequence_length"),
    ({"middle_out": {"num_peers": 9}}, "middle_out.num_peers"),
    ({"middle_out": {"num_peers": 1, "residual": 1}}, "middle_out.residual must be true or false"),
    (
        {"middle_out": {"num_peers": 1, "residual": True, "region_latent_size": 3}},
        "middle_out.region_latent_size",
    ),
    ({"middle_out": {"num_peers": 1}, "latent_projector": {"latent_size": 300}}, "middle_out"),
    ({"predictor": {"layer_shapes": [8], "activations": []}}, "predictor.activations"),
    ({"predictor": {"layer_shapes": [8] * 8}}, "predictor.layer_shapes"),
    ({"data": {"recordings": "data"}}, "data.recordings must be a list"),
    ({"data": {"keep_out": 1}}, "data.keep_out"),
    ({"data": {"validation": 0.9}}, "data.validation"),
    ({"bitstream_encoding": {"coder": "arithmetic"}}, "bitstream_encoding.coder"),
]


@pytest.mark.parametrize("content, message", BAD)
def test_what_cannot_be_is_refused_by_its_name(content, message):
    with pytest.raises(UsageError, match=message) as caught:
        config.parse(content)
    assert "\n" not in str(caught.value)


def test_numbers_are_read_as_yaml_writes_them(tmp_path):
    pytest.importorskip("yaml")
    path = tmp_path / "network.yaml"
    path.write_text("training: {learning_rate: 4e-3, weight_decay: 0}\n")
    made = config.load(path).training
    assert made.learning_rate == 4e-3 and made.weight_decay == 0.0
    path.write_text("training: {learning_rate: [\n")
    with pytest.raises(UsageError, match="not a YAML"):
        config.load(path)


def test_the_device_and_the_recordings_do_not_make_another_configuration():
    one = config.parse({"training": {"device": "cpu"}, "data": {"recordings": ["a"]}})
    assert one.digest() == Config().digest()
    assert config.parse({"training": {"seed": 2}}).digest() != one.digest()


# Wavelets


@pytest.mark.parametrize("name, level, mode", [
    ("db1", 3, "symmetric"), ("dmey", 2, "periodization"), ("sym4", 2, "zero"),
    ("bior2.2", 1, "smooth"),
])  # fmt: skip
def test_the_wavelet_matrix_does_what_pywt_does(name, level, mode):
    pywt = pytest.importorskip("pywt")
    features = FeatureExtractor("wavelet", 64, 4, name, level, mode)
    window = np.random.default_rng(SEED).standard_normal(64)
    with pytest.warns() if name == "dmey" else contextlib.nullcontext():
        expected = np.concatenate(pywt.wavedec(window, name, mode, level))
    np.testing.assert_allclose(features.wavelet_matrix() @ window, expected, atol=1e-9)


@pytest.mark.parametrize("keys, message", [
    ({"name": "db99"}, "feature_extractor.name"),
    ({"name": "morl"}, "feature_extractor.name"),
    ({"mode": "round"}, "feature_extractor.mode"),
    ({"level": 0}, "feature_extractor.level"),
    ({"length": 256, "level": 8, "mode": "symmetric"}, "feature_extractor.level gives"),
])  # fmt: skip
def test_wavelets_that_are_not_there_are_refused(keys, message):
    pytest.importorskip("pywt")
    with pytest.raises(UsageError, match=message):
        config.parse({"feature_extractor": {"type": "wavelet", **keys}})


# The network in floating point and in integers


@pytest.fixture(scope="module")
def torch():
    for name in ("yaml", "pywt", "matplotlib", "tqdm"):
        pytest.importorskip(name)
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # such small networks gain nothing by more
    yield torch
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def leads():
    return simulate_codes(8, seconds=2.0, seed=SEED, thresholds=shipped_transition_levels())


@pytest.fixture(scope="module")
def windows(torch, leads):
    from spikey_codec.fit.windows import Windows
    from spikey_codec.topology.groups import simultaneous_groups

    made = Windows(leads, simultaneous_groups(leads), 40, 1)
    assert len(made.alone) == 8 and len(made.together) >= 4
    return made


KINDS = {
    "layers": {"latent_projector": {"latent_size": 8, "layer_shapes": [12, 10],
                                    "activations": ["tanh", "relu", "sigmoid"]},
               "predictor": {"layer_shapes": [6]}},
    "wavelet": {"feature_extractor": {"type": "wavelet", "length": 40, "name": "db2", "level": 3},
                "latent_projector": {"latent_size": 8}},
    "rnn": {"latent_projector": RNN | {"rnn_num_layers": 2},
            "training": {"sequence_length": 60, "burn_in": 20}},
    "beside": {"latent_projector": {"latent_size": 8},
               "middle_out": {"num_peers": 1, "region_latent_size": 5}},
    "added": {"latent_projector": {"latent_size": 8},
              "middle_out": {"num_peers": 1, "residual": True}},
}  # fmt: skip
SMALL = {"length": 16, "errors": 8}


def network_of(kind: str, torch):
    """A network of this kind that corrects at random."""
    from spikey_codec.fit.network import Network

    content = {"feature_extractor": SMALL, **KINDS[kind]}
    content["feature_extractor"] = SMALL | content["feature_extractor"]
    torch.manual_seed(SEED)
    model = Network(config.parse(content))
    torch.nn.init.normal_(model.predictor.layers[-1].weight, std=0.5)
    return model


def places_of(windows, torch, together: bool, length: int = 1):
    """Random places; where runs are looked at, from the first predicted sample on."""
    generator = torch.Generator().manual_seed(SEED)
    draw = windows.places_together if together else windows.places_alone
    return draw(200, generator, length)


def logistic(k):
    return integer_network.logistic().astype(np.int64)[np.clip(k, -1024, 1023) + 1024]


ACTIVATIONS = [
    lambda x: x,
    lambda x: np.maximum(x, 0),
    lambda x: x * logistic(x >> 3) >> 15,
    lambda x: logistic(x >> 2) - 16384 >> 4,
    lambda x: logistic(x >> 3) >> 5,
]


def run(layers, x):
    for layer in layers:
        half = (1 << layer.shift) >> 1
        sums = x @ layer.weights.astype(np.int64) + (layer.biases.astype(np.int64) << layer.shift)
        x = ACTIVATIONS[layer.activation](np.clip(sums + half >> layer.shift, -16383, 16383))
    return x


def run_recurrent(layer, x):
    """x : shape (count, length, inputs)."""
    size = len(layer.biases) // 4
    cell = y = np.zeros((len(x), size), np.int64)
    out = []
    for t in range(x.shape[1]):
        a, f, g, o = np.split(run([layer], np.concatenate([x[:, t], y], 1)), 4, 1)
        new = logistic(f >> 3) * cell + logistic(a >> 3) * ((2 * logistic(g >> 2) - 32768) >> 3)
        cell = np.clip(new >> 15, -32767, 32767)
        y = logistic(o >> 3) * (2 * logistic(cell >> 4) - 32768) >> 20
        out.append(y)
    return np.stack(out, 1)


def latent(network, x):
    if network.filter_bank:
        seen = run([network.filter_bank], x[..., : network.levels])
        x = np.concatenate([seen, x[..., network.levels :]], -1)
    for layer in network.recurrent:
        x = run_recurrent(layer, x)
    return run(network.projector, x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("together", [False, True])
def test_the_integers_say_what_the_floating_point_says(kind, together, windows, torch):
    from spikey_codec.fit.loss import Loss
    from spikey_codec.fit.quantise import quantise

    model = network_of(kind, torch)
    if together and model.message is None:
        pytest.skip("a network without messages")
    places = places_of(windows, torch, together, 60 if kind == "rnn" else 1)
    seen = []
    original = model.latent
    model.latent = lambda inputs: seen.append(inputs) or original(inputs)
    with torch.no_grad():
        expected = model(windows, places).numpy()
    network = quantise(model)
    inputs = [np.rint(x.numpy() * 1024).astype(np.int64) for x in seen]
    np.testing.assert_array_equal(inputs[0], seen[0].numpy() * 1024)  # they are integers
    x = own = latent(network, inputs[0])
    if network.message:
        region = np.zeros((*own.shape[:-1], network.region_size), np.int64)
        if together:
            peer = latent(network, inputs[1])
            log = windows.traces.numpy()[places.references[..., 0].numpy(), 2].astype(np.int64)
            error = windows.own_residuals.numpy()[places.references[..., 0].numpy()].astype(
                np.int64
            )
            beside = np.stack(
                [places.correlations[..., 0].numpy().astype(np.int64) << 3, norm(error, log)], -1
            )
            region = run([network.message], np.concatenate([own, peer, beside], -1))
        x = own + region if network.adds_messages else np.concatenate([own, region], -1)
    outputs = run(network.predictor, np.clip(x, -16383, 16383)) / 1024
    assert np.abs(expected).max() > 0.1
    assert np.abs(outputs - expected).max() < 0.03
    assert np.abs(outputs - expected).mean() < 0.005
    bits = [
        Loss()(windows, places, torch.from_numpy(x).float()).mean().item()
        for x in (outputs, expected)
    ]
    assert abs(bits[0] - bits[1]) < 0.002


def norm(difference, log):
    size = (64 + log % 64 << (log >> 6)) >> 6
    unit = size >> 7
    return np.clip(difference, -15 * unit, 15 * unit) * ((1 << 33) // size) >> 16


@pytest.mark.parametrize("together", [False, True])
def test_inputs_are_those_of_the_format(together, windows, torch):
    model = network_of("layers", torch)
    lead = windows.together[1] if together else windows.alone[1]
    rows = lead.row + torch.tensor([[1, 2, 3, 9, 17, 500]])
    traces, residuals = windows.traces, windows.residuals
    trace_rows = rows
    if together:
        traces, residuals = windows.joint_traces, windows.joint_residuals
        trace_rows = rows - lead.row + lead.trace_row
    x = model.inputs(windows, rows, traces, residuals, trace_rows)[0].numpy() * 1024
    levels = windows.levels.numpy()[lead.row :].astype(np.int64)
    trace = traces.numpy()[trace_rows[0, 0] - 1 :].astype(np.int64)
    for i, t in enumerate((1, 2, 3, 9, 17, 500)):
        mean, _, log, fast, mid, slow, long, offset = trace[t]
        expected = [norm(levels[max(t - k, 0)] - mean, log) for k in range(1, 17)]
        expected += [norm(trace[max(t - k, 0)][1], log) for k in range(1, 9)]
        expected += [(tracker - log) << 4 for tracker in (fast, mid, slow, long)]
        expected += [(log - 917) << 3, mean >> 2, norm(offset, log)]
        np.testing.assert_array_equal(x[i], np.clip(expected, -16383, 16383))
        assert trace[t][1] == levels[t] - mean


def test_channels_have_as_many_references_as_there_are(leads, torch):
    from spikey_codec.fit.loss import Loss
    from spikey_codec.fit.network import Network
    from spikey_codec.fit.windows import Windows

    windows = Windows(leads, [[0, 1, 2], [3, 4], [5]], 48, 2)
    assert [len(lead.references) for lead in windows.together] == [2, 2, 2, 1, 1]
    places = windows.places_together(300, torch.Generator().manual_seed(SEED))
    assert set(places.present.sum(-1).ravel().tolist()) == {1, 2}
    model = Network(config.parse({"middle_out": {"num_peers": 2}}))
    bits = Loss()(windows, places, model(windows, places))
    assert bits.shape == (300, 1) and torch.isfinite(bits).all()


def test_weights_that_do_not_fit_are_refused(torch):
    from spikey_codec.fit.quantise import integer_layer

    good = integer_layer(np.full((3, 2), 0.25), np.array([0.5, -3.0]), "silu")
    assert good.shift == 16 and good.activation == 2
    assert (good.weights == 1 << 14).all() and good.biases.tolist() == [512, -3072]
    wide = integer_layer(np.full((400, 2), 10.0), np.zeros(2), "identity")
    assert 16383 * np.abs(wide.weights.astype(int)).sum(0).max() + (1 << wide.shift) < 1 << 31
    for weight, bias in ((4e4, 0.0), (1.0, 40.0)):
        with pytest.raises(UsageError, match="too large"):
            integer_layer(np.full((3, 2), weight), np.full(2, bias), "silu")


def test_the_loss_of_no_correction_is_the_mass_between_the_edges(windows, torch):
    from spikey_codec.fit.loss import Loss

    places = places_of(windows, torch, False)
    bits = Loss()(windows, places, torch.zeros(200, 1, 2))[:, 0].numpy()
    mass = weights.load("density")
    at = (np.arange(len(mass)) - len(mass) // 2) / (1 << CDF_GRID_BITS)
    edges = weights.load("converter") / 256
    rows = places.rows[:, 0].numpy()
    trace = windows.traces.numpy()[rows].astype(np.int64)
    scale = ((64 + trace[:, 2] % 64) * 2.0 ** (trace[:, 2] // 64) / 64) / 4096
    codes = windows.codes.numpy()[rows].astype(int) + 512
    below, above = (
        np.interp((edges[codes + i] - trace[:, 0] / 32) / scale, at, mass / mass[-1])
        for i in (0, 1)
    )
    inside = (codes > 0) & (codes < 1023)
    expected = -np.log2((above - below) * 0.9999 + 0.0001 / 1024)
    np.testing.assert_allclose(bits[inside], expected[inside], atol=2e-3)
    assert inside.sum() > 150


# Training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    write_recordings(folder, 8, seconds=2.0, seed=SEED, thresholds=shipped_transition_levels())
    return folder


TINY = """
feature_extractor: {{length: 16, errors: 4}}
latent_projector: {{latent_size: 8}}
training: {{epochs: 3, samples_per_epoch: 60000, batch_size: 2000, seed: 5, device: cpu}}
data: {{recordings: [{folder}], keep_out: 4, validation: 0.3}}
"""


@pytest.fixture
def tiny(folder, tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.format(folder=folder))
    return path


@pytest.mark.parametrize("more", [
    {}, {"latent_projector": RNN, "training": {"sequence_length": 40, "burn_in": 8}},
    {"middle_out": {"num_peers": 1, "region_latent_size": 4}},
])  # fmt: skip
def test_a_training_learns_and_goes_on_as_if_it_had_not_stopped(more, folder, tmp_path, torch):
    from spikey_codec.fit import train

    content = {
        "feature_extractor": SMALL,
        "latent_projector": {"latent_size": 8},
        "data": {"keep_out": 0, "validation": 0.3},
    } | more
    content["training"] = {
        "epochs": 2, "samples_per_epoch": 100_000, "batch_size": 2000, "device": "cpu",
    } | more.get("training", {})  # fmt: skip
    made = config.parse(content)
    read = train.read_recordings(made, [folder], "cpu")
    whole = train.Trainer(made, read, "cpu")
    while not whole.finished:
        whole.run_epoch()
    assert whole.best_bits < whole.start_bits - 0.001

    first = train.Trainer(made, read, "cpu")
    first.run_epoch()
    first.save(tmp_path / "checkpoint.pt")
    second = train.Trainer(made, read, "cpu")
    second.load(tmp_path / "checkpoint.pt")
    second.run_epoch()
    assert [e[:4] for e in second.history] == [e[:4] for e in whole.history]
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key]), key
    other = train.Trainer(config.parse(content | {"data": {"keep_out": 2}}), read, "cpu")
    with pytest.raises(UsageError, match="another configuration"):
        other.load(tmp_path / "checkpoint.pt")


def test_the_command_writes_a_network(tiny, tmp_path, torch):
    from spikey_codec.fit.train import train

    lines = []
    into, work = tmp_path / "networks", tmp_path / "work"
    path = train(tiny, "tiny", into, work, report=lines.append)
    assert path == into / "tiny.npy"
    array = weights.read(into, "tiny")
    assert array.dtype == np.int16 and array.ndim == 1
    network = parse(array)
    np.testing.assert_array_equal(to_array(network), array)
    assert (network.levels, network.residuals) == (16, 4)
    with open(work / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["train_bits"]) < float(rows[0]["train_bits"])
    assert (work / "curve.png").read_bytes()[:4] == b"\x89PNG"
    assert sum(line.startswith("epoch ") for line in lines) == 3
    with pytest.raises(UsageError, match="already"):
        train(tiny, "tiny", into, work)
    again = train(tiny, "again", into, work, resume=True)  # nothing is left to do
    assert again.read_bytes() == path.read_bytes()


def test_the_same_seed_gives_the_same_network(tiny, tmp_path, torch):
    from spikey_codec.fit.train import train

    one, two = (train(tiny, name, tmp_path, tmp_path / f"work-{name}") for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_training_ends_where_nothing_gets_better(tiny, tmp_path, torch, monkeypatch):
    from spikey_codec.fit import train

    tiny.write_text(tiny.read_text().replace("epochs: 3", "epochs: 30, patience: 2"))
    monkeypatch.setattr(train.Trainer, "rate", lambda self, progress: 0.0)
    train.train(tiny, "tiny", tmp_path, tmp_path / "work")
    assert len((tmp_path / "work" / "log.csv").read_text().splitlines()) == 1 + 3


def test_names_and_folders_that_cannot_be_are_refused(tiny, tmp_path, torch):
    from spikey_codec.fit.train import train

    for name in ("linear", "a/b", "", "a.b", "ä"):
        with pytest.raises(UsageError, match="name"):
            train(tiny, name, tmp_path, tmp_path / "work")
    with pytest.raises(UsageError, match="resume"):
        train(tiny, "tiny", tmp_path, tmp_path / "work", resume=True)
    with pytest.raises(UsageError, match="there is no"):
        train(tiny, "tiny", tmp_path, tmp_path / "work", recordings=[tmp_path / "nowhere"])
    with pytest.raises(RecordingError):
        train(tiny, "tiny", tmp_path, tmp_path / "work", recordings=[tmp_path])


def test_a_middle_out_needs_simultaneous_leads(tiny, folder, tmp_path, torch):
    from spikey_codec.fit.train import train

    tiny.write_text(tiny.read_text() + "middle_out: {num_peers: 1}\n")
    paths = sorted(folder.glob("*.wav"))
    one_of_each = [paths[group[0]] for group in lead_layout(len(paths), SEED)[0]]
    with pytest.raises(RecordingError, match="simultaneous"):
        train(tiny, "tiny", tmp_path, tmp_path / "work", recordings=one_of_each)


def test_encode_takes_what_was_trained(tiny, tmp_path, torch):
    """From `spikey train` to ./encode --preset and ./decode, in a copy of the tree."""
    for name in ("encode", "decode"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "spikey_codec").symlink_to(ROOT / "spikey_codec")
    shutil.copytree(ROOT / "weights", tmp_path / "weights")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".venv" / "spikey-setup").touch()

    arguments = ["train", tiny, "tiny", "--into", tmp_path / "weights" / "networks"]
    done = CliRunner().invoke(main, [*map(str, arguments), "--work", str(tmp_path / "work")])
    assert done.exit_code == 0, done.output
    (recording, *_) = write_recordings(
        tmp_path / "new", 1, 3.0, seed=9, thresholds=shipped_transition_levels()
    )
    sizes = {}
    for preset in ("linear", "tiny"):
        packed, copy = tmp_path / f"{preset}.brainwire", tmp_path / f"{preset}.wav"
        for command in ([tmp_path / "encode", "--preset", preset, recording, packed],
                        [tmp_path / "decode", packed, copy]):  # fmt: skip
            subprocess.run(command, check=True, timeout=60)
        assert copy.read_bytes() == recording.read_bytes()
        sizes[preset] = packed.stat().st_size
    assert sizes["tiny"] < 1.002 * sizes["linear"]  # two seconds teach little, but do no harm
