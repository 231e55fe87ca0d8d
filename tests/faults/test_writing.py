"""Faults of disk and files: the old file is intact or the new one complete, in one sentence.

A table of all commands that write, and what can go wrong with each of them.
"""

import builtins
import errno
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import spikey_codec
from faults import (
    INPUTS,
    OUT,
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
from spikey_codec import archive, codec, weights
from spikey_codec.bitstream import index
from spikey_codec.errors import CorruptError
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes, write_recordings
from spikey_codec.stream import Calibration
from spikey_codec.system import files
from spikey_codec.system import source as sources
from spikey_codec.system.source import FileBytes
from strategies import plain_wav
from test_system import listed, small_files_only

every = pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The folder of the inputs; work is done within it."""
    monkeypatch.chdir(fill(tmp_path))
    return tmp_path


@pytest.fixture
def short_chunks(monkeypatch):
    """Chunks of 500 frames, read one by one, so that short recordings have many."""
    monkeypatch.setattr(index, "LONGEST_CHUNK", 500)
    monkeypatch.setattr(sources, "WINDOW", 500)


def assert_inputs_intact(here: Path):
    for name, content in INPUTS.items():
        assert (here / name).read_bytes() == content


@every
def test_every_command_works_where_nothing_is_wrong(here, writer):
    assert call(writer.arguments, writer.standard)[0] == 0
    made = (here / writer.made).read_bytes()
    assert len(made) > 1000  # or small_files_only would not be a fault
    assert writer.content in (None, made)


# A full disk


def assert_fails_leaving_the_old_file(here: Path, writer: Writer, *parts: str):
    """Whether there is an old file or none, it stays so, and nothing else is left."""
    for old in (None, b"old"):
        if old is not None:
            (here / writer.made).write_bytes(old)
        before = listed(here / "out")
        assert_fails(writer, *parts)
        assert listed(here / "out") == before
        assert old is None or (here / writer.made).read_bytes() == old
    assert_inputs_intact(here)


@every
def test_a_full_disk_leaves_the_old_file(here, writer):
    with small_files_only():
        assert_fails_leaving_the_old_file(here, writer, "File too large")


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("name", ["encode", "decode"])
def test_a_disk_that_fills_up_among_many_chunks_leaves_the_old_file(here, short_chunks, name, jobs):
    (here / "a.brainwire").write_bytes(codec.compress(WAV))
    (here / OUT).write_bytes(b"old")
    source = "a.wav" if name == "encode" else "a.brainwire"
    with small_files_only():
        assert_one_sentence(*call([name, "-j", jobs, source, OUT]), f"{OUT}: File too large")
    assert listed(here / "out") == ["new"] and (here / OUT).read_bytes() == b"old"


def test_a_drawing_on_a_full_disk_leaves_the_old_one_and_the_old_graph(here):
    pytest.importorskip("matplotlib")
    (here / OUT).write_bytes(b"old")
    (here / "out" / "a.png").write_bytes(b"old")
    with small_files_only():
        done = call(["topology", "a.wav", "b.wav", "-o", OUT, "--plot", "out/a.png"])
    assert_one_sentence(*done, "out/a.png: File too large")
    assert {path.read_bytes() for path in (here / "out").iterdir()} == {b"old"}


def test_a_report_on_a_full_disk_leaves_the_old_one(here):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    (here / "out" / "index.html").write_bytes(b"old")
    with small_files_only():
        assert_one_sentence(*call(["analyze", "a.wav", "-o", "out"]), "File too large")
    assert listed(here / "out") == ["index.html"]
    assert (here / "out" / "index.html").read_bytes() == b"old"


BY_PYTHON = {
    "weights.save": lambda folder: weights.save(folder, "linear", np.zeros((64, 16), "i2"), {}),
    "write_recordings": lambda folder: write_recordings(folder, 1, 0.1),
    "Calibration.save": lambda folder: Calibration([0] * 999, [3] * 999).save(folder / "a.json"),
}


@pytest.mark.parametrize("write", BY_PYTHON.values(), ids=BY_PYTHON)
def test_a_full_disk_is_an_os_error_in_python(tmp_path, write):
    write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with small_files_only(), pytest.raises(OSError, match="File too large"):
        write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_array_and_its_entry_in_the_list_are_replaced_together(tmp_path, monkeypatch):
    """Also where it is the list that the disk has no room for: the old array stays with it."""
    weights.save(tmp_path, "one", np.arange(3), {})
    with small_files_only(), pytest.raises(OSError):
        weights.save(tmp_path, "one", np.arange(4), {"about": "x" * 2000})
    assert weights.read(tmp_path, "one").tolist() == [0, 1, 2]


def test_only_one_function_writes_files_of_the_user():
    """Which leaves them whole; the exceptions write to temporary folders of their own."""
    opens = re.compile(r"""open\([^)]*["'][wxa]b?["']|\.write_(bytes|text)\(""")
    package = Path(spikey_codec.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if opens.search(path.read_text("utf-8"))
    }
    assert found == {"system/files.py", "lab/bench/start.py", "lab/bench/measure.py"}


# A folder or file system that takes nothing


@every
def test_a_read_only_file_system_is_one_sentence(here, writer, monkeypatch):
    """The error that one gives, at the only place where files are made."""

    def refuse(path, mode="r", *arguments, **options):
        if set(mode) & set("wxa"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return builtins.open(path, mode, *arguments, **options)

    monkeypatch.setattr(files, "open", refuse, raising=False)
    assert_fails_leaving_the_old_file(here, writer, "Read-only file system")


@every
def test_where_no_file_can_be_made_is_one_sentence(here, writer):
    """/proc takes no files, from nobody."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    arguments = [part.replace("out", "/proc", 1) if part.startswith("out") else part
                 for part in writer.arguments]  # fmt: skip
    assert_fails(writer._replace(arguments=arguments), "/proc")


IN_SMALL_MOUNTS = """
set -e
mkdir small read-only
mount -t tmpfs -o size=16k tmpfs small
mount -t tmpfs tmpfs read-only
echo old | tee small/new small/a.wav small/a.brainwire > read-only/new
mount -o remount,ro read-only
set +e
for folder in small read-only; do
    for command in "$@"; do
        eval "$(echo "$command" | sed "s,@,$folder,g")" 2> said
        echo "$? $(wc -l < said) $(cat $folder/new) $(ls -A $folder | wc -l) $(tail -n 1 said)"
    done
done
"""
MOUNTED = [
    ["encode", "b.wav", "@/new"], ["decode", "-j", "2", "long", "@/new"],
    ["unpack", "big.spikey", "-o", "@"],
]  # fmt: skip


def test_real_mounts_that_are_full_or_read_only(here):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    noise = np.random.default_rng(0).integers(-32768, 32767, 200_000).astype(np.int16)
    (here / "b.wav").write_bytes(plain_wav(noise))
    (here / "long").write_bytes(codec.compress(plain_wav(noise)))
    (here / "big.spikey").write_bytes(archive.pack([("big.wav", plain_wav(noise))]))
    commands = [subprocess.list2cmdline(process(*arguments)) for arguments in MOUNTED]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", IN_SMALL_MOUNTS, "sh", *commands],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(MOUNTED)
    for line in lines:
        status, said, old, _count, sentence = line.split(" ", 4)
        assert (said, old) == ("1", "old") and status != "0"
        assert sentence.startswith("spikey: ") and sentence.endswith(".")


# An input that changes while it is read


RANDOM = np.random.default_rng(5)
DRIFT = np.cumsum(RANDOM.normal(0, 0.3, 30_000)).astype(int) % 900
KINDS = {
    "challenge": codes_to_pcm(simulate_codes(1, 1.5, seed=1)[0]),
    "plain": RANDOM.integers(-32768, 32768, 30_000),
    "sparse": 137 * RANDOM.integers(-30, 30, 30_000),
    "uneven": np.sort(RANDOM.choice(60_000, 900, replace=False))[DRIFT] - 30_000,
    "opaque": None,
}


def content_of(kind: str) -> bytes:
    samples = KINDS[kind]
    return b"any bytes" * 5000 if samples is None else plain_wav(samples.astype(np.int16))


def overwrite(path: Path):
    with open(path, "r+b") as file:
        file.seek(44)
        file.write(np.random.default_rng(6).bytes(path.stat().st_size - 44))


def change_the_last_bit(path: Path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    with open(path, "r+b") as file:
        file.write(data)


def grow(path: Path):
    with open(path, "ab") as file:
        file.write(b"more" * 10_000)


def replace(path: Path):
    path.with_suffix(".new").write_bytes(b"another file")
    os.replace(path.with_suffix(".new"), path)


def truncate(path: Path):
    os.truncate(path, 1000)


CHANGES = {
    overwrite: "changed while it was being read",
    truncate: "shorter while it was being read",
    change_the_last_bit: "changed while it was being read",
    grow: None,
    replace: None,
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_what_changes_between_its_two_readings_is_not_encoded(here, short_chunks, kind, change):
    """What only grows, or is replaced under its name, is encoded as it was at first."""
    path, old = here / "changing.wav", content_of(kind)
    path.write_bytes(old)
    (here / OUT).write_bytes(b"old")

    def changing(source):
        pieces = codec.encoded(source)
        yield next(pieces)  # the header: it has been read once
        change(path)
        yield from pieces

    said = None if kind == "opaque" else CHANGES[change]  # that is read but once
    if said is None:
        files.convert(str(path), OUT, changing)
        assert codec.decompress((here / OUT).read_bytes()) == old
    else:
        with pytest.raises(OSError, match=said) as caught:
            files.convert(str(path), OUT, changing)
        told = files.sentence(caught.value)
        assert told.startswith(f"{path}: ") and told.endswith(" while it was being read.")
        assert (here / OUT).read_bytes() == b"old"
    assert listed(here / "out") == ["new"]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changes_while_it_is_decoded_gives_the_original_or_nothing(
    here, short_chunks, change, jobs
):
    path, old = here / "changing", content_of("plain")
    path.write_bytes(codec.compress(old))
    (here / OUT).write_bytes(b"old")

    def changing(source):
        pieces = codec.decoded(source, jobs)
        yield from [next(pieces), next(pieces)]  # the head and the first chunk
        change(path)
        yield from pieces

    try:
        files.convert(str(path), OUT, changing)
    except (OSError, CorruptError) as error:
        assert change not in (grow, replace), error
        assert (here / OUT).read_bytes() == b"old"
    else:  # what was changed had been read before, as the index at the end has
        assert change in (grow, replace, change_the_last_bit)
        assert (here / OUT).read_bytes() == old
    assert listed(here / "out") == ["new"]


def test_a_part_is_not_taken_from_what_has_changed(here, short_chunks):
    path, old = here / "changing", content_of("plain")
    path.write_bytes(codec.compress(old))
    with spikey_codec.open(path) as found:
        first = found[:500]
        overwrite(path)
        assert np.array_equal(found[:500], first)  # is kept
        with pytest.raises(CorruptError):
            found[500:]
        truncate(path)
        with pytest.raises(OSError, match="shorter while it was being read"):
            found[-500:]


def test_an_archive_that_is_cut_while_it_is_read_is_a_corrupt_one(here):
    with open("all.spikey", "rb") as file:
        found = archive.Archive(file)
        os.truncate("all.spikey", found.size - 10)
        with pytest.raises(CorruptError, match="cut short"):
            found.read("b.wav")


def test_a_window_of_a_file_is_not_a_mixture(tmp_path):
    """Slices are what the file held at one time, or an error."""
    path = tmp_path / "file"
    path.write_bytes(bytes(200_000))
    with open(path, "rb") as file:
        found = FileBytes(file)
        assert found[:10] == bytes(10)
        truncate(path)
        assert found[:10] == bytes(10)
        with pytest.raises(OSError, match="shorter"):
            found[150_000:150_010]
