"""Stage 2: PCM samples <-> codes, and where each code lies on the linear scale.

The recordings come from a 10-bit converter whose codes q in -512..511 were spread over 16 bits:
pcm = round(q * GAIN + OFFSET) for q >= 0, and its mirror image -round((-q - 1) * GAIN + OFFSET) - 1
below. `Mapping` says which of four ways a recording goes: through that map (`CHALLENGE`), as
plain 16-bit values (`PLAIN`), or as indices into the sorted list of the values it uses, taken for
evenly spaced (`PALETTE`) or not (`NONUNIFORM`; uneven.py finds out).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

LOWEST_CODE, HIGHEST_CODE = -512, 511
GAIN, OFFSET, UNIT = 64_061_577, 31_034_184, 1_000_000  # 64.061577 and 31.034184

CHALLENGE, PLAIN, PALETTE, NONUNIFORM = range(4)
LISTED = PALETTE, NONUNIFORM  # whose values in use are written down

MOST_VALUES_PER_SAMPLE = 1 / 4
MOST_NONUNIFORM, MOST_WIDTH = 1 << 12, 1 << 21  # values, and 1/256 codes of all widths together
FEWEST, FEWEST_PER_VALUE = 20_000, 16  # samples for widths to be looked for, and for each value
REGULAR_LIST_BYTES = 64  # what a list of equally spaced values takes at most, packed


class Mapping(NamedTuple):
    """How samples became codes.

    kind : one of the four
    values : of those LISTED, int16, those in use, ascending
    widths : of NONUNIFORM, uint8, shape (len(values),), see `transition_levels_of`
    """

    kind: int
    values: np.ndarray | None = None
    widths: np.ndarray | None = None


@functools.cache
def challenge_pcm() -> np.ndarray:
    """The PCM value of each code -512..511: int16, shape (1024,), read-only.

    >>> challenge_pcm()[[0, 511, 512, 1023]].tolist()
    [-32768, -32, 31, 32767]
    """
    codes = np.arange(HIGHEST_CODE + 1, dtype=np.int64)
    magnitude = ((codes * GAIN + OFFSET + UNIT // 2) // UNIT).astype(np.int16)
    pcm = np.concatenate([-magnitude[::-1] - 1, magnitude])
    pcm.flags.writeable = False  # all callers share it
    return pcm


def to_challenge_codes(samples: np.ndarray) -> np.ndarray | None:
    """Codes of int16 samples that all lie on the challenge's map, else None."""
    codes = samples >> 6
    return codes if np.array_equal(challenge_pcm()[codes - LOWEST_CODE], samples) else None


class MappingDetector:
    """Finds the mapping of a recording that comes block by block.

    CHALLENGE if every sample lies on the challenge's map; else PALETTE where the values in use
    leave such gaps that listing them pays; else PLAIN, the samples themselves.
    """

    def __init__(self):
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
        """Whether there are so few values, and so many samples of each, that it can pay."""
        count = int(self._used.sum())
        return count <= MOST_NONUNIFORM and self._samples >= max(FEWEST, FEWEST_PER_VALUE * count)

    @property
    def values(self) -> np.ndarray:
        """The values in use: int16, ascending."""
        return np.sort(np.flatnonzero(self._used).astype(np.uint16).view(np.int16))


def to_codes(samples: np.ndarray) -> tuple[np.ndarray, Mapping]:
    """Codes of int16 samples (any shape), int16, and the mapping that takes them back."""
    survey = MappingDetector()
    survey.add(samples)
    mapping = survey.mapping()
    return codes_of(samples, mapping), mapping


def codes_of(samples: np.ndarray, mapping: Mapping) -> np.ndarray:
    """Codes of int16 samples (any shape), int16; every sample must be in the mapping.

    Codes by a list are centred: they run from -(n // 2) for the lowest of n values.
    """
    samples = samples.astype(np.int16, copy=False)
    if mapping.kind == PLAIN:
        return samples
    if mapping.kind == CHALLENGE:
        return samples >> 6
    index = np.zeros(1 << 16, np.int16)
    count = len(mapping.values)
    index[mapping.values.view(np.uint16)] = np.arange(count) - count // 2
    return index[samples.view(np.uint16)]


def _listing_pays(values: np.ndarray, samples: int) -> bool:
    """Whether closing the gaps between the values in use saves more than listing them costs."""
    gaps = np.diff(values.astype(np.int64))
    span = int(gaps.sum()) + 1
    sixteenths = (span**16 // len(values) ** 16).bit_length() - 1  # of a bit, for every sample
    cost = REGULAR_LIST_BYTES if (gaps == gaps[:1]).all() else 2 * len(values)
    # Where most values came but once or twice, the gaps are chance and not the recording's own.
    return MOST_VALUES_PER_SAMPLE * samples > len(values) and sixteenths * samples > 16 * 8 * cost


def to_samples(codes: np.ndarray, mapping: Mapping) -> np.ndarray:
    """Inverse of `codes_of`; codes must lie in `code_range(mapping)`."""
    if mapping.kind == PLAIN:
        return codes
    values = challenge_pcm() if mapping.kind == CHALLENGE else mapping.values
    return values[codes.astype(np.intp) - code_range(mapping)[0]]


def code_range(mapping: Mapping) -> tuple[int, int]:
    """Lowest and highest code that the mapping knows."""
    if mapping.kind == CHALLENGE:
        return LOWEST_CODE, HIGHEST_CODE
    if mapping.kind == PLAIN:
        return -32768, 32767
    n = len(mapping.values)
    return -(n // 2), n - 1 - n // 2


def transition_levels_of(mapping: Mapping) -> np.ndarray:
    """Where the intervals of NONUNIFORM codes begin, and the last one ends: int32, in 1/256 code.

    Widths are written in a byte, 16 steps an octave.
    """
    first = code_range(mapping)[0] << 8
    ends = first + widths_of(mapping.widths).cumsum()
    return np.concatenate([[first], ends]).astype(np.int32)


def widths_of(written: np.ndarray) -> np.ndarray:
    """Widths in 1/256 code, int64, of bytes; ascending in them."""
    b = written.astype(np.int64)
    return ((16 + (b & 15)) << (b >> 4)) >> 4


def levels(edges: np.ndarray, edge_bits: int, level_bits: int) -> np.ndarray:
    """Middle of each code's interval: int32, in units of 2^-level_bits code.

    edges : int32, shape (codes + 1,), ascending, in units of 2^-edge_bits code.
    """
    shift = edge_bits - level_bits + 1
    return ((edges[1:] + edges[:-1] + (1 << shift >> 1)) >> shift).astype(np.int32)
