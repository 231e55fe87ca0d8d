"""Spikes of one channel: where the band-passed signal falls below a multiple of its noise.

The filter is a Butterworth band-pass of order 3 from 300 to 6000 Hz, run forwards and backwards so
that it delays nothing. The noise is estimated as median(|x|) / 0.6745, which spikes hardly raise
(Quiroga, Nadasdy and Ben-Shaul 2004, "Unsupervised spike detection and sorting with wavelets and
superparamagnetic clustering"), and the threshold is 4.5 times that. A dead time of a millisecond
follows every spike. Only troughs count, and spikes are not sorted by cell.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LOW, HIGH = 300.0, 6000.0  # Hz, of the band; at low rates it ends at BAND_LIMIT of the rate
BAND_LIMIT = 0.45
ORDER = 3  # of the filter, which runs twice
TIMES_NOISE = 4.5  # a spike's trough is that many standard deviations of the noise below zero
MEDIAN_TO_SIGMA = 0.6745  # the median of |x| of a Gaussian, in standard deviations
LEAST_NOISE = 1e-9  # levels: a channel that rests most of the time has no noise to compare with
DEAD_TIME, BEFORE, AFTER = 0.001, 0.001, 0.002  # seconds
MOST_SHAPES = 60  # spikes of a channel whose waveforms are kept


class Spikes(NamedTuple):
    """Spikes found in one channel.

    times : int64, samples, ascending
    per_second : their rate
    noise, threshold : in the channel's levels; the threshold is negative
    shapes : float32, shape (some of the spikes, samples), band-passed, in levels
    """

    times: np.ndarray
    per_second: float
    noise: float
    threshold: float
    shapes: np.ndarray


def find_spikes(x: np.ndarray, rate: float) -> Spikes | None:
    """Spikes of one channel; None where the rate leaves no band for them. Needs scipy.

    x : levels, float, shape (samples,), at `rate` Hz

    Where the band-passed levels fall below the threshold, the lowest sample of the next millisecond
    is the spike; the next one comes a millisecond later at the earliest.
    """
    if band(rate) is None:
        return None
    y = band_passed(x, rate)
    noise = noise_level(y)
    threshold = -TIMES_NOISE * noise
    times = np.zeros(0, np.int64)
    if noise > LEAST_NOISE:
        times = troughs(y, threshold, max(1, round(DEAD_TIME * rate)))
    shapes = _shapes(y, times, round(BEFORE * rate), round(AFTER * rate))
    return Spikes(times, len(times) * rate / len(x), noise, threshold, shapes)


def band(rate: float) -> tuple[float, float] | None:
    """Corners in Hz of the band where spikes are looked for; None where the rate is too low.

    >>> band(19531), band(10_000), band(1000)
    ((300.0, 6000.0), (300.0, 4500.0), None)
    """
    high = min(HIGH, BAND_LIMIT * rate)
    return (LOW, high) if high >= 2 * LOW else None


def band_passed(x: np.ndarray, rate: float) -> np.ndarray:
    """Levels in the band of spikes: float64, same shape. The rate must leave one, see `band`."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(ORDER, band(rate), "bandpass", fs=rate, output="sos")
    passed: np.ndarray = sosfiltfilt(sections, x)
    return passed


def noise_level(y: np.ndarray) -> float:
    """Standard deviation of the noise in a band-passed channel, in its own unit."""
    return float(np.median(np.abs(y))) / MEDIAN_TO_SIGMA


def troughs(y: np.ndarray, threshold: float, dead_time: int) -> np.ndarray:
    """Samples of the troughs below a threshold, at least `dead_time` samples apart: int64.

    >>> troughs(np.array([0, -5, -9, 0, 0, -6, 0]), -4, 3)
    array([2, 5])
    """
    below = np.flatnonzero(y < threshold)
    times, at = [], 0
    while at < len(below):
        first = below[at]
        trough = int(first + y[first : first + dead_time].argmin())
        times.append(trough)
        at = int(np.searchsorted(below, trough + dead_time))
    return np.array(times, np.int64)


def _shapes(y: np.ndarray, times: np.ndarray, before: int, after: int) -> np.ndarray:
    """Waveforms of up to MOST_SHAPES spikes that lie wholly inside the channel."""
    inside = times[(times >= before) & (times + after < len(y))]
    shown = inside[evenly_spread(len(inside), MOST_SHAPES)]
    shapes: np.ndarray = y[shown[:, None] + np.arange(-before, after + 1)].astype(np.float32)
    return shapes


def chance_per_second(rate: float) -> float:
    """Spikes per second that the method finds in white Gaussian noise (Rice 1945).

    Crossings of a level u times the standard deviation come exp(-u^2 / 2) times as often as upward
    crossings of zero, whose rate is the root mean square frequency of the band.
    """
    low, high = band(rate) or (LOW, HIGH)
    crossings = math.sqrt((high**3 - low**3) / (3 * (high - low)))
    return crossings * math.exp(-(TIMES_NOISE**2) / 2)


def evenly_spread(count: int, most: int) -> np.ndarray:
    """Up to `most` of the indices below `count`, evenly spread: int64, ascending.

    >>> evenly_spread(10, 4)
    array([0, 3, 6, 9])
    """
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)
