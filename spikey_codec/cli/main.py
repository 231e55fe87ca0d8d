"""The `spikey` command. Only the command line is here; what it does stands in the other modules."""

from __future__ import annotations

import itertools
import os
import sys
import zlib
from pathlib import Path

import click

from .. import __version__, presets
from ..system import files, stdio
from ..errors import CorruptError, RecordingError, SpikeyError, UsageError

EXISTING = click.Path(exists=True, path_type=Path)
LONGEST_FILL = 1 << 27  # samples: a longer gap is no loss but a clock that was set
RECORDINGS = click.argument("recordings", nargs=-1, required=True, type=EXISTING)


class _OneSentence(click.Group):
    """Turns the errors a user can meet into one sentence on stderr and an exit status."""

    def main(self, *arguments, **options):
        try:
            return super().main(*arguments, **options)
        except OSError as error:  # from --help and --version, which are no commands
            stdio.complain(f"spikey: {files.sentence(error)}")
            sys.exit(1)
        finally:
            stdio.settle()

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except (SpikeyError, OSError, MemoryError) as error:
            stdio.complain(f"spikey: {files.sentence(error)}")
            context.exit(getattr(error, "exit_code", 1))
        except KeyboardInterrupt:
            stdio.complain("spikey: Interrupted.")
            context.exit(130)


@click.group(cls=_OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="spikey")
def main():
    """Lossless compression of recordings of brain electrodes."""


JOBS = click.option("-j", "--jobs", default=1, show_default=True, type=click.IntRange(1),
                    help="Processes to use at once, for what has several chunks.")


@main.command()
@click.argument("source", metavar="IN.wav")
@click.argument("target", metavar="OUT.brainwire")
@click.option("--preset", metavar="NAME", help=f"{presets.DEFAULT} (the default) or a network.")
@click.option("--raw", is_flag=True, help="IN is no WAV but samples alone, frame by frame.")
@click.option("--channels", type=click.IntRange(1, 32767), help="Of --raw; 1 if not given.")
@click.option("--rate", type=click.IntRange(0, (1 << 32) - 1), help="Of --raw, in Hz.")
@click.option("--dtype", help="Of --raw: int16, little-endian, is all there is.")
@click.option("--no-verify", is_flag=True, help="Do not decode the file before it is done.")
@JOBS
def encode(source, target, preset, raw, channels, rate, dtype, no_verify, jobs):
    """Compress a recording, or any other file ("-": standard input or output).

    16-bit WAVs, and raw interleaved samples with --raw, are predicted and coded; what else there
    is comes back as exactly, but is only packed.
    """
    from ..system import progress
    from ..codec import encoded, verify
    from ..recording import raw_place

    if not raw and (channels, rate, dtype) != (None, None, None):
        raise UsageError("--channels, --rate and --dtype are for --raw; a WAV says them itself.")
    if raw and dtype not in (None, "int16", "<i2"):
        raise UsageError(f"Samples of the type {dtype} cannot be coded, only int16 can.")

    def convert(content):
        place = raw_place(content, channels or 1, rate or 0) if raw else None
        return encoded(content, preset, place, jobs, line.advance)

    check = None if no_verify else lambda packed: verify(packed, jobs)
    with progress.shown("chunk") as line:
        files.convert(source, target, convert, check)


@main.command()
@click.argument("source", metavar="IN.brainwire")
@click.argument("target", metavar="OUT.wav")
@click.option("--range", "span", metavar="START:STOP",
              help="Only these frames, counted from 0, or seconds: 100:200, 1.5s:2s, 10s: or :500.")
@click.option("--channels", "chosen", metavar="LIST",
              help="Only these channels, counted from 0: 3 or 0,2,8-15.")
@click.option("--salvage", is_flag=True,
              help="Restore what is intact of a damaged recording, with zeros for the rest.")
