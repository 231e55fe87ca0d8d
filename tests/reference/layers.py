"""FORMAT.md, "Arithmetic": layers of a network, and their arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from operator import mul


def lim(x: int) -> int:
    """A number between layers, limited."""
    return min(max(x, -16383), 16383)


def logistic_table() -> list[int]:
    """The 2048 items of G."""
    table = [0] * 2048
    power = 4593706758521714574
    for i in range(1024):
        table[1024 + i] = min((1 << 77) // ((1 << 62) + power), 32767)
        table[1023 - i] = 32768 - table[1024 + i]
        power = (power * 4575797593107614194) >> 62
    return table


LOGISTIC = logistic_table()


def logistic(k: int) -> int:
    """G(k)."""
    return LOGISTIC[1024 + min(max(k, -1024), 1023)]


ACTIVATIONS = (
    lambda x: x,
    lambda x: max(x, 0),
    lambda x: (x * logistic(x >> 3)) >> 15,
    lambda x: (logistic(x >> 2) - 16384) >> 4,
    lambda x: logistic(x >> 3) >> 5,
)


@dataclass(frozen=True)
class Layer:
    """Weights of one output after the other, the rest of a layer."""

    columns: tuple[tuple[int, ...], ...]
    biases: tuple[int, ...]
    activation: int
    shift: int

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return len(self.columns[0])

    @property
    def outputs(self) -> int:
        """How many numbers it gives, before a recurrent layer makes one of four."""
        return len(self.columns)

    def sums(self, x: list[int]) -> list[int]:
        """The outputs before the activation."""
        shift, half = self.shift, (1 << self.shift) >> 1
        return [
            lim((sum(map(mul, column, x)) + (bias << shift) + half) >> shift)
            for column, bias in zip(self.columns, self.biases, strict=True)
        ]

    def of(self, x: list[int]) -> list[int]:
        """The outputs."""
        return [ACTIVATIONS[self.activation](y) for y in self.sums(x)]


class Memory:
    """A recurrent layer's cells and past outputs."""

    def __init__(self, layer: Layer):
        self.layer = layer
        self.size = layer.outputs // 4
        self.cells = [0] * self.size
        self.outputs = [0] * self.size

    def step(self, x: list[int]) -> list[int]:
        """The outputs of the next frame."""
        gates = self.layer.sums(x + self.outputs)
        for i in range(self.size):
            a, f, g, o = gates[i :: self.size]
            new = logistic(a >> 3) * ((2 * logistic(g >> 2) - 32768) >> 3)
            c = (logistic(f >> 3) * self.cells[i] + new) >> 15
            self.cells[i] = c = min(max(c, -32767), 32767)
            self.outputs[i] = (logistic(o >> 3) * (2 * logistic(c >> 4) - 32768)) >> 20
        return list(self.outputs)


def through(layers: tuple[Layer, ...], x: list[int]) -> list[int]:
    """What layers in a row make of numbers."""
    for layer in layers:
        x = layer.of(x)
    return x
