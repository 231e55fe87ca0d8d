"""What the presets' names stand for: the linear codec, or a network among the weights."""

from __future__ import annotations

import os

from .errors import CorruptError, UsageError, VersionError

DEFAULT = "linear"
LINEAR, NETWORK, MIXED = range(3)  # the preset's number in the file
WITH_NETWORK = NETWORK, MIXED


def names() -> list[str]:
    """All presets that are there."""
    from . import weights  # imports NumPy, which a help text does not need

    return [DEFAULT, *weights.names(os.path.join(weights.folder(), "networks"))]


def resolve(name: str | None):
    """Number of a preset in the file, its network ready for the kernels and that one's identity.

    (LINEAR, None, 0) without a network; UsageError for a name that is none.
    """
    if name is None or name == DEFAULT:
        return LINEAR, None, 0
    if name not in names():
        raise UsageError(f"There is no preset {name!r}; there is {', '.join(names())}.")
    from .prediction import network

    tables, identity = network.load(name)
    return tables.network.preset, tables, identity


def name_of(number: int, network_identity: int) -> str:
    """The preset of a file: inverse of `resolve`.

    VersionError for a number that this release does not know and for a network it does not have;
    CorruptError for a network that is not for this preset.
    """
    if number == LINEAR:
        return DEFAULT
    if number not in WITH_NETWORK:
        raise VersionError(
            f"This file was made with preset number {number}, which this release does not know; "
            "use a newer one."
        )
    from .prediction import network

    name = network.name_of(network_identity)
    if network.load(name)[0].network.preset != number:
        raise CorruptError("The file is damaged: its network is one for another preset.")
    return name