@JOBS
def decode(
    source: str, target: str, span: str | None, chosen: str | None, salvage: bool, jobs: int
):
    """Restore a file that `encode` compressed ("-" as there), or a part of a recording.

    A part is a WAV of its own, or raw samples where the original was.
    """
    from ..system import progress
    from ..codec import decoded, salvaged
    from ..recording import Recording, part_of

    if salvage:
        if (span, chosen) != (None, None):
            raise UsageError("--salvage restores the whole recording, no --range or --channels.")
        losses: list[str] = []
        files.convert(source, target, lambda content: salvaged(content, losses.append))
        for loss in losses:
            stdio.complain(f"spikey: {loss}")
        if losses:
            raise CorruptError("The file is damaged: what is written is not the original.")
        return
    if span is None and chosen is None:
        with progress.shown("chunk") as line:
            files.convert(source, target, lambda content: decoded(content, jobs, line.advance))
        return
    files.convert(source, target, lambda content: part_of(Recording(content), span, chosen))


@main.command()
@click.argument("path", metavar="FILE.brainwire")
def info(path: str):
    """Say what is inside a .brainwire file."""
    from ..codec import read_info

    with files.opened(path) as content:
        info = read_info(content)
    for key, value in info.items():
        if key == "predictors":
            value = ", ".join(f"{name} ({n}x)" for name, n in sorted(value.items()))
        elif isinstance(value, float):
            value = f"{value:.4f}"
        stdio.say(f"{key + ':':24}{value}")


@main.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
def verify(paths: tuple[str, ...]):
    """Check that .brainwire files and archives decode to what they were made from."""
    bad = 0
    for path in paths:
        try:
            held = _held_by(path)
        except (SpikeyError, OSError, MemoryError) as error:
            bad += 1
            stdio.complain(f"{files.printable(path)}: BAD: {files.sentence(error)}")
            continue
        stdio.say(f"{files.printable(path)}: good, {held}")
    if bad:
        raise CorruptError(f"{bad} of {len(paths)} files are bad.")


def _held_by(path: str) -> str:
    """What a .brainwire file or an archive decodes to, in a few words; raises as those do."""
    from .. import archive
    from ..codec import decoded

    with files.opened(path) as content:
        if content[: len(archive.MAGIC)] == archive.MAGIC:
            opened = archive.Archive(bytes(content[:]))
            groups = map(opened.read_group, range(len(opened.groups)))
            size = sum(len(data) for group in groups for data in group)
            return f"{len(opened.members)} files, {size} bytes"
        size = checksum = 0
        for piece in decoded(content):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
    return f"{size} bytes, CRC-32 {checksum:08x}"


@main.group("batch")
def batch_group():
    """Convert many files into a folder; a run that was interrupted goes on where it was.

    INPUTS are files, or folders that are searched one level deep. What is done and known to be
    good is written down in the output folder (spikey-batch.jsonl) and not done again as long as
    input and output stay as they are. A file that fails does not stop the others; the exit status
    is then 1.
    """


def _batch_options(command):
    for option in (
        click.option("--force", is_flag=True,
                     help="Overwrite other files that have the name of an output."),
        click.option("--scheduler", metavar="ADDRESS",
                     help="Let the workers of a Dask scheduler (tcp://HOST:PORT) do it. They must "
                          "see inputs and output folder under the same paths as this machine (a "
                          "shared file system), and have the same version of this package."),
        click.option("-j", "--jobs", type=click.IntRange(1), metavar="N",
                     help="Processes of this machine.  [default: as many as cores]"),
        click.option("-o", "--output", "folder", metavar="FOLDER", required=True,
                     type=click.Path(path_type=Path, file_okay=False),
                     help="Where the outputs go; it is made if need be."),
    ):
        command = option(command)
    return click.argument("inputs", nargs=-1, required=True, type=click.Path())(command)


@batch_group.command("encode")
@_batch_options
@click.option("--preset", metavar="NAME", help="As for `encode`.")
def batch_encode(preset: str | None, **options):
    """Compress every NAME.wav of INPUTS to FOLDER/NAME.brainwire.

    Each is decoded again and compared before it counts as done.
    """
    _batch("encode", preset=preset, **options)


