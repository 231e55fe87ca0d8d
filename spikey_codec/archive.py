"""Archives: many files in one, leads that were recorded at the same time coded together.

A group of several leads is packed as one recording that has them as its channels, by the same
codec as any recording; any other file is packed alone. The index at the front says where each
group lies, so that a member is restored without the other groups.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterable
from typing import BinaryIO, NamedTuple

import numpy as np

from . import codec
from .bitstream import header as container
from .quantizer import mapping as converter
from .readers import wav
from .system import files
from .topology.groups import simultaneous_groups
from .bitstream.header import Reader, read_packed, write_packed, write_varint
from .errors import (
    CorruptError,
    NotBrainwireError,
    SpikeyError,
    UsageError,
    VerifyError,
    VersionError,
)

MAGIC = b"SPAK"
VERSION = 1
CHECK_BYTES = 4
LONGEST_START = len(MAGIC) + 1 + 9  # magic, version and the longest varint

MOST_MEMBERS = 1 << 20
MOST_IN_A_GROUP = (1 << 15) - 1
MOST_INDEX_BYTES = 1 << 26
MOST_NAME_BYTES = 255

PLAIN, OTHER = 0, 1  # what is around the samples of one lead of a group
MOST_COMPARED = 1024  # leads at a time, as every one is compared with every other


class Member(NamedTuple):
    """A file in an archive: its name, its bytes, its group (counted from 0) and that one's bytes.

    size : bytes of the file itself
    packed : bytes that the whole group takes in the archive
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


def pack(members: Iterable[tuple[str, bytes]], preset: str | None = None) -> bytes:
    """Put files into an archive.

    Parameters
    ----------
    members : of (name, bytes-like)
        Names are those of files without a folder, each another. 16-bit mono WAVs that were
        recorded at the same time are found by what they hold and coded together.
    preset : str, optional
        As for `spikey_codec.codec.compress`.

    Returns
    -------
    bytes that `Archive` reads. Every group decodes to the same on every machine; which leads
    are put together is decided in floating point, and could differ in a near case.

    Raises
    ------
    UsageError for an unknown preset, and for a name that is used twice or that no member can have.
    """
    members = list(members)
    seen: set[str] = set()
    for name, _ in members:
        if fault := _fault(name):
            raise UsageError(f"{name!r} cannot be the name of a file in an archive: it {fault}.")
        if name in seen:
            raise UsageError(f"There are two files of the name {name!r}; an archive takes one.")
        seen.add(name)
    groups = _find_groups([data for _, data in members])
    bodies = [_write_body([members[i][1] for i in group], preset) for group in groups]
    fields = [[(members[i][0], len(members[i][1])) for i in group] for group in groups]
    return b"".join([_write_index(fields, [len(body) for body in bodies]), *bodies])


class Archive:
    """The files in an archive; only what is asked for is read and decoded.

    Parameters
    ----------
    source : bytes-like, or a file opened for reading bytes that can be sought in
        It must stay open, and have no other user, as long as members are to be read.

    Attributes
    ----------
    members : list of Member, in the order of the archive: group by group
    groups : list of Group
    size : bytes of the archive itself
    missing : bytes that should follow its end; groups that do not reach there can be read

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
        where this is no archive, or its index is not what `pack` wrote; OSError of the file.
    """

    def __init__(self, source: BinaryIO | bytes):
        self._source = source if hasattr(source, "read") else io.BytesIO(source)
        self.size = self._source.seek(0, io.SEEK_END)
        begin, end = self._find_index()
        start = self._read(0, end + CHECK_BYTES)
        if zlib.crc32(start[:end]) != int.from_bytes(start[end:], "little"):
            raise CorruptError("The archive is damaged: its index has another checksum.")
        self.groups = _read_index(start[begin:end], len(start))
        self.members = [member for group in self.groups for member in group.members]
        self._numbers = {member.name: number for number, member in enumerate(self.members)}
        last = self.groups[-1] if self.groups else Group([], len(start), 0)
        self.missing = last.start + last.packed - self.size
        if self.missing < 0:
            raise CorruptError("The archive is damaged: there is something after its end.")

    @property
    def names(self) -> list[str]:
        """The members' names, in the order of `members`."""
        return [member.name for member in self.members]

    def member(self, name: str) -> Member:
        """The member of this name; UsageError where there is none."""
        if name not in self._numbers:
            raise UsageError(f"There is no {name!r} in the archive.")
        return self.members[self._numbers[name]]

    def read(self, name: str) -> bytes:
        """A member's bytes; the errors of `read_group`, and UsageError where there is none."""
        member = self.member(name)
        position = self.groups[member.group].members.index(member)
        return self.read_group(member.group)[position]

    def read_group(self, number: int) -> list[bytes]:
        """The bytes of all members of a group, in order; every one has its checksum.

        Raises VersionError, CorruptError or WeightsError; OSError of the file.
        """
        group = self.groups[number]
        body = self._read(group.start, group.packed)
        try:
            return _read_body(body, [member.size for member in group.members])
        except NotBrainwireError as error:
            raise CorruptError("The archive is damaged: a group is not where it says.") from error

    def _find_index(self) -> tuple[int, int]:
        """Where the index begins and where it ends."""
        start = self._read(0, min(LONGEST_START, self.size))
        if start[: len(MAGIC)] != MAGIC:
            raise NotBrainwireError("This is not an archive: it does not begin with 'SPAK'.")
        reader = Reader(start, len(MAGIC))
        version = reader.byte()
        if version != VERSION:
            raise VersionError(
                f"This archive has format version {version}, and this release reads version "
                f"{VERSION}; use a newer one."
            )
        size = reader.varint()
        return reader.position, reader.position + size

    def _read(self, start: int, size: int) -> bytes:
        """So many bytes of the archive; refused before any are allocated that are not there."""
        data = b""
        if start + size <= self.size:
            self._source.seek(start)
            data = self._source.read(size)
        if len(data) != size:
            raise CorruptError("The archive is cut short.")
        return data


