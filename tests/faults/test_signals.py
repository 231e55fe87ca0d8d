"""Any command that a signal stops says one sentence, ends with status 130 and leaves nothing."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from faults import fill, partials, process
from faults.test_processes import wait_for_all
from patience import PATIENCE
from spikey_codec.lab.simulate import write_recordings
from spikey_codec.system import stop
from test_system import listed

SAID = "spikey: Interrupted.\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The folder of the inputs, and a pipe that commands wait at; work is done within it."""
    monkeypatch.chdir(fill(tmp_path))
    os.mkfifo("pipe")
    return tmp_path


def start(*arguments: str, **environment: str) -> subprocess.Popen:
    """A command in a session of its own, so that all its processes can be found."""
    return subprocess.Popen(
        process(*arguments),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | environment,
    )


def wait_until(run: subprocess.Popen, is_there) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_there():
        assert run.poll() is None and time.monotonic() < deadline, run.communicate()
        time.sleep(0.01)


@contextlib.contextmanager
def opened_by(run: subprocess.Popen, pipe: str):
    """A pipe to write into, as soon as the command has opened it to read from."""
    ends = []

    def is_open() -> bool:
        with contextlib.suppress(OSError):  # ENXIO: nobody reads it yet
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends)

    wait_until(run, is_open)
    with os.fdopen(ends[0], "wb") as file:
        for _ in range(20):  # a signal on the way from the open to the read would be heard later
            wait_until(run, lambda: state_of(run.pid) == "S")
            time.sleep(0.01)
        yield file


def state_of(process_id: int) -> str:
    """The kernel's letter for what a process does: S sleeps, as one does that waits for a pipe."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]


def assert_interrupted(run: subprocess.Popen, said: str = SAID) -> None:
    """It ends with the sentence, and no process is left."""
    assert run.communicate(timeout=PATIENCE)[1].decode().splitlines(True)[-1] == said
    assert run.returncode == 130
    wait_for_all(run.pid)


READING = {
    "pack": ["pack", "a.wav", "pipe", "-o", "out/new"],
    "topology": ["topology", "a.wav", "pipe", "-o", "out/new"],
    "analyze": ["analyze", "a.wav", "pipe", "-o", "out"],
    "fit": ["fit", "converter", "pipe", "--into", "out"],
    "fit score": ["fit", "score", "pipe", "--weights", "."],
    "train": ["train", "pipe", "name", "a.wav", "--into", "out"],
    "bench speed": ["bench", "speed", "pipe"],
    "bench codecs": ["bench", "codecs", "pipe"],
    "encode": ["encode", "pipe", "out/new"],
    "./encode": ["./encode", "pipe", "out/new"],
    "verify": ["verify", "pipe"],
}


SIGNALS = [(name, "SIGTERM") for name in READING]
SIGNALS += [(name, number) for name in ("pack", "train") for number in ("SIGHUP", "SIGINT")]


@pytest.mark.parametrize(("name", "number"), SIGNALS)
def test_a_command_that_reads_can_be_stopped(here, name, number):
    if name == "analyze":
        pytest.importorskip("matplotlib")
        pytest.importorskip("scipy")
    if name == "train":
        pytest.importorskip("yaml")
        pytest.importorskip("torch")
    run = start(*READING[name])
    with opened_by(run, "pipe"):
        run.send_signal(getattr(signal, number))
        if name == "./encode":
            assert (run.communicate(timeout=PATIENCE)[1], run.returncode) == (b"", 130)
        else:
            assert_interrupted(run)
    assert listed(here / "out") == []


def test_a_simulation_can_be_stopped(here):
    run = start("simulate", "out", "--leads", "100000", "--seconds", "2")
    wait_until(run, lambda: any(name.endswith(".wav") for name in os.listdir("out")))
    run.terminate()
    assert_interrupted(run)
    assert not partials(here)


def test_a_measurement_ends_with_its_processes_and_files(here):
    os.mkdir("tmp")
    run = start("bench", "start", "--runs", "10000", TMPDIR=str(here / "tmp"))
    wait_until(run, lambda: list((here / "tmp").rglob("b.wav")))
    run.terminate()
    assert_interrupted(run)
    assert listed(here / "tmp") == []


def test_a_batch_ends_with_its_processes(here):
    write_recordings(here / "wavs", 100, 2.0, seed=2)
    run = start("batch", "encode", "wavs", "-o", "out", "-j", "2", "--preset", "spikey")
    wait_until(run, lambda: any(name.endswith(".brainwire") for name in os.listdir("out")))
    run.terminate()
    assert_interrupted(run, "spikey: Interrupted; the same command continues from here.\n")
    assert not partials(here)


def test_a_training_can_be_stopped_and_resumed(here):
    pytest.importorskip("torch")
    pytest.importorskip("yaml")
    write_recordings(here / "wavs", 4, 1.0, seed=2)
    text = "latent_projector: {latent_size: 4}\ndata: {keep_out: 0}\n"
    text += "training: {epochs: 10000, samples_per_epoch: 512, batch_size: 128, device: cpu}\n"
    (here / "config.yaml").write_text(text)
    arguments = ["train", "config.yaml", "name", "wavs", "--into", "out", "--work", "work"]
    for resumed in ([], ["--resume"]):
        run = start(*arguments, *resumed)
        before = (here / "work" / "log.csv").stat().st_mtime_ns if resumed else 0
        log = here / "work" / "log.csv"
        wait_until(run, lambda log=log, at=before: log.exists() and log.stat().st_mtime_ns > at)
        run.terminate()
        assert_interrupted(run)
        assert not partials(here) and listed(here / "out") == []


def test_what_is_ignored_stays_so(here):
    """As after nohup: the terminal's end is not that of the command."""
    arguments = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *process("encode", "pipe", "out/new")]
    run = subprocess.Popen(arguments, stderr=subprocess.PIPE)
    with opened_by(run, "pipe") as pipe:
        run.send_signal(signal.SIGHUP)
        pipe.write(b"anything")
    assert run.communicate(timeout=PATIENCE)[1] == b"" and run.returncode == 0
    assert listed(here / "out") == ["new"]


def test_handlers_are_as_they_were_afterwards():
    before = [signal.getsignal(getattr(signal, name)) for name in stop.NAMES]
    with contextlib.suppress(KeyboardInterrupt), stop.stoppable(), stop.stoppable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(PATIENCE)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # does not disturb the undoing
    assert [signal.getsignal(getattr(signal, name)) for name in stop.NAMES] == before
