"""Names and kinds of files that nobody expects: the input for the output, pipes, odd names."""

import contextlib
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import spikey_codec
from faults import (
    ARCHIVE,
    BATCHES,
    INPUTS,
    OTHER_WAV,
    OUT,
    PACKED,
    WAV,
    WRITERS,
    Writer,
    assert_fails,
    assert_one_sentence,
    call,
    fill,
    process,
)
from patience import PATIENCE
from spikey_codec import archive, codec
from spikey_codec.errors import RecordingError
from spikey_codec.system import pool
from test_system import listed

ALL = WRITERS | BATCHES
every = pytest.mark.parametrize("writer", ALL.values(), ids=ALL)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The folder of the inputs; work is done within it, files of a batch in this process."""

    def unordered(function, items, processes):
        for item in items:
            yield pool.Finished(item, function(item))

    monkeypatch.setattr(pool, "unordered", unordered)
    monkeypatch.chdir(fill(tmp_path))
    return tmp_path


def assert_inputs_intact(here: Path):
    for name, content in INPUTS.items():
        assert (here / name).read_bytes() == content, name


# The input is the output


def make_same(writer: Writer, how: str):
    """Let the file that is written be the one that is read."""
    source, made = Path(writer.source), Path(writer.made)
    if how == "hard link":
        os.link(source, made)
    elif how == "symbolic link":
        made.symlink_to(source.resolve())
    else:  # what is read is a link to what is written
        source.rename(made)
        source.symlink_to(made.resolve())


READING = {name: writer for name, writer in ALL.items() if name not in ("calibrate", "simulate")}


@pytest.mark.parametrize("how", ["hard link", "symbolic link", "link to the output"])
@pytest.mark.parametrize("writer", READING.values(), ids=READING)
def test_no_input_is_its_own_output(here, writer, how):
    make_same(writer, how)
    status, said = call(writer.arguments)
    said = said.splitlines(keepends=True)
    # unpack refuses any link, batch goes on to a summary
    assert_one_sentence(status, said[0], "" if writer.source == "all.spikey" else "same file")
    assert_inputs_intact(here)


@pytest.mark.parametrize("other", ["{}", "./{}", "out/../{}", "{absolute}"])
@pytest.mark.parametrize("name", ["./encode", "./decode", "encode", "decode", "pack", "topology"])
def test_no_input_is_its_own_output_by_another_spelling(here, name, other):
    writer = WRITERS[name]
    same = other.format(writer.source, absolute=here / writer.source)
    arguments = [same if part == OUT else part for part in writer.arguments]
    assert_fails(writer._replace(arguments=arguments), "same file")
    assert_inputs_intact(here)


@pytest.mark.parametrize("fit", ["converter", "linear", "density"])
@pytest.mark.parametrize("target", ["array", "manifest.json"])
def test_weights_are_not_fitted_to_what_they_would_overwrite(here, fit, target):
    name = f"out/{fit}.npy" if target == "array" else "out/manifest.json"
    os.link("a.wav", name)
    done = call(["fit", fit, name, "--keep-out", "0", "--into", "out"])
    assert_one_sentence(*done, "same file")
    assert_inputs_intact(here)


def test_an_archive_does_not_overwrite_itself(here):
    inside = archive.pack([("all.spikey", WAV), ("other", WAV)])
    Path("all.spikey").write_bytes(inside)
    assert_one_sentence(*call(["unpack", "--force", "all.spikey"]), "same file")
    assert Path("all.spikey").read_bytes() == inside and not Path("other").exists()
    assert call(["unpack", "--force", "all.spikey", "other"])[0] == 0
    assert Path("other").read_bytes() == WAV


def test_a_report_does_not_overwrite_a_recording(here):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    os.link("a.wav", "out/index.html")
    assert_one_sentence(*call(["analyze", "a.wav", "-o", "out"]), "same file")
    assert_inputs_intact(here)


# Folders, pipes, devices and sockets


@every
def test_a_folder_in_the_place_of_the_output_is_left_alone(here, writer):
    Path(writer.made).mkdir()
    status, said = call(writer.arguments, writer.standard)
    said = said.splitlines(keepends=True)
    assert_one_sentence(status, said[-1 if writer.talks else 0], Path(writer.made).name)
    assert listed(Path(writer.made)) == []


READERS = {
    "info": ["info", "{}"], "verify": ["verify", "{}"], "list": ["list", "{}"],
    "batch": ["batch", "encode", "{}.wav", "-o", "out"], "analyze": ["analyze", "{}", "-o", "out"],
    **{name: ["{}" if part == writer.source else part for part in writer.arguments]
       for name, writer in READING.items() if not name.startswith(("batch", "pack"))},
}  # fmt: skip


@pytest.mark.parametrize("arguments", READERS.values(), ids=READERS)
def test_a_folder_is_no_input(here, arguments):
    if arguments[0] == "analyze":
        pytest.importorskip("matplotlib")
        pytest.importorskip("scipy")
    name = "folder.wav" if "{}.wav" in arguments else "folder"
    Path(name).mkdir()  # topology, fit and analyze look into it for recordings
    status, said = call([part.format("folder") for part in arguments])
    said = said.splitlines()
    assert status != 0 and len(said) <= 2 and "Traceback" not in said[0]
    assert "Is a directory" in said[0] or "There is no .wav file" in said[0]
    assert set(listed(here / "out")) <= {"spikey-batch.jsonl"}


@pytest.mark.parametrize("name", ["./encode", "./decode", "encode", "decode", "topology"])
def test_an_input_may_come_through_a_pipe(here, name):
    writer = WRITERS[name]
    os.mkfifo("pipe")
    content = Path(writer.source).read_bytes()
    feeder = threading.Thread(target=lambda: Path("pipe").write_bytes(content))
    feeder.start()
    status, said = call(["pipe" if p == writer.source else p for p in writer.arguments])
    feeder.join()
    assert status == 0, said
    assert writer.content in (None, Path(OUT).read_bytes())


@pytest.mark.parametrize("name", ["list", "unpack"])
def test_an_archive_cannot_be_read_from_a_pipe(here, name):
    os.mkfifo("pipe")
    feeder = threading.Thread(target=feed, args=("pipe", ARCHIVE))
    feeder.start()
    assert_one_sentence(*call([name, "pipe"]))
    feeder.join()


def feed(pipe: str, content: bytes):
    """Write to a pipe that may be closed before all is read."""
    with contextlib.suppress(BrokenPipeError):
        Path(pipe).write_bytes(content)


@pytest.mark.parametrize("make", ["pipe", "socket", "device"])
@pytest.mark.parametrize("place", ["input", "output"])
def test_a_batch_waits_for_no_pipe(here, make, place):
    path = "odd.wav" if place == "input" else "out/a.brainwire"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.close()
    else:
        os.symlink(os.devnull, path)
    inputs = ["odd.wav", "b.wav"] if place == "input" else ["a.wav", "b.wav"]
    status, said = call(["batch", "encode", *inputs, "-o", "out", "--force"])
    assert status != 0 and f"{path} is not a regular file." in said.splitlines()[0]
    assert codec.decompress(Path("out/b.brainwire").read_bytes()) == OTHER_WAV


@pytest.mark.parametrize("name", ["./encode", "encode", "pack", "batch encode"])
def test_an_empty_file_comes_back(here, name):
    Path("a.wav").write_bytes(b"")
    assert call(ALL[name].arguments)[0] == 0
    made = Path(ALL[name].made).read_bytes()
    found = archive.Archive(made).read("a.wav") if name == "pack" else codec.decompress(made)
    assert found == b""


EMPTY = ["./decode", "decode", "decode --range", "unpack", "topology", "fit", "batch decode"]


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_file_is_no_compressed_one_and_no_recording(here, name):
    writer = ALL[name]
    Path(writer.source).write_bytes(b"")
    status, said = call(writer.arguments)
    assert_one_sentence(status, said.splitlines(keepends=True)[0])
    assert not Path(writer.made).exists()


def test_an_empty_file_is_no_recording_in_python(here):
    Path("a.brainwire").write_bytes(codec.compress(b""))
    with pytest.raises(RecordingError):
        spikey_codec.open("a.brainwire")


# Names


ODD = {
    "two lines": "a\nb", "a terminal's commands": "\x1b[2J\ra", "not UTF-8": os.fsdecode(b"a\xff"),
    "long": "x" * 240, "spaces": " a  ", "a formula": "$\\frac$", "letters": "ünï — 日本",
    "like an option": "-j",
}  # fmt: skip
odd = pytest.mark.parametrize("name", ODD.values(), ids=ODD)


def place(name: str, content: bytes) -> str:
    """A file of this name in the folder; what to call it on the command line."""
    try:
        Path(name).write_bytes(content)
    except OSError:
        pytest.skip("the file system takes no such name")
    return f"./{name}" if name.startswith("-") else name


@odd
def test_files_of_any_name_are_encoded_and_decoded(here, name):
    given = place(name + ".wav", WAV)
    for script in ("./", ""):
        assert call([f"{script}encode", given, f"out/{name}"]) == (0, "")
        assert Path(f"out/{name}").read_bytes() == PACKED
        assert call([f"{script}decode", f"out/{name}", f"out/{name}.2"]) == (0, "")
        assert Path(f"out/{name}.2").read_bytes() == WAV


@pytest.mark.parametrize("script", ["./", ""])
def test_a_name_that_begins_with_a_dash_may_stand_behind_two(here, script):
    place("-j.wav", WAV)
    assert call([f"{script}encode", "--", "-j.wav", "-o"]) == (0, "")
    assert Path("-o").read_bytes() == PACKED
    assert call([f"{script}decode", "--", "-o", "-q"]) == (0, "")
    assert Path("-q").read_bytes() == WAV


@odd
@pytest.mark.parametrize(
    "arguments",
    [
        ["./encode", "{}", OUT],
        ["encode", "{}", OUT],
        ["decode", "{}", OUT],
        ["info", "{}"],
        ["list", "{}"],
        ["unpack", "{}"],
        ["encode", "a.wav", "{}/new"],
    ],
    ids=" ".join,
)
def test_a_missing_file_of_any_name_is_named_in_one_line(here, name, arguments):
    given = f"./{name}" if name.startswith("-") else name
    assert_one_sentence(*call([part.format(given) for part in arguments]), "No such file")


@odd
def test_a_bad_file_of_any_name_is_named_in_one_line(here, name):
    given = place(name + ".brainwire", b"no such thing")
    assert_one_sentence(*call(["./decode", given, OUT]))
    status, said = call(["verify", given])
    assert status != 0 and said.count("\n") == 2 and said.count("BAD") == 1
    status, said = call(["batch", "decode", given, "-o", "out"])
    assert status != 0 and said.count("\n") == 2 and "Traceback" not in said


@odd
def test_recordings_of_any_name_are_described(here, name):
    given = place(name + ".wav", WAV)
    assert call(["topology", given, "b.wav", "-o", OUT])[0] == 0
    assert call(["batch", "encode", given, "-o", "out"])[0] == 0
    assert Path(f"out/{name}.brainwire").read_bytes() == PACKED
    assert call(["fit", "converter", given, "--keep-out", "0", "--into", "out"])[0] == 0


@odd
def test_recordings_of_any_name_are_drawn(here, name):
    pytest.importorskip("matplotlib")
    given = place(name + ".wav", WAV)
    assert call(["topology", given, "b.wav", "-o", OUT, "--plot", "out/a.svg"])[0] == 0
    assert Path("out/a.svg").read_text("utf-8").startswith("<?xml")


def test_a_recording_of_an_odd_name_is_reported_on(here):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    name = place(ODD["not UTF-8"] + ODD["two lines"] + ".wav", WAV)
    assert call(["analyze", name, "-o", "out"]) == (0, "")
    assert "a\\udcffa\\nb.wav" in Path("out/index.html").read_text("utf-8")


def test_a_name_that_standard_output_cannot_encode_is_said_all_the_same(here):
    given = place(ODD["not UTF-8"], PACKED)
    place("ü", archive.pack([("日本", b"")]))
    for arguments, encoding, part in (
        (["verify", given], "utf-8:strict", b"a\\udcff: good"),
        (["list", "ü"], "ascii:strict", b"  \\u65e5\\u672c\n"),
    ):
        done = subprocess.run(
            process(*arguments),
            capture_output=True,
            timeout=PATIENCE,
            env=os.environ | {"PYTHONIOENCODING": encoding},
        )
        assert (done.returncode, done.stderr) == (0, b"") and part in done.stdout


@every
def test_a_name_longer_than_a_name_can_be_is_one_sentence(here, writer):
    long = "x" * 300
    arguments = [part.replace("out", long, 1) if part.startswith("out") else part
                 for part in writer.arguments]  # fmt: skip
    assert_fails(writer._replace(arguments=arguments), "File name too long")
    assert not [name for name in listed(here) if name.startswith("x")]


def test_a_batch_whose_output_would_have_too_long_a_name_fails_at_that_file_alone(here):
    place("x" * 250 + ".wav", WAV)
    status, said = call(["batch", "encode", "x" * 250 + ".wav", "b.wav", "-o", "out"])
    assert status != 0 and "File name too long" in said.splitlines()[0]
    assert "1 done, 0 already done, 1 failed" in said
