"""What the tests of faults share: inputs of every kind, and the commands that read and write."""

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from click.testing import CliRunner

from spikey_codec import archive, codec
from spikey_codec.cli import challenge as executables
from spikey_codec.cli.main import main
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes
from spikey_codec.stream import StreamEncoder
from spikey_codec.system import files
from strategies import plain_wav

LEADS = codes_to_pcm(np.stack(simulate_codes(2, 0.4, seed=3), axis=1))
WAV, OTHER_WAV = plain_wav(LEADS[:, 0]), plain_wav(LEADS[:, 1])
PACKED = codec.compress(WAV)
ARCHIVE = archive.pack([("a.wav", WAV), ("b.wav", OTHER_WAV)])
RAW = LEADS.astype("<i2").tobytes()
ENCODER = StreamEncoder(2)
STREAM = b"".join(ENCODER.push(LEADS[at : at + 20]) for at in range(0, len(LEADS), 20))
INPUTS = {
    "a.wav": WAV, "b.wav": OTHER_WAV, "a.brainwire": PACKED, "all.spikey": ARCHIVE, "a.raw": RAW,
    "a.stream": STREAM, "leads.wav": plain_wav(np.tile(LEADS[:1500], 8)),
}  # fmt: skip


class Writer(NamedTuple):
    """A command that writes: its arguments, and what they make of the folder of the inputs.

    made : the file whose old content must survive a failure, or be replaced by `content`
    content : what it is afterwards; None where that is not the same each time
    source : the file it reads
    standard : the file that is its standard input
    talks : whether it says how far it is, before whatever goes wrong
    """

    arguments: list[str]
    made: str
    content: bytes | None = None
    source: str = "a.wav"
    standard: str | None = None
    talks: bool = False


OUT = "out/new"
WRITERS = {
    "./encode": Writer(["./encode", "a.wav", OUT], OUT, PACKED),
    "./decode": Writer(["./decode", "a.brainwire", OUT], OUT, WAV, "a.brainwire"),
    "encode": Writer(["encode", "a.wav", OUT], OUT, PACKED),
    "encode --raw": Writer(["encode", "--raw", "a.raw", OUT], OUT, source="a.raw"),
    "decode": Writer(["decode", "a.brainwire", OUT], OUT, WAV, "a.brainwire"),
    "decode --range": Writer(
        ["decode", "--range", "0:", "a.brainwire", OUT], OUT, WAV, "a.brainwire"
    ),
    "pack": Writer(["pack", "a.wav", "b.wav", "-o", OUT], OUT, ARCHIVE),
    "unpack": Writer(
        ["unpack", "--force", "all.spikey", "a.wav", "-o", "out"], "out/a.wav", WAV, "all.spikey"
    ),
    "calibrate": Writer(
        ["stream", "calibrate", "--leads", "400", "--samples", "100", OUT],
        OUT,
        standard="calibrate.raw",
    ),
    "topology": Writer(["topology", "leads.wav", "-o", OUT], OUT, source="leads.wav"),
    "simulate": Writer(
        ["simulate", "out", "--leads", "1", "--seconds", "0.1"], "out/synthetic-0-000.wav"
    ),
    "fit": Writer(
        ["fit", "converter", "a.wav", "--keep-out", "0", "--into", "out"],
        "out/converter.npy",
        talks=True,
    ),
}
BATCHES = {
    "batch encode": Writer(
        ["batch", "encode", "a.wav", "-o", "out", "--force", "-j", "1"], "out/a.brainwire", PACKED
    ),
    "batch decode": Writer(
        ["batch", "decode", "a.brainwire", "-o", "out", "--force", "-j", "1"],
        "out/a.wav",
        WAV,
        "a.brainwire",
    ),
}


def fill(folder: Path) -> Path:
    """A folder with all inputs, and an empty one, out/, in it."""
    for name, content in INPUTS.items():
        (folder / name).write_bytes(content)
    random = np.random.default_rng(0)
    (folder / "calibrate.raw").write_bytes(random.integers(-99, 99, 40_000, "<i2").tobytes())
    (folder / "out").mkdir()
    return folder


def call(arguments: list[str], standard: str | None = None) -> tuple[int, str]:
    """Run a command in this process; its exit status and what it said on standard error."""
    if arguments[0] in ("./encode", "./decode"):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            status = getattr(executables, arguments[0][2:])(arguments[1:])
        return status, said.getvalue()
    content = b"" if standard is None else Path(standard).read_bytes()
    result = CliRunner().invoke(main, arguments, input=content)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def process(*arguments: str) -> list[str]:
    """The command line that runs a command in a process of its own."""
    if arguments[0] in ("./encode", "./decode"):
        name = arguments[0][2:]
        code = f"import sys; from spikey_codec.cli.challenge import {name}; sys.exit({name}())"
        return [sys.executable, "-c", code, *arguments[1:]]
    return [sys.executable, "-m", "spikey_codec.cli.main", *arguments]


def assert_fails(writer: Writer, *parts: str):
    """The command ends with one sentence that holds these parts."""
    status, said = call(writer.arguments, writer.standard)
    if writer.talks:
        said = said.splitlines(keepends=True)[-1]
    assert_one_sentence(status, said, *parts)


def assert_one_sentence(status: int, said: str, *parts: str):
    """A status other than 0, and one line with these parts that begins with a command's name."""
    assert status != 0, said
    assert said.count("\n") == 1 and said.endswith(".\n"), said
    assert said.split(":")[0] in ("encode", "decode", "spikey") and "Traceback" not in said
    for part in parts:
        assert part in said, said


def partials(folder: Path) -> list[Path]:
    """Temporary files that a writer has left."""
    return list(folder.rglob(files.PARTIAL.format("*")))
