"""What the names of presets stand for: a predictor, an entropy coder, and their weights."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .constants import LINEAR, MIXED, NETWORK, WITH_NETWORK
from .errors import CorruptError, UsageError, VersionError

if TYPE_CHECKING:
    from .prediction.network import Tables

DEFAULT = "linear"
# Predictor and entropy coder by the preset's number in a file.
LINEAR_PREDICTOR, NETWORK_PREDICTOR = "linear", "network"
HUFFMAN, RANS = "huffman", "rans"
KINDS = {
    LINEAR: (LINEAR_PREDICTOR, HUFFMAN),
    NETWORK: (NETWORK_PREDICTOR, HUFFMAN),
    MIXED: (NETWORK_PREDICTOR, RANS),
}


@dataclass(frozen=True)
class Preset:
    """A preset, resolved once: small, hashable and picklable.

    Parameters
    ----------
    name : what the user calls it
    number : what a file calls it
    identity : CRC-32 of its network's array; 0 where it has none
    """

    name: str = DEFAULT
    number: int = LINEAR
    identity: int = 0

    @property
    def kind(self) -> tuple[str, str]:
        """Predictor and entropy coder."""
        return KINDS[self.number]

    @property
    def network(self) -> Tables | None:
        """The network, ready for the kernels; None where there is none. Loaded once a process."""
        if self.number not in WITH_NETWORK:
            return None
        from .prediction import network

        return network.load(self.name)[0]


def names() -> list[str]:
    """The names of all presets that are there."""
    from . import weights  # imports NumPy, which a help text does not need

    return [DEFAULT, *weights.names(os.path.join(weights.folder(), "networks"))]


def resolve(name: str | None) -> Preset:
    """The preset of this name; `of_file` finds it again from what a file says of it.

    Parameters
    ----------
    name : one of `names()`; None is the default

    Raises
    ------
    UsageError for any other name
    """
    if name is None or name == DEFAULT:
        return Preset()
    if name not in names():
        raise UsageError(f"There is no preset {name!r}; there is {', '.join(names())}.")
    from .prediction import network

    tables, identity = network.load(name)
    return Preset(name, tables.network.preset, identity)


def of_file(number: int, identity: int) -> Preset:
    """The preset that a file names by its number and its network's identity.

    Raises
    ------
    VersionError for a number that this release does not know or a network it does not have;
    CorruptError for a network of another preset
    """
    if number == LINEAR:
        return Preset()
    if number not in WITH_NETWORK:
        raise VersionError(
            f"This file was made with preset number {number}, which this release does not know; "
            "use a newer one."
        )
    from .prediction import network

    name = network.name_of(identity)
    if network.load(name)[0].network.preset != number:
        raise CorruptError("The file is damaged: its network belongs to another preset.")
    return Preset(name, number, identity)
