"""Synthetic recordings that look like those of the challenge to a codec.

A lead's level is a sum of processes: amplifier noise (white), tissue noise (low-pass), local field
potential and drift (slower low-pass), spikes of a few units near the electrode, and the hash of
many distant ones. An uneven 10-bit converter, the same for all leads, turns levels into codes.
The figures below were tuned until the statistics of synthetic and real leads agreed; no resonance
stands out of the real spectra, so the filters have none.

The same arguments give the same codes. Arithmetic is element by element, without BLAS or FFT; so
the codes hold across machines as far as NumPy's random streams do, which releases may change.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import weights
from ..system import files
from ..bitstream.header import CHALLENGE_RATE
from ..quantizer.mapping import HIGHEST_CODE, LOWEST_CODE, challenge_pcm
from ..errors import UsageError
from ..constants import TRANSITION_BITS
from ..readers.wav import plain_header

RATE = CHALLENGE_RATE  # Hz
SHORTEST, LONGEST = 98_567, 99_903  # samples of a recording whose length was not asked for
REFRACTORY, SPIKE_SPAN = 0.002, 0.0016  # seconds
PAIRED_SHARE = 0.8  # of the leads have a simultaneous partner
RAILED_SHARE = 1 / 40  # of the leads saturate the converter, but at least one in a dozen or more
CONVERTER = 0  # seed of the one converter behind all synthetic sets
FINE_STEPS = 16  # codes whose widths repeat
AMPLIFIER, TISSUE, FIELD, DRIFT = 0.24, 1.08, 3.4, 0.33  # deviations, relative to a lead's scale
TISSUE_CORNER, FIELD_CORNER, DRIFT_CORNER = 1600.0, 35.0, 1.0  # Hz
SWELL_CORNER, RAIL_CORNER = 1.0, 2.0  # Hz
LAYOUT, LENGTH, LEAD, PAIR = range(1, 5)  # random streams of a set


def converter_thresholds(rng: np.random.Generator) -> np.ndarray:
    """Edges of the codes of a successive-approximation converter with mismatched capacitors.

    Returns 1,025 ascending float64: code q, -512..511, spans edges q + 512 to q + 513. One code
    is 1 unit wide on average, 0.3 to 2.3 in practice; -2 is narrow and -1 next to nothing.
    """
    # One row of unit capacitors makes the fine part of the scale, again and again.
    widths = np.tile(np.exp(0.42 * rng.standard_normal(FINE_STEPS)), 1024 // FINE_STEPS)
    # Where a binary capacitor takes over from all lower ones, the last code bears its error.
    for step in (FINE_STEPS << bit for bit in range(6)):
        error = 0.3 * rng.standard_normal()
        widths[step - 1 :: 2 * step] += error
        widths[2 * step - 1 :: 2 * step] -= error
    widths = np.clip(widths * np.exp(0.1 * rng.standard_normal(1024)), 0.32, 2.2)
    # The largest capacitor is too light by more than a code: the scale overlaps in its middle.
    widths[510:512] = 0.1, 0.001
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    return edges * (1024 / edges[-1]) + LOWEST_CODE


def shipped_edges() -> np.ndarray:
    """Edges of the converter that the weights know: float64, shape (1025,), in codes."""
    return weights.load("converter") / (1 << TRANSITION_BITS)


def lead_layout(leads: int, seed: int = 0) -> tuple[list[tuple[int, ...]], set[int]]:
    """Leads by what was recorded together, pairs or one alone; and the railed ones, all alone."""
    order = _stream(seed, LAYOUT).permutation(leads).tolist()
    paired = 2 * round(leads * PAIRED_SHARE / 2)
    railed = max(round(leads * RAILED_SHARE), 1) if leads >= 12 else 0
    groups = list(zip(order[:paired:2], order[1:paired:2])) + [(lead,) for lead in order[paired:]]
    return groups, set(order[paired : paired + railed])


def spike_times(rng: np.random.Generator, frequency: float, frames: int, rate: int) -> np.ndarray:
    """Samples at which a unit fires: int64, ascending, 0 <= time < frames.

    Gaps are exponential on top of the refractory period; `frequency` (Hz) is their mean rate.
    """
    refractory = math.ceil(REFRACTORY * rate)
    free = max(rate / frequency - refractory, 1.0)
    expected = frames / (refractory + free)
    count = int(expected + 8 * math.sqrt(expected)) + 16
    gaps = refractory + (free * rng.standard_exponential(count)).astype(np.int64)
    times = np.cumsum(gaps) - refractory
    return times[times < frames]


def low_pass(noise: np.ndarray, corner: float, rate: int) -> np.ndarray:
    """One-pole low-pass of white noise, scaled so that the deviation stays; corner in Hz."""
    pole = math.exp(-2 * math.pi * corner / rate)
    out = noise * math.sqrt(1 - pole * pole)
    out[0] = noise[0]  # the filter has run for ever
    # y[n] = x[n] + pole * y[n - 1], unrolled by doubling how far back the sum reaches.
    reach = 1
    while reach < len(out) and pole > 1e-18:
        out[reach:] += pole * out[:-reach]
        reach, pole = 2 * reach, pole * pole
    return out


def simulate_codes(
    leads: int,
    seconds: float | None = None,
    seed: int = 0,
    rate: int = RATE,
    thresholds: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Codes of a set of leads: one 1-D int16 array per lead, values -512..511.

    Without `seconds`, lengths vary as in the challenge (about 5 s). `thresholds` are the edges of
    the converter, as `converter_thresholds` returns them; by default one made-up converter serves
    all sets. Raises UsageError if an argument cannot be used.
    """
    codes = dict(_simulated(leads, seconds, seed, rate, thresholds))
    return [codes[lead] for lead in range(leads)]


