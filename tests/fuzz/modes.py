"""How a target is run: checks that agree with anything, small chunks, limits, guarded kernels."""

import sys
import zlib
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

from spikey_codec import (
    archive,
    archive_group,
    codec,
    engine,
    recording,
    salvage,
)
from spikey_codec.bitstream import archive_index, index, packet
from spikey_codec.coders import interleave
from spikey_codec.coders.linear_huffman import LinearHuffman
from spikey_codec.prediction import network

INTERPRETED = engine.name == "python"
MOST_SAMPLES = 1 << 10 if INTERPRETED else 1 << 23  # that one input may take the time to decode
MOST_PIECES = 40  # of a stream: one that comes byte by byte is slow without telling more
MOST_FITS = 48  # of predictors and peers, one for every channel of every chunk
SMALL_CHUNK, SHORT_SEGMENT = 64, 16  # frames
CHECKING = (
    archive,
    archive_group,
    archive_index,
    codec,
    index,
    packet,
    recording,
    salvage,
)  # modules that compare checksums


class TooLarge(Exception):
    """An input promises more samples than a target has time for."""


def bound(samples: int) -> None:
    """TooLarge for so many samples that coding them is slow without being wrong."""
    if samples > MOST_SAMPLES:
        raise TooLarge


def bound_fits(frames: int, channels: int) -> None:
    """TooLarge for so many chunks and channels that to choose how they are coded is slow."""
    if -(-frames // index.chunk_frames(channels)) * channels > MOST_FITS:
        raise TooLarge


class _AgreeableBytes(bytes):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = bytes.__hash__


class Agreeable(int):
    """A checksum that is right to write and equal to whatever it is compared with."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = int.__hash__

    def __and__(self, other):
        return Agreeable(int(self) & other)

    def to_bytes(self, *arguments):
        return _AgreeableBytes(int(self).to_bytes(*arguments))


def _agreeable_crc32(data, before: int = 0) -> Agreeable:
    return Agreeable(zlib.crc32(data, before))


def _name_of(wanted: int) -> str:
    """The network of this identity, or one that stands in for it."""
    by_identity = {network.load(name)[1]: name for name in network.names()}
    return by_identity.get(wanted) or network.names()[wanted % len(by_identity)]


@contextmanager
def running(unchecked: bool, small: bool):
    """Within, every checksum is right and every network known, or chunks and lanes are short."""
    with ExitStack() as patches:

        def patch(module, name, value):
            patches.enter_context(mock.patch.object(module, name, value))

        # it only makes codes in advance, for every stream again, which takes most of the time
        patch(LinearHuffman, "prepare", lambda self: None)
        if unchecked:
            for module in CHECKING:
                patch(module, "zlib", SimpleNamespace(crc32=_agreeable_crc32))
            patch(network, "name_of", _name_of)
        if small:
            patch(index, "chunk_frames", lambda channels: SMALL_CHUNK)
            patch(interleave, "SHORTEST_SEGMENT", SHORT_SEGMENT)
        if INTERPRETED:
            for name, module in list(sys.modules.items()):
                if name.startswith("spikey_codec.kernels.") and hasattr(module, "index"):
                    patch(module, "index", _not_negative)
        yield


def _not_negative(i: int) -> int:
    """A subscript as compiled kernels take it: where it is negative, they read another's memory."""
    assert i >= 0, f"A kernel looks at {i}."
    return i
