"""The YAML configuration of a network and of its training.

Every section is a dataclass, every key a field of it with a default; what is left out has its
default, what is not known is refused, and so is what no network of FORMAT.md, "Networks", can be.
A message names the section and the key.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..prediction.cross_channel import MOST_REFERENCES
from ..prediction.network import (
    ACTIVATIONS,
    LONGEST_WINDOW,
    METRICS,
    MOST_LAYERS,
    MOST_RECURRENT,
    OTHER_INPUTS,
    OUTPUTS,
    WIDEST,
)



@dataclass(frozen=True)
class FeatureExtractor:
    """What the network sees of the past: a window of levels, as it is or as wavelet coefficients,
    and the errors that the linear prediction made last."""

    type: str = "identity"  # or wavelet
    length: int = 48  # levels
    errors: int = 16
    name: str = "dmey"  # any discrete wavelet of PyWavelets
    level: int = 2
    mode: str = "periodization"  # how PyWavelets goes on beyond the window's ends


@dataclass(frozen=True)
class LatentProjector:
    """From what is seen to the latent: layers, or LSTM layers and then layers."""

    type: str = "fc"  # or rnn
    latent_size: int = 32
    layer_shapes: tuple[int, ...] = ()
    activations: tuple[str, ...] | None = None  # default: silu throughout
    rnn_hidden_size: int | None = None
    rnn_num_layers: int | None = None


@dataclass(frozen=True)
class MiddleOut:
    """Messages from simultaneous leads."""

    num_peers: int = 0  # 0: none
    region_latent_size: int | None = None  # default: latent_size
    residual: bool = False  # messages are added to the latent instead of standing beside it


@dataclass(frozen=True)
class Predictor:
    """From latent and messages to the corrections of mean and scale, which are added as a last
    layer without activation."""

    layer_shapes: tuple[int, ...] = ()
    activations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Training:
    epochs: int = 20
    samples_per_epoch: int = 5_000_000
    batch_size: int = 8192  # samples
    learning_rate: float = 4e-3  # the highest, after the warm-up
    weight_decay: float = 1e-3
    peer_gradients_factor: float = 1.0  # scales what flows back into the peers' latents
    sequence_length: int = 160  # rnn: samples in a row
    burn_in: int = 32  # rnn: of these, so many at the start only warm the cells up
    seed: int = 1
    device: str = "auto"  # auto, cpu, cuda
    patience: int = 10  # epochs without a better validation until the training ends


@dataclass(frozen=True)
class Data:
    recordings: tuple[str, ...] = ()
    keep_out: int = 5  # every so many-th group of simultaneous leads is not seen; 0: all are
    validation: float = 0.05  # share of the other groups that decides when to stop


@dataclass(frozen=True)
class BitstreamEncoding:
    coder: str = "huffman"  # or ans: the network is one for preset number 2


@dataclass(frozen=True)
class Config:
    """A whole configuration; `load` and `parse` make checked ones."""

    feature_extractor: FeatureExtractor = field(default_factory=FeatureExtractor)
    latent_projector: LatentProjector = field(default_factory=LatentProjector)
    middle_out: MiddleOut = field(default_factory=MiddleOut)
    predictor: Predictor = field(default_factory=Predictor)
    training: Training = field(default_factory=Training)
    data: Data = field(default_factory=Data)
    bitstream_encoding: BitstreamEncoding = field(default_factory=BitstreamEncoding)

    @property
    def inputs(self) -> int:
        """Numbers that the first layer after the features takes."""
        features = self.feature_extractor
        wavelet = features.type == "wavelet"
        seen = len(wavelet_matrix(features)) if wavelet else features.length
        return seen + features.errors + OTHER_INPUTS

    @property
    def recurrent(self) -> bool:
        return self.latent_projector.type == "rnn"

    @property
    def region_size(self) -> int:
        """Outputs of the message layer; 0 where there is none."""
        if not self.middle_out.num_peers:
            return 0
        return self.middle_out.region_latent_size or self.latent_projector.latent_size

    def projector_layers(self) -> list[tuple[int, str]]:
        """Outputs and activation of every layer between window (or cells) and latent."""
        projector = self.latent_projector
        shapes = [*projector.layer_shapes, projector.latent_size]
        if self._cells_are_the_latent():
            shapes = []
        return list(zip(shapes, projector.activations or ["silu"] * len(shapes)))

    def predictor_layers(self) -> list[tuple[int, str]]:
        shapes = self.predictor.layer_shapes
        activations = self.predictor.activations or ("silu",) * len(shapes)
        return [*zip(shapes, activations), (OUTPUTS, "identity")]

    def _cells_are_the_latent(self) -> bool:
        projector = self.latent_projector
        return (
            self.recurrent
            and not projector.layer_shapes
            and projector.latent_size == projector.rnn_hidden_size
        )

    def digest(self) -> str:
        """SHA-256 of all that decides about the result, recordings (they have their own) and
        device apart."""
        content = dataclasses.asdict(self)
        del content["data"]["recordings"], content["training"]["device"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(path: Path) -> Config:
    """The configuration in a YAML file; `UsageError` for one that cannot be used."""
    try:
        import yaml
    except ImportError as error:
        raise UsageError("Training needs more packages: pip install 'spikey-codec[train]'.") from (
            error
        )
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is no YAML file: {reason}.") from error
    return parse(content)


def parse(content: object) -> Config:
    """The configuration that a mapping of sections to mappings of keys to values stands for.

    Raises `UsageError`, one sentence that names section and key, for what is unknown, of another
    type, or no network that FORMAT.md allows.

    >>> parse({"latent_projector": {"latent_size": 16}}).latent_projector.latent_size
    16
    """
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise UsageError("The configuration is not made of sections.")
    sections = typing.get_type_hints(Config)
    made = {}
    for name, keys in content.items():
        if name not in sections:
            raise UsageError(f"{name} is no section; there are {', '.join(sections)}.")
        made[name] = _section(name, sections[name], {} if keys is None else keys)
    config = Config(**made)
    for check in (_check_features, _check_projector, _check_middle_out, _check_predictor,
                  _check_training, _check_data):
        check(config)
    return config


def _section(name: str, kind: type, keys: object):
    if not isinstance(keys, dict):
        raise UsageError(f"{name} is not made of keys and values.")
    hints = typing.get_type_hints(kind)
    made = {}
    for key, value in keys.items():
        if key not in hints:
            raise UsageError(f"{name}.{key} is no key; there are {', '.join(hints)}.")
        made[key] = _value(f"{name}.{key}", hints[key], value)
    return kind(**made)


_NAMES = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}


def _value(where: str, kind: object, value: object):
    if isinstance(kind, types.UnionType):  # with None
        if value is None:
            return None
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        if not isinstance(value, list):
            raise UsageError(f"{where} must be a list.")
        return tuple(_value(where, inner, item) for item in value)
    if kind is float and isinstance(value, str):  # YAML takes 1e-3 for a word
        try:
            value = float(value)
        except ValueError:
            pass
    good = isinstance(value, (int, float) if kind is float else kind)
    if not good or (isinstance(value, bool) and kind is not bool) or value != value:
        raise UsageError(f"{where} must be {_NAMES[kind]}, not {value!r}.")
    return float(value) if kind is float else value


def _among(where: str, value, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{where} must be one of {', '.join(choices)}, not {value!r}.")


def _within(where: str, value, lowest, highest=None) -> None:
    if value < lowest or (highest is not None and value > highest):
        reach = f"from {lowest} to {highest}" if highest is not None else f"at least {lowest}"
        raise UsageError(f"{where} must be {reach}, not {value}.")


def _check_layers(where: str, shapes, activations, layers: int, most: int) -> None:
    if layers > most:
        raise UsageError(f"{where}.layer_shapes has too many layers; {most} are allowed in all.")
    for outputs in shapes:
        _within(f"{where}.layer_shapes", outputs, 1, WIDEST)
    if activations is None:
        return
    for activation in activations:
        _among(f"{where}.activations", activation, tuple(ACTIVATIONS))
    if len(activations) != layers:
        raise UsageError(
            f"{where}.activations must have one for each of the {layers} layers, "
            f"not {len(activations)}."
        )


def _check_features(config: Config) -> None:
    features, name = config.feature_extractor, "feature_extractor"
    _among(f"{name}.type", features.type, ("identity", "wavelet"))
    _within(f"{name}.length", features.length, 1, LONGEST_WINDOW)
    _within(f"{name}.errors", features.errors, 0, LONGEST_WINDOW)
    if features.type == "wavelet":
        coefficients = len(wavelet_matrix(features))
        if coefficients > WIDEST:
            raise UsageError(
                f"{name}.level gives {coefficients} coefficients; {WIDEST} are allowed."
            )
    if config.inputs > WIDEST:
        raise UsageError(f"{name}.length and errors give {config.inputs} inputs; "
                         f"{WIDEST} are allowed.")


def _check_projector(config: Config) -> None:
    projector, name = config.latent_projector, "latent_projector"
    _among(f"{name}.type", projector.type, ("fc", "rnn"))
    _within(f"{name}.latent_size", projector.latent_size, 1, WIDEST)
    sizes = {"rnn_hidden_size": WIDEST // 4, "rnn_num_layers": MOST_RECURRENT}
    for key, most in sizes.items():
        value = getattr(projector, key)
        if config.recurrent and value is None:
            raise UsageError(f"{name}.{key} is missing; a projector of type rnn needs it.")
        if not config.recurrent and value is not None:
            raise UsageError(f"{name}.{key} is only for a projector of type rnn.")
        if value is not None:
            _within(f"{name}.{key}", value, 1, most)
    if config.recurrent and config.inputs + projector.rnn_hidden_size > WIDEST:
        raise UsageError(f"{name}.rnn_hidden_size and {config.inputs} inputs are more than "
                         f"{WIDEST} together.")
    layers = 0 if config._cells_are_the_latent() else len(projector.layer_shapes) + 1
    _check_layers(name, projector.layer_shapes, projector.activations, layers, MOST_LAYERS)


def _check_middle_out(config: Config) -> None:
    middle, name = config.middle_out, "middle_out"
    latent = config.latent_projector.latent_size
    _within(f"{name}.num_peers", middle.num_peers, 0, MOST_REFERENCES)
    if middle.region_latent_size is not None:
        _within(f"{name}.region_latent_size", middle.region_latent_size, 1, WIDEST)
    if not middle.num_peers:
        return
    if middle.residual and config.region_size != latent:
        raise UsageError(
            f"{name}.region_latent_size must be latent_projector.latent_size, {latent}, "
            "where residual is true."
        )
    if 2 * latent + METRICS > WIDEST:
        raise UsageError(f"{name} needs a latent_projector.latent_size of at most "
                         f"{(WIDEST - METRICS) // 2}, not {latent}.")
    if not middle.residual and latent + config.region_size > WIDEST:
        raise UsageError(f"{name}.region_latent_size is too large: with the latent there are more "
                         f"than {WIDEST} inputs.")


def _check_predictor(config: Config) -> None:
    predictor = config.predictor
    layers = len(predictor.layer_shapes)
    _check_layers("predictor", predictor.layer_shapes, predictor.activations, layers,
                  MOST_LAYERS - 1)


def _check_training(config: Config) -> None:
    training, name = config.training, "training"
    _among(f"{name}.device", training.device, ("auto", "cpu", "cuda"))
    for key in ("epochs", "batch_size", "patience"):
        _within(f"{name}.{key}", getattr(training, key), 1)
    _within(f"{name}.samples_per_epoch", training.samples_per_epoch, training.batch_size)
    _within(f"{name}.seed", training.seed, 0, (1 << 40) - 1)
    if not 0 < training.learning_rate <= 1:
        raise UsageError(f"{name}.learning_rate must be above 0 and at most 1, "
                         f"not {training.learning_rate}.")
    _within(f"{name}.weight_decay", training.weight_decay, 0, 1)
    _within(f"{name}.peer_gradients_factor", training.peer_gradients_factor, 0, 1)
    if config.recurrent:
        _within(f"{name}.sequence_length", training.sequence_length, 2, 900)
        _within(f"{name}.burn_in", training.burn_in, 0, training.sequence_length - 1)
        if training.batch_size < training.sequence_length - training.burn_in:
            raise UsageError(f"{name}.batch_size is less than one sequence without its burn_in.")


def _check_data(config: Config) -> None:
    data = config.data
    _within("data.keep_out", data.keep_out, 0)
    if data.keep_out == 1:
        raise UsageError("data.keep_out must be 0 (fit on all) or at least 2, not 1.")
    if not 0 < data.validation <= 0.5:
        raise UsageError(
            f"data.validation must be above 0 and at most 0.5, not {data.validation}."
        )
    _among("bitstream_encoding.coder", config.bitstream_encoding.coder, ("huffman", "ans"))


def wavelet_matrix(features: FeatureExtractor):
    """The discrete wavelet transform of a window as a matrix.

    Returns float64, shape (coefficients, length): all coefficients of `pywt.wavedec`, coarsest
    first, of unit vectors; multiplied with the window's levels, newest first, it gives the
    window's coefficients (Mallat 1989: a transform by filters is linear). Raises `UsageError`
    for a wavelet, level or mode that is not there.
    """
    try:
        import numpy as np
        import pywt
    except ImportError as error:
        raise UsageError("Wavelets need PyWavelets: pip install 'spikey-codec[train]'.") from error
    import warnings

    name = "feature_extractor"
    _among(f"{name}.name", features.name, tuple(pywt.wavelist(kind="discrete")))
    _among(f"{name}.mode", features.mode, tuple(pywt.Modes.modes))
    _within(f"{name}.level", features.level, 1, 8)
    with warnings.catch_warnings():
        # a wavelet longer than the window sees mostly its continued ends: harmless here
        warnings.simplefilter("ignore", UserWarning)
        parts = pywt.wavedec(np.eye(features.length), features.name, features.mode, features.level)
    return np.concatenate(parts, axis=1).T
