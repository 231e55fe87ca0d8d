"""Groups of an archive: which files are coded together, and one group's body, both ways.

Channels that were recorded at the same time become the channels of one recording, which the same
codec packs as any other; any other file is packed alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from . import codec
from .bitstream.fields import Reader, read_packed, write_packed
from .bitstream.header import PLAIN_FRAMING, framing_of, read_header
from .errors import CorruptError
from .quantizer.detect import to_codes
from .readers import wav
from .topology.groups import simultaneous_groups

PLAIN, OTHER = 0, 1  # what is around the samples of one channel of a group
MOST_COMPARED = 1024  # channels at a time, as every one is compared with every other
WRONG_SIZE = "The archive is damaged: a file in it does not have the size it states."


def find_groups(contents: Sequence[bytes]) -> list[list[int]]:
    """Numbers of the files that are coded together, groups in the order of their first files."""
    alike: dict[object, list[int]] = {}
    for i, data in enumerate(contents):
        alike.setdefault(_likeness(data) or i, []).append(i)
    groups = []
    for numbers in alike.values():
        for start in range(0, len(numbers), MOST_COMPARED):
            some = numbers[start : start + MOST_COMPARED]
            groups += _simultaneous(contents, some) if len(some) > 1 else [some]
    return sorted(groups)


def _likeness(data: bytes) -> tuple[int, int, int, bytes] | None:
    """What channels of one group have in common; None for a file that is no single channel."""
    recording = wav.split(data)
    if recording is None or recording.samples.shape[1] != 1 or not recording.samples.size:
        return None
    mapping = to_codes(recording.samples)[1]
    values = b"" if mapping.values is None else mapping.values.tobytes()
    return recording.rate, len(recording.samples), mapping.kind, values


def _recording(data: bytes) -> wav.Recording:
    """The samples of a file that is known to have some: a member of a group, or a plain WAV."""
    recording = wav.split(data)
    assert recording is not None
    return recording


def _simultaneous(contents: Sequence[bytes], numbers: list[int]) -> list[list[int]]:
    """Groups of the numbers: channels that were recorded at the same time together."""
    recordings = [_recording(contents[i]) for i in numbers]
    groups = simultaneous_groups([recording.samples[:, 0] for recording in recordings])
    frames, rate = len(recordings[0].samples), recordings[0].rate
    together = []
    for group in groups:
        try:
            wav.plain_header(frames, len(group), rate)
            together.append([numbers[i] for i in group])
        except ValueError:  # their recording would be larger than a WAV can be
            together += [[numbers[i]] for i in group]
    return together


def write_body(contents: Sequence[bytes], preset: str | None) -> bytes:
    """The files of a group, packed; `read_body` is the inverse."""
    if len(contents) == 1:
        return codec.compress(contents[0], preset)
    framings = bytearray()
    recordings = [_recording(data) for data in contents]
    for data, recording in zip(contents, recordings, strict=False):
        framings += zlib.crc32(data).to_bytes(4, "little")
        if wav.is_plain(recording):
            framings.append(PLAIN)
        else:
            framings.append(OTHER)
            framings += write_packed(recording.head) + write_packed(recording.tail)
    samples = np.concatenate([recording.samples for recording in recordings], axis=1)
    rate = recordings[0].rate
    frames, channels = samples.shape
    head = wav.plain_header(frames, channels, rate)
    together = wav.join(wav.Recording(head, samples, b"", rate))
    return bytes(framings) + codec.compress(together, preset)


def read_body(body: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The files of a group, given their sizes in bytes.

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError, WeightsError
    """
    if len(sizes) == 1:
        contents = [codec.decompress(body)]
        if len(contents[0]) != sizes[0]:
            raise CorruptError(WRONG_SIZE)
        return contents
    return _read_together(body, sizes)


def _read_together(body: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The files of a group of several channels."""
    reader = Reader(body)
    checksums: list[int] = []
    stated: list[tuple[bytes, bytes] | None] = []  # None for a plain framing
    for _ in sizes:
        checksums.append(int.from_bytes(reader.take(4), "little"))
        framing = reader.byte()
        if framing > OTHER:
            raise CorruptError("The archive is damaged: it names a framing that is reserved.")
        stated.append((read_packed(reader), read_packed(reader)) if framing == OTHER else None)
    together = reader.take(reader.left)
    header, _ = read_header(together)
    plainly = framing_of(together) == PLAIN_FRAMING
    if not plainly or header.channels != len(sizes):
        raise CorruptError(
            f"The archive is damaged: a group of it is no plain recording of {len(sizes)} channels."
        )
    plain = wav.plain_header(header.frames, 1, header.rate), b""
    framings = [framing or plain for framing in stated]
    for (head, tail), size in zip(framings, sizes, strict=False):
        if len(head) + 2 * header.frames + len(tail) != size:
            raise CorruptError(WRONG_SIZE)
    samples = _recording(codec.decompress(together)).samples
    contents = []
    for channel, (checksum, (head, tail)) in enumerate(zip(checksums, framings, strict=False)):
        single = wav.Recording(head, samples[:, channel : channel + 1], tail, header.rate)
        contents.append(wav.join(single))
        if zlib.crc32(contents[-1]) != checksum:
            raise CorruptError("The archive is damaged: a file in it has another checksum.")
    return contents