def codes_to_pcm(codes: np.ndarray) -> np.ndarray:
    """PCM values of codes -512..511 by the challenge's map: int16, same shape."""
    return challenge_pcm()[np.asarray(codes, np.int16) - LOWEST_CODE]


def write_recordings(
    folder: Path,
    leads: int = 24,
    seconds: float | None = None,
    seed: int = 0,
    thresholds: np.ndarray | None = None,
) -> list[Path]:
    """Write a set of leads as plain mono WAV files `synthetic-<seed>-<lead>.wav`; their paths.

    The folder is made if need be; a file gets its name when whole. See `simulate_codes`.
    """
    paths = {}
    for lead, codes in _simulated(leads, seconds, seed, RATE, thresholds):
        paths[lead] = Path(folder) / f"synthetic-{seed}-{lead:03d}.wav"
        pcm = codes_to_pcm(codes).astype("<i2")
        paths[lead].parent.mkdir(parents=True, exist_ok=True)
        files.write(str(paths[lead]), plain_header(len(pcm), 1, RATE) + pcm.tobytes())
    return [paths[lead] for lead in range(leads)]


def _simulated(
    leads: int, seconds: float | None, seed: int, rate: int, thresholds: np.ndarray | None
) -> Iterator[tuple[int, np.ndarray]]:
    """Index and codes of each lead, in no particular order, so that a large set needs no room."""
    for name, value, least in (("leads", leads, 1), ("seed", seed, 0), ("rate", rate, 1)):
        if not isinstance(value, int) or value < least:
            raise UsageError(f"{name} must be a whole number from {least} on, not {value!r}.")
    if seconds is not None and not (math.isfinite(seconds) and seconds * rate >= 0.5):
        raise UsageError(f"a recording of {seconds!r} seconds at {rate} Hz has no samples.")
    if thresholds is None:
        thresholds = converter_thresholds(np.random.Generator(np.random.PCG64(CONVERTER)))
    elif np.shape(thresholds) != (1025,):
        raise UsageError("a 10-bit converter has 1,025 thresholds.")
    groups, railed = lead_layout(leads, seed)
    for group in groups:
        frames = _frames(_stream(seed, LENGTH, group[0]), seconds, rate)
        for lead in group:
            rng = _stream(seed, LEAD, lead)
            background = _background(rng, frames, rate)
            if len(group) == 2:
                background = _share(background, _stream(seed, PAIR, group[0]), frames, rate)
            level = _lead(rng, background, lead in railed, rate)
            codes = np.searchsorted(thresholds[1:-1], level, side="right") + LOWEST_CODE
            yield lead, codes.astype(np.int16)


