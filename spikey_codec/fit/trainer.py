"""A training: its batches, its epochs, and how it goes on after an interruption.

AdamW (Loshchilov & Hutter 2019) on the ideal code length of random windows, the learning rate
rising over the first tenth and then falling as a cosine (Loshchilov & Hutter 2017). Epochs draw
from a generator of their own, so that a training that was interrupted goes on as if it had not
been.
"""

from __future__ import annotations

import io
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from ..system import files
from . import network
from .loss import Loss
from .sections import Config
from .windows import Windows

try:
    import torch
except ImportError:  # only training needs it, and every module of the package has to load
    torch = None

WARM_UP = 0.1  # of all steps
GREATEST_GRADIENT = 1.0  # norm, of recurrent networks (Pascanu, Mikolov & Bengio 2013)
VALIDATED = 400_000  # samples of channels alone, and as many of channels with references
VALIDATED_RUN = 900  # samples in a row that a recurrent network is tried on
AT_ONCE = 1 << 15  # samples that are tried at once


class Epoch(NamedTuple):
    """A line of the log: number, samples seen until its end, bits per sample, seconds so far."""

    epoch: int
    samples: int
    train_bits: float
    validation_bits: float
    seconds: float


class Recordings(NamedTuple):
    """What is learnt from, what decides when to stop, and what was kept out of both."""

    training: Windows
    validation: Windows
    kept_out: Windows | None
    about: dict[str, Any]


class Trainer:
    """A training between its epochs.

    history : an `Epoch` for each that is done
    """

    def __init__(self, config: Config, read: Recordings, device: str) -> None:
        settings = config.training
        self.config, self.read, self.device = config, read, device
        torch.manual_seed(settings.seed)
        self.model = network.Network(config).to(device)
        self.loss = Loss().to(device)
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        biases = [p for p in self.model.parameters() if p.dim() <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices}, {"params": biases, "weight_decay": 0.0}],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.steps = settings.samples_per_epoch // settings.batch_size
        self.history: list[Epoch] = []
        self.best = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.start_bits = self.best_bits = self.validate(self.model)

    @property
    def parameters(self) -> int:
        """How many weights and biases are trained."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def finished(self) -> bool:
        """Whether there is to be no other epoch."""
        done, settings = len(self.history), self.config.training
        best = min(self.history, key=lambda e: e.validation_bits, default=None)
        stale = done - best.epoch if best else 0
        return done >= settings.epochs or stale >= settings.patience

    def run_epoch(self) -> Epoch:
        """One more epoch; `UsageError` where the loss is no longer a number."""
        from tqdm import tqdm

        start = time.monotonic()
        settings, done = self.config.training, len(self.history)
        generator = torch.Generator().manual_seed((settings.seed << 20) + done)
        self.model.train()
        total = torch.zeros((), device=self.device)
        bar = tqdm(range(self.steps), f"epoch {done + 1}", leave=False, disable=None)
        for step in bar:
            rate = self.rate((done * self.steps + step) / (settings.epochs * self.steps))
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss = self._batch_loss(generator)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if self.config.recurrent:
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), GREATEST_GRADIENT)
            self.optimiser.step()
            total += loss.detach()
            if step % 50 == 49 and not bar.disable:
                bar.set_postfix_str(f"{total.item() / (step + 1):.4f} bits per sample")
        train_bits = total.item() / self.steps
        if not math.isfinite(train_bits):
            raise UsageError("The training has diverged; a lower training.learning_rate may help.")
        validation_bits = self.validate(self.model)
        if validation_bits < self.best_bits:
            self.best_bits = validation_bits
            self.best = {k: v.clone() for k, v in self.model.state_dict().items()}
        seconds = time.monotonic() - start + (self.history[-1].seconds if done else 0.0)
        samples = (done + 1) * self.steps * settings.batch_size
        self.history.append(Epoch(done + 1, samples, train_bits, validation_bits, seconds))
        return self.history[-1]

    def rate(self, progress: float) -> float:
        """Learning rate after this share of all steps."""
        highest = self.config.training.learning_rate
        if progress < WARM_UP:
            return highest * (0.04 + 0.96 * progress / WARM_UP)
        return highest * 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))

    def _batch_loss(self, generator: torch.Generator) -> torch.Tensor:
        settings, windows = self.config.training, self.read.training
        length, skip = 1, 0
        if self.config.recurrent:
            length, skip = settings.sequence_length, settings.burn_in
        count = settings.batch_size // (length - skip)
        drawn = [windows.places_alone]
        if self.config.region_size:  # half of the channels have references
            drawn.append(windows.places_together)
        losses = []
        for draw in drawn:
            places = draw(max(count // len(drawn), 1), generator, length)
            losses.append(self.loss(windows, places, self.model(windows, places), skip).mean())
        return sum(losses) / len(losses)

    def bits(self, model: network.Network, windows: Windows) -> dict[str, float]:
        """Ideal bits per sample of channels alone, "bits", and with a middle_out where there are
        simultaneous ones those of channels with references, "peers_bits"."""
        length, skip = 1, 0
        if self.config.recurrent:
            length, skip = VALIDATED_RUN, self.config.training.burn_in
        parts: dict[str, list[Any]] = {"bits": windows.alone}
        if self.config.region_size and windows.together:
            parts["peers_bits"] = windows.together
        model.eval()
        means = {}
        with torch.no_grad():
            for name, channels in parts.items():
                total, samples = 0.0, 0
                for places in windows.every(channels, VALIDATED, length, AT_ONCE):
                    bits = self.loss(windows, places, model(windows, places), skip)
                    total, samples = total + bits.double().sum().item(), samples + bits.numel()
                means[name] = total / samples
        return means

    def validate(self, model: network.Network) -> float:
        """Bits per sample on what was set aside, half of it with references if there are any."""
        bits = self.bits(model, self.read.validation).values()
        return sum(bits) / len(bits)

    def linear_model(self) -> network.Network:
        """A network that corrects nothing."""
        return network.Network(self.config).to(self.device)

    def best_model(self) -> network.Network:
        """The network of the best epoch so far."""
        model = network.Network(self.config)
        model.load_state_dict({k: v.cpu() for k, v in self.best.items()})
        return model.to(self.device)

    def save(self, path: Path) -> None:
        """Write all that the training needs to go on; `load` is the inverse.

        The file is there whole or not at all.
        """
        content = {
            "made_for": self._made_for(),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            "best_bits": self.best_bits,
            "history": [tuple(epoch) for epoch in self.history],
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        files.write(str(path), buffer.getvalue())

    def load(self, path: Path) -> None:
        """Take up what `save` wrote; `UsageError` if it was another configuration's."""
        try:
            content = torch.load(path, map_location=self.device, weights_only=True)
            made_for = content["made_for"]
        except OSError:
            raise
        except Exception as error:  # torch raises many kinds
            raise UsageError(f"{path} is not a checkpoint of a training.") from error
        if made_for != self._made_for():
            raise UsageError(
                f"{path} is of another configuration or other recordings; remove it to start again."
            )
        self.model.load_state_dict(content["model"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.best, self.best_bits = content["best"], content["best_bits"]
        self.history = [Epoch(*epoch) for epoch in content["history"]]

    def _made_for(self) -> list[str]:
        return [self.config.digest(), self.read.about["recordings_sha256"]]
