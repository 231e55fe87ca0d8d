"""`spikey pack`, `unpack` and `list`: many recordings in one archive."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..errors import CorruptError, UsageError
from ..system import files, stdio
from .options import PRESET, RECORDINGS


@click.command()
@RECORDINGS
@click.option(
    "-o",
    "--output",
    "target",
    metavar="OUT.spikey",
    required=True,
    help='The archive to write ("-": standard output).',
)
@PRESET
def pack(recordings: tuple[Path, ...], target: str, preset: str | None) -> None:
    """Put files into an archive.

    Channels that were recorded at the same time are coded together. Takes any files, and the .wav
    files in folders. Keeps their names, but not their folders and dates. The archive is decoded
    and compared before it is written.
    """
    from .. import archive, archive_files
    from ..readers.find import find

    paths = find(recordings)
    for path in paths:
        files.refuse_same(str(path), target)
    members = [(path.name, path.read_bytes()) for path in paths]
    packed = archive.pack(members, preset)
    archive_files.check(packed, members)
    files.write(target, packed)
    size = sum(len(data) for _, data in members)
    click.echo(
        f"{len(members)} files, {size} bytes -> {len(packed)} bytes, "
        f"ratio {size / len(packed):.4f}",
        err=True,
    )


@click.command()
@click.argument("path", metavar="IN.spikey")
@click.argument("names", metavar="[NAMES]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="FOLDER",
    default=".",
    show_default=True,
    help="The folder to restore into; it is created if necessary.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def unpack(path: str, names: tuple[str, ...], folder: str, force: bool) -> None:
    """Restore all files of an archive, or those that are named."""
    from .. import archive, archive_files

    def report(name: str, error: BaseException) -> None:
        stdio.complain(f"{name}: BAD: {files.sentence(error)}")

    with open(path, "rb") as file:
        opened = archive.Archive(file)
        if not opened.names:
            raise UsageError(f"{path} is an archive of no files, so there is nothing to restore.")
        for name in names or opened.names:
            files.refuse_same(path, os.path.join(folder, name))
        good, bad = archive_files.unpack(opened, folder, names, force, report)
    if bad:
        raise CorruptError(f"{bad} of {good + bad} files could not be restored.")


@click.command("list")
@click.argument("path", metavar="IN.spikey")
def list_members(path: str) -> None:
    """List the files of an archive.

    A line has the size in bytes, the group, the compression ratio of the group, and the name.
    """
    from ..archive import Archive

    with open(path, "rb") as file:
        archive = Archive(file)
    for member in archive.members:
        ratio = archive.groups[member.group].size / max(member.packed, 1)
        stdio.say(f"{member.size:>12} {member.group:>6} {ratio:>9.4f}  {member.name}")
    size = sum(member.size for member in archive.members)
    stdio.say(f"{size:>12} {len(archive.groups):>6} {size / archive.size:>9.4f}  in all")
    if archive.missing:
        raise CorruptError(
            f"The archive is cut short: its last {archive.missing} bytes are missing."
        )
