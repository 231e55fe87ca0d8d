"""FORMAT.md, "Archives": the members of an archive."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from reference.fields import Reader
from reference.file import decode
from reference.framing import plain_header

MOST_UNPACKED = 1 << 26
MOST_IN_GROUP = 32767
MOST_MEMBERS = 1 << 20
LONGEST_NAME = 255
PLAIN_FRAMING = 1
HEADER = 44


@dataclass(frozen=True)
class Member:
    """What the index says of a file: its name and its bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Group:
    """Members that were coded together, and what is there of the body that restores them."""

    members: tuple[Member, ...]
    body: bytes
    size: int


def decode_archive(data: bytes, weights_folder: Path) -> list[tuple[str, bytes]]:
    """Names and contents of all members. Raises ValueError for whatever a reader must refuse."""
    return [
        (member.name, content)
        for group in read_groups(data)
        for member, content in zip(group.members, restore(group, weights_folder), strict=True)
    ]


def read_groups(data: bytes) -> list[Group]:
    """The groups of an archive, which may be cut short. Raises ValueError as `decode_archive`."""
    reader = Reader(data)
    if reader.take(4) != b"SPAK":
        raise ValueError("the magic is not SPAK")
    if reader.byte() != 1:
        raise ValueError("the version is not 1")
    packed = Reader(reader.take(reader.varint()))
    checked = data[: reader.position]
    if reader.take(4) != struct.pack("<I", zlib.crc32(checked)):
        raise ValueError("the index has changed")
    index = packed.packed()
    packed.end()
    if len(index) > MOST_UNPACKED:
        raise ValueError("the index is too large")
    return read_index(Reader(index), reader.rest())


def read_index(index: Reader, bodies: bytes) -> list[Group]:
    """The groups of an unpacked index and of their bodies."""
    counts, sizes = [], []
    for _ in range(index.varint()):
        counts.append(index.varint())
        sizes.append(index.varint())
        if not 1 <= counts[-1] <= MOST_IN_GROUP:
            raise ValueError(f"a group has {counts[-1]} members")
    if sum(counts) > MOST_MEMBERS:
        raise ValueError("there are too many members")
    members = [tuple(read_member(index) for _ in range(count)) for count in counts]
    index.end()
    names = [member.name for group in members for member in group]
    if len(set(names)) < len(names):
        raise ValueError("two members have one name")
    *starts, end = accumulate(sizes, initial=0)
    if len(bodies) > end:
        raise ValueError("something stands behind the last body")
    return [
        Group(group, bodies[start : start + size], size)
        for group, start, size in zip(members, starts, sizes, strict=True)
    ]


def read_member(index: Reader) -> Member:
    """A member's size and name."""
    size, length = index.varint(), index.varint()
    if not 1 <= length <= LONGEST_NAME:
        raise ValueError(f"a name has {length} bytes")
    name = index.take(length).decode("utf-8")
    if name in (".", "..") or any(map(forbidden, name)):
        raise ValueError("a name is none of a file")
    return Member(name, size)


def forbidden(character: str) -> bool:
    """Whether no name may hold this character."""
    return character in "/\\" or ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0


def restore(group: Group, weights_folder: Path) -> list[bytes]:
    """The contents of a group's members. Raises ValueError as `decode_archive`."""
    if len(group.body) != group.size:
        raise ValueError("the archive ends before the group does")
    if len(group.members) == 1:
        contents = [decode(group.body, weights_folder)]
    else:
        contents = together(Reader(group.body), len(group.members), weights_folder)
    for member, content in zip(group.members, contents, strict=True):
        if len(content) != member.size:
            raise ValueError("a member has not the size that the index says")
    return contents


def together(body: Reader, count: int, weights_folder: Path) -> list[bytes]:
    """The contents of several members, the channels of one recording."""
    checksums, frames_of = [], []
    for _ in range(count):
        checksums.append(body.take(4))
        framing = body.byte()
        if framing > 1:
            raise ValueError(f"framing {framing} is reserved")
        frames_of.append((body.packed(), body.packed()) if framing else None)
    packed = body.rest()
    recording = decode(packed, weights_folder)
    if packed[4] >> 4 & 3 != PLAIN_FRAMING:
        raise ValueError("the recording of a group is not framed plainly")
    channels, rate = struct.unpack_from("<HI", recording, 22)
    if channels != count:
        raise ValueError("the recording of a group has not a channel for every member")
    contents = []
    for channel, (checksum, around) in enumerate(zip(checksums, frames_of, strict=True)):
        samples = one_channel(recording[HEADER:], channel, channels)
        head, tail = around or (plain_header(len(samples) // 2, 1, rate), b"")
        contents.append(head + samples + tail)
        if checksum != struct.pack("<I", zlib.crc32(contents[-1])):
            raise ValueError("the checksum of a member differs")
    return contents


def one_channel(samples: bytes, channel: int, channels: int) -> bytes:
    """The samples of one of several channels."""
    frames = struct.iter_unpack(f"<{channels}h", samples)
    column = [frame[channel] for frame in frames]
    return struct.pack(f"<{len(column)}h", *column)
