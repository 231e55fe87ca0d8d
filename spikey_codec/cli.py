"""The `spikey` command. Only the command line is here; what it does stands in the other modules."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import click

from . import __version__, compress, decompress, files, presets
from .errors import CorruptError, SpikeyError

EXISTING = click.Path(exists=True, path_type=Path)
RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=EXISTING)


class _OneSentence(click.Group):
    """Turns the errors a user can meet into one sentence on stderr and an exit status."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except (SpikeyError, OSError, MemoryError) as error:
            click.echo(f"spikey: {files.sentence(error)}", err=True)
            context.exit(getattr(error, "exit_code", 1))


@click.group(cls=_OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="spikey")
def main():
    """Lossless compression of recordings of brain electrodes."""


@main.command()
@click.argument("source", metavar="IN.wav")
@click.argument("target", metavar="OUT.brainwire")
@click.option("--preset", metavar="NAME", help=f"One of: {', '.join(presets.NUMBERS)}.")
def encode(source: str, target: str, preset: str | None):
    """Compress a WAV recording ("-": standard input or output)."""
    _convert(source, target, lambda data: compress(data, preset))


@main.command()
@click.argument("source", metavar="IN.brainwire")
@click.argument("target", metavar="OUT.wav")
def decode(source: str, target: str):
    """Restore a file that `encode` compressed."""
    _convert(source, target, decompress)


def _convert(source: str, target: str, convert):
    files.refuse_same(source, target)
    files.write(target, convert(files.read(source)))


@main.command()
@click.argument("path", metavar="FILE.brainwire")
def info(path: str):
    """Say what is inside a .brainwire file."""
    from .codec import read_info

    for key, value in read_info(files.read(path)).items():
        if key == "predictors":
            value = ", ".join(f"{name} ({n}x)" for name, n in sorted(value.items()))
        elif isinstance(value, float):
            value = f"{value:.4f}"
        click.echo(f"{key + ':':24}{value}")


@main.command()
@click.argument("paths", metavar="FILE.brainwire...", nargs=-1, required=True)
def verify(paths: tuple[str, ...]):
    """Decode files without writing, and check that each gives the bytes it was made from."""
    bad = 0
    for path in paths:
        try:
            original = decompress(files.read(path))
            click.echo(f"{path}: good, {len(original)} bytes, CRC-32 {zlib.crc32(original):08x}")
        except (SpikeyError, OSError, MemoryError) as error:
            bad += 1
            click.echo(f"{path}: BAD: {files.sentence(error)}", err=True)
    if bad:
        raise CorruptError(f"{bad} of {len(paths)} files are bad.")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--leads", default=24, show_default=True, help="How many recordings.")
@click.option("--seconds", type=float, help="Length of each; default: 5 s and a bit, varying.")
@click.option("--seed", default=0, show_default=True)
def simulate(folder: Path, leads: int, seconds: float | None, seed: int):
    """Write synthetic recordings into FOLDER, as from the challenge's converter."""
    from . import kernels, weights
    from .lab.simulate import write_recordings

    edges = weights.load("converter") / (1 << kernels.EDGE_BITS)
    paths = write_recordings(folder, leads, seconds, seed, thresholds=edges)
    click.echo(f"{len(paths)} synthetic recordings in {folder}.", err=True)


@main.group()
def fit():
    """Make the arrays in weights/ from recordings (challenge recordings; files or folders)."""


def _fit_options(command):
    for option in (
        click.option("--into", default="weights", show_default=True, type=click.Path(path_type=Path),
                     help="Folder of weights to write to."),
        click.option("--keep-out", default=5, show_default=True, metavar="N",
                     help="Keep every N-th group of simultaneous leads out; 0: fit on all."),
    ):
        command = option(command)
    return RECORDINGS(command)


def _report(line: str):
    click.echo(line, err=True)


@fit.command()
@_fit_options
def converter(recordings: tuple[Path, ...], into: Path, keep_out: int):
    """The edges of the converter's codes."""
    from .fit import commands

    commands.fit_converter_edges(list(recordings), into, keep_out, _report)


@fit.command()
@_fit_options
@click.option("--seed", default=1, show_default=True)
@click.option("--predictors", default=64, show_default=True, type=click.IntRange(1, 254))
def linear(recordings: tuple[Path, ...], into: Path, keep_out: int, seed: int, predictors: int):
    """The codebook of linear predictors; needs the converter's edges."""
    from .fit import commands

    commands.fit_linear_codebook(list(recordings), into, keep_out, seed, predictors, _report)


@fit.command()
@_fit_options
def density(recordings: tuple[Path, ...], into: Path, keep_out: int):
    """The shape of the error's density; needs the edges and the codebook."""
    from .fit import commands

    commands.fit_density_shape(list(recordings), into, keep_out, _report)


if __name__ == "__main__":
    sys.exit(main())
