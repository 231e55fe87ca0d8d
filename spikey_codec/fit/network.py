"""The network of FORMAT.md ("Networks") in floating point, as training needs it.

The same inputs, limits and activations as in kernels/network.py, up to rounding; the loss is the
ideal code length of the true codes. Units are those of the integers divided by 2^10, so that a
trained weight is the integer one divided by 2^shift.
"""

from __future__ import annotations

import numpy as np

from .. import constants, presets, weights
from ..errors import UsageError
from ..constants import LARGEST_VALUE, LATENT_AHEAD, REACH, USUAL_LOG, VALUE_BITS
from ..prediction import network as integer
from .config import Config, wavelet_matrix
from .windows import FAST, LOG, LONG, MEAN, OFFSET, Places, Windows

try:
    import torch
    from torch import nn
except ImportError:  # only training needs it, and every module of the package has to load
    torch = nn = None

VALUE = float(1 << VALUE_BITS)  # what 1 is in the integers between layers
LIMIT = LARGEST_VALUE / VALUE
UNITS_PER_SCALE = 128  # a unit is 1/32 code where the scale is 2^-12 code
LOGS = 64 * 29 + 1  # pseudo-logarithms are below this
OCTAVES = 10, 20  # of the scale classes, log2 of a scale in 2^-12 code
GREATEST_SHIFT = 16
FAR = 1e5  # beyond all mass
UNIFORM = 1e-4  # share of an even density over all codes: what escapes cost


