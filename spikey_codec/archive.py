"""Archives: many files in one, channels that were recorded at the same time coded together.

The index at the front says where each group lies, so that a member is restored without the other
groups. FORMAT.md, "Archives".
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from ._aliases import moved
from .archive_group import find_groups, read_body, write_body
from .bitstream.archive_index import (
    CHECK_BYTES,
    LONGEST_START,
    MAGIC,
    VERSION,
    Group,
    Member,
    name_fault,
    read_index,
    write_index,
)  # fmt: skip
from .bitstream.fields import Reader
from .bitstream.header import MAGIC as PACKED
from .errors import CorruptError, NotBrainwireError, UsageError, VersionError
from .system.source import BECAME_SHORTER, FileBytes, Opened, Reopened, byte_view

if TYPE_CHECKING:
    from .system.source import Buffer


def pack(members: Iterable[tuple[str, Buffer]], preset: str | None = None) -> bytes:
    """Put files into an archive.

    Parameters
    ----------
    members : of (name, bytes or another contiguous buffer)
        Names are distinct and name no folder. 16-bit mono WAVs that were recorded at the same
        time are found by their content and coded together.
    preset : str, optional
        As for `spikey_codec.codec.compress`.

    Returns
    -------
    bytes that `Archive` reads. Every group decodes to the same bytes on every machine; which
    channels are put together is decided in floating point, and could differ in a close case.

    Raises
    ------
    UsageError for an unknown preset, for what is no contiguous buffer, and for a name that is used
    twice or cannot be a member's.
    """
    contents: dict[str, bytes] = {}
    for name, data in members:
        if fault := name_fault(name):
            raise UsageError(f"{name!r} cannot be the name of a file in an archive: it {fault}.")
        if name in contents:
            raise UsageError(f"There are two files of the name {name!r}; an archive takes one.")
        contents[name] = data if isinstance(data, bytes) else bytes(byte_view(data, "pack"))
    named = list(contents.items())
    groups = find_groups([data for _, data in named])
    bodies = [write_body([named[i][1] for i in group], preset) for group in groups]
    fields = [[(named[i][0], len(named[i][1])) for i in group] for group in groups]
    return b"".join([write_index(fields, [len(body) for body in bodies]), *bodies])


class Archive(Opened):
    """The files in an archive; only what is asked for is read and decoded.

    Parameters
    ----------
    source : path of an archive, a seekable file opened for reading bytes, or a buffer
        Several threads and forked children may read members at once. A `with` statement closes
        what was opened by its path; a file must stay open as long as members are read. An archive
        can be copied and pickled as a `Recording` can.

    Attributes
    ----------
    members : list of Member, in the order of the archive: group by group
    groups : list of Group
    size : bytes of the archive itself
    missing : bytes that should follow its end; groups that end before can be read

    Raises
    ------
    NotBrainwireError, VersionError, CorruptError
        where this is no archive, or its index is not what `pack` wrote; OSError of the file.
    UsageError
        for what cannot be read from
    """

    def __init__(
        self, source: str | os.PathLike[str] | BinaryIO | FileBytes | Reopened | Buffer
    ) -> None:
        super().__init__(source, "Archive")
        try:
            self._read_start()
        except BaseException:
            self.close()
            raise

    def _read_start(self) -> None:
        self.size = len(self._source)
        begin, end = self._find_index()
        start = self._read(0, end + CHECK_BYTES)
        if zlib.crc32(start[:end]) != int.from_bytes(start[end:], "little"):
            raise CorruptError("The archive is damaged: its index has another checksum.")
        self.groups = read_index(start[begin:end], len(start))
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
            return read_body(body, [member.size for member in group.members])
        except NotBrainwireError as error:
            raise CorruptError("The archive is damaged: a group is not where it says.") from error

    def _find_index(self) -> tuple[int, int]:
        """Where the index begins and where it ends."""
        start = self._read(0, min(LONGEST_START, self.size))
        if start[: len(PACKED)] == PACKED:
            raise NotBrainwireError(
                "This is a .brainwire file, not an archive; `spikey decode` restores it."
            )
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
        """A part of the archive; no memory is allocated for bytes that are not there."""
        if start + size > self.size:
            raise CorruptError("The archive is cut short.")
        if isinstance(self._source, FileBytes):
            try:
                return self._source.read(start, start + size)
            except OSError as error:
                if error.strerror != BECAME_SHORTER:
                    raise
                raise CorruptError("The archive is cut short.") from error
        return bytes(self._source[start : start + size])


__getattr__ = moved("archive", {"check": "archive_files", "unpack": "archive_files"})
