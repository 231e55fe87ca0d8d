"""Targets that compress anything, which must come back; each says how small it got."""

import contextlib
import zlib

import numpy as np

import networks
from spikey_codec import archive, archive_files, arrays, codec, presets, recording, stream
from spikey_codec.errors import SpikeyError
from spikey_codec.info import read_info
from spikey_codec.readers import wav

from .inputs import Input
from .modes import MOST_PIECES, TooLarge, bound, bound_fits

LONGEST_ARRAY = 1 << 15  # samples: enough for uneven codes to be looked for
FORCED = 0x80  # in the byte that names a preset: the network is used even where it does harm


def _preset(choice: Input) -> tuple[str, contextlib.AbstractContextManager]:
    """A preset, and whether chunks may go without its network."""
    byte = choice.number()
    names = presets.names()
    within = networks.no_way_back() if byte & FORCED else contextlib.nullcontext()
    return names[(byte & ~FORCED) % len(names)], within


def any_bytes(content: bytes) -> str:
    """A file of any content, above all WAVs of any framing."""
    choice = Input(content)
    preset, within = _preset(choice)
    original = choice.rest()
    found = wav.split(original)
    if found is not None:
        bound_fits(*found.samples.shape)
    with within:
        packed = codec.compress(original, preset)
    assert codec.decompress(packed) == original
    assert read_info(packed)["original bytes"] == len(original)
    if found is not None:
        assert wav.join(found) == original
        with recording.Recording(packed) as opened:
            np.testing.assert_array_equal(opened[:], found.samples)
    return f"{len(packed)} bytes {zlib.crc32(packed):08x}"


def any_array(content: bytes) -> str:
    """An array of any shape, order and byte order; its samples come several times over."""
    choice = Input(content)
    preset, within = _preset(choice)
    dimensions, order, repeats = choice.number() % 4, choice.number(), choice.number()
    shape = [choice.number() for _ in range(dimensions)]
    data = choice.rest()
    samples = np.tile(np.frombuffer(data[: len(data) & ~1], "<i2"), repeats)
    if samples.size > LONGEST_ARRAY:
        raise TooLarge
    bound(samples.size)
    with contextlib.suppress(ValueError):  # else there are too many samples for this shape
        samples = samples.reshape([-1, *shape] if order & 1 else shape)
    samples = samples.astype(">i2" if order & 2 else "<i2", order="F" if order & 4 else "C")
    if order & 8:
        samples = samples[::-2]
    if samples.ndim in (1, 2) and 0 not in samples.shape[1:]:
        bound_fits(len(samples), samples.size // max(len(samples), 1) or 1)
    with within:
        packed = arrays.encode_array(samples, preset)
    decoded = arrays.decode_array(packed)
    expected = samples if samples.ndim == 2 else samples[:, None]
    assert decoded.dtype == np.int16 and decoded.flags.writeable
    np.testing.assert_array_equal(decoded, expected)
    return f"{decoded.shape} in {len(packed)} bytes {zlib.crc32(packed):08x}"


def any_stream(content: bytes) -> str:
    """Samples as a stream of any frames, of which a part may be lost or damaged on the way."""
    choice = Input(content)
    leads, length, sync = choice.number() % 16 + 1, choice.number() + 1, choice.number() + 1
    calibrated, damage = choice.number() & 1, choice.number()
    at, flip, dropped = choice.number(2), choice.number(), choice.number()
    data = choice.rest()
    samples = np.frombuffer(data, "<i2", len(data) // (2 * leads) * leads).reshape(-1, leads)
    known = stream.Calibration.of(samples) if calibrated and len(samples) else None
    encoder = stream.StreamEncoder(leads, known, sync)
    length = max(length, len(samples) // MOST_PIECES)
    frames = [samples[i : i + length] for i in range(0, len(samples), length)]
    sent = [encoder.push(frame) for frame in frames]
    if damage & 1 and dropped < len(sent):
        del sent[dropped]
    received = bytearray(b"".join(sent))
    if damage & 2 and at < len(received):
        received[at] ^= flip
    if damage & 4:
        del received[at : at + flip]
    decoder = stream.StreamDecoder()
    decoded = 0
    for first, block in [*decoder.blocks(received), *decoder.finish()]:
        np.testing.assert_array_equal(block, samples[first : first + len(block)])
        decoded += len(block)
    if not damage & 7:
        assert decoded == len(samples) and not decoder.lost and not decoder.pending
    assert decoded + sum(frames for _, frames in decoder.lost) == decoder.position <= len(samples)
    return f"{len(samples)} frames in {len(received)} bytes, {zlib.crc32(received):08x}"


def damaged(content: bytes) -> str:
    """A file that was changed in one place: it is refused, or it is the same all the same."""
    choice = Input(content)
    preset, within = _preset(choice)
    at, flip, cut = choice.number(2), choice.number(), choice.number()
    original = choice.rest()
    with within:
        packed = bytearray(codec.compress(original, preset))
    if at < len(packed):
        packed[at] ^= flip
        del packed[at + 1 : at + 1 + cut]
    try:
        assert codec.decompress(bytes(packed)) == original
    except SpikeyError as error:
        return type(error).__name__
    return "the same"


def any_members(content: bytes) -> str:
    """Files of any name and content in an archive."""
    choice = Input(content)
    preset, _ = _preset(choice)
    members = []
    for _ in range(choice.number() % 5):
        name = choice.take(choice.number()).decode("utf-8", "surrogateescape")
        members.append((name, choice.take(choice.number(2))))
    members.append(("rest", choice.rest()))
    packed = archive.pack(members, preset)
    archive_files.check(packed, members)
    return f"{len(members)} members in {len(packed)} bytes"
