"""FORMAT.md, "Mixing (preset 2)": a lane that learns NLMS and mixture weights as it goes."""

from __future__ import annotations

from operator import mul

from reference.channel_header import Channel
from reference.density import below_u
from reference.levels import fine, level, limited, predict
from reference.logarithm import Norm, mitchell_logarithm, size_of
from reference.mapping import Coding
from reference.network_lane import NetworkLane
from reference.rans import Slots


class MixedLane(NetworkLane):
    """A lane that learns NLMS weights and mixture weights as it goes."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        super().__init__(channel, coding, start)
        self.nlms_weights = [0] * 48
        self.second_residuals = [0] * 16
        self.energy = 48 << 20
        self.mixture_weights = [32768, 26214, 6554]
        self.past: list[int] = []

    def begin(self, first: int) -> None:
        """What is known after row 0."""
        super().begin(first)
        self.past = [fine(first, self.coding)] * 32

    def next_code(self, bits: Slots) -> int:
        """All steps of a row after the first."""
        coding = self.coding
        mean = predict(self.predictor, self.levels, self.offset(), coding)
        scale = max(self.long_term - (self.long_term >> 4) + self.short_term, 12 * self.short_term)
        logarithm = mitchell_logarithm(scale)
        norm = Norm(logarithm)
        corrected, changed = self.corrected(mean, logarithm, norm)
        x = [norm.of(second_residual) for second_residual in self.second_residuals]
        x += [norm.of(past - corrected) >> 2 for past in self.past]
        correction = sum(map(mul, self.nlms_weights, x)) >> 24
        learnt = limited(corrected + ((correction * norm.unit) >> 10), coding, 16384)
        size = size_of(min(max(changed, 576), 1855))
        densities = [(learnt, size), (corrected, size), (mean, size_of(logarithm))]
        code, masses = self.find(bits, densities)
        newest = level(code, coding)
        exact = fine(newest, coding)
        self.update(newest, exact - mean)
        self.past = [exact, *self.past[:-1]]
        self.move_mixture_weights(masses)
        self.second_residuals = [
            self.second_residual(code, exact - corrected),
            *self.second_residuals[:-1],
        ]
        self.energy += (sum(map(mul, x, x)) - self.energy) >> 8
        residual = max(-4096, min(4096, norm.of(self.second_residual(code, exact - learnt))))
        g = (residual * ((1 << 41) // (self.energy + (1 << 14)))) >> 14
        moved = (a + ((g * b + (1 << 13)) >> 14) for a, b in zip(self.nlms_weights, x, strict=True))
        self.nlms_weights = [max(-(1 << 26), min(1 << 26, weight)) for weight in moved]
        return code

    def second_residual(self, code: int, left: int) -> int:
        """What the network leaves of a code; of the outermost codes, only what points inwards."""
        if code == self.coding.highest:
            return max(left, 0)
        return min(left, 0) if code == self.coding.lowest else left

    def masses_below(self, q: int, densities: list[tuple[int, int]]) -> list[int]:
        """The mass of each density below a code's lower transition level."""
        coding, density = self.coding, self.coding.weights.density
        if q == coding.lowest:
            return [0, 0, 0]
        if q > coding.highest:
            return [density[-1]] * 3
        level_below = (
            coding.weights.converter[q - coding.lowest] if coding.nonuniform else 256 * q - 128
        )
        last, masses = len(density) - 1, []
        for mean, size in densities:
            u = (((level_below - 8 * mean) * ((1 << 41) // size)) >> 24) + 128 * last
            masses.append(below_u(u, density))
        return masses

    def start(self, q: int, masses: list[int]) -> int:
        """Where the interval of a code begins, from the masses below it."""
        lowest, highest = self.coding.lowest, self.coding.highest
        if q > highest:
            return 1 << 28
        n = highest - lowest + 1
        floor = max(1, (1 << 14) // n)
        part = sum(map(mul, self.mixture_weights, masses)) >> 12
        return ((part * ((1 << 28) - n * floor)) >> 28) + floor * (q - lowest)

    def find(self, bits: Slots, densities: list[tuple[int, int]]) -> tuple[int, list[int]]:
        """The code whose interval holds the slot, and its mass in every density."""
        low, high = self.coding.lowest, self.coding.highest + 1
        while high - low > 1:
            half = (low + high) // 2
            if self.start(half, self.masses_below(half, densities)) <= bits.slot:
                low = half
            else:
                high = half
        under, over = self.masses_below(low, densities), self.masses_below(high, densities)
        start = self.start(low, under)
        bits.leave(start, self.start(high, over) - start)
        return low, [b - a for a, b in zip(under, over, strict=True)]

    def move_mixture_weights(self, masses: list[int]) -> None:
        """Towards the density that had most of the code."""
        parts = [
            weight * (mass + 1) for weight, mass in zip(self.mixture_weights, masses, strict=True)
        ]
        total = sum(parts)
        for i in (1, 2):
            weight = self.mixture_weights[i]
            self.mixture_weights[i] += (
                (parts[i] << 16) // total - weight + ((21845 - weight) >> 8)
            ) >> 6
        self.mixture_weights[0] = 65536 - self.mixture_weights[1] - self.mixture_weights[2]
