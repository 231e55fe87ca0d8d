"""The network of FORMAT.md ("Networks") in floating point, as training needs it.

The same inputs, limits and activations as in the kernels, up to rounding. Units are those of the
integers divided by 2^10, so that a trained weight is the integer one divided by 2^shift.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..constants import (
    LARGEST_LOG,
    LARGEST_VALUE,
    LATENT_AHEAD,
    LOG_BITS,
    MESSAGE_METRICS,
    NORM_BITS,
    NORM_SHIFT,
    PREDICTION_BITS,
    REACH,
    SCALE_BITS,
    USUAL_LOG,
    VALUE_BITS,
)
from .sections import Config, FeatureExtractor
from .windows import LOG, LONGEST, MEAN, OFFSET, SHORT, Places, Windows

try:
    import torch
    from torch import nn
except ImportError:  # only training needs it, and every module of the package has to load
    torch = nn = None

Module: Any = nn.Module if nn else object

VALUE = float(1 << VALUE_BITS)  # what 1 is in the integers between layers
LIMIT = LARGEST_VALUE / VALUE


def _units() -> torch.Tensor:
    """For every logarithm of a scale: the unit (1/32 code) and its reciprocal, int32."""
    log = np.arange(LARGEST_LOG + 1)
    one = 1 << LOG_BITS
    size = np.maximum((one + log % one) << (log >> LOG_BITS) >> LOG_BITS, 1)
    reciprocal = np.minimum((1 << NORM_BITS) // size, (1 << 31) - 1)
    both = np.stack([size >> SCALE_BITS - PREDICTION_BITS, reciprocal]).astype(np.int32)
    return torch.from_numpy(both)


def _norm(x: torch.Tensor, unit: torch.Tensor, reciprocal: torch.Tensor) -> torch.Tensor:
    """A difference in 1/32 code in units, limited; int32 in and out, with 10 fraction bits."""
    return (torch.minimum(torch.maximum(x, -REACH * unit), REACH * unit) * reciprocal) >> NORM_SHIFT


def rows_of(table: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """table[rows], which is slower."""
    return table.index_select(0, rows.reshape(-1)).view(*rows.shape, *table.shape[1:])


def _past(values: torch.Tensor, rows: torch.Tensor, count: int) -> torch.Tensor:
    """The `count` values before each row, newest first: int32, shape (*rows.shape, count)."""
    return rows_of(values.unfold(0, count, 1), rows - count).flip(-1).int()


class Network(Module):
    """The network of a configuration, with random weights; without a correction at first."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        features, projector = config.feature_extractor, config.latent_projector
        bank = None
        if features.type == "wavelet":
            bank = torch.tensor(filter_bank(features), dtype=torch.float32)
        self.register_buffer("bank", bank)
        self.register_buffer("units", _units(), persistent=False)
        inputs = config.inputs
        self.recurrent = None
        if config.recurrent:
            size = projector.rnn_hidden_size
            assert size is not None  # checks.py
            self.recurrent = nn.LSTM(inputs, size, projector.rnn_num_layers, batch_first=True)
            inputs = size
        self.projector = Layers(inputs, config.projector_layers())
        inputs = projector.latent_size
        self.message = None
        if config.region_size:
            activation = "identity" if config.middle_out.residual else "silu"
            self.message = Layers(2 * inputs + MESSAGE_METRICS, [(config.region_size, activation)])
            inputs += 0 if config.middle_out.residual else config.region_size
        self.predictor = Layers(inputs, config.predictor_layers())
        last = self.predictor.layers[-1]
        nn.init.zeros_(last.weight)  # it begins with the linear prediction
        nn.init.zeros_(last.bias)

    def forward(self, windows: Windows, places: Places) -> torch.Tensor:
        """Outputs D and S at these places: float32, shape (count, length, 2).

        places : shape (count, length); what lies before the first of a segment is not known
        to recurrent layers.
        """
        together = places.references is not None
        traces, residuals = windows.traces, windows.residuals
        if together:
            traces, residuals = windows.joint_traces, windows.joint_residuals
        inputs = self.inputs(windows, places.rows, traces, residuals, places.trace_rows)
        latent = self.latent(inputs)
        if self.message is None:
            return self.predictor(latent)
        region = latent.new_zeros(*latent.shape[:-1], self.config.region_size)
        if together:
            region = self.region(windows, places, latent)
        if self.config.middle_out.residual:
            return self.predictor((latent + region).clamp(-LIMIT, LIMIT))
        return self.predictor(torch.cat([latent, region], -1))

    def inputs(
        self,
        windows: Windows,
        rows: torch.Tensor,
        traces: torch.Tensor,
        residuals: torch.Tensor,
        trace_rows: torch.Tensor,
    ) -> torch.Tensor:
        """What the network is told: float32, shape (*rows.shape, inputs).

        These are the very integers of FORMAT.md ("Rows from 1 on", step 3), divided by 2^10.
        """
        features = self.config.feature_extractor
        row = rows_of(traces, trace_rows).int()
        log, mean = row[..., LOG : LOG + 1], row[..., MEAN : MEAN + 1]
        unit, reciprocal = rows_of(self.units[0], log), rows_of(self.units[1], log)
        past = _past(windows.levels, rows, features.length)
        parts = [_norm(past - mean, unit, reciprocal)]
        if features.errors:
            past = _past(residuals, trace_rows, features.errors)
            parts.append(_norm(past, unit, reciprocal))
        others = [
            (row[..., SHORT : LONGEST + 1] - log) << 4,
            (log - USUAL_LOG) << 3,
            mean >> 2,
            _norm(row[..., OFFSET : OFFSET + 1], unit, reciprocal),
        ]
        parts.append(torch.cat(others, -1).clamp(-LARGEST_VALUE, LARGEST_VALUE))
        return torch.cat(parts, -1).float() / VALUE

    def latent(self, inputs: torch.Tensor) -> torch.Tensor:
        """What the network makes of a channel by itself: float32, (..., latent size)."""
        if self.bank is not None:
            length = self.config.feature_extractor.length
            seen = (inputs[..., :length] @ self.bank.T).clamp(-LIMIT, LIMIT)
            inputs = torch.cat([seen, inputs[..., length:]], -1)
        if self.recurrent is not None:
            inputs = self.recurrent(inputs)[0]
        return self.projector(inputs)

    def region(self, windows: Windows, places: Places, latent: torch.Tensor) -> torch.Tensor:
        """Mean of the references' messages: each from both latents, their correlation, and the
        reference's residual now."""
        references, correlations, present = places.references, places.correlations, places.present
        assert self.message is not None
        assert references is not None and correlations is not None and present is not None
        factor = self.config.training.peer_gradients_factor
        total = torch.zeros((), device=latent.device)
        for k in range(references.shape[-1]):
            rows = references[..., k]
            log = rows_of(windows.traces, rows)[..., LOG].int()
            unit, reciprocal = rows_of(self.units[0], log), rows_of(self.units[1], log)
            residual = _norm(rows_of(windows.own_residuals, rows).int(), unit, reciprocal)
            rows = rows + LATENT_AHEAD
            told = self.inputs(windows, rows, windows.traces, windows.residuals, rows)
            other = self.latent(told)
            other = other * factor + other.detach() * (1 - factor)
            metrics = torch.stack([correlations[..., k] / 128, residual / VALUE], -1)
            message = self.message(torch.cat([latent, other, metrics], -1))
            total = total + message * present[..., k, None]
        return total / present.sum(-1, keepdim=True)


class Layers(Module):
    """Layers with their activations; the sums are limited as in the integer network."""

    def __init__(self, inputs: int, layers: list[tuple[int, str]]) -> None:
        super().__init__()
        sizes = [inputs, *(outputs for outputs, _ in layers)]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.activations = [activation for _, activation in layers]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of the last layer."""
        functions = {
            "relu": torch.relu,
            "silu": nn.functional.silu,
            "tanh": torch.tanh,
            "sigmoid": torch.sigmoid,
            "identity": lambda x: x,
        }
        for layer, activation in zip(self.layers, self.activations, strict=True):
            x = functions[activation](layer(x).clamp(-LIMIT, LIMIT))
        return x


def filter_bank(features: FeatureExtractor) -> np.ndarray:
    """The wavelet transform as the fixed layer of a network: float64, (coefficients, length).

    Coefficients that sum levels up, and would leave the range of numbers between layers, are
    made as small as a mean of the levels is; the layer after it learns their size anyway.
    """
    matrix = features.wavelet_matrix()
    return matrix / np.maximum(np.abs(matrix.sum(1, keepdims=True)), 1)
