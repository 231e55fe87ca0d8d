"""What no encoder would write: fields put together by hand, damage, checksums switched off."""

import contextlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

import numpy as np
from hypothesis import strategies as st

CONSTANT, OWN_WEIGHTS = 254, 255
FLIPS = (1, 2, 16, 128, 255)
CHECKING = (
    "spikey_codec.codec",
    "spikey_codec.bitstream.index",
    "spikey_codec.archive",
    "spikey_codec.archive_group",
    "spikey_codec.bitstream.archive_index",
    "spikey_codec.salvage",
    "reference.file",
    "reference.chunks",
    "reference.archives",
)


@contextmanager
def any_checksum():
    """Within, all checksums of files and archives count as 0: forged ones need no right ones."""
    zero = SimpleNamespace(crc32=lambda data, before=0: 0)
    with contextlib.ExitStack() as stack:
        for module in CHECKING:
            stack.enter_context(mock.patch(f"{module}.zlib", zero))
        yield


# Fields


def varint(number: int) -> bytes:
    low = bytes([number & 127 | 128]) if number > 127 else bytes([number])
    return low + varint(number >> 7) if number > 127 else low


def stored(content: bytes) -> bytes:
    return bytes([0]) + varint(len(content)) + content


# Damage


def flipped(data: bytes, flips: tuple[int, ...] = FLIPS) -> Iterator[bytes]:
    """The data with one byte changed, every one in all these ways."""
    for position in range(len(data)):
        for flip in flips:
            changed = bytearray(data)
            changed[position] ^= flip
            yield bytes(changed)


@st.composite
def harmed(draw: st.DrawFn, data: bytes) -> bytes:
    """The data with one to four bytes that are others, too many or missing."""
    random, out = draw(st.randoms(use_true_random=False)), bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(out))
        action = random.randrange(3)
        if action == 0:
            out[at] = random.randrange(256)
        elif action == 1:
            out.insert(at, random.randrange(256))
        elif len(out) > 1:
            del out[at]
    return bytes(out)


# Payloads


@st.composite
def code_words(draw: st.DrawFn, size: int) -> bytes:
    """A payload of random bits, some of it all zeros or all ones: short words, rare words."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    odd = draw(st.sampled_from([0.0, 0.01, 0.3, 0.9]))
    out = rng.integers(0, 256, size)
    stretches = np.repeat(rng.random(size // 4 + 1) < odd, 4)[:size]
    fill = np.repeat(rng.choice([0, 255], size // 4 + 1), 4)[:size]
    return np.where(stretches, fill, out).astype(np.uint8).tobytes()


def cut_behind(payload: bytes, used: int) -> bytes:
    """The first bits of a payload, and zeros up to the end of their last byte."""
    cut = bytearray(payload[: -(-used // 8)])
    if used % 8:
        cut[-1] &= 0xFF00 >> used % 8
    return bytes(cut)


@st.composite
def predictor_and_scale(draw: st.DrawFn, scales: int) -> bytes:
    """ChannelHeader information of a coded lead: a codebook predictor or weights of any kind."""
    kind = draw(st.sampled_from(["codebook", "own", "own", "largest"]))
    scale = bytes([draw(st.integers(0, scales - 1))])
    if kind == "codebook":
        return bytes([draw(st.integers(0, 63))]) + scale
    weights = [0] * 16
    if kind == "own":
        for _ in range(draw(st.integers(0, 4))):
            weights[draw(st.integers(0, 15))] = draw(st.integers(-16383, 16383))
    else:  # magnitudes that sum to 65535, the most there may be
        places = draw(st.permutations(range(16)))
        sign = draw(st.sampled_from([1, -1]))
        weights[places[0]], weights[places[1]], weights[places[2]] = 32767, sign * 32767, sign
    return bytes([OWN_WEIGHTS]) + struct.pack("<16h", *weights) + scale


def side_information(scales: int) -> st.SearchStrategy[bytes]:
    """ChannelHeader information of a channel, seldom of a constant one."""
    coded = predictor_and_scale(scales)
    constant = st.just(struct.pack("<Bh", CONSTANT, 0))
    return st.one_of(coded, coded, coded, coded, constant)