@batch_group.command("decode")
@_batch_options
def batch_decode(**options):
    """Restore every NAME.brainwire of INPUTS to FOLDER/NAME.wav."""
    _batch("decode", **options)


def _batch(direction: str, jobs: int | None, scheduler: str | None, **options):
    if jobs is not None and scheduler is not None:
        raise UsageError("-j is for processes of this machine; a scheduler has its own workers.")
    from ..batch import run as batch
    from ..system import progress

    with progress.shown() as line:
        def report(outcome, summary, count):
            if outcome.state == batch.FAILED:
                line.say(f"spikey: {outcome.why}")
            line.advance(count)

        try:
            summary = batch.run(
                direction, jobs=jobs, scheduler=scheduler, report=report, **options
            )
        except KeyboardInterrupt:
            line.say("spikey: Interrupted; the same command goes on from there.")
            click.get_current_context().exit(130)
    click.echo(summary.sentence(direction), err=True)
    if summary.failed:
        click.get_current_context().exit(1)


@main.command()
@RECORDINGS
@click.option("-o", "--output", "target", metavar="OUT.spikey", required=True,
              help='The archive to write ("-": standard output).')
@click.option("--preset", metavar="NAME", help="As for `encode`.")
def pack(recordings: tuple[Path, ...], target: str, preset: str | None):
    """Put files into an archive, simultaneous leads coded together.

    Any files, and the .wav files of folders. Names are kept, folders and dates are not. The archive
    is decoded again and compared before it is written.
    """
    from .. import archive
    from ..fit.data import find

    paths = find(list(recordings))
    for path in paths:
        files.refuse_same(str(path), target)
    members = [(path.name, path.read_bytes()) for path in paths]
    packed = archive.pack(members, preset)
    archive.check(packed, members)
    files.write(target, packed)
    size = sum(len(data) for _, data in members)
    click.echo(f"{len(members)} files, {size} bytes -> {len(packed)} bytes, "
               f"ratio {size / len(packed):.4f}", err=True)


