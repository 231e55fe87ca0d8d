"""PCM samples <-> codes.

The challenge's recordings come from a 10-bit converter whose codes q in -512..511 were spread over
16 bits: pcm = round(q * GAIN + OFFSET) for q >= 0, and its mirror image
-round((-q - 1) * GAIN + OFFSET) - 1 below. A `Mapping` names one of four ways: through that map
(`CHALLENGE`), as plain 16-bit values (`PLAIN`), or as indices into the sorted list of the values
in use, taken as evenly spaced (`PALETTE`) or not (`NONUNIFORM`). detect.py chooses it.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..constants import (
    CHALLENGE,
    GAIN,
    HIGHEST_CODE,
    LISTED,
    LOWEST_CODE,
    NONUNIFORM,
    OFFSET,
    PALETTE,
    PCM_SHIFT,
    PLAIN,
    UNIT,
)

__all__ = [
    "CHALLENGE", "HIGHEST_CODE", "LISTED", "LOWEST_CODE", "NONUNIFORM", "PALETTE", "PLAIN",
    "Mapping", "challenge_pcm", "code_range", "codes_of", "to_challenge_codes", "to_samples",
]  # fmt: skip

NO_VALUES = np.zeros(0, np.int16)


class Mapping(NamedTuple):
    """How samples became codes.

    kind : CHALLENGE, PLAIN, PALETTE or NONUNIFORM
    values : int16, those in use, ascending; None unless they are listed
    widths : uint8, shape (len(values),), the written code widths (nonuniform.py); None unless
        the kind is NONUNIFORM
    """

    kind: int
    values: np.ndarray | None = None
    widths: np.ndarray | None = None


def code_range(mapping: Mapping) -> tuple[int, int]:
    """Lowest and highest code that the mapping knows."""
    if mapping.kind == CHALLENGE:
        return LOWEST_CODE, HIGHEST_CODE
    if mapping.kind == PLAIN:
        return -32768, 32767
    n = len(_listed(mapping))
    return -(n // 2), n - 1 - n // 2


def codes_of(samples: np.ndarray, mapping: Mapping) -> npt.NDArray[np.int16]:
    """Codes of int16 samples of any shape; every sample must be in the mapping.

    Codes by a list are centred: they run from -(n // 2) for the lowest of n values.
    """
    samples = samples.astype(np.int16, copy=False)
    if mapping.kind == PLAIN:
        return samples
    if mapping.kind == CHALLENGE:
        return samples >> PCM_SHIFT
    values = _listed(mapping)
    codes = np.zeros(1 << 16, np.int16)
    codes[values.view(np.uint16)] = np.arange(len(values)) - len(values) // 2
    return codes[samples.view(np.uint16)]


def to_samples(codes: np.ndarray, mapping: Mapping) -> npt.NDArray[np.int16]:
    """Inverse of `codes_of`: int16 samples; codes must lie in `code_range(mapping)`."""
    if mapping.kind == PLAIN:
        return codes
    values = challenge_pcm() if mapping.kind == CHALLENGE else _listed(mapping)
    return values[codes.astype(np.intp) - code_range(mapping)[0]]


def to_challenge_codes(samples: np.ndarray) -> np.ndarray | None:
    """Codes of int16 samples that all lie on the challenge's map, else None."""
    codes = samples >> PCM_SHIFT
    return codes if np.array_equal(challenge_pcm()[codes - LOWEST_CODE], samples) else None


@functools.cache
def challenge_pcm() -> npt.NDArray[np.int16]:
    """The PCM value of each code -512..511: int16, shape (1024,), read-only.

    >>> challenge_pcm()[[0, 511, 512, 1023]].tolist()
    [-32768, -32, 31, 32767]
    """
    codes = np.arange(HIGHEST_CODE + 1, dtype=np.int64)
    magnitude = ((codes * GAIN + OFFSET + UNIT // 2) // UNIT).astype(np.int16)
    pcm = np.concatenate([-magnitude[::-1] - 1, magnitude])
    pcm.flags.writeable = False  # all callers share it
    return pcm


def _listed(mapping: Mapping) -> np.ndarray:
    return NO_VALUES if mapping.values is None else mapping.values
