"""Refuses configurations of what no network of FORMAT.md, "Networks", can be."""

from __future__ import annotations

from ..constants import (
    LONGEST_WINDOW,
    MESSAGE_METRICS,
    MOST_LAYERS,
    MOST_RECURRENT,
    MOST_REFERENCES,
    WIDEST_LAYER,
)
from ..errors import UsageError
from ..prediction.network_array import ACTIVATIONS
from .limits import among, within
from .sections import Config


def check(config: Config) -> None:
    """UsageError, one sentence that names section and key, unless a network can be like this."""
    _check_features(config)
    _check_projector(config)
    _check_middle_out(config)
    _check_predictor(config)
    _check_training(config)
    _check_data(config)


def _check_layers(
    where: str,
    shapes: tuple[int, ...],
    activations: tuple[str, ...] | None,
    layers: int,
    most: int,
) -> None:
    if layers > most:
        raise UsageError(f"{where}.layer_shapes has too many layers; {most} are allowed in all.")
    for outputs in shapes:
        within(f"{where}.layer_shapes", outputs, 1, WIDEST_LAYER)
    if activations is None:
        return
    for activation in activations:
        among(f"{where}.activations", activation, tuple(ACTIVATIONS))
    if len(activations) != layers:
        raise UsageError(
            f"{where}.activations must have one for each of the {layers} layers, "
            f"not {len(activations)}."
        )


def _check_features(config: Config) -> None:
    features, name = config.feature_extractor, "feature_extractor"
    among(f"{name}.type", features.type, ("identity", "wavelet"))
    within(f"{name}.length", features.length, 1, LONGEST_WINDOW)
    within(f"{name}.errors", features.errors, 0, LONGEST_WINDOW)
    if features.type == "wavelet":
        coefficients = features.coefficients
        if coefficients > WIDEST_LAYER:
            raise UsageError(
                f"{name}.level gives {coefficients} coefficients; {WIDEST_LAYER} are allowed."
            )
    if config.inputs > WIDEST_LAYER:
        raise UsageError(
            f"{name}.length and errors give {config.inputs} inputs; {WIDEST_LAYER} are allowed."
        )


def _check_projector(config: Config) -> None:
    projector, name = config.latent_projector, "latent_projector"
    among(f"{name}.type", projector.type, ("fc", "rnn"))
    within(f"{name}.latent_size", projector.latent_size, 1, WIDEST_LAYER)
    sizes = {"rnn_hidden_size": WIDEST_LAYER // 4, "rnn_num_layers": MOST_RECURRENT}
    for key, most in sizes.items():
        value = getattr(projector, key)
        if config.recurrent and value is None:
            raise UsageError(f"{name}.{key} is missing; a projector of type rnn needs it.")
        if not config.recurrent and value is not None:
            raise UsageError(f"{name}.{key} is only for a projector of type rnn.")
        if value is not None:
            within(f"{name}.{key}", value, 1, most)
    if config.recurrent and config.inputs + (projector.rnn_hidden_size or 0) > WIDEST_LAYER:
        raise UsageError(
            f"{name}.rnn_hidden_size and {config.inputs} inputs are more than "
            f"{WIDEST_LAYER} together."
        )
    layers = 0 if config.cells_are_the_latent() else len(projector.layer_shapes) + 1
    _check_layers(name, projector.layer_shapes, projector.activations, layers, MOST_LAYERS)


def _check_middle_out(config: Config) -> None:
    middle, name = config.middle_out, "middle_out"
    latent = config.latent_projector.latent_size
    within(f"{name}.num_peers", middle.num_peers, 0, MOST_REFERENCES)
    if middle.region_latent_size is not None:
        within(f"{name}.region_latent_size", middle.region_latent_size, 1, WIDEST_LAYER)
    if not middle.num_peers:
        return
    if middle.residual and config.region_size != latent:
        raise UsageError(
            f"{name}.region_latent_size must be latent_projector.latent_size, {latent}, "
            "where residual is true."
        )
    if 2 * latent + MESSAGE_METRICS > WIDEST_LAYER:
        raise UsageError(
            f"{name} needs a latent_projector.latent_size of at most "
            f"{(WIDEST_LAYER - MESSAGE_METRICS) // 2}, not {latent}."
        )
    if not middle.residual and latent + config.region_size > WIDEST_LAYER:
        raise UsageError(
            f"{name}.region_latent_size is too large: with the latent there are more "
            f"than {WIDEST_LAYER} inputs."
        )


def _check_predictor(config: Config) -> None:
    predictor = config.predictor
    layers = len(predictor.layer_shapes)
    _check_layers(
        "predictor", predictor.layer_shapes, predictor.activations, layers, MOST_LAYERS - 1
    )


def _check_training(config: Config) -> None:
    training, name = config.training, "training"
    among(f"{name}.device", training.device, ("auto", "cpu", "cuda"))
    for key in ("epochs", "batch_size", "patience"):
        within(f"{name}.{key}", getattr(training, key), 1)
    within(f"{name}.samples_per_epoch", training.samples_per_epoch, training.batch_size)
    within(f"{name}.seed", training.seed, 0, (1 << 40) - 1)
    if not 0 < training.learning_rate <= 1:
        raise UsageError(
            f"{name}.learning_rate must be above 0 and at most 1, not {training.learning_rate}."
        )
    within(f"{name}.weight_decay", training.weight_decay, 0, 1)
    within(f"{name}.peer_gradients_factor", training.peer_gradients_factor, 0, 1)
    if config.recurrent:
        within(f"{name}.sequence_length", training.sequence_length, 2, 900)
        within(f"{name}.burn_in", training.burn_in, 0, training.sequence_length - 1)
        if training.batch_size < training.sequence_length - training.burn_in:
            raise UsageError(f"{name}.batch_size is less than one sequence without its burn_in.")


def _check_data(config: Config) -> None:
    data = config.data
    within("data.keep_out", data.keep_out, 0)
    if data.keep_out == 1:
        raise UsageError("data.keep_out must be 0 (fit on all) or at least 2, not 1.")
    if not 0 < data.validation <= 0.5:
        raise UsageError(f"data.validation must be above 0 and at most 0.5, not {data.validation}.")
    among("bitstream_encoding.coder", config.bitstream_encoding.coder, ("huffman", "ans"))
