"""Turns a trained network into the integer network that the codec runs."""

from __future__ import annotations

import numpy as np

from ..constants import GREATEST_SHIFT, MIXED, NETWORK
from ..errors import UsageError
from ..prediction.network_array import ACTIVATIONS, Layer, fits_32_bits
from ..prediction.network_array import Network as IntegerNetwork
from .network import VALUE, Layers, Network

try:
    import torch
except ImportError:  # only training needs it, and every module of the package has to load
    torch = None


def quantise(model: Network) -> IntegerNetwork:
    """The integer network that the codec runs.

    Every layer's weights get as many fraction bits as 16-bit integers and the sums' 32 bits allow
    (FORMAT.md, "The array"), biases 10. Raises `UsageError` for weights that no shift makes fit.
    """
    config = model.config
    lstm = model.recurrent
    recurrent = []
    for k in range(lstm.num_layers if lstm is not None else 0):
        taken = [getattr(lstm, f"{name}_l{k}") for name in ("weight_ih", "weight_hh")]
        bias = getattr(lstm, f"bias_ih_l{k}") + getattr(lstm, f"bias_hh_l{k}")
        recurrent.append(integer_layer(_numpy(torch.cat(taken, 1).T), _numpy(bias), "identity"))
    bank = None
    if model.bank is not None:
        bank = integer_layer(_numpy(model.bank.T), np.zeros(len(model.bank)), "identity")
    return IntegerNetwork(
        levels=config.feature_extractor.length,
        residuals=config.feature_extractor.errors,
        filter_bank=bank,
        recurrent=recurrent,
        projector=_integer_layers(model.projector),
        message=next(iter(_integer_layers(model.message)), None),
        adds_messages=config.region_size > 0 and config.middle_out.residual,
        predictor=_integer_layers(model.predictor),
        preset=MIXED if config.bitstream_encoding.coder == "ans" else NETWORK,
    )


def integer_layer(weight: np.ndarray, bias: np.ndarray, activation: str) -> Layer:
    """A layer in integers. weight : float, shape (inputs, outputs); bias : float, (outputs,)."""
    biases = np.rint(bias * VALUE).astype(np.int64)
    for shift in range(GREATEST_SHIFT, -1, -1):
        rounded = np.rint(weight.astype(float) * (1 << shift)).astype(np.int64)
        fits_16_bits = max(np.abs(rounded).max(), np.abs(biases).max()) <= 32767
        if fits_16_bits and fits_32_bits(rounded, biases, shift):
            return Layer(
                rounded.astype(np.int16), biases.astype(np.int16), ACTIVATIONS[activation], shift
            )
    raise UsageError(
        "The network's weights have grown too large for 16-bit integers; train it "
        "with more weight_decay or a lower learning_rate."
    )


def _integer_layers(layers: Layers | None) -> list[Layer]:
    if layers is None:
        return []
    return [
        integer_layer(_numpy(layer.weight.T), _numpy(layer.bias), activation)
        for layer, activation in zip(layers.layers, layers.activations, strict=True)
    ]


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
