"""What is said about files: which one it is, what it is instead, and before the work is done."""

import errno
import os
import threading

import pytest
from click.testing import CliRunner

from faults import ARCHIVE, OTHER_WAV, PACKED, RAW, STREAM, WAV
from patience import PATIENCE
from spikey_codec import archive_files, codec, recording
from spikey_codec.archive import Archive
from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, NotBrainwireError, UsageError
from spikey_codec.system import targets
from spikey_codec.system.text import counted
from test_system import listed

INPUTS = {
    "a.wav": WAV, "b.wav": OTHER_WAV, "a.brainwire": PACKED, "all.spikey": ARCHIVE, "a.raw": RAW,
    "a.stream": STREAM, "other": b"anything", "cut": PACKED[:-1], "cut.spikey": ARCHIVE[:-1],
    "packed": codec.compress(b"anything"),
}  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with files of every kind; work is done within it."""
    for name, content in INPUTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, status: int = 0, stdin: bytes = b"") -> str:
    """Run a command; its last line on standard error, or its output where it succeeds."""
    done = CliRunner().invoke(main, arguments, input=stdin)
    assert done.exit_code == status, done.output
    if not status:
        return done.output
    said = done.stderr.splitlines()[-1]
    assert said.startswith("spikey: ") and said.endswith("."), said
    return said


# The name of the file


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["decode", "{}", "out/new"], 4),
        (["decode", "--range", "0:1", "{}", "out/new"], 4),
        (["decode", "--salvage", "{}", "out/new"], 4),
        (["info", "{}"], 4),
        (["unpack", "{}", "-o", "out"], 4),
        (["list", "{}"], 4),
    ],
)
def test_a_file_of_another_kind_is_named(here, arguments, status):
    said = run(*(part.format("other") for part in arguments), status=status)
    assert said.startswith("spikey: other: This is not a")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["decode", "cut", "out/new"], CorruptError),
        (["decode", "--channels", "0", "cut", "out/new"], CorruptError),
        (["decode", "--range", "9:1", "a.brainwire", "out/new"], UsageError),
        (["list", "cut.spikey"], CorruptError),
        (["unpack", "all.spikey", "what", "-o", "out"], UsageError),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(here, arguments, error):
    name = next(part for part in arguments if part in INPUTS)
    assert f"{name}: " in run(*arguments, status=error.exit_code)
    assert listed(here / "out") == []


def test_standard_input_is_named(here):
    said = run("decode", "-", "out/new", status=NotBrainwireError.exit_code, stdin=b"anything")
    assert said.startswith("spikey: standard input: ")


# What it is instead


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["decode", "all.spikey", "out/new"], "spikey unpack"),
        (["decode", "--range", "0:1", "all.spikey", "out/new"], "spikey unpack"),
        (["decode", "a.stream", "out/new"], "spikey stream decode"),
        (["info", "a.stream"], "spikey stream decode"),
        (["unpack", "a.brainwire", "-o", "out"], "spikey decode"),
        (["list", "a.brainwire"], "spikey decode"),
    ],
)
def test_the_right_command_is_named(here, arguments, part):
    assert f"`{part}`" in run(*arguments, status=NotBrainwireError.exit_code)


def test_the_right_command_is_named_in_python(here):
    with pytest.raises(NotBrainwireError, match="spikey unpack"):
        codec.decompress(ARCHIVE)
    with pytest.raises(NotBrainwireError, match="spikey unpack"):
        recording.Recording("all.spikey")
    with pytest.raises(NotBrainwireError, match="spikey decode"):
        Archive(PACKED)


@pytest.mark.parametrize("name", ["all.spikey", "-", "cut.spikey"])
def test_info_reads_archives(here, name):
    said = run("info", name, stdin=ARCHIVE)
    fields = {key: value.strip() for key, value in (x.split(":", 1) for x in said.splitlines())}
    assert fields["content"] == "archive" and fields["files"] == "2"
    assert fields["original bytes"] == str(len(WAV) + len(OTHER_WAV))
    assert fields.get("missing bytes") == ("1" if name == "cut.spikey" else None)


# What is missing


@pytest.mark.parametrize("command", ["info", "verify"])
def test_an_archive_may_come_through_a_pipe(here, command):
    """Which can be read only once."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: (here / "pipe").write_bytes(ARCHIVE))
    writer.start()
    run(command, "pipe")
    writer.join(PATIENCE)
    assert not writer.is_alive()


