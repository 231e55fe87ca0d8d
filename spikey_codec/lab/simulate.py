"""Synthetic recordings that look to a codec like those of the challenge.

A channel's level is a sum of processes: amplifier noise (white), tissue noise (low-pass), local
field potential and drift (slower low-pass), spikes of a few units near the electrode, and the hash
of many distant ones. A non-uniform 10-bit converter, the same for all channels, turns levels into
codes. The figures below were tuned until the statistics of synthetic and real channels agreed. No
resonance stands out of the real spectra, so the filters have none.

The same arguments give the same codes. Arithmetic is element by element, without BLAS or FFT, so
codes agree across machines as long as NumPy's random streams do, which releases may change.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import weights
from ..constants import CHALLENGE_RATE, HIGHEST_CODE, LOWEST_CODE, TRANSITION_BITS
from ..errors import UsageError
from ..quantizer.mapping import challenge_pcm
from ..readers.wav import plain_header
from ..system import files

RATE = CHALLENGE_RATE  # Hz
SHORTEST, LONGEST = 98_567, 99_903  # samples of a recording whose length was not asked for
REFRACTORY, SPIKE_SPAN = 0.002, 0.0016  # seconds
PAIRED_SHARE = 0.8  # of the channels have a simultaneous partner
RAILED_SHARE = 1 / 40  # of the channels saturate the converter, at least one of a dozen or more
CONVERTER = 0  # seed of the one converter behind all synthetic sets
FINE_STEPS = 16  # codes whose widths repeat
AMPLIFIER, TISSUE, FIELD, DRIFT = 0.24, 1.08, 3.4, 0.33  # deviations, relative to a channel's scale
TISSUE_CORNER, FIELD_CORNER, DRIFT_CORNER = 1600.0, 35.0, 1.0  # Hz
SWELL_CORNER, RAIL_CORNER = 1.0, 2.0  # Hz
LAYOUT, LENGTH, CHANNEL, PAIR = range(1, 5)  # random streams of a set


def converter_thresholds(rng: np.random.Generator) -> np.ndarray:
    """Code transition levels of a successive-approximation converter with mismatched capacitors.

    Returns 1,025 ascending float64: code q, -512..511, spans levels q + 512 to q + 513. A code is 1
    unit wide on average, 0.3 to 2.3 in practice; -2 is narrow and -1 is hardly there.
    """
    # One row of unit capacitors makes the fine part of the scale, which repeats.
    widths = np.tile(np.exp(0.42 * rng.standard_normal(FINE_STEPS)), 1024 // FINE_STEPS)
    # Where a binary capacitor takes over from all lower ones, the last code takes its error.
    for step in (FINE_STEPS << bit for bit in range(6)):
        error = 0.3 * rng.standard_normal()
        widths[step - 1 :: 2 * step] += error
        widths[2 * step - 1 :: 2 * step] -= error
    widths = np.clip(widths * np.exp(0.1 * rng.standard_normal(1024)), 0.32, 2.2)
    # The largest capacitor is too light by more than a code: the scale overlaps in its middle.
    widths[510:512] = 0.1, 0.001
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    stretched: np.ndarray = edges * (1024 / edges[-1]) + LOWEST_CODE
    return stretched


def shipped_transition_levels() -> np.ndarray:
    """Code transition levels of the challenge's converter: float64, shape (1025,), in codes."""
    levels: np.ndarray = weights.load("converter") / (1 << TRANSITION_BITS)
    return levels


def shipped_edges() -> np.ndarray:
    """Deprecated name of `shipped_transition_levels`."""
    warnings.warn(
        "shipped_edges is now shipped_transition_levels.", DeprecationWarning, stacklevel=2
    )
    return shipped_transition_levels()


def lead_layout(leads: int, seed: int = 0) -> tuple[list[tuple[int, ...]], set[int]]:
    """Channels by what was recorded together, in pairs or alone; and the railed ones, all alone."""
    order = _stream(seed, LAYOUT).permutation(leads).tolist()
    paired = 2 * round(leads * PAIRED_SHARE / 2)
    railed = max(round(leads * RAILED_SHARE), 1) if leads >= 12 else 0
    groups: list[tuple[int, ...]] = [*zip(order[:paired:2], order[1:paired:2], strict=False)]
    groups += [(alone,) for alone in order[paired:]]
    return groups, set(order[paired : paired + railed])


def spike_times(rng: np.random.Generator, frequency: float, frames: int, rate: int) -> np.ndarray:
    """Samples at which a unit fires: int64, ascending, 0 <= time < frames.

    Gaps are the refractory period plus an exponential time; `frequency` (Hz) is the mean rate.
    """
    refractory = math.ceil(REFRACTORY * rate)
    free = max(rate / frequency - refractory, 1.0)
    expected = frames / (refractory + free)
    count = int(expected + 8 * math.sqrt(expected)) + 16
    gaps = refractory + (free * rng.standard_exponential(count)).astype(np.int64)
    times = np.cumsum(gaps) - refractory
    return times[times < frames]