# The index


def _write_index(groups: list[list[tuple[str, int]]], packed: list[int]) -> bytes:
    """Everything before the bodies, of the names and sizes of each group's members."""
    out = bytearray(write_varint(len(groups)))
    for members, size in zip(groups, packed):
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


def _read_index(index: bytes, first: int) -> list[Group]:
    """Inverse of `_write_index`, given where the first body begins; CorruptError."""
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
    if fault := _fault(name):
        raise CorruptError(f"The archive cannot be used: the name {name!r} in it {fault}.")
    return Member(name, size, packed, group)


def _fault(name: str) -> str | None:
    """What keeps a name from being a member's, to follow upon it in a sentence; None if nothing.

    >>> _fault("../x"), _fault("a.wav")
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


# Groups


def _find_groups(contents: list[bytes]) -> list[list[int]]:
    """Numbers of the files that are to be coded together, in the order of each first one."""
    alike: dict[object, list[int]] = {}
    for i, data in enumerate(contents):
        alike.setdefault(_likeness(data) or i, []).append(i)
    groups = []
    for numbers in alike.values():
        for start in range(0, len(numbers), MOST_COMPARED):
            some = numbers[start : start + MOST_COMPARED]
            groups += _simultaneous(contents, some) if len(some) > 1 else [some]
    return sorted(groups)


def _likeness(data: bytes) -> tuple | None:
    """What leads of one group have in common; None for a file that is no single lead."""
    recording = wav.split(data)
    if recording is None or recording.samples.shape[1] != 1 or not recording.samples.size:
        return None
    mapping = converter.to_codes(recording.samples)[1]
    values = b"" if mapping.values is None else mapping.values.tobytes()
    return recording.rate, len(recording.samples), mapping.kind, values


def _simultaneous(contents: list[bytes], numbers: list[int]) -> list[list[int]]:
    """The numbers of leads that are alike, those that were recorded at the same time together."""
    recordings = [wav.split(contents[i]) for i in numbers]
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


def _write_body(contents: list[bytes], preset: str | None) -> bytes:
    """The files of a group, packed; `_read_body` is the inverse."""
    if len(contents) == 1:
        return codec.compress(contents[0], preset)
    framings = bytearray()
    recordings = [wav.split(data) for data in contents]
    for data, recording in zip(contents, recordings):
        framings += zlib.crc32(data).to_bytes(4, "little")
        if wav.is_plain(recording):
            framings.append(PLAIN)
        else:
            framings.append(OTHER)
            framings += write_packed(recording.head) + write_packed(recording.tail)
    samples = np.concatenate([recording.samples for recording in recordings], axis=1)
    rate = recordings[0].rate
    head = wav.plain_header(*samples.shape, rate)
    together = wav.join(wav.Recording(head, samples, b"", rate))
    return bytes(framings) + codec.compress(together, preset)


def _read_body(body: bytes, sizes: list[int]) -> list[bytes]:
    """The files of a group, given their sizes.

    Raises NotBrainwireError, VersionError, CorruptError or WeightsError.
    """
    if len(sizes) == 1:
        contents = [codec.decompress(body)]
        if len(contents[0]) != sizes[0]:
            raise CorruptError("The archive is damaged: a file in it has not the size it says.")
        return contents
    reader = Reader(body)
    checksums, framings = [], []
    for _ in sizes:
        checksums.append(int.from_bytes(reader.take(4), "little"))
        framing = reader.byte()
        if framing > OTHER:
            raise CorruptError("The archive is damaged: it names a framing that is reserved.")
        framings.append((read_packed(reader), read_packed(reader)) if framing == OTHER else None)
    together = reader.take(reader.left)
    header, _ = container.read_header(together)
    plainly = container.framing_of(together) == container.PLAIN_FRAMING
    if not plainly or header.channels != len(sizes):
        raise CorruptError(
            f"The archive is damaged: a group of it is no plain recording of {len(sizes)} leads."
        )
    plain = wav.plain_header(header.frames, 1, header.rate), b""
    framings = [framing or plain for framing in framings]
    for (head, tail), size in zip(framings, sizes):
        if len(head) + 2 * header.frames + len(tail) != size:
            raise CorruptError("The archive is damaged: a file in it has not the size it says.")
    samples = wav.split(codec.decompress(together)).samples
    contents = []
    for channel, (checksum, (head, tail)) in enumerate(zip(checksums, framings)):
        lead = wav.Recording(head, samples[:, channel : channel + 1], tail, header.rate)
        contents.append(wav.join(lead))
        if zlib.crc32(contents[-1]) != checksum:
            raise CorruptError("The archive is damaged: a file in it has another checksum.")
    return contents


# From and to folders


def check(packed: bytes, members: Iterable[tuple[str, bytes]]) -> None:
    """Decode a whole archive; VerifyError if it does not hold just these members."""
    expected = dict(members)
    bad = "nothing was written; please report this."
    try:
        archive = Archive(packed)
        for number, group in enumerate(archive.groups):
            for member, data in zip(group.members, archive.read_group(number)):
                if expected.pop(member.name, None) != data:
                    raise VerifyError(f"The archive did not give {member.name!r} back, so {bad}")
    except (CorruptError, VersionError, NotBrainwireError) as error:
        why = str(error).rstrip(".")
        raise VerifyError(f"The archive could not be decoded again ({why}), so {bad}") from error
    if expected or archive.missing:
        raise VerifyError(f"The archive did not hold all files that were given, so {bad}")


def unpack(
    archive: Archive,
    folder: str,
    names: Iterable[str] = (),
    force: bool = False,
    report: Callable[[str, BaseException], None] = lambda name, error: None,
) -> tuple[int, int]:
    """Restore members into a folder, which is made where it is missing; all if none is named.

    What can be restored is, whatever else is damaged; `report` is told of each other member and
    the error. Nothing is written where a name is unknown, or where a file is in the way that
    `force` does not give up (it gives up only regular files: links are not followed).

    Returns
    -------
    How many members were restored, and how many could not be.

    Raises
    ------
    UsageError as said; OSError where a file cannot be written, with those before it restored.
    """
    wanted = {archive.member(name) for name in names} or set(archive.members)
    targets = {member: _target(folder, member.name, force) for member in wanted}
    os.makedirs(folder, exist_ok=True)
    good = 0
    for number in sorted({member.group for member in wanted}):
        asked = [member for member in archive.groups[number].members if member in wanted]
        try:
            contents = dict(zip(archive.groups[number].members, archive.read_group(number)))
        except (SpikeyError, OSError, MemoryError) as error:
            for member in asked:
                report(member.name, error)
            continue
        for member in asked:
            files.write(targets[member], contents[member])
        good += len(asked)
    return good, len(wanted) - good


def _target(folder: str, name: str, force: bool) -> str:
    """Where a member goes; UsageError where it cannot."""
    path = os.path.join(folder, name)
    if os.path.basename(path) != name:  # a drive's name, where there are drives
        raise UsageError(f"{name!r} cannot be the name of a file here.")
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise UsageError(f"{path} is no regular file and would be overwritten.")
        if not force:
            raise UsageError(f"{path} is there already; --force overwrites it.")
    return path
