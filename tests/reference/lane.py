"""FORMAT.md, "Rows from 1 on": one segment of one channel: its state and its codes so far."""

from __future__ import annotations

from reference.bits import Bits
from reference.channel_header import Channel
from reference.levels import ORDER, fine, level, predict
from reference.mapping import Coding
from reference.scales import low_bits_and_step, scale_bin
from reference.symbols import raw_code, read_code


class Lane:
    """One segment of one channel: its state, and its codes so far."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        self.coding = coding
        self.offsets = channel.offsets[start:]
        self.predictor = channel.predictor
        self.long_term = channel.centre
        self.short_term = channel.centre >> 4
        self.levels: list[int] = []
        self.codes: list[int] = []

    def read(self, bits: Bits) -> None:
        """Read the next sample."""
        if not self.codes:
            code = raw_code(bits, self.coding)
            self.begin(level(code, self.coding))
        else:
            code = self.next_code(bits)
        self.codes.append(code)

    def begin(self, first: int) -> None:
        """What is known after row 0, whose level is given."""
        self.levels = [first] * ORDER

    def offset(self) -> int:
        """What reference channels add to the next prediction."""
        return self.offsets[len(self.codes)] if self.offsets else 0

    def next_code(self, bits: Bits) -> int:
        """Steps 1 to 6 of a row after the first."""
        coding = self.coding
        mean = predict(self.predictor, self.levels, self.offset(), coding)
        scale = max(self.long_term - (self.long_term >> 4) + self.short_term, 12 * self.short_term)
        middle, number = self.expected(mean, scale)
        _, step = low_bits_and_step(number, coding)
        code = read_code(bits, coding, number, middle >> step)
        newest = level(code, coding)
        self.update(newest, fine(newest, coding) - mean)
        return code

    def expected(self, mean: int, scale: int) -> tuple[int, int]:
        """Where the code is expected, and the number of its scale bin."""
        return mean, scale_bin(scale, self.coding)

    def update(self, newest: int, residual: int) -> None:
        """Step 6."""
        self.short_term += abs(residual) - (self.short_term >> 3)
        self.long_term += abs(residual) - (self.long_term >> 7)
        self.levels = [newest, *self.levels[:-1]]
