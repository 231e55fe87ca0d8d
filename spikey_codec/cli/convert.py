"""`spikey encode`, `decode`, `info` and `verify`: one recording, one compressed file."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import click

from .. import presets
from ..errors import CorruptError, SpikeyError, UsageError
from ..system import files, stdio, targets
from ..system.source import FileBytes
from ..system.text import counted
from .options import JOBS, naming


@click.command()
@click.argument("source", metavar="IN.wav")
@click.argument("target", metavar="OUT.brainwire")
@click.option(
    "--preset", metavar="NAME", help=f"{presets.DEFAULT} (the default) or the name of a network."
)
@click.option("--raw", is_flag=True, help="The input is interleaved samples without a header.")
@click.option(
    "--channels",
    type=click.IntRange(1, 32767),
    help="With --raw: number of channels.  [default: 1]",
)
@click.option(
    "--rate", type=click.IntRange(0, (1 << 32) - 1), help="With --raw: sampling rate in Hz."
)
@click.option("--dtype", help="With --raw: must be int16 (little-endian).")
@click.option("--no-verify", is_flag=True, help="Do not decode the result to check it.")
@JOBS
def encode(
    source: str,
    target: str,
    preset: str | None,
    raw: bool,
    channels: int | None,
    rate: int | None,
    dtype: str | None,
    no_verify: bool,
    jobs: int,
) -> None:
    """Compress a recording, or any other file.

    16-bit WAV files, and raw samples with --raw, are predicted and coded. Any other file is only
    packed, but comes back unchanged as well. "-" is standard input or output.
    """
    from ..codec import encoded, verify
    from ..readers import raw as raw_file
    from ..system import progress

    if not raw and (channels, rate, dtype) != (None, None, None):
        raise UsageError("--channels, --rate and --dtype are for --raw; a WAV file states them.")
    if raw and dtype not in (None, "int16", "<i2"):
        raise UsageError(f"Spikey codes only int16 samples, not {dtype}.")

    def convert(content: FileBytes | bytes) -> Iterable[bytes]:
        place = raw_file.locate(content, channels or 1, rate or 0) if raw else None
        return encoded(content, preset, place, jobs, line.advance)

    targets.check_file(target)
    check = None if no_verify else lambda packed: verify(packed, jobs)
    with progress.shown("chunk") as line:
        files.convert(source, target, convert, check)


@click.command()
@click.argument("source", metavar="IN.brainwire")
@click.argument("target", metavar="OUT.wav")
@click.option(
    "--range",
    "span",
    metavar="START:STOP",
    help="Only these frames, counted from 0, or seconds: 100:200, 1.5s:2s, 10s: or :500.",
)
@click.option(
    "--channels",
    "chosen",
    metavar="LIST",
    help="Only these channels, counted from 0: 3 or 0,2,8-15.",
)
@click.option(
    "--salvage",
    is_flag=True,
    help="Restore the intact part of a damaged recording, with zeros for the rest.",
)
@JOBS
def decode(
    source: str, target: str, span: str | None, chosen: str | None, salvage: bool, jobs: int
) -> None:
    """Restore a compressed file, or a part of a recording.

    A part becomes a complete WAV file, or raw samples if the original was raw. "-" is standard
    input or output.
    """
    from ..codec import decoded
    from ..excerpt import part_of
    from ..recording import Recording
    from ..system import progress

    targets.check_file(target)
    if salvage:
        if (span, chosen) != (None, None):
            raise UsageError("--salvage restores a whole recording; omit --range and --channels.")
        with naming(source):
            _salvage(source, target)
    elif span is None and chosen is None:
        with naming(source), progress.shown("chunk") as line:
            files.convert(source, target, lambda content: decoded(content, jobs, line.advance))
    else:
        with naming(source):
            files.convert(source, target, lambda content: part_of(Recording(content), span, chosen))


def _salvage(source: str, target: str) -> None:
    from ..salvage import salvaged

    losses: list[str] = []
    files.convert(source, target, lambda content: salvaged(content, losses.append))
    for loss in losses:
        stdio.complain(f"spikey: {loss}")
    if losses:
        raise CorruptError("The file is damaged; what was written is not the original.")


@click.command()
@click.argument("path", metavar="FILE")
def info(path: str) -> None:
    """Describe the content of a .brainwire file or of an archive."""
    from ..archive import Archive
    from ..bitstream.archive_index import MAGIC
    from ..info import read_archive_info, read_info

    with naming(path), files.opened(path) as content:
        if content[: len(MAGIC)] == MAGIC:
            info = read_archive_info(Archive(content))
        else:
            info = read_info(content)
    for key, value in info.items():
        if key == "predictors":
            value = ", ".join(f"{name} ({n}x)" for name, n in sorted(value.items()))
        elif isinstance(value, float):
            value = f"{value:.4f}"
        stdio.say(f"{key + ':':24}{value}")


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
def verify(paths: tuple[str, ...]) -> None:
    """Check that files and archives decode to their originals."""
    bad, unreadable = 0, 0
    for path in paths:
        try:
            content = _decode(path)
        except (SpikeyError, OSError, MemoryError) as error:
            bad += 1
            unreadable += isinstance(error, OSError)
            stdio.complain(f"{files.printable(path)}: BAD: {files.sentence(error)}")
            continue
        stdio.say(f"{files.printable(path)}: good, {content}")
    if bad:
        what = f"{bad} of {counted(len(paths), 'file')} {'is' if bad == 1 else 'are'} bad."
        raise SpikeyError(what) if bad == unreadable else CorruptError(what)


def _decode(path: str) -> str:
    """What a .brainwire file or an archive decodes to, in a few words; raises as decoding does."""
    from ..archive import Archive
    from ..bitstream.archive_index import MAGIC
    from ..codec import decoded

    with files.opened(path) as content:
        if content[: len(MAGIC)] == MAGIC:
            opened = Archive(content)
            groups = map(opened.read_group, range(len(opened.groups)))
            size = sum(len(data) for group in groups for data in group)
            return f"{counted(len(opened.members), 'file')}, {counted(size, 'byte')}"
        size = checksum = 0
        for piece in decoded(content):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
    return f"{counted(size, 'byte')}, CRC-32 {checksum:08x}"
