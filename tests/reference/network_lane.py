"""FORMAT.md, "Networks (presets 1 and 2)": a lane whose mean and scale a network corrects."""

from __future__ import annotations

from reference.channel_header import Channel, Moment
from reference.lane import Lane
from reference.layers import Memory, lim, through
from reference.levels import fine, limited
from reference.logarithm import Norm, mitchell_logarithm
from reference.mapping import Coding
from reference.scales import in_table


class NetworkLane(Lane):
    """A lane whose mean and scale a network corrects."""

    def __init__(self, channel: Channel, coding: Coding, start: int):
        super().__init__(channel, coding, start)
        self.network = coding.network
        self.heard = channel.heard
        self.trace = channel.trace
        self.medium = self.long_term >> 2
        self.longest = self.long_term << 3
        self.window: list[int] = []
        self.residuals = [0] * self.network.residuals
        self.memories = [Memory(layer) for layer in self.network.recurrent]

    def begin(self, first: int) -> None:
        """What is known after row 0."""
        super().begin(first)
        self.window = [fine(first, self.coding)] * self.network.levels
        self.trace.append(Moment(None, []))

    def expected(self, mean: int, scale: int) -> tuple[int, int]:
        """Where the code is expected, and the number of its scale bin."""
        logarithm = mitchell_logarithm(scale)
        corrected, changed = self.corrected(mean, logarithm, Norm(logarithm))
        return corrected, in_table(changed >> 3, self.coding)

    def corrected(self, mean: int, logarithm: int, norm: Norm) -> tuple[int, int]:
        """mean', and the Mitchell logarithm that the network makes of the scale's."""
        latent = self.latent(mean, logarithm, norm)
        self.trace.append(Moment(norm, latent))
        deviation, stretch = self.predicted(latent)
        beyond = 16384 if self.coding.mixed else 0
        corrected = limited(mean + ((deviation * norm.unit) >> 10), self.coding, beyond)
        return corrected, logarithm + (stretch >> 4)

    def latent(self, mean: int, logarithm: int, norm: Norm) -> list[int]:
        """What filter bank, recurrent layers and projector make of the inputs."""
        x = [norm.of(past - mean) for past in self.window]
        if self.network.filter_bank:
            x = self.network.filter_bank.of(x)
        x += [norm.of(residual) for residual in self.residuals]
        trackers = (self.short_term << 4, self.medium << 2, self.long_term, self.longest >> 3)
        x += [lim((mitchell_logarithm(tracker) - logarithm) << 4) for tracker in trackers]
        offset = norm.of(self.offset())
        x += [lim((logarithm - 917) << 3), lim(mean >> 2), lim(offset)]
        for memory in self.memories:
            x = memory.step(x)
        return through(self.network.projector, x)

    def predicted(self, latent: list[int]) -> list[int]:
        """D and S."""
        x = latent
        if self.network.message:
            region = self.region(latent)
            if self.network.messages_added:
                x = [lim(own + other) for own, other in zip(latent, region, strict=True)]
            else:
                x = latent + region
        return through(self.network.predictor, x)

    def region(self, latent: list[int]) -> list[int]:
        """The mean of the reference channels' messages."""
        t = len(self.codes)
        total = [0] * self.network.message.outputs
        for reference in self.heard:
            later = (
                reference.trace[t + 5].latent if t + 5 < len(reference.trace) else [0] * len(latent)
            )
            residual = reference.trace[t].norm.of(reference.residuals[t])
            message = self.network.message.of(
                [*latent, *later, reference.correlation << 3, residual]
            )
            total = [a + b for a, b in zip(total, message, strict=True)]
        return [number // max(1, len(self.heard)) for number in total]

    def update(self, newest: int, residual: int) -> None:
        """Step 6, with the window and two more trackers."""
        super().update(newest, residual)
        self.medium += abs(residual) - (self.medium >> 5)
        self.longest += abs(residual) - (self.longest >> 10)
        self.window = [fine(newest, self.coding), *self.window[:-1]]
        self.residuals = [residual, *self.residuals][: self.network.residuals]
