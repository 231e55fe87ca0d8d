"""The loss of a training: the ideal code length of the true codes, given what a network says."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import weights
from ..constants import (
    CDF_GRID_BITS,
    HIGHEST_CODE,
    LOG_BITS,
    LOWEST_CODE,
    PREDICTION_BITS,
    SCALE_BITS,
    TRANSITION_BITS,
    UNEVEN_OCTAVES,
)
from .network import rows_of
from .windows import LOG, MEAN, Places, Windows

try:
    import torch
    from torch import nn
except ImportError:  # only training needs it, and every module of the package has to load
    torch = nn = None

Module: Any = nn.Module if nn else object

CODES = HIGHEST_CODE + 1 - LOWEST_CODE
UNITS_PER_SCALE = 1 << SCALE_BITS - PREDICTION_BITS  # a unit is 1/32 code, a scale's 1/4096 code
OCTAVES = tuple(octave + SCALE_BITS for octave in UNEVEN_OCTAVES)  # log2 of a scale's limits
FAR = 1e5  # beyond all mass
UNIFORM = 1e-4  # share of an even density over all codes: what escapes cost


class Loss(Module):
    """Ideal code length of the true codes, given what a network says.

    The mass of each code between the converter's transition levels, under the shipped density
    stretched by the corrected scale. The coder's tables have the same, but for their coarser steps
    of mean and scale.
    """

    def __init__(self) -> None:
        super().__init__()
        transitions = weights.load("converter") / (1 << TRANSITION_BITS)
        mass = weights.load("density").astype(np.int64)
        tails = np.concatenate([mass, mass[-1] - mass]) / mass[-1]
        for name, values in (("transitions", transitions), ("tails", tails)):
            tensor = torch.tensor(values, dtype=torch.float32)
            self.register_buffer(name, tensor, persistent=False)

    def forward(
        self, windows: Windows, places: Places, outputs: torch.Tensor, skip: int = 0
    ) -> torch.Tensor:
        """Bits of every sample, float32, shape (count, length - skip).

        outputs : of the network at these places, shape (count, length, 2); the first `skip`
        samples of each segment do not count.
        """
        traces = windows.traces if places.references is None else windows.joint_traces
        trace = rows_of(traces, places.trace_rows[:, skip:])
        mean, log = trace[..., MEAN].float(), trace[..., LOG] / (1 << LOG_BITS)
        shift, stretch = outputs[:, skip:].unbind(-1)
        mean = (mean + shift * _size(log) / UNITS_PER_SCALE) / (1 << PREDICTION_BITS)
        scale = _size((log + stretch).clamp(*OCTAVES)) / (1 << SCALE_BITS)
        code = rows_of(windows.codes, places.rows[:, skip:]).int() - LOWEST_CODE
        low = torch.where(code == 0, -FAR, (rows_of(self.transitions, code) - mean) / scale)
        high = torch.where(
            code == CODES - 1, FAR, (rows_of(self.transitions, code + 1) - mean) / scale
        )
        return -torch.log2(self._mass(low, high) * (1 - UNIFORM) + UNIFORM / CODES)

    def _mass(self, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """Of the density between two points, in mean |residuals| from the prediction."""
        last = len(self.tails) // 2 - 1
        tail = (low + high > 0) * (last + 1)  # the lower tail or the upper one: few bits cancel

        def at(x: torch.Tensor) -> torch.Tensor:
            x = (x * (1 << CDF_GRID_BITS) + last / 2).clamp(0, last)
            cell = x.detach().floor().clamp(max=last - 1)
            i = cell.int() + tail
            left = rows_of(self.tails, i)
            return left + (rows_of(self.tails, i + 1) - left) * (x - cell)

        return (at(high) - at(low)).abs()


def _size(log: torch.Tensor) -> torch.Tensor:
    """Inverse of Mitchell's approximation of the logarithm: 2^octave (1 + fraction)."""
    octave = log.detach().floor()
    return torch.exp2(octave) * (1 + log - octave)
