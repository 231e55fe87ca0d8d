"""`spikey train`: from a configuration and recordings to a network in `weights/networks`.

After every epoch (trainer.py) the network is tried on recordings set aside; the best one is kept,
and it is the one that is turned into integers.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np

from .. import weights
from ..errors import RecordingError, UsageError
from ..prediction.network_array import to_array
from ..system import files, targets
from ..topology.groups import simultaneous_groups
from . import data
from .config import load
from .data import Report
from .quantise import quantise
from .sections import Config
from .trainer import Epoch, Recordings, Trainer
from .windows import Windows

try:
    import torch
except ImportError:  # only training needs it, and every module of the package has to load
    torch = None

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
PRESETS = ("linear",)  # names that are taken
CHECKPOINT, LOG, CURVE = "checkpoint.pt", "log.csv", "curve.png"


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
        raise UsageError(
            f"{name!r} cannot be a network's name: letters, digits, - and _ can, "
            f"but not {', '.join(PRESETS)}."
        )
    config = load(path)
    paths = [Path(p) for p in recordings or config.data.recordings]
    if not paths:
        raise UsageError("data.recordings is empty, and no recordings were given.")
    for missing in (p for p in paths if not p.exists()):
        raise UsageError(f"data.recordings: there is no {missing}.")
    device = _device(config.training.device)
    work = work or Path("runs") / name
    checkpoint = work / CHECKPOINT
    if resume and not checkpoint.exists():
        raise UsageError(f"There is no training to resume in {work}.")
    if checkpoint.exists() and not resume:
        raise UsageError(f"There is a training in {work} already: --resume it, or remove it.")
    targets.check_folder(into)
    targets.check_folder(work)
    read = read_recordings(config, paths, device)
    training = Trainer(config, read, device)
    if resume:
        training.load(checkpoint)
    work.mkdir(parents=True, exist_ok=True)
    report(
        f"{training.parameters} parameters, on {device}; the linear prediction alone has "
        f"{training.start_bits:.4f} bits per sample"
    )
    while not training.finished:
        epoch = training.run_epoch()
        training.save(checkpoint)
        _write_log(work / LOG, training.history)
        _draw_curve(work / CURVE, training.history, training.start_bits)
        report(
            f"epoch {epoch.epoch} of {config.training.epochs}: {epoch.train_bits:.4f} bits per "
            f"sample, validation {epoch.validation_bits:.4f}, {epoch.seconds:.0f} s"
        )
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
    weights.save(into, name, to_array(quantise(model)), about)
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
        raise RecordingError(
            "Too few recordings: some that are not simultaneous are needed to "
            "learn from and others to validate on."
        )
    features = config.feature_extractor
    padding, peers = max(features.length, features.errors), config.middle_out.num_peers

    def windows(channels: list[np.ndarray], groups: list[list[int]]) -> Windows | None:
        made = Windows(channels, groups, padding, peers, device)
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
        writer.writerow(
            [
                e.epoch,
                e.samples,
                f"{e.train_bits:.5f}",
                f"{e.validation_bits:.5f}",
                f"{e.seconds:.1f}",
            ]
        )
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
