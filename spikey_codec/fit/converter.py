"""`spikey fit converter`: the converter's 1,025 code transition levels, by maximum likelihood.

A code that comes more often than the prediction makes one expect is wider than thought. Starting
from the histogram of codes over a smoothed one, every pass multiplies each width by the ratio of
codes seen to codes expected: expectation maximisation where the widths are mixture weights, with
the same M-step as for a single recording of another converter (quantizer/estimate.py). What varies
slowly over the range is indistinguishable from the signal's own distribution and is taken out
again, so that transition level k stays near k - 512 up to the local pattern.
"""

from __future__ import annotations

import numpy as np

from ..constants import HIGHEST_CODE, LOWEST_CODE, TRANSITION_BITS
from ..quantizer.estimate import likelier_widths
from . import model
from .data import Report

CODES = HIGHEST_CODE + 1 - LOWEST_CODE
HISTOGRAM_SMOOTHING = 24  # codes, standard deviation
DRIFT_SMOOTHING = 48  # codes: slower variation than this is not the converter's pattern
NARROWEST, WIDEST = 0.02, 4.0  # codes
PRIOR = 300  # samples' worth of belief that a width is right
PASSES, PARTS = 16, 4  # every pass takes a quarter of the recordings


def _smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    taps = np.exp(-0.5 * (np.arange(-int(4 * sigma), int(4 * sigma) + 1) / sigma) ** 2)
    return np.convolve(values, taps, "same") / np.convolve(np.ones(len(values)), taps, "same")


def _without_drift(widths: np.ndarray) -> np.ndarray:
    """Transition levels of these widths without their slow drift: level k near k - 512."""
    even = np.arange(CODES + 1) - CODES / 2
    for _ in range(3):  # the floor on widths brings a little drift back
        widths = np.clip(widths, NARROWEST, WIDEST)
        drift = np.concatenate([[0.0], np.cumsum(widths)]) - CODES / 2 - even
        transitions = even + drift - _smoothed(drift, DRIFT_SMOOTHING)
        widths = np.diff(transitions)
    return np.maximum.accumulate(transitions)


def _start(channels: list[np.ndarray]) -> np.ndarray:
    counts = np.zeros(CODES)
    for codes in channels:
        counts += np.bincount(codes - LOWEST_CODE, minlength=CODES)
    counts[0], counts[-1] = counts[1], counts[-2]  # clipped samples say nothing about a width
    return _without_drift((counts + 20) / (_smoothed(counts, HISTOGRAM_SMOOTHING) + 20))


def fit(channels: list[np.ndarray], report: Report = lambda line: None) -> np.ndarray:
    """Transition levels of the codes -512 .. 511: int32, shape (1025,), in 1/256 code.

    channels : codes of each, int16, shape (frames,)
    """
    transitions = _start(channels)
    for turn in range(PASSES):
        part = channels[turn % PARTS :: PARTS] or channels
        levels = model.middles(transitions)
        expected, seen = np.zeros(CODES), np.zeros(CODES)
        for codes in part:
            x = levels[codes - LOWEST_CODE]
            mean, sigma = model.predictions(x, model.own_predictor(x))
            model.expected_counts(codes, mean, sigma, transitions, expected, seen)
        transitions = _without_drift(likelier_widths(np.diff(transitions), seen, expected, PRIOR))
        moved = np.abs((seen + PRIOR) / (expected + PRIOR) - 1).mean()
        report(f"pass {turn + 1} of {PASSES}: widths moved by {moved:.4f}")
    return np.rint(transitions * (1 << TRANSITION_BITS)).astype(np.int32)


def bits_per_sample(channels: list[np.ndarray], transitions: np.ndarray) -> float:
    """Ideal code length of channels with these transition levels, integers in 1/256 code."""
    return model.mean_code_length(channels, transitions / (1 << TRANSITION_BITS))
