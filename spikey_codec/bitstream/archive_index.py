"""The index of an archive: which files it holds, in which groups, and where those lie.

FORMAT.md, "Archives".
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from ..errors import CorruptError, UsageError
from .fields import Reader, read_packed, write_packed, write_varint

MAGIC = b"SPAK"
VERSION = 1
CHECK_BYTES = 4
LONGEST_START = len(MAGIC) + 1 + 9  # magic, version and the longest varint

MOST_MEMBERS = 1 << 20
MOST_IN_A_GROUP = (1 << 15) - 1
MOST_INDEX_BYTES = 1 << 26
MOST_NAME_BYTES = 255


class Member(NamedTuple):
    """A file in an archive.

    name : of the file, without a folder
    size : of the file itself, in bytes
    packed : bytes that its whole group takes in the archive
    group : the group's number, from 0
    """

    name: str
    size: int
    packed: int
    group: int


class Group(NamedTuple):
    """Members coded together; their body has `packed` bytes from offset `start` of the archive."""

    members: list[Member]
    start: int
    packed: int

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)


def write_index(groups: list[list[tuple[str, int]]], packed: list[int]) -> bytes:
    """Everything before the bodies; `read_index` is the inverse.

    groups : of each group, its members' names and sizes in bytes
    packed : of each group, the bytes of its body
    """
    out = bytearray(write_varint(len(groups)))
    for members, size in zip(groups, packed, strict=False):
        out += write_varint(len(members)) + write_varint(size)
    members = [member for group in groups for member in group]
    for name, size in members:
        encoded = name.encode("utf-8")
        out += write_varint(size) + write_varint(len(encoded)) + encoded
    if len(members) > MOST_MEMBERS or len(out) > MOST_INDEX_BYTES:
        raise UsageError(f"{len(members)} files are too many for one archive.")
    index = write_packed(bytes(out))
    start = MAGIC + bytes([VERSION]) + write_varint(len(index)) + index
    return start + zlib.crc32(start).to_bytes(CHECK_BYTES, "little")


def read_index(index: bytes, first: int) -> list[Group]:
    """Inverse of `write_index`, given where the first body begins; CorruptError."""
    packed = Reader(index)
    reader = Reader(read_packed(packed, MOST_INDEX_BYTES))
    sizes = []
    members_left = MOST_MEMBERS
    for _ in range(reader.varint()):
        sizes.append((reader.varint(), reader.varint()))
        members_left -= sizes[-1][0]
        if not 1 <= sizes[-1][0] <= MOST_IN_A_GROUP or members_left < 0:
            raise CorruptError("The archive is damaged: a group of it has an impossible size.")
    groups: list[Group] = []
    seen: set[str] = set()
    for count, size in sizes:
        members = [_read_member(reader, size, len(groups)) for _ in range(count)]
        groups.append(Group(members, first, size))
        first += size
        seen.update(member.name for member in members)
    if len(seen) != sum(count for count, _ in sizes):
        raise CorruptError("The archive is damaged: two of its files have the same name.")
    if reader.left or packed.left:
        raise CorruptError("The archive is damaged: there is something after its index.")
    return groups


def _read_member(reader: Reader, packed: int, group: int) -> Member:
    size = reader.varint()
    try:
        name = bytes(reader.take(reader.varint())).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptError("The archive is damaged: a name in it is not UTF-8.") from error
    if fault := name_fault(name):
        raise CorruptError(f"The archive cannot be used: the name {name!r} in it {fault}.")
    return Member(name, size, packed, group)


def name_fault(name: str) -> str | None:
    """Why a name cannot be a member's, to follow the name in a sentence; None if it can.

    >>> name_fault("../x"), name_fault("a.wav")
    ('names a folder', None)
    """
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "is not UTF-8"
    if not 1 <= size <= MOST_NAME_BYTES:
        return f"has not 1 to {MOST_NAME_BYTES} bytes"
    if name in (".", "..") or "/" in name or "\\" in name:
        return "names a folder"
    if any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in name):
        return "holds a control character"
    return None
