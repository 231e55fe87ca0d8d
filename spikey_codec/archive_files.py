"""Archives and folders: check an archive before it is written, and unpack it into a folder."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable

from .archive import Archive
from .errors import (
    CorruptError,
    NotBrainwireError,
    SpikeyError,
    UsageError,
    VerifyError,
    VersionError,
)
from .system import files


def check(packed: bytes, members: Iterable[tuple[str, bytes]]) -> None:
    """Decode a whole archive; VerifyError unless it holds exactly these members."""
    expected = dict(members)
    bad = "nothing was written; please report this."
    try:
        archive = Archive(packed)
        for number, group in enumerate(archive.groups):
            for member, data in zip(group.members, archive.read_group(number), strict=False):
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
    """Restore members into a folder, which is made if it is missing; all of them if none is named.

    Damage costs only the members it hits; `report` is told of each of those and the error.
    Nothing is written if a name is unknown, or if a file is in the way. `force` overwrites
    regular files only: links are not followed.

    Returns
    -------
    The number of members that were restored, and the number that were not.

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
            contents = dict(
                zip(archive.groups[number].members, archive.read_group(number), strict=False)
            )
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