def _units(device):
    """For every pseudo-logarithm of a scale: the unit (1/32 code) and its reciprocal, int32."""
    log = np.arange(LOGS)
    size = np.maximum((64 + log % 64) << (log >> 6) >> 6, 1)
    both = np.stack([size >> 7, np.minimum((1 << 33) // size, (1 << 31) - 1)]).astype(np.int32)
    return torch.from_numpy(both).to(device)


def _norm(x, unit, reciprocal):
    """A difference in 1/32 code in units, limited; int32 in and out, with 10 fraction bits."""
    return (torch.minimum(torch.maximum(x, -REACH * unit), REACH * unit) * reciprocal) >> 16


def _rows(table, rows):
    """table[rows], which is slower."""
    return table.index_select(0, rows.reshape(-1)).view(*rows.shape, *table.shape[1:])


def _past(values, rows, count: int):
    """The `count` values before each row, newest first: int32, shape (*rows.shape, count)."""
    return _rows(values.unfold(0, count, 1), rows - count).flip(-1).int()


class Network(nn.Module if nn else object):
    """The network of a configuration, with random weights; without a correction at first."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        features, projector = config.feature_extractor, config.latent_projector
        bank = None
        if features.type == "wavelet":
            bank = torch.tensor(filter_bank(features), dtype=torch.float32)
        self.register_buffer("bank", bank)
        self.register_buffer("units", _units("cpu"), persistent=False)
        inputs = config.inputs
        self.recurrent = None
        if config.recurrent:
            size = projector.rnn_hidden_size
            self.recurrent = nn.LSTM(inputs, size, projector.rnn_num_layers, batch_first=True)
            inputs = size
        self.projector = _Layers(inputs, config.projector_layers())
        inputs = projector.latent_size
        self.message = None
        if config.region_size:
            activation = "identity" if config.middle_out.residual else "silu"
            self.message = _Layers(2 * inputs + 2, [(config.region_size, activation)])
            inputs += 0 if config.middle_out.residual else config.region_size
        self.predictor = _Layers(inputs, config.predictor_layers())
        last = self.predictor.layers[-1]
        nn.init.zeros_(last.weight)  # it begins with the linear prediction
        nn.init.zeros_(last.bias)

    def forward(self, windows: Windows, places: Places):
        """Outputs D and S at these places: float32, shape (count, length, 2).

        places : shape (count, length); what lies before the first of a run is not known to
        recurrent layers.
        """
        together = places.peers is not None
        if together:
            inputs = self.inputs(windows, places.rows, windows.joint_traces, windows.joint_errors,
                                 places.trace_rows)
        else:
            inputs = self.inputs(windows, places.rows, windows.traces, windows.errors, places.rows)
        latent = self.latent(inputs)
        if self.message is None:
            return self.predictor(latent)
        region = latent.new_zeros(*latent.shape[:-1], self.config.region_size)
        if together:
            region = self.region(windows, places, latent)
        if self.config.middle_out.residual:
            return self.predictor((latent + region).clamp(-LIMIT, LIMIT))
        return self.predictor(torch.cat([latent, region], -1))

    def inputs(self, windows: Windows, rows, traces, errors, trace_rows):
        """What the network is told: float32, shape (*rows.shape, inputs).

        These are the very integers of FORMAT.md ("Rows from 1 on", step 3), divided by 2^10.
        """
        features = self.config.feature_extractor
        row = _rows(traces, trace_rows).int()
        log, mean = row[..., LOG : LOG + 1], row[..., MEAN : MEAN + 1]
        unit, reciprocal = _rows(self.units[0], log), _rows(self.units[1], log)
        past = _past(windows.levels, rows, features.length)
        parts = [_norm(past - mean, unit, reciprocal)]
        if features.errors:
            past = _past(errors, trace_rows, features.errors)
            parts.append(_norm(past, unit, reciprocal))
        others = [
            (row[..., FAST : LONG + 1] - log) << 4,
            (log - USUAL_LOG) << 3,
            mean >> 2,
            _norm(row[..., OFFSET : OFFSET + 1], unit, reciprocal),
        ]
        parts.append(torch.cat(others, -1).clamp(-LARGEST_VALUE, LARGEST_VALUE))
        return torch.cat(parts, -1).float() / VALUE

    def latent(self, inputs):
        if self.bank is not None:
            length = self.config.feature_extractor.length
            seen = (inputs[..., :length] @ self.bank.T).clamp(-LIMIT, LIMIT)
            inputs = torch.cat([seen, inputs[..., length:]], -1)
        if self.recurrent is not None:
            inputs = self.recurrent(inputs)[0]
        return self.projector(inputs)

    def region(self, windows: Windows, places: Places, latent):
        """Mean of the peers' messages: each from both latents, their correlation, and the
        peer's error now."""
        factor = self.config.training.peer_gradients_factor
        total = 0
        for k in range(places.peers.shape[-1]):
            rows = places.peers[..., k]
            log = _rows(windows.traces, rows)[..., LOG].int()
            unit, reciprocal = _rows(self.units[0], log), _rows(self.units[1], log)
            error = _norm(_rows(windows.own_errors, rows).int(), unit, reciprocal)
            rows = rows + LATENT_AHEAD
            told = self.inputs(windows, rows, windows.traces, windows.errors, rows)
            peer = self.latent(told)
            peer = peer * factor + peer.detach() * (1 - factor)
            beside = torch.stack([places.correlations[..., k] / 128, error / VALUE], -1)
            message = self.message(torch.cat([latent, peer, beside], -1))
            total = total + message * places.present[..., k, None]
        return total / places.present.sum(-1, keepdim=True)


class _Layers(nn.Module if nn else object):
    """Layers with their activations; the sums are limited as in the integer network."""

    def __init__(self, inputs: int, layers: list[tuple[int, str]]):
        super().__init__()
        sizes = [inputs, *(outputs for outputs, _ in layers)]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.activations = [activation for _, activation in layers]

    def forward(self, x):
        functions = {"relu": torch.relu, "silu": nn.functional.silu, "tanh": torch.tanh,
                     "sigmoid": torch.sigmoid, "identity": lambda x: x}
        for layer, activation in zip(self.layers, self.activations):
            x = functions[activation](layer(x).clamp(-LIMIT, LIMIT))
        return x


def filter_bank(features) -> np.ndarray:
    """The wavelet transform as the fixed layer of a network: float64, (coefficients, length).

    Coefficients that sum levels up, and would leave the range of numbers between layers, are
    made as small as a mean of the levels is; the layer after it learns their size anyway.
    """
    matrix = wavelet_matrix(features)
    return matrix / np.maximum(np.abs(matrix.sum(1, keepdims=True)), 1)


class Loss(nn.Module if nn else object):
    """Ideal code length of the true codes, given what a network says.

    The mass of each code between the converter's edges, under the shipped density stretched by the
    corrected scale, as the coder's tables have it but for their coarser steps of mean and scale.
    """

    def __init__(self):
        super().__init__()
        edges = weights.load("converter") / (1 << constants.TRANSITION_BITS)
        mass = weights.load("density").astype(np.int64)
        tails = np.concatenate([mass, mass[-1] - mass]) / mass[-1]
        for name, values in (("edges", edges), ("tails", tails)):
            tensor = torch.tensor(values, dtype=torch.float32)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, windows: Windows, places: Places, outputs, skip: int = 0):
        """Bits of every sample, float32, shape (count, length - skip).

        outputs : of the network at these places, shape (count, length, 2); the first `skip`
        samples of each run do not count.
        """
        traces = windows.traces if places.peers is None else windows.joint_traces
        trace = _rows(traces, places.trace_rows[:, skip:])
        mean, log = trace[..., MEAN].float(), trace[..., LOG] / 64
        shift, stretch = outputs[:, skip:].unbind(-1)
        mean = (mean + shift * _size(log) / UNITS_PER_SCALE) / (1 << constants.PREDICTION_BITS)
        scale = _size((log + stretch).clamp(*OCTAVES)) / (1 << constants.SCALE_BITS)
        code = _rows(windows.codes, places.rows[:, skip:]).int() + 512
        low = torch.where(code == 0, -FAR, (_rows(self.edges, code) - mean) / scale)
        high = torch.where(code == 1023, FAR, (_rows(self.edges, code + 1) - mean) / scale)
        return -torch.log2(self._mass(low, high) * (1 - UNIFORM) + UNIFORM / 1024)

    def _mass(self, low, high):
        """Of the density between two points, in mean absolute errors from the prediction."""
        last = len(self.tails) // 2 - 1
        tail = (low + high > 0) * (last + 1)  # the lower tail or the upper one: few bits cancel

        def at(x):
            x = (x * (1 << constants.CDF_GRID_BITS) + last / 2).clamp(0, last)
            cell = x.detach().floor().clamp(max=last - 1)
            i = cell.int() + tail
            left = _rows(self.tails, i)
            return left + (_rows(self.tails, i + 1) - left) * (x - cell)

        return (at(high) - at(low)).abs()


def _size(log):
    """Inverse of the pseudo-logarithm, in octaves: 2^octave (1 + fraction)."""
    octave = log.detach().floor()
    return torch.exp2(octave) * (1 + log - octave)


def quantise(model: Network) -> integer.Network:
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
    return integer.Network(
        levels=config.feature_extractor.length,
        errors=config.feature_extractor.errors,
        filter_bank=bank,
        recurrent=recurrent,
        projector=_integer_layers(model.projector),
        message=(_integer_layers(model.message) or [None])[0],
        residual=config.region_size > 0 and config.middle_out.residual,
        predictor=_integer_layers(model.predictor),
        preset=presets.MIXED if config.bitstream_encoding.coder == "ans" else presets.NETWORK,
    )


def integer_layer(weight: np.ndarray, bias: np.ndarray, activation: str) -> integer.Layer:
    """A layer in integers. weight : float, shape (inputs, outputs); bias : float, (outputs,)."""
    biases = np.rint(bias * VALUE).astype(np.int64)
    for shift in range(GREATEST_SHIFT, -1, -1):
        rounded = np.rint(weight.astype(float) * (1 << shift)).astype(np.int64)
        sums = LARGEST_VALUE * np.abs(rounded).sum(0) + ((np.abs(biases) + 1) << shift)
        if max(np.abs(rounded).max(), np.abs(biases).max()) <= 32767 and sums.max() < 1 << 31:
            return integer.Layer(rounded.astype(np.int16), biases.astype(np.int16),
                                 integer.ACTIVATIONS[activation], shift)
    raise UsageError("The network's weights have grown too large for 16-bit integers; train it "
                     "with more weight_decay or a lower learning_rate.")


def _integer_layers(layers) -> list:
    if layers is None:
        return []
    return [
        integer_layer(_numpy(layer.weight.T), _numpy(layer.bias), activation)
        for layer, activation in zip(layers.layers, layers.activations)
    ]


def _numpy(tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
