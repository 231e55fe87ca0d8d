"""Which target an input is for, and what counts as a finding.

The first byte of an input: bit 0 switches checksums off (so that what lies behind them is
reached), bit 1 makes chunks and lanes short, the others number the target.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import networks
from spikey_codec.errors import (
    CorruptError,
    NotBrainwireError,
    RecordingError,
    SpikeyError,
    UsageError,
    VersionError,
    WeightsError,
)

from . import decoding, documents, encoding, modes

UNCHECKED, SMALL, FIRST_TARGET_BIT = 1, 2, 2
UNREADABLE = NotBrainwireError, VersionError, CorruptError
# of every preset and of small layers: the interpreter has to do with them
NETWORKS = {"short": 1, "bank": 2, "messages": 1, "recurrent messages": 2}


class Target(NamedTuple):
    """What an input is given to.

    refusals : the errors by which it may be refused
    checked : checksums are never switched off, since it is them that find what was damaged
    """

    run: Callable[[bytes], str]
    refusals: tuple[type[SpikeyError], ...] = ()
    checked: bool = False


# kept inputs name them by number: new ones go to the end
TARGETS = (
    Target(decoding.file, UNREADABLE),
    Target(decoding.info, UNREADABLE),
    Target(decoding.part, (*UNREADABLE, RecordingError)),
    Target(decoding.span, (UsageError,)),
    Target(decoding.array, (*UNREADABLE, RecordingError)),
    Target(decoding.members, UNREADABLE),
    Target(decoding.packets),
    Target(decoding.calibration, (RecordingError, UsageError)),
    Target(decoding.graph, (RecordingError,)),
    Target(decoding.network, (WeightsError,)),
    Target(decoding.folder, (WeightsError,)),
    Target(decoding.configuration, (UsageError,)),
    Target(encoding.any_bytes),
    Target(encoding.any_array, (UsageError,)),
    Target(encoding.any_stream, checked=True),
    Target(encoding.damaged, checked=True),
    Target(encoding.any_members, (UsageError,)),
    Target(decoding.journal),
    Target(documents.document, (RecordingError, UsageError, WeightsError)),
    Target(decoding.rescued, UNREADABLE),
)


def tagged(run: Callable[[bytes], str], content: bytes, mode: int = 0) -> bytes:
    """The input that gives this content to this target."""
    numbers = [target.run for target in TARGETS]
    return bytes([numbers.index(run) << FIRST_TARGET_BIT | mode]) + content


def of(data: bytes) -> Target:
    """The target that an input is for."""
    return TARGETS[((data[0] if data else 0) >> FIRST_TARGET_BIT) % len(TARGETS)]


def read(data: bytes) -> str:
    """What becomes of one input, in a few words; whatever this raises is a finding."""
    kind, target = data[0] if data else 0, of(data)
    unchecked = bool(kind & UNCHECKED) and not target.checked
    with modes.running(unchecked, small=bool(kind & SMALL)):
        try:
            return target.run(data[1:])
        except target.refusals as error:
            return type(error).__name__
        except modes.TooLarge:
            return "too large"


@contextmanager
def small_networks() -> Iterator[None]:
    """Within, the presets with a network are small ones, the same on every machine."""
    kinds = {
        kind.replace(" ", "-"): networks.for_preset(kind, preset)
        for kind, preset in NETWORKS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        networks.write_weights(Path(folder), kinds)
        with networks.using_weights(Path(folder)):
            yield