def _stream(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, which stay the same whatever else is simulated."""
    return np.random.Generator(np.random.PCG64([seed, *purpose]))


def _frames(rng: np.random.Generator, seconds: float | None, rate: int) -> int:
    """Length in samples: as asked, else mostly a little above the shortest of the challenge."""
    if seconds is None:
        seconds = min(SHORTEST + int(220 * rng.standard_exponential()), LONGEST) / RATE
    return max(round(seconds * rate), 1)


def _background(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Amplifier noise, tissue noise and field potential, each of deviation 1; shape (3, frames)."""
    noise = rng.standard_normal((3, frames))
    noise[1] = low_pass(noise[1], TISSUE_CORNER, rate)
    noise[2] = low_pass(noise[2], FIELD_CORNER, rate)
    return noise


def _share(own: np.ndarray, rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Mix one lead's background with that which it has in common with its partner."""
    noise = min(max(0.105 * math.exp(0.47 * rng.standard_normal()), 0.045), 0.5)
    # Slow waves reach further through tissue than fast ones.
    common = np.array([[noise], [noise], [noise**0.35]])
    return np.sqrt(common) * _background(rng, frames, rate) + np.sqrt(1 - common) * own


def _lead(rng: np.random.Generator, background: np.ndarray, railed: bool, rate: int) -> np.ndarray:
    """Level of one lead in codes, float64; background of shape (3, frames)."""
    frames = background.shape[1]
    scale = 4.85 * math.exp(0.11 * rng.standard_normal())
    if rng.random() < 0.015:
        scale *= rng.uniform(3, 8)  # a bad contact
    drift = low_pass(rng.standard_normal(frames), DRIFT_CORNER, rate)
    gains = np.exp([0.15, 0.1, 0.55, 0.9] * rng.standard_normal(4))
    gains *= [AMPLIFIER, TISSUE, FIELD, DRIFT]
    level = sum(gain * part for gain, part in zip(gains, [*background, drift]))
    busy = math.exp(0.45 * rng.standard_normal())
    level += 0.9 * busy * _hash(rng, frames, rate)
    for _ in range(rng.integers(4)):
        level += busy * _unit(rng, frames, rate)
    level = level * scale + (19 + 9 * rng.standard_normal())
    if railed:
        # A slow swing, beyond the converter's range for 40 to 75 % of the time.
        swing = low_pass(rng.standard_normal(frames), RAIL_CORNER, rate)
        swing = low_pass(swing, RAIL_CORNER, rate)
        inside = np.quantile(np.abs(swing), 1 - rng.uniform(0.43, 0.72))
        level += swing * (HIGHEST_CODE / inside)
    return level


def _waveform(rng: np.random.Generator, rate: int) -> np.ndarray:
    """A spike: sharp trough of depth 1, then a slower hump; the other way round for some units."""
    time = np.arange(math.ceil(SPIKE_SPAN * rate)) / rate * 1000  # ms
    width = 0.075 * math.exp(0.25 * rng.standard_normal())
    trough = np.exp(-0.5 * ((time - 0.35) / width) ** 2)
    hump = np.exp(-0.5 * ((time - 0.35 - 3 * width) / (2 * width)) ** 2)
    return (rng.uniform(0.2, 0.5) * hump - trough) * (1 if rng.random() < 0.85 else -1)


def _unit(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Spikes of one unit near the electrode, each of its own size; in a lead's scale."""
    frequency = min(6.0 * math.exp(rng.standard_normal()), 100.0)
    times = spike_times(rng, frequency, frames, rate)
    heights = 4.0 * math.exp(0.6 * rng.standard_normal())
    heights *= 1 + 0.12 * rng.standard_normal(len(times))
    return _place(times, heights, _waveform(rng, rate), frames)


def _hash(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Small spikes of many distant units: variance changes within samples, and swells slowly."""
    times = rng.integers(frames, size=rng.poisson(400 * frames / rate))
    swell = 1 + 0.6 * low_pass(rng.standard_normal(frames), SWELL_CORNER, rate)
    heights = swell[times] * rng.standard_exponential(len(times))
    return _place(times, heights, _waveform(rng, rate), frames)


def _place(times: np.ndarray, heights: np.ndarray, shape: np.ndarray, frames: int) -> np.ndarray:
    """Sum of copies of a shape, each starting at its time; what is past the end is cut off."""
    out = np.zeros(frames + len(shape))
    np.add.at(out, times[:, None] + np.arange(len(shape)), heights[:, None] * shape)
    return out[:frames]
