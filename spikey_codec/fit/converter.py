"""`spikey fit converter`: the converter's 1,025 code edges, by maximum likelihood.

A code that comes more often than the prediction makes one expect is wider than thought. Starting
from the histogram of codes over a smoothed one, every pass multiplies each width by the ratio of
codes seen to codes expected: expectation-maximisation where the widths are mixture weights.
What varies slowly over the range is indistinguishable from the signal's own distribution and is
taken out again, so that edge k stays near k - 512 up to the local pattern.
"""

from __future__ import annotations

import numpy as np

from ..constants import TRANSITION_BITS
from . import model
from .data import Report

CODES = 1024
HISTOGRAM_SMOOTHING = 24  # codes, standard deviation
DRIFT_SMOOTHING = 48  # codes: slower variation than this is not the converter's pattern
NARROWEST, WIDEST = 0.02, 4.0  # codes
PRIOR = 300  # samples' worth of belief that a width is right
PASSES, PARTS = 16, 4  # every pass takes a quarter of the recordings


def _smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    taps = np.exp(-0.5 * (np.arange(-int(4 * sigma), int(4 * sigma) + 1) / sigma) ** 2)
    return np.convolve(values, taps, "same") / np.convolve(np.ones(len(values)), taps, "same")


def _edges(widths: np.ndarray) -> np.ndarray:
    """Edges of these widths without their slow drift: edge k near k - 512."""
    even = np.arange(CODES + 1) - CODES / 2
    for _ in range(3):  # the floor on widths brings a little drift back
        widths = np.clip(widths, NARROWEST, WIDEST)
        drift = np.concatenate([[0.0], np.cumsum(widths)]) - CODES / 2 - even
        edges = even + drift - _smoothed(drift, DRIFT_SMOOTHING)
        widths = np.diff(edges)
    return np.maximum.accumulate(edges)


def _start(leads: list[np.ndarray]) -> np.ndarray:
    counts = np.zeros(CODES)
    for lead in leads:
        counts += np.bincount(lead + CODES // 2, minlength=CODES)
    counts[0], counts[-1] = counts[1], counts[-2]  # clipped samples say nothing about a width
    return _edges((counts + 20) / (_smoothed(counts, HISTOGRAM_SMOOTHING) + 20))


def fit(leads: list[np.ndarray], report: Report = lambda line: None) -> np.ndarray:
    """Edges of the codes -512 .. 511 and one more: int32, shape (1025,), in 1/256 code."""
    edges = _start(leads)
    for turn in range(PASSES):
        part = leads[turn % PARTS :: PARTS] or leads
        levels = (edges[1:] + edges[:-1]) / 2
        expected, seen = np.zeros(CODES), np.zeros(CODES)
        for lead in part:
            x = levels[lead + 512]
            mean, sigma = model.predictions(x, model.own_predictor(x))
            model.expected_counts(lead, mean, sigma, edges, expected, seen)
        ratio = (seen + PRIOR) / (expected + PRIOR)
        edges = _edges(np.diff(edges) * ratio)
        report(f"pass {turn + 1} of {PASSES}: widths moved by {np.abs(ratio - 1).mean():.4f}")
    return np.rint(edges * (1 << TRANSITION_BITS)).astype(np.int32)


def bits_per_sample(leads: list[np.ndarray], edges: np.ndarray) -> float:
    """Ideal code length of leads with these integer edges."""
    return model.mean_code_length(leads, edges / (1 << TRANSITION_BITS))
