"""The sections of a configuration: what a network is made of, and how it is trained.

Every section is a dataclass, every key a field of it with a default; config.py reads them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from ..constants import NETWORK_OUTPUTS, OTHER_INPUTS
from .wavelet import wavelet_matrix


@dataclass(frozen=True)
class FeatureExtractor:
    """What the network sees of the past: a window of levels, as it is or as wavelet coefficients,
    and the latest residuals of the linear prediction."""

    type: str = "identity"  # or wavelet
    length: int = 48  # levels
    errors: int = 16  # residuals
    name: str = "dmey"  # any discrete wavelet of PyWavelets
    level: int = 2
    mode: str = "periodization"  # how PyWavelets goes on beyond the window's ends

    def wavelet_matrix(self) -> np.ndarray:
        """See `wavelet.wavelet_matrix`."""
        return wavelet_matrix(self.length, self.name, self.level, self.mode)

    @property
    def coefficients(self) -> int:
        """What is seen of the levels: numbers that the first layer takes for them."""
        return len(self.wavelet_matrix()) if self.type == "wavelet" else self.length


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
    """Messages from reference channels."""

    num_peers: int = 0  # reference channels; 0: none
    region_latent_size: int | None = None  # default: latent_size
    residual: bool = False  # messages are added to the latent instead of being further inputs


@dataclass(frozen=True)
class Predictor:
    """From latent and messages to the corrections of mean and scale, which are added as a last
    layer without activation."""

    layer_shapes: tuple[int, ...] = ()
    activations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Training:
    """How long and how fast to learn."""

    epochs: int = 20
    samples_per_epoch: int = 5_000_000
    batch_size: int = 8192  # samples
    learning_rate: float = 4e-3  # the highest, after the warm-up
    weight_decay: float = 1e-3
    peer_gradients_factor: float = 1.0  # scales what flows back into the references' latents
    sequence_length: int = 160  # rnn: samples in a row
    burn_in: int = 32  # rnn: of these, the samples at the start that only warm the cells up
    seed: int = 1
    device: str = "auto"  # auto, cpu, cuda
    patience: int = 10  # epochs without a better validation until the training ends


@dataclass(frozen=True)
class Data:
    """What to learn from."""

    recordings: tuple[str, ...] = ()
    keep_out: int = 5  # every fifth group of simultaneous channels is not seen; 0: all are
    validation: float = 0.05  # share of the other groups, which decides when to stop


@dataclass(frozen=True)
class BitstreamEncoding:
    """What codes the residual."""

    coder: str = "huffman"  # or ans: the network is one for preset number 2


@dataclass(frozen=True)
class Config:
    """A whole configuration; `config.load` and `config.parse` make checked ones."""

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
        return features.coefficients + features.errors + OTHER_INPUTS

    @property
    def recurrent(self) -> bool:
        """Whether there are recurrent layers."""
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
        if self.cells_are_the_latent():
            shapes = []
        return list(zip(shapes, projector.activations or ["silu"] * len(shapes), strict=True))

    def predictor_layers(self) -> list[tuple[int, str]]:
        """The same of every layer from the latent to the corrections."""
        shapes = self.predictor.layer_shapes
        activations = self.predictor.activations or ("silu",) * len(shapes)
        return [*zip(shapes, activations, strict=True), (NETWORK_OUTPUTS, "identity")]

    def cells_are_the_latent(self) -> bool:
        """Whether the last recurrent layer gives the latent, with no layer after it."""
        projector = self.latent_projector
        return (
            self.recurrent
            and not projector.layer_shapes
            and projector.latent_size == projector.rnn_hidden_size
        )

    def digest(self) -> str:
        """SHA-256 of all that decides the result, but for the device and the recordings, which have
        their own."""
        content = dataclasses.asdict(self)
        del content["data"]["recordings"], content["training"]["device"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