@pytest.mark.parametrize(
    "arguments",
    [
        ["encode", "{}", "out/new"],
        ["decode", "{}", "out/new"],
        ["info", "{}"],
        ["verify", "{}"],
        ["pack", "a.wav", "{}", "-o", "out/new"],
        ["unpack", "{}", "-o", "out"],
        ["list", "{}"],
        ["topology", "{}", "-o", "out/new"],
        ["analyze", "{}", "-o", "out"],
        ["batch", "encode", "{}.wav", "-o", "out"],
        ["batch", "decode", "{}.brainwire", "-o", "out"],
        ["fit", "converter", "{}", "--into", "out"],
        ["fit", "score", "{}"],
        ["fit", "score", "a.wav", "--weights", "{}"],
        ["train", "{}", "name", "a.wav", "--into", "out"],
        ["train", "a.raw", "name", "{}", "--into", "out"],
        ["bench", "speed", "{}"],
        ["bench", "codecs", "{}"],
        ["bench", "codecs", "--raw", "--channels", "1", "--rate", "9", "{}"],
        ["bench", "realtime", "{}"],
        ["bench", "ablation", "{}"],
        ["stream", "encode", "--leads", "2", "--calibration", "{}"],
    ],
    ids=" ".join,
)
def test_a_missing_input_has_one_status(here, arguments):
    done = CliRunner().invoke(main, [part.format("missing") for part in arguments])
    assert done.exit_code == 1, done.output
    assert "missing" in done.stderr and "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_and_a_damaged_one_are_told_apart(here):
    run("verify", "a.brainwire", "missing", "cut", status=CorruptError.exit_code)
    assert "1 of 2 files is bad." in run("verify", "a.brainwire", "missing", status=1)


# What cannot be written


WRITING = {
    "encode": ["encode", "a.wav", "{}"],
    "decode": ["decode", "a.brainwire", "{}"],
    "decode --range": ["decode", "--range", "0:", "a.brainwire", "{}"],
    "pack": ["pack", "a.wav", "-o", "{}"],
    "topology": ["topology", "a.wav", "-o", "{}"],
    "a picture": ["topology", "a.wav", "-o", "out/new", "--plot", "{}.svg"],
    "a picture of speeds": ["bench", "codecs", "a.wav", "--plot", "{}.svg"],
    "calibrate": ["stream", "calibrate", "--leads", "1", "{}"],
}


@pytest.mark.parametrize("place", ["nowhere/new", "a.wav/new", "folder"])
@pytest.mark.parametrize("name", WRITING)
def test_a_target_that_cannot_be_written_is_noticed_before_the_work(here, name, place, monkeypatch):
    if name.startswith("a picture"):
        pytest.importorskip("matplotlib")
    (here / "folder").mkdir()
    (here / "folder.svg").mkdir()

    def never(*arguments, **options):
        raise AssertionError("the work was done")

    monkeypatch.setattr(codec, "encode_chunk", never)
    monkeypatch.setattr(codec, "decode_chunk", never)
    monkeypatch.setattr(codec, "decode_extent", never)
    monkeypatch.setattr(archive_files, "check", never)
    for work in ("topology.read_channels", "bench.codecs.load"):
        monkeypatch.setattr(f"spikey_codec.lab.{work}", never)
    arguments = [part.format(place) for part in WRITING[name]]
    done = CliRunner().invoke(main, arguments, input=RAW)
    assert done.exit_code == 1 and place in done.stderr, done.output
    assert done.stderr.count("\n") == 1 and listed(here / "out") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "a.wav", "-o", "a.raw/new"],
        ["fit", "converter", "a.wav", "--into", "a.raw/new"],
        ["unpack", "all.spikey", "-o", "a.raw/new"],
        ["simulate", "a.raw/new"],
        ["batch", "encode", "a.wav", "-o", "a.raw/new"],
    ],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_made_is_noticed_before_the_work(here, arguments, monkeypatch):
    if arguments[0] == "analyze":
        pytest.importorskip("matplotlib")
        pytest.importorskip("scipy")
    assert "a.raw" in run(*arguments, status=1)
    assert sorted(listed(here)) == sorted([*INPUTS, "out"])


def test_a_folder_that_takes_no_file_is_noticed(here, monkeypatch):
    """As on a disk that is mounted to be read only."""

    def refuse(path, flags, mode=0o777):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    for check, path in ((targets.check_file, "out/new"), (targets.check_folder, "out/a/b")):
        with monkeypatch.context() as patch, pytest.raises(OSError) as caught:
            patch.setattr(os, "open", refuse)
            check(path)
        assert caught.value.errno == errno.EROFS and caught.value.filename == path
    targets.check_file("out/new")
    targets.check_folder("out/a/b")
    assert listed(here / "out") == []


# Numbers


def test_one_is_not_many(here):
    assert counted(0, "file") == "0 files" and counted(1, "file") == "1 file"
    assert run("pack", "a.wav", "-o", "out/new").startswith("1 file, ")
    assert "1 file, " in run("verify", "out/new")
    assert run("simulate", "out", "--leads", "1", "--seconds", "0.1").startswith("1 synthetic rec")
    said = CliRunner().invoke(main, ["stream", "decode"], input=STREAM + b"x").stderr
    assert "1 byte that belongs to no packet" in said or "ends within a packet" in said


def test_a_report_counts_in_words(here):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    assert "1 channel of 1 recording, " in run("analyze", "a.wav", "-o", "report", "--limit", "1")
