"""Faults of processes: killed in the middle, two at once, standard streams gone or full."""

import contextlib
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from faults import OUT, PACKED, RAW, STREAM, WAV, assert_one_sentence, fill, partials, process
from patience import PATIENCE
from spikey_codec import codec
from spikey_codec.batch.journal import JOURNAL, read_journal
from spikey_codec.lab.simulate import write_recordings
from spikey_codec.system import files
from strategies import plain_wav
from test_system import listed


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> dict[str, bytes]:
    """A recording of several chunks that take a second or two, and its compressed file."""
    walk = np.random.default_rng(0).normal(0, 40, 3 * 786_432 // 2).astype(np.int16)
    original = plain_wav(walk.reshape(-1, 2))
    return {"encode": original, "decode": codec.compress(original, "spikey")}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The folder of the inputs; work is done within it."""
    monkeypatch.chdir(fill(tmp_path))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # unless a test asks for it
    return tmp_path


def start(*arguments: str, **options) -> subprocess.Popen:
    """A command in a session of its own, so that all its processes can be found."""
    return subprocess.Popen(
        process(*arguments), stderr=subprocess.PIPE, start_new_session=True, **options
    )


def wait_for_all(session: int):
    """Until no process of a session is left."""
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(session, 0)
            time.sleep(0.02)
        os.killpg(session, signal.SIGKILL)
        pytest.fail("processes are left behind")


# Killed in the middle


def arguments_of(name: str, jobs: str) -> list[str]:
    preset = ["--preset", "spikey"] if name == "encode" else []
    return [name, *preset, "-j", jobs, "input", OUT]


@pytest.mark.long
@pytest.mark.parametrize(("name", "jobs"), [("encode", "2"), ("decode", "1"), ("decode", "2")])
def test_killed_at_any_moment_the_old_file_is_there_or_the_new_one(here, long, name, jobs):
    """And no process goes on without the one that started it."""
    (here / "input").write_bytes(long[name])
    moments = random.Random(f"{name} {jobs}")
    complete = long["decode" if name == "encode" else "encode"]
    killed = 0
    for wait in (False, True, True):
        (here / OUT).write_bytes(b"old")
        begun = len(partials(here))
        run = start(*arguments_of(name, jobs))
        while wait and run.poll() is None and len(partials(here)) == begun:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.5))
        run.kill()
        run.communicate(timeout=PATIENCE)
        wait_for_all(run.pid)
        killed += run.returncode != 0
        assert (here / OUT).read_bytes() in ([b"old", complete] if run.returncode else [complete])
        assert len(partials(here)) <= killed and listed(here / "out")[-1] == "new"
    assert killed
    # what was left disturbs nobody
    again = subprocess.run(process(*arguments_of(name, jobs)), timeout=PATIENCE)
    assert again.returncode == 0 and (here / OUT).read_bytes() == complete


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "to"), [("SIGINT", "group"), ("SIGTERM", "process"), ("SIGHUP", "group")]
)
def test_a_signal_to_stop_ends_all_processes_and_leaves_the_old_file_alone(here, long, number, to):
    (here / "input").write_bytes(long["encode"])
    (here / OUT).write_bytes(b"old")
    run = start(*arguments_of("encode", "2"))
    while not partials(here):
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)
    (os.kill if to == "process" else os.killpg)(run.pid, getattr(signal, number))
    said = run.communicate(timeout=PATIENCE)[1].decode()
    wait_for_all(run.pid)
    assert (run.returncode, said) == (130, "spikey: Interrupted.\n")
    assert listed(here / "out") == ["new"] and (here / OUT).read_bytes() == b"old"


def test_a_second_signal_does_not_keep_the_first_from_undoing(tmp_path, monkeypatch):
    unlink = os.unlink

    def disturbed(path):
        os.kill(os.getpid(), signal.SIGTERM)
        unlink(path)

    def pieces():
        yield b"a piece"
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(os, "unlink", disturbed)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        files.write(str(tmp_path / "file"), pieces())
    assert listed(tmp_path) == [] and signal.getsignal(signal.SIGTERM) is before


# Two at once


def test_two_that_write_the_same_file_leave_that_of_one_of_them(here):
    whole = {PACKED, codec.compress((here / "b.wav").read_bytes())}
    for _ in range(3):
        runs = [start("encode", name, OUT) for name in ("a.wav", "b.wav")]
        assert [run.communicate(timeout=PATIENCE)[1] for run in runs] == [b"", b""]
        assert [run.returncode for run in runs] == [0, 0]
        assert (here / OUT).read_bytes() in whole and listed(here / "out") == ["new"]


def test_two_batches_into_the_same_folder_both_succeed(here):
    originals = {p.stem: p.read_bytes() for p in write_recordings(here / "wavs", 12, 0.2, seed=2)}
    arguments = ["batch", "encode", "wavs", "-o", "out", "-j", "1"]
    runs = [start(*arguments) for _ in range(2)]
    for run in runs:
        said = run.communicate(timeout=PATIENCE)[1].decode()
        assert run.returncode == 0 and " 0 failed; " in said and said.count("\n") == 1, said
    assert listed(here / "out") == sorted([*(f"{n}.brainwire" for n in originals), JOURNAL])
    for name, original in originals.items():
        assert codec.decompress((here / "out" / f"{name}.brainwire").read_bytes()) == original
    assert len(read_journal(here / "out")) == 12


# Standard streams


TO_STANDARD = {
    "./encode": (["./encode", "a.wav", "-"], PACKED),
    "./decode": (["./decode", "a.brainwire", "-"], WAV),
    "encode": (["encode", "a.wav", "-"], PACKED),
    "decode": (["decode", "a.brainwire", "-"], WAV),
    "pack": (["pack", "a.wav", "-o", "-"], None),
    "topology": (["topology", "leads.wav", "-o", "-"], None),
    "stream encode": (["stream", "encode", "--leads", "2"], STREAM),
    "stream decode": (["stream", "decode"], RAW),
    "info": (["info", "a.brainwire"], None),
    "verify": (["verify", "a.brainwire"], None),
    "list": (["list", "all.spikey"], None),
    "--help": (["--help"], None),
    "./encode --help": (["./encode", "--help"], None),
}
STANDARD_INPUT = {"stream encode": "<a.raw", "stream decode": "<a.stream"}
standard = pytest.mark.parametrize("name", TO_STANDARD)


def by_shell(name: str, redirection: str, **environment) -> subprocess.CompletedProcess:
    """Run it with redirections, and more in its environment."""
    script = f'exec "$@" {STANDARD_INPUT.get(name, "")} {redirection}'
    return subprocess.run(
        ["sh", "-c", script, "sh", *process(*TO_STANDARD[name][0])],
        capture_output=True,
        env=os.environ | environment,
        timeout=PATIENCE,
    )


def assert_complains(done: subprocess.CompletedProcess, *parts: str):
    assert_one_sentence(done.returncode, done.stderr.decode(), *parts)
    assert done.returncode != 120  # Python's, where it could not write what was left


@standard
def test_a_full_standard_output_is_one_sentence(here, name):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    assert_complains(by_shell(name, ">/dev/full"), "No space left on device")


@pytest.mark.parametrize("name", [name for name in TO_STANDARD if "--help" not in name])
def test_a_closed_standard_output_is_one_sentence(here, name):
    assert_complains(by_shell(name, ">&-"), "standard output: Bad file descriptor")


@pytest.mark.parametrize("name", ["./decode", "decode", "stream decode", "list"])
def test_a_broken_pipe_is_one_sentence(here, name):
    reader, writer = os.pipe()
    os.close(reader)
    command = process(*TO_STANDARD[name][0])
    with contextlib.ExitStack() as stack:
        content = STANDARD_INPUT.get(name, "<" + os.devnull)[1:]
        stdin = stack.enter_context(open(content, "rb"))
        done = subprocess.run(
            command, stdin=stdin, stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE
        )
    os.close(writer)
    assert_complains(done, "standard output: Broken pipe")


def test_a_reader_that_has_had_enough_is_one_sentence(here, long):
    (here / "input").write_bytes(long["decode"])
    first = subprocess.Popen(
        process("decode", "input", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert first.stdout.read(4) == b"RIFF"
    first.stdout.close()
    said = first.stderr.read().decode()
    first.stderr.close()
    assert_one_sentence(first.wait(PATIENCE), said, "Broken pipe")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", ["./decode", "decode", "stream decode", "topology"])
def test_nothing_is_left_out_of_standard_output_without_a_word(here, name, unbuffered):
    """A disk that is full after 1,000 bytes: unbuffered, Python takes a part and is content."""
    content = STANDARD_INPUT.get(name, "<" + os.devnull)[1:]
    with open("taken", "wb") as taken, open(content, "rb") as source:
        done = subprocess.run(
            process(*TO_STANDARD[name][0]),
            stdin=source,
            stdout=taken,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            timeout=PATIENCE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        )
    assert_one_sentence(done.returncode, done.stderr.decode(), "standard output: File too large")


@pytest.mark.long
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "name", [name for name, (_, content) in TO_STANDARD.items() if content is not None]
)
def test_all_of_it_arrives_at_standard_output(here, name, unbuffered):
    done = by_shell(name, "", PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stdout, done.stderr) == (0, TO_STANDARD[name][1], b"")


FROM_STANDARD = [
    ["./encode", "-", OUT], ["./decode", "-", OUT], ["encode", "-", OUT], ["decode", "-", OUT],
    ["encode", "--raw", "-", OUT], ["stream", "encode", "--leads", "2"], ["stream", "decode"],
    ["stream", "calibrate", "--leads", "2", OUT],
]  # fmt: skip


@pytest.mark.parametrize("arguments", FROM_STANDARD, ids=" ".join)
def test_a_closed_standard_input_is_one_sentence(here, arguments):
    (here / OUT).write_bytes(b"old")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *process(*arguments)],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert_complains(done, "standard input: Bad file descriptor")
    assert (here / OUT).read_bytes() == b"old" and listed(here / "out") == ["new"]


ENDING_EARLY = {
    "./decode": (["./decode", "-", OUT], PACKED), "decode": (["decode", "-", OUT], PACKED),
    "stream encode": (["stream", "encode", "--leads", "2"], RAW),
    "stream decode": (["stream", "decode"], STREAM),
    "calibrate": (["stream", "calibrate", "--leads", "3", OUT], RAW[:1000]),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "content"), ENDING_EARLY.values(), ids=ENDING_EARLY)
def test_a_standard_input_that_ends_early_is_one_sentence(here, arguments, content):
    (here / OUT).write_bytes(b"old")
    done = subprocess.run(
        process(*arguments), input=content[:-3], capture_output=True, timeout=PATIENCE
    )
    assert_complains(done)
    assert (here / OUT).read_bytes() == b"old" and listed(here / "out") == ["new"]


SILENCED = {
    "a failure": (["encode", "missing", OUT], False),
    "a failure of ./encode": (["./encode", "missing", OUT], False),
    "a usage error": (["./decode"], False), "a bad file": (["verify", "a.wav"], False),
    "a success": (["encode", "a.wav", OUT], True),
    "a batch": (["batch", "encode", "a.wav", "missing.wav", "-o", "out", "-j", "1"], False),
}  # fmt: skip


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("arguments", "good"), SILENCED.values(), ids=SILENCED)
def test_without_standard_error_the_status_still_tells(here, arguments, good, redirection):
    if "full" in redirection and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *process(*arguments)],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert (done.returncode == 0) == good and done.returncode != 120
    assert done.stdout == b""
    if "batch" in arguments:
        assert (here / "out" / "a.brainwire").read_bytes() == PACKED
