"""Bits per sample at each step of modelling, and of real files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..analysis.analyse import Analysis
from ..analysis.coding import Step
from ..analysis.entropies import MODELS, NONUNIFORM
from ..analysis.recordings import SHORTEST
from ..figures.style import NEGATIVE, POSITIVE
from .markup import count, data_table, paragraph, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    coding = analysis.coding
    steps = coding.steps["all"]
    bits = {step.name: step.bits for step in steps}
    models = [step for step in steps if not step.real]
    files = [step for step in steps if step.real]
    best = min(files, key=lambda step: step.bits)
    ideal = models[-1].bits
    kinds = [kind for kind in coding.steps if kind != "all"]
    gain = models[-2].bits - ideal if models[-1].name == NONUNIFORM else 0
    text = paragraph(
        f"The raw samples take 16 bits; their own entropy is {bits[MODELS[0]]:.3f}, and "
        f"prediction brings it down to {bits[MODELS[2]]:.3f} bits a sample.",
        f"Knowing the converter's code widths is worth {gain:.3f} bits more."
        if gain > 0.0005 else "",
        f"The smallest files, preset <code>{best.name.split()[-1]}</code>, take "
        f"{best.bits:.3f} bits, a ratio of {16 / best.bits:.3f}; the linear model's ideal code "
        f"length is {ideal:.3f}.",
        "Files are smaller than the models above, which know no other channels and no network."
        if best.bits < ideal else "",
    )  # fmt: skip
    limited = coding.files < sum(file.frames >= SHORTEST for file in analysis.files)
    note = paragraph(
        f"Measured on {count(coding.files, 'recording')}"
        + (f", evenly spread over the {len(analysis.files):,}" if limited else "")
        + f": {count(coding.channels, 'lead')}, {coding.samples:,} samples"
        + (f"; of {coding.shortened} only the beginning" if coding.shortened else "")
        + ".",
        "Entropies are taken lead by lead and do not include telling the decoder the "
        "distribution, so they are a little too low for short leads; codes and samples have the "
        "same entropy. "
        "Model lengths leave out each lead's first 500 samples and use its own best predictor. "
        "File sizes count every byte.",
        note=True,
    )
    rows: list[tuple[str | float, ...]] = [
        (
            step.name,
            step.bits,
            16 / step.bits if step.bits else math.nan,
            *(coding.steps[kind][n].bits for kind in kinds),
        )
        for n, step in enumerate(steps)
    ]
    table = data_table(("step", "bits a sample", "ratio", *kinds), rows, wrap=not kinds)
    picture = shown(
        _bars(steps),
        "Bits per sample at each step",
        "Blue: entropies and ideal code lengths. Red: real files.",
    )
    return text + pictures(picture) + table + note


def _bars(steps: list[Step]) -> Figure:
    """A bar for each step, with its name above."""
    figure, axes = phone_figure(0.45 * len(steps) + 0.5)
    most = max(step.bits for step in steps)
    for row, step in enumerate(steps):
        axes.barh(row, step.bits, 0.36, color=NEGATIVE if step.real else POSITIVE)
        axes.text(0, row - 0.25, step.name, va="bottom", size=9)
        axes.text(step.bits + most / 90, row, f"{step.bits:.3f}", va="center", size=9)
    axes.set(ylim=(len(steps) - 0.5, -0.85), xlim=(0, most * 1.12), xlabel="bits per sample")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return figure