def low_pass(noise: np.ndarray, corner: float, rate: int) -> np.ndarray:
    """One-pole low-pass of white noise, scaled which keeps its deviation; corner in Hz."""
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
    """Codes of a set of channels that were recorded singly or in pairs.

    Parameters
    ----------
    leads : how many channels
    seconds : length of each; by default lengths vary as in the challenge (about 5 s)
    seed : another one gives other recordings
    rate : Hz
    thresholds : code transition levels of the converter, float64, shape (1025,), as from
        `converter_thresholds`; by default one made-up converter serves all sets

    Returns one int16 array of shape (frames,) for each channel, with values -512..511. Raises
    UsageError if an argument cannot be used.
    """
    codes = dict(_simulated(leads, seconds, seed, rate, thresholds))
    return [codes[channel] for channel in range(leads)]


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
    """Write a set of channels as plain mono WAV files `synthetic-<seed>-<number>.wav`.

    Arguments and errors as for `simulate_codes`. The folder is made where it is missing, and a file
    gets its name when it is whole. Returns the paths.
    """
    paths = {}
    for channel, codes in _simulated(leads, seconds, seed, RATE, thresholds):
        paths[channel] = Path(folder) / f"synthetic-{seed}-{channel:03d}.wav"
        pcm = codes_to_pcm(codes).astype("<i2")
        paths[channel].parent.mkdir(parents=True, exist_ok=True)
        files.write(str(paths[channel]), plain_header(len(pcm), 1, RATE) + pcm.tobytes())
    return [paths[channel] for channel in range(leads)]


def _simulated(
    leads: int, seconds: float | None, seed: int, rate: int, thresholds: np.ndarray | None
) -> Iterator[tuple[int, np.ndarray]]:
    """Index and codes of each channel, group by group, so that a large set needs no memory."""
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
        for channel in group:
            rng = _stream(seed, CHANNEL, channel)
            background = _background(rng, frames, rate)
            if len(group) == 2:
                background = _share(background, _stream(seed, PAIR, group[0]), frames, rate)
            level = _level(rng, background, channel in railed, rate)
            codes = np.searchsorted(thresholds[1:-1], level, side="right") + LOWEST_CODE
            yield channel, codes.astype(np.int16)


def _stream(seed: int, *purpose: int) -> np.random.Generator:
    """Random numbers for one purpose, the same whatever else is simulated."""
    return np.random.Generator(np.random.PCG64([seed, *purpose]))


def _frames(rng: np.random.Generator, seconds: float | None, rate: int) -> int:
    """Length in samples: as asked, else mostly a little above the challenge's shortest."""
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
    """Mix one channel's background with what it shares with its partner; shape (3, frames)."""
    noise = min(max(0.105 * math.exp(0.47 * rng.standard_normal()), 0.045), 0.5)
    # Slow waves reach further through tissue than fast ones.
    common = np.array([[noise], [noise], [noise**0.35]])
    shared = _background(rng, frames, rate)
    mixed: np.ndarray = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    return mixed


def _level(rng: np.random.Generator, background: np.ndarray, railed: bool, rate: int) -> np.ndarray:
    """Level of one channel in codes, float64, shape (frames,); background of shape (3, frames)."""
    frames: int = background.shape[1]
    scale = 4.85 * math.exp(0.11 * rng.standard_normal())
    if rng.random() < 0.015:
        scale *= rng.uniform(3, 8)  # a bad contact
    drift = low_pass(rng.standard_normal(frames), DRIFT_CORNER, rate)
    gains = np.exp([0.15, 0.1, 0.55, 0.9] * rng.standard_normal(4))
    gains *= [AMPLIFIER, TISSUE, FIELD, DRIFT]
    level = sum(gain * part for gain, part in zip(gains, [*background, drift], strict=False))
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
    """A spike: a sharp trough of depth 1, then a slower hump; upside down for some units."""
    time = np.arange(math.ceil(SPIKE_SPAN * rate)) / rate * 1000  # ms
    width = 0.075 * math.exp(0.25 * rng.standard_normal())
    trough = np.exp(-0.5 * ((time - 0.35) / width) ** 2)
    hump = np.exp(-0.5 * ((time - 0.35 - 3 * width) / (2 * width)) ** 2)
    spike: np.ndarray = (rng.uniform(0.2, 0.5) * hump - trough) * (1 if rng.random() < 0.85 else -1)
    return spike


def _unit(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Spikes of one unit near the electrode, each of its own size; in the channel's scale."""
    frequency = min(6.0 * math.exp(rng.standard_normal()), 100.0)
    times = spike_times(rng, frequency, frames, rate)
    height = 4.0 * math.exp(0.6 * rng.standard_normal())
    heights = height * (1 + 0.12 * rng.standard_normal(len(times)))
    return _place(times, heights, _waveform(rng, rate), frames)


def _hash(rng: np.random.Generator, frames: int, rate: int) -> np.ndarray:
    """Small spikes of many distant units; their variance changes fast, and swells slowly."""
    times = rng.integers(frames, size=rng.poisson(400 * frames / rate))
    swell = 1 + 0.6 * low_pass(rng.standard_normal(frames), SWELL_CORNER, rate)
    heights = swell[times] * rng.standard_exponential(len(times))
    return _place(times, heights, _waveform(rng, rate), frames)


def _place(times: np.ndarray, heights: np.ndarray, shape: np.ndarray, frames: int) -> np.ndarray:
    """Sum of copies of a shape, each starting at its time and cut off at the end."""
    out = np.zeros(frames + len(shape))
    np.add.at(out, times[:, None] + np.arange(len(shape)), heights[:, None] * shape)
    return out[:frames]
