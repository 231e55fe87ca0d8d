"""The mapping detector: finds the mapping of a recording from its samples."""

from __future__ import annotations

import numpy as np

from ..constants import CHALLENGE, MOST_NONUNIFORM, PALETTE, PLAIN
from .mapping import Mapping, codes_of, to_challenge_codes

MOST_VALUES_PER_SAMPLE = 1 / 4
REGULAR_LIST_BYTES = 64  # what a list of equally spaced values takes at most, packed
# Samples that it takes to look for code widths: in all, and for each value.
FEWEST, FEWEST_PER_VALUE = 20_000, 16


class MappingDetector:
    """Finds the mapping of a recording that comes block by block.

    CHALLENGE if every sample lies on the challenge's map; else PALETTE if the values in use
    leave such gaps that listing them pays; else PLAIN, the samples themselves.
    """

    def __init__(self) -> None:
        self._challenge = True
        self._used = np.zeros(1 << 16, bool)
        self._samples = 0

    def add(self, samples: np.ndarray) -> None:
        """The next block: int16, any shape."""
        samples = samples.astype(np.int16, copy=False)  # a WAV's are little-endian on any machine
        self._challenge = self._challenge and to_challenge_codes(samples) is not None
        self._samples += samples.size
        self._used[np.ascontiguousarray(samples).view(np.uint16)] = True

    def mapping(self) -> Mapping:
        """The mapping for all blocks that were added."""
        if self._challenge:
            return Mapping(CHALLENGE)
        values = self.values
        return Mapping(PALETTE, values) if _listing_pays(values, self._samples) else Mapping(PLAIN)

    @property
    def may_be_nonuniform(self) -> bool:
        """Whether the values are few enough, and the samples of each many enough, to fit widths."""
        count = int(self._used.sum())
        return count <= MOST_NONUNIFORM and self._samples >= max(FEWEST, FEWEST_PER_VALUE * count)

    @property
    def values(self) -> np.ndarray:
        """The values in use: int16, ascending."""
        return np.sort(np.flatnonzero(self._used).astype(np.uint16).view(np.int16))


def to_codes(samples: np.ndarray) -> tuple[np.ndarray, Mapping]:
    """Codes of int16 samples (any shape), int16, and the mapping that takes them back."""
    detector = MappingDetector()
    detector.add(samples)
    mapping = detector.mapping()
    return codes_of(samples, mapping), mapping


def _listing_pays(values: np.ndarray, samples: int) -> bool:
    """Whether closing the gaps between the values in use saves more than listing them costs."""
    gaps = np.diff(values.astype(np.int64))
    span = int(gaps.sum()) + 1
    sixteenths = (span**16 // len(values) ** 16).bit_length() - 1  # of a bit, for every sample
    cost = REGULAR_LIST_BYTES if (gaps == gaps[:1]).all() else 2 * len(values)
    # Where most values came only once or twice, the gaps are due to chance.
    return MOST_VALUES_PER_SAMPLE * samples > len(values) and sixteenths * samples > 16 * 8 * cost