@main.command()
@click.argument("path", metavar="IN.spikey")
@click.argument("names", metavar="[NAMES]...", nargs=-1)
@click.option("-o", "--output", "folder", metavar="FOLDER", default=".", show_default=True,
              help="Where to restore them; it is made if need be.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
def unpack(path: str, names: tuple[str, ...], folder: str, force: bool):
    """Restore files from an archive, all or those named."""
    from .. import archive

    def report(name: str, error: BaseException):
        stdio.complain(f"{name}: BAD: {files.sentence(error)}")

    with open(path, "rb") as file:
        opened = archive.Archive(file)
        for name in names or opened.names:
            files.refuse_same(path, os.path.join(folder, name))
        good, bad = archive.unpack(opened, folder, names, force, report)
    if bad:
        raise CorruptError(f"{bad} of {good + bad} files could not be restored.")


@main.command("list")
@click.argument("path", metavar="IN.spikey")
def list_members(path: str):
    """Say which files are in an archive: bytes, group and its ratio, and name of each."""
    from ..archive import Archive

    with open(path, "rb") as file:
        archive = Archive(file)
    for member in archive.members:
        ratio = archive.groups[member.group].size / max(member.packed, 1)
        stdio.say(f"{member.size:>12} {member.group:>6} {ratio:>9.4f}  {member.name}")
    size = sum(member.size for member in archive.members)
    stdio.say(f"{size:>12} {len(archive.groups):>6} {size / archive.size:>9.4f}  in all")
    if archive.missing:
        raise CorruptError(f"The archive is cut short: its last {archive.missing} bytes are gone.")


@main.command()
@RECORDINGS
@click.option("-o", "--output", "target", metavar="FILE", required=True,
              help='The graph to write, as JSON ("-": standard output).')
@click.option("--plot", "picture", metavar="PICTURE",
              help="Draw it too: a .png, .svg or .pdf; needs matplotlib.")
@click.option("--measure", default="differences", show_default=True,
              type=click.Choice(["differences", "raw"]),
              help="Correlate first differences, or raw values (as published: mostly drift).")
@click.option("--peers", "most", default=8, show_default=True, metavar="N",
              type=click.IntRange(1), help="How many peers of each lead to keep.")
def topology(
    recordings: tuple[Path, ...], target: str, picture: str | None, measure: str, most: int
):
    """Find leads that were recorded together and hear common activity.

    Every channel of every recording is a lead.
    """
    from ..lab import topology

    write = stdio.complain if target == files.STANDARD else stdio.say
    topology.run(list(recordings), target, picture, measure, most, write)


@main.command()
@RECORDINGS
@click.option("-o", "--output", "folder", metavar="FOLDER", default="report", show_default=True,
              type=click.Path(path_type=Path), help="Where to write index.html.")
@click.option("--limit", default=60, show_default=True, metavar="N", type=click.IntRange(1),
              help="Encode at most N recordings, evenly spread, to see what they take.")
def analyze(recordings: tuple[Path, ...], folder: Path, limit: int):
    """Describe recordings in one HTML page: signal, converter, entropies, spikes, outliers.

    Needs matplotlib and scipy.
    """
    from ..lab import analyze

    analyze.run(list(recordings), folder, limit, stdio.say)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--leads", default=24, show_default=True, help="How many recordings.")
@click.option("--seconds", type=float, help="Length of each; default: 5 s and a bit, varying.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other recordings.")
def simulate(folder: Path, leads: int, seconds: float | None, seed: int):
    """Write synthetic recordings into FOLDER."""
    from ..lab.simulate import shipped_transition_levels, write_recordings

    paths = write_recordings(folder, leads, seconds, seed, thresholds=shipped_transition_levels())
    click.echo(f"{len(paths)} synthetic recordings in {folder}.", err=True)


@main.group()
def fit():
    """Make arrays like those in weights/ from recordings.

    Those of the format stay as they are, or files made before could not be read; new ones are for
    comparison (`fit score`) and for later versions of the format. A preset of one's own is a
    network (`spikey train`).
    """


def _fit_options(command):
    for option in (
        click.option("--into", default="fitted", show_default=True,
                     type=click.Path(path_type=Path), help="Folder of weights to write to."),
        click.option("--keep-out", default=5, show_default=True, metavar="N",
                     help="Keep every N-th group of simultaneous leads out; 0: fit on all."),
    ):
        command = option(command)
    return RECORDINGS(command)


def _report(line: str):
    stdio.complain(line)


@fit.command()
@_fit_options
def converter(recordings: tuple[Path, ...], into: Path, keep_out: int):
    """The edges of the converter's codes."""
    from ..fit import commands

    commands.fit_converter_edges(list(recordings), into, keep_out, _report)


@fit.command()
@_fit_options
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--predictors", default=64, show_default=True, type=click.IntRange(1, 253))
def linear(recordings: tuple[Path, ...], into: Path, keep_out: int, seed: int, predictors: int):
    """The codebook of linear predictors; needs the converter's edges."""
    from ..fit import commands

    commands.fit_linear_codebook(list(recordings), into, keep_out, seed, predictors, _report)


@fit.command()
@_fit_options
def density(recordings: tuple[Path, ...], into: Path, keep_out: int):
    """The shape of the error's density; needs the edges and the codebook."""
    from ..fit import commands

    commands.fit_density_shape(list(recordings), into, keep_out, _report)


@fit.command()
@RECORDINGS
@click.option("--weights", "folder", default="weights", show_default=True, type=EXISTING,
              help="Folder of weights to score.")
@click.option("--keep-out", default=5, show_default=True, metavar="N", help="As given to the fits.")
def score(recordings: tuple[Path, ...], folder: Path, keep_out: int):
    """The ratio on the part fitted on and on the part kept out."""
    from ..fit import commands

    commands.score(list(recordings), folder, keep_out, stdio.say)


@main.command()
@click.argument("config", metavar="CONFIG.yaml", type=EXISTING)
@click.argument("name", metavar="NAME")
@click.argument("recordings", nargs=-1, type=EXISTING)
@click.option("--into", default="weights/networks", show_default=True,
              type=click.Path(path_type=Path), help="Folder of networks to write to.")
@click.option("--work", type=click.Path(path_type=Path),
              help="Folder for checkpoint, log and learning curve.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint there.")
def train(
    config: Path, name: str, recordings: tuple[Path, ...], into: Path, work: Path | None,
    resume: bool,
):
    """Train the network NAME; RECORDINGS replace those that the configuration names."""
    from ..fit.train import train

    made = train(config, name, into, work, resume, list(recordings), _report)
    click.echo(f"{made}", err=True)


@main.group("stream")
def stream_group():
    """Raw samples <-> packets, many leads at once.

    Samples are interleaved 16-bit integers, little-endian; all goes by standard input and output.
    """


LEADS = click.option("--leads", required=True, type=click.IntRange(1), help="Number of leads.")


def _frames(leads: int, samples: int):
    """Frames of standard input as they come; complains of what is left over at its end."""
    import numpy as np

    source = stdio.source()
    while data := source.read(2 * leads * samples):
        whole = len(data) // (2 * leads)
        if whole:
            yield np.frombuffer(data, "<i2", whole * leads).reshape(whole, leads)
        if left := len(data) % (2 * leads):
            raise RecordingError(
                f"The input ended within a sample of {leads} leads: its last {left} bytes were "
                "left out."
            )


@stream_group.command()
@LEADS
@click.option("--samples", default=78124, show_default=True, type=click.IntRange(100, 1 << 23),
              help="How many of the first samples of every lead to use.")
@click.argument("path", metavar="OUT.json")
def calibrate(leads: int, samples: int, path: str):
    """Find each lead's predictor from the first raw samples on standard input."""
    from ..stream import Calibration

    frames = _frames(leads, samples)
    first = next(frames, None)
    if first is None:
        raise RecordingError("There is nothing on standard input to calibrate on.")
    if len(first) < samples:  # that was the end, and perhaps one within a sample
        next(frames, None)
    Calibration.of(first).save(path)


@stream_group.command("encode")
@LEADS
@click.option("--frame", default=20, show_default=True, type=click.IntRange(1),
              help="Samples of every lead in a packet.")
@click.option("--calibration", type=EXISTING, help="From `spikey stream calibrate`.")
@click.option("--sync", default=19531, show_default=True, type=click.IntRange(1),
              help="Samples between points where a decoder can begin.")
def stream_encode(leads: int, frame: int, calibration: Path | None, sync: int):
    """Raw samples on standard input to packets on standard output."""
    from ..stream import Calibration, StreamEncoder

    known = Calibration.load(calibration) if calibration else None
    encoder = StreamEncoder(leads, known, sync)
    for samples in _frames(leads, frame):
        stdio.send(encoder.push(samples))


@stream_group.command("decode")
def stream_decode():
    """Packets on standard input to raw samples on standard output.

    Samples lost between packets are written as zeros, so that the rest keeps its time (but not
    before the first and not for a gap of over 2^27 samples); what was lost is said on standard
    error, and the exit status is then 1.
    """
    from ..stream import StreamDecoder

    decoder = StreamDecoder()
    written = None
    source = stdio.source()
    pieces = iter(lambda: source.read1(1 << 20), b"")
    for blocks in itertools.chain(map(decoder.blocks, pieces), [decoder.finish()]):
        for first, samples in blocks:
            gap = first - (first if written is None else written)
            if gap * samples.shape[1] <= LONGEST_FILL:
                stdio.send(bytes(2 * gap * samples.shape[1]))
            stdio.send(samples.astype("<i2", copy=False).tobytes())
            written = first + len(samples)
    for first, frames in decoder.lost:
        click.echo(f"spikey: lost {frames} samples of every lead from number {first} on.", err=True)
    if decoder.pending:
        raise CorruptError("The stream ends within a packet.")
    if decoder.skipped:
        raise CorruptError(f"{decoder.skipped} bytes of the stream belong to no whole packet.")
    if decoder.dropped:
        raise CorruptError(
            f"{decoder.dropped} packets came again or too late and were left out; are there two "
            "streams in one?"
        )
    if decoder.lost:
        raise CorruptError("Not everything could be decoded.")


@main.group()
def bench():
    """Measure speed and count operations."""


SOME_RECORDINGS = click.argument("recordings", nargs=-1, type=EXISTING)


@bench.command()
@SOME_RECORDINGS
def speed(recordings: tuple[Path, ...]):
    """Throughput on one core beside other codecs (synthetic recordings if none are given)."""
    from ..lab.bench import speed

    speed.run(list(recordings), stdio.say)


@bench.command()
@RECORDINGS
@click.option("--raw", is_flag=True,
              help="The files are interleaved 16-bit integers, little-endian, without a header.")
@click.option("--channels", type=click.IntRange(1), metavar="N", help="Of raw files.")
@click.option("--rate", type=click.IntRange(1), metavar="HZ", help="Of raw files.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), metavar="S",
              help="Take only the first S seconds of each.")
@click.option("--plot", "picture", metavar="PICTURE",
              help="Draw it too: a .png, .svg or .pdf; needs matplotlib.")
def codecs(
    recordings: tuple[Path, ...], raw: bool, channels: int | None, rate: int | None,
    seconds: float | None, picture: str | None,
):
    """Size and speed of the presets beside other codecs, on recordings of any kind.

    RECORDINGS are 16-bit WAV files, or folders of them, of any number of channels. Compared are
    zlib, bzip2, xz, zstd, Blosc, FLAC, WavPack and pcodec, as far as they are installed; all on
    one core, each round trip compared.
    """
    from ..lab.bench import codecs

    def report(name: str):
        if sys.stderr is not None and sys.stderr.isatty():
            click.echo(f"{name} ...", err=True)

    codecs.run(
        list(recordings), raw, channels, rate, seconds, picture, stdio.say, report
    )


@bench.command()
@SOME_RECORDINGS
@click.option("--leads", default=1024, show_default=True, type=click.IntRange(1),
              help="Number of leads.")
@click.option("--frame", default=20, show_default=True, type=click.IntRange(1),
              help="Samples of every lead in a frame.")
@click.option("--seconds", default=10, show_default=True, type=click.IntRange(1),
              help="Seconds of signal.")
def realtime(recordings: tuple[Path, ...], leads: int, frame: int, seconds: int):
    """Time per frame of streaming many leads."""
    from ..lab.bench import realtime

    realtime.run(list(recordings), leads, frame, seconds, stdio.say)


@bench.command()
@click.option("--runs", default=15, show_default=True, type=click.IntRange(1),
              help="How often each is started.")
def start(runs: int):
    """Whole-process time of ./encode and ./decode beside `import numpy`."""
    from ..lab.bench import start

    start.run(runs, stdio.say)


@bench.command()
@click.argument("recordings", nargs=-1, required=True, type=EXISTING)
@click.option("--keep-out", default=5, show_default=True, type=click.IntRange(0),
              help="Measure one of so many groups of simultaneous leads, the one that `fit` and "
                   "`train` keep out; 0: all.")
@click.option("--limit", type=click.IntRange(1), help="Measure at most so many recordings.")
def ablation(recordings: tuple[Path, ...], keep_out: int, limit: int | None):
    """What each step of the design is worth, from last value + Rice on; a table in Markdown."""
    from ..lab.bench import ablation

    ablation.run(list(recordings), keep_out, limit, stdio.say)


@bench.command()
def power():
    """Operations per sample and what they cost, against 10 mW."""
    from ..lab.bench import power

    stdio.say(power.report())


if __name__ == "__main__":
    sys.exit(main())
