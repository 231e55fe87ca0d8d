"""A signal without end, like that of the challenge's leads, and what goes wrong with leads.

Simulated leads are laid end to end on a tape that every lead reads from another place. Its gain and
its offset wander, artefacts hit all leads at once, and now and then a lead dies or goes to a rail.
"""

import numpy as np

from spikey_codec.lab import simulate
from spikey_codec.quantizer.mapping import HIGHEST_CODE, LOWEST_CODE

DISTINCT, SECONDS = 48, 2.0  # leads on the tape, and of each
GAIN_STEP, DRIFT_STEP = 0.01, 0.5  # of a block: deviation of the gain's logarithm; in codes
LOWEST_GAIN, HIGHEST_GAIN = 0.3, 4.0
FARTHEST = 200  # codes: of the drift
FAULT, LONGEST_FAULT = 1 / 2000, 200  # probability for a lead and a block; blocks
ARTEFACT = 1 / 50  # probability for a block
HEIGHT = 1500  # codes, at most, of an artefact: beyond the rails
FAULTS = HEALTHY, DEAD, QUIET, HIGH, LOW = range(5)


class Leads:
    """An endless recording of `count` leads: the same for the same seed and blocks."""

    def __init__(self, count: int, seed: int = 0):
        self._random = np.random.default_rng([seed, count])
        edges = simulate.shipped_transition_levels()
        distinct = simulate.simulate_codes(DISTINCT, SECONDS, seed, thresholds=edges)
        self._tape = np.concatenate(distinct)
        self._places = self._random.integers(len(self._tape), size=count)
        self._gains, self._drift = np.ones(count), np.zeros(count)
        self._faults, self._left = np.full(count, HEALTHY), np.zeros(count, int)

    def block(self, frames: int, on_the_map: bool = True) -> np.ndarray:
        """The next frames: int16, shape (frames, count).

        on_the_map : every sample is one that the challenge's converter can give
        """
        rows = self._places + np.arange(frames)[:, None]
        self._places = (self._places + frames) % len(self._tape)
        before = self._drift
        self._wander()
        ramp = np.linspace(0, 1, frames, dtype=np.float32)[:, None]
        levels = self._tape[rows % len(self._tape)] * self._gains.astype(np.float32)
        levels += before.astype(np.float32) + ramp * (self._drift - before).astype(np.float32)
        if self._random.random() < ARTEFACT:
            levels += self._artefact(frames)
        codes = np.rint(levels).clip(LOWEST_CODE, HIGHEST_CODE).astype(np.int16)
        self._spoil(codes)
        samples = simulate.codes_to_pcm(codes)
        if not on_the_map:
            jitter = self._random.integers(-3, 4, samples.shape, np.int16)
            samples = (samples.astype(np.int32) + jitter).clip(-32768, 32767).astype(np.int16)
        return samples

    def _wander(self) -> None:
        count = len(self._gains)
        steps = np.exp(GAIN_STEP * self._random.standard_normal(count))
        self._gains = (self._gains * steps).clip(LOWEST_GAIN, HIGHEST_GAIN)
        drift = self._drift + DRIFT_STEP * self._random.standard_normal(count)
        self._drift = drift.clip(-FARTHEST, FARTHEST)
        self._left -= 1
        self._faults[self._left <= 0] = HEALTHY
        falls = np.flatnonzero(self._random.random(count) < FAULT)
        self._faults[falls] = self._random.integers(DEAD, len(FAULTS), len(falls))
        self._left[falls] = self._random.integers(1, LONGEST_FAULT + 1, len(falls))

    def _artefact(self, frames: int) -> np.ndarray:
        """A blow that fades, of another height on each lead: float32, shape (frames, count)."""
        time = np.arange(frames, dtype=np.float32) - self._random.integers(frames)
        shape = np.where(time >= 0, np.exp(-np.maximum(time, 0) / self._random.uniform(3, 300)), 0)
        heights = self._random.uniform(-HEIGHT, HEIGHT, len(self._gains))
        return shape[:, None].astype(np.float32) * heights.astype(np.float32)

    def _spoil(self, codes: np.ndarray) -> None:
        """Let the leads that are at fault give what such leads give."""
        for lead in np.flatnonzero(self._faults != HEALTHY):
            fault = self._faults[lead]
            if fault == DEAD:
                codes[:, lead] = 0
            elif fault == QUIET:
                codes[:, lead] = self._random.integers(-1, 2, len(codes))
            else:
                codes[:, lead] = HIGHEST_CODE if fault == HIGH else LOWEST_CODE
