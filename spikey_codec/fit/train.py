"""`spikey train`: from a configuration and recordings to a network in `weights/networks`.

AdamW (Loshchilov & Hutter 2019) on the ideal code length of random windows, the learning rate
rising over the first tenth and then falling as a cosine (Loshchilov & Hutter 2017). After every
epoch the network is tried on recordings set aside; the best one is kept, and it is the one that
is turned into integers. Epochs draw from a generator of their own, so that a training that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import csv
import io
import math
import re
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import weights
from ..system import files
from ..errors import RecordingError, UsageError
from ..prediction import network as integer
from ..topology.groups import simultaneous_groups
from . import data, network
from .config import Config, load
from .data import Report
from .windows import Windows

try:
    import torch
except ImportError:
    torch = None

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
PRESETS = ("linear",)  # names that are taken
CHECKPOINT, LOG, CURVE = "checkpoint.pt", "log.csv", "curve.png"
WARM_UP = 0.1  # of all steps
GREATEST_GRADIENT = 1.0  # norm, of recurrent networks (Pascanu, Mikolov & Bengio 2013)
VALIDATED = 400_000  # samples of leads alone, and as many of leads with peers
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
    about: dict


def train(
    path: Path,
    name: str,
    into: Path,
    work: Path | None = None,
    resume: bool = False,
    recordings: list[Path] | None = None,
    report: Report = lambda line: None,
) -> Path:
    """Train the network of a configuration file and enter it as `name` into a folder of weights.

    path : the YAML configuration; recordings : instead of its data.recordings
    into : folder of weights
    work : folder for checkpoint, log and learning curve, runs/NAME by default
    resume : go on from the checkpoint in `work`

    Returns the path of the array. Raises `UsageError` for a configuration, name or folder that
    cannot be used, `RecordingError` for recordings that cannot.
    """
    if torch is None:
        raise UsageError("Training needs more packages: pip install 'spikey-codec[train]'.")
    if not PLAIN_NAME.fullmatch(name) or name in PRESETS:
        raise UsageError(f"{name!r} cannot be a network's name: letters, digits, - and _ can, "
                         f"but not {', '.join(PRESETS)}.")
    config = load(path)
    paths = [Path(p) for p in recordings or config.data.recordings]
    if not paths:
        raise UsageError("data.recordings is empty, and no recordings were given.")
    for missing in (p for p in paths if not p.exists()):
        raise UsageError(f"data.recordings: there is no {missing}.")
    device = _device(config.training.device)
    work = work or Path("runs") / name
    checkpoint = work / CHECKPOINT
    if checkpoint.exists() != resume:
        raise UsageError(
            f"There is no training to resume in {work}." if resume else
            f"There is a training in {work} already: go on with --resume, or remove the folder."
        )
    read = read_recordings(config, paths, device)
    training = Trainer(config, read, device)
    if resume:
        training.load(checkpoint)
    work.mkdir(parents=True, exist_ok=True)
    report(f"{training.parameters} parameters, on {device}; the linear prediction alone has "
           f"{training.start_bits:.4f} bits per sample")
    while not training.finished:
        epoch = training.run_epoch()
        training.save(checkpoint)
        _write_log(work / LOG, training.history)
        _draw_curve(work / CURVE, training.history, training.start_bits)
        report(f"epoch {epoch.epoch} of {config.training.epochs}: {epoch.train_bits:.4f} bits per "
               f"sample, validation {epoch.validation_bits:.4f}, {epoch.seconds:.0f} s")
    model = training.best_model()
    figures = {
        "epochs": len(training.history),
        "linear_bits": round(training.start_bits, 4),
        "validation_bits": round(training.best_bits, 4),
    }
    if read.kept_out is not None:
        for kind, which in (("kept_out", model), ("kept_out_linear", training.linear_model())):
            for key, bits in training.bits(which, read.kept_out).items():
                figures[f"{kind}_{key}"] = round(bits, 4)
    report(", ".join(f"{key} {value}" for key, value in figures.items()))
    about = {
        "made_by": f"spikey train {path.name} {name}",
        "configuration_sha256": config.digest(),
        "seed": config.training.seed,
        **read.about,
        **figures,
    }
    weights.save(into, name, integer.to_array(network.quantise(model)), about)
    return into / f"{name}.npy"


def read_recordings(config: Config, paths: list[Path], device: str) -> Recordings:
    """Recordings, split and made ready; `RecordingError` if there are too few."""
    split = data.split(paths, config.data.keep_out)
    groups = simultaneous_groups(split.fitted)
    every = max(2, round(1 / config.data.validation))
    held = [group for n, group in enumerate(groups) if n % every == every // 2]
    if not held:  # few groups: the last one
        held = groups[1:][-1:]
    kept = [group for group in groups if group not in held]
    if not held or not kept:
        raise RecordingError("Too few recordings: some that are not simultaneous are needed to "
                             "learn from and others to validate on.")
    features = config.feature_extractor
    padding, peers = max(features.length, features.errors), config.middle_out.num_peers

    def windows(leads, groups):
        made = Windows(leads, groups, padding, peers, device)
        return made if made.alone else None

    training, validation = windows(split.fitted, kept), windows(split.fitted, held)
    if peers and not (training and training.together):
        raise RecordingError("There are no simultaneous recordings to learn a middle_out from.")
    if not training or not validation:
        raise RecordingError("The recordings are too short to learn from.")
    kept_out = None
    if split.kept_out:
        kept_out = windows(split.kept_out, simultaneous_groups(split.kept_out))
    about = {**split.about, "validation": sum(map(len, held))}
    return Recordings(training, validation, kept_out, about)


class Trainer:
    """A training between its epochs.

    history : an `Epoch` for each that is done; finished : whether there is to be no other
    """

    def __init__(self, config: Config, read: Recordings, device: str):
        settings = config.training
        self.config, self.read, self.device = config, read, device
        torch.manual_seed(settings.seed)
        self.model = network.Network(config).to(device)
        self.loss = network.Loss().to(device)
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
        return sum(p.numel() for p in self.model.parameters())

    @property
    def finished(self) -> bool:
        done, settings = len(self.history), self.config.training
        best = min(self.history, key=lambda e: e.validation_bits, default=None)
        stale = done - best.epoch if best else 0
        return done >= settings.epochs or stale >= settings.patience

    def run_epoch(self) -> Epoch:
        """One more epoch; `UsageError` where the loss is no number any more."""
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

    def _batch_loss(self, generator):
        settings, windows = self.config.training, self.read.training
        length, skip = 1, 0
        if self.config.recurrent:
            length, skip = settings.sequence_length, settings.burn_in
        count = settings.batch_size // (length - skip)
        drawn = [windows.places_alone]
        if self.config.region_size:  # half of the leads have peers
            drawn.append(windows.places_together)
        losses = []
        for draw in drawn:
            places = draw(max(count // len(drawn), 1), generator, length)
            losses.append(self.loss(windows, places, self.model(windows, places), skip).mean())
        return sum(losses) / len(losses)

    def bits(self, model, windows: Windows) -> dict[str, float]:
        """Ideal bits per sample of leads alone, "bits", and with a middle_out where there are
        simultaneous ones those of leads with peers, "peers_bits"."""
        length, skip = 1, 0
        if self.config.recurrent:
            length, skip = VALIDATED_RUN, self.config.training.burn_in
        parts = {"bits": windows.alone}
        if self.config.region_size and windows.together:
            parts["peers_bits"] = windows.together
        model.eval()
        means = {}
        with torch.no_grad():
            for name, leads in parts.items():
                total = samples = 0
                for places in windows.every(leads, VALIDATED, length, AT_ONCE):
                    bits = self.loss(windows, places, model(windows, places), skip)
                    total, samples = total + bits.double().sum().item(), samples + bits.numel()
                means[name] = total / samples
        return means

    def validate(self, model) -> float:
        """Bits per sample on what was set aside, half of it with peers if there are any."""
        bits = self.bits(model, self.read.validation).values()
        return sum(bits) / len(bits)

    def linear_model(self):
        """A network that corrects nothing."""
        return network.Network(self.config).to(self.device)

    def best_model(self):
        model = network.Network(self.config)
        model.load_state_dict({k: v.cpu() for k, v in self.best.items()})
        return model.to(self.device)

    def save(self, path: Path) -> None:
        """Write all that the training needs to go on; the file is there whole or not at all."""
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
        except Exception as error:  # torch raises many kinds on what is none
            raise UsageError(f"{path} is no checkpoint of a training.") from error
        if made_for != self._made_for():
            raise UsageError(
                f"{path} is of another configuration or other recordings; remove it to begin anew."
            )
        self.model.load_state_dict(content["model"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.best, self.best_bits = content["best"], content["best_bits"]
        self.history = [Epoch(*epoch) for epoch in content["history"]]

    def _made_for(self) -> list[str]:
        return [self.config.digest(), self.read.about["recordings_sha256"]]


def _device(wanted: str) -> str:
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UsageError("training.device is cuda, but there is none here.")
    return "cuda" if there and wanted != "cpu" else "cpu"


def _write_log(path: Path, history: list[Epoch]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Epoch._fields)
    for e in history:
        writer.writerow([e.epoch, e.samples, f"{e.train_bits:.5f}", f"{e.validation_bits:.5f}",
                         f"{e.seconds:.1f}"])
    files.write(str(path), text.getvalue().encode())


def _draw_curve(path: Path, history: list[Epoch], start_bits: float) -> None:
    """Bits per sample over samples seen, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    seen = np.array([e.samples for e in history]) / 1e6
    axes.axhline(start_bits, color="0.6", label="linear prediction alone, validation")
    axes.plot(seen, [e.train_bits for e in history], ".-", label="training")
    axes.plot(seen, [e.validation_bits for e in history], ".-", label="validation")
    axes.set_xlabel("million samples seen")
    axes.set_ylabel("ideal bits per sample")
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    files.write(str(path), buffer.getvalue())
