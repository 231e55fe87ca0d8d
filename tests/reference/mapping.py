"""FORMAT.md, "Mapping: samples and codes": the codes of a recording, and the sample behind each."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

from reference.fields import Reader
from reference.network_array import Network
from reference.weights import Weights


@dataclass
class Coding:
    """What codes are: the samples behind them, from that of the lowest code to the highest's."""

    nonuniform: bool
    lowest: int
    samples: Sequence[int]
    weights: Weights
    network: Network | None = None

    @property
    def mixed(self) -> bool:
        """Whether densities are mixed: preset 2."""
        return self.network is not None and self.network.preset == 2

    @property
    def parts(self) -> int:
        """Rows of the table of scale bins in an octave."""
        return 4 if self.network is None else 8

    @property
    def highest(self) -> int:
        """The last code that has a sample."""
        return self.lowest + len(self.samples) - 1

    @property
    def bits(self) -> int:
        """Bits of a code that is sent as it is."""
        return (self.highest - self.lowest).bit_length()

    def checked(self, code: int) -> int:
        """The code, if it is in the range."""
        if not self.lowest <= code <= self.highest:
            raise ValueError(f"code {code} is out of the range")
        return code


def read_mapping(reader: Reader, mapping: int, weights: Weights) -> Coding:
    """The codes of a mapping, and the sample behind each."""
    if mapping == 0:
        lowest, samples = -512, [challenge_sample(code) for code in range(-512, 512)]
    elif mapping == 1:
        lowest, samples = -32768, range(-32768, 32768)
    else:
        samples = palette_values(reader)
        lowest = -(len(samples) // 2)
    if mapping == 3:
        widths = reader.packed()
        if len(widths) != len(samples) or not 2 <= len(samples) <= 4096:
            raise ValueError("there is not a width for each value")
        wide = [((16 + b % 16) << (b // 16)) >> 4 for b in widths]
        if sum(wide) > 1 << 21:
            raise ValueError("the codes are too wide")
        transitions = tuple(accumulate(wide, initial=256 * lowest))
        weights = replace(weights, converter=transitions, tables={})
    return Coding(mapping in (0, 3), lowest, samples, weights)


def challenge_sample(code: int) -> int:
    """The 16-bit value of a 10-bit code, computed exactly, in millionths."""
    if code < 0:
        return -challenge_sample(-code - 1) - 1
    return (code * 64_061577 + 31_034184 + 500000) // 1_000000


def palette_values(reader: Reader) -> list[int]:
    """The values in use, ascending."""
    first = reader.signed16()
    gaps = reader.packed()
    if len(gaps) % 2:
        raise ValueError("the gaps end in half a gap")
    steps = (gap + 1 for (gap,) in struct.iter_unpack("<H", gaps))
    values = []
    for value in accumulate(chain([first], steps)):
        if value > 32767:
            raise ValueError("a value needs more than 16 bits")
        values.append(value)
    return values
