"""Many files at once: nothing is done twice, nothing half, and a bad file costs only itself."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from patience import PATIENCE
from spikey_codec import codec
from spikey_codec.batch import convert, run
from spikey_codec.batch.journal import JOURNAL
from spikey_codec.cli.main import main
from spikey_codec.errors import RecordingError, UsageError, WorkerError
from spikey_codec.info import read_info
from spikey_codec.lab.simulate import write_recordings
from spikey_codec.system import cluster as cluster_pool
from spikey_codec.system import pool, progress

COUNT = 5
KINDS = {"encode": ("wavs", ".wav", ".brainwire"), "decode": ("packed", ".brainwire", ".wav")}
both = pytest.mark.parametrize("direction", KINDS)


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, bytes]:
    """Contents of a few short recordings by name, without ending."""
    paths = write_recordings(tmp_path_factory.mktemp("originals"), COUNT, 0.1, seed=4)
    return {path.stem: path.read_bytes() for path in paths}


@pytest.fixture
def here(tmp_path, originals, monkeypatch) -> Path:
    """A folder with the recordings in wavs/, and encoded in packed/; work is done within it."""
    for folder, pack in (("wavs", bytes), ("packed", codec.compress)):
        (tmp_path / folder).mkdir()
        for name, data in originals.items():
            ending = ".wav" if folder == "wavs" else ".brainwire"
            (tmp_path / folder / (name + ending)).write_bytes(pack(data))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def spikey():
    """Run `spikey batch` and give what it says, line by line; the last one is the summary."""

    def run(*arguments, status: int = 0) -> list[str]:
        result = CliRunner().invoke(main, ["batch", *map(str, arguments)])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.stdout == ""
        return result.output.splitlines()

    return run


@pytest.fixture
def at_once(monkeypatch):
    """Do the jobs in this very process; what is not about processes is tested faster so."""

    def unordered(function, items, processes):
        for item in items:
            yield pool.Finished(item, function(item))

    monkeypatch.setattr(pool, "unordered", unordered)


def counts(said: list[str]) -> list[int]:
    """How many were done, skipped and failed, of the summary."""
    found = re.match(r"(\d+) done, (\d+) already done, (\d+) failed; ", said[-1])
    assert found, said
    return [int(number) for number in found.groups()]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != JOURNAL}


def times(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in folder.iterdir() if p.name != JOURNAL}


# What works


def test_processes_encode_and_decode_a_folder(here, spikey, originals):
    said = spikey("encode", "wavs", "-o", "new/packed", "-j", 2)
    assert counts(said) == [COUNT, 0, 0]
    assert contents(here / "new" / "packed") == contents(here / "packed")
    before = sum(map(len, originals.values()))
    after = sum(map(len, contents(here / "packed").values()))
    assert said[-1].endswith(f"{before} bytes -> {after} bytes, ratio {before / after:.4f}")
    said = spikey("decode", "new/packed", "-o", "back", "-j", 2)
    assert said[-1].endswith(f"{after} bytes -> {before} bytes, ratio {before / after:.4f}")
    assert contents(here / "back") == contents(here / "wavs")


@both
def test_files_folders_and_repetitions(here, spikey, at_once, direction):
    folder, ending, _ = KINDS[direction]
    first = sorted((here / folder).iterdir())[0]
    (here / f"one{ending.upper()}").write_bytes(first.read_bytes())
    (here / folder / "notes.txt").write_text("not for us")
    (here / folder / f".hidden{ending}").write_text("nor is this")
    said = spikey(direction, f"one{ending.upper()}", folder, first, f"{folder}/", "-o", "out")
    assert counts(said) == [COUNT + 1, 0, 0]
    assert (here / "out" / {"encode": "one.WAV.brainwire", "decode": "one.wav"}[direction]).exists()


def test_a_preset_can_be_named(here, spikey, at_once):
    spikey("encode", "wavs", "-o", "out", "--preset", "spikey")
    for data in contents(here / "out").values():
        assert read_info(data)["preset"] == "spikey"


# Names


def test_every_name_comes_back(here, spikey, at_once, originals):
    names = ["A1.WAV", "b.Wav", "c.wav.wav", "d.WAV.wav", "e..wav", "f.brainwire.wav", "g.wav"]
    (here / "in").mkdir()
    for name, content in zip(names, 2 * list(originals.values()), strict=False):
        (here / "in" / name).write_bytes(content)
    assert counts(spikey("encode", "in", "-o", "made")) == [len(names), 0, 0]
    assert {"A1.WAV.brainwire", "f.brainwire.brainwire", "g.brainwire"} < contents(
        here / "made"
    ).keys()
    assert counts(spikey("decode", "made", "-o", "back")) == [len(names), 0, 0]
    assert contents(here / "back") == contents(here / "in")


@pytest.mark.parametrize(
    ("direction", "first", "second", "part"),
    [
        ("encode", "a.wav", "A.wav", "only in case"),
        ("encode", "a.wav", "a.WAV", "only in case"),
        ("encode", "ü.wav", "Ü.wav", "only in case"),
        ("encode", "a\u0308.wav", "ä.wav", "only in case"),
        ("decode", "a.brainwire", "A.brainwire", "only in case"),
        ("decode", "a.brainwire", "a.WAV.brainwire", "only in case"),
        ("decode", "a.brainwire", "a.wav.brainwire", "the same output, a.wav"),
        ("decode", "a.brainwire", "a.BRAINWIRE", "the same output, a.wav"),
    ],
)
def test_names_that_could_collide_are_refused(here, spikey, direction, first, second, part):
    for folder, name in (("x", first), ("y", second)):
        (here / folder).mkdir()
        (here / folder / name).write_bytes(b"")
    said = spikey(direction, "x", "y", "-o", "out", status=2)
    assert len(said) == 1 and part in said[0] and first in said[0] and second in said[0]
    assert not (here / "out").exists()


def test_an_output_of_another_input_is_not_overwritten_without_force(here, spikey, at_once):
    paths = sorted((here / "wavs").iterdir())
    (here / "other").mkdir()
    (here / "other" / paths[0].name).write_bytes(paths[1].read_bytes())
    spikey("encode", "wavs", "-o", "out")
    before = contents(here / "out")
    said = spikey("encode", "other", "-o", "out", status=1)
    assert str(paths[0]) in said[0] and "--force" in said[0] and contents(here / "out") == before
    assert counts(spikey("encode", "other", "-o", "out", "--force")) == [1, 0, 0]
    (here / "wavs").rename(here / "moved")  # the same content elsewhere is no other recording
    assert counts(spikey("encode", "moved", "-o", "new")) == [COUNT, 0, 0]
    (here / "moved").rename(here / "again")
    assert counts(spikey("encode", "again", "-o", "new")) == [COUNT, 0, 0]


# What was done is not done again


@both
def test_nothing_is_done_twice(here, spikey, at_once, direction, monkeypatch):
    folder = KINDS[direction][0]
    assert counts(spikey(direction, folder, "-o", "out")) == [COUNT, 0, 0]
    before, journal = times(here / "out"), (here / "out" / JOURNAL).read_bytes()

    def never(*arguments):
        raise AssertionError("it was done again")

    for name in ("compress", "decompress"):
        monkeypatch.setattr(convert, name, never)
    again = spikey(direction, folder, "-o", "out")
    assert counts(again) == [0, COUNT, 0]
    assert "ratio" in again[-1]
    assert times(here / "out") == before
    assert (here / "out" / JOURNAL).read_bytes() == journal


@both
def test_a_changed_input_is_done_anew(here, spikey, at_once, direction, originals):
    folder, ending, made = KINDS[direction]
    spikey(direction, folder, "-o", "out")
    name = min(originals)
    other = contents(here / folder)[max(originals) + ending]
    (here / folder / (name + ending)).write_bytes(other)
    before = times(here / "out")
    assert counts(spikey(direction, folder, "-o", "out")) == [1, COUNT - 1, 0]
    after = times(here / "out")
    assert {key for key in after if after[key] != before[key]} == {name + made}
    assert counts(spikey(direction, folder, "-o", "out")) == [0, COUNT, 0]


@both
@pytest.mark.parametrize("harm", ["flip", "flip in secret", "cut", "remove"])
def test_a_damaged_output_is_made_anew(here, spikey, at_once, direction, harm):
    spikey(direction, KINDS[direction][0], "-o", "out")
    good = contents(here / "out")
    path = here / "out" / min(good)
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes(data[:-3] if harm == "cut" else data)
    if harm == "flip in secret":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert counts(spikey(direction, KINDS[direction][0], "-o", "out")) == [1, COUNT - 1, 0]
    assert contents(here / "out") == good


def test_another_preset_is_another_output(here, spikey, at_once):
    spikey("encode", "wavs", "-o", "out")
    assert counts(spikey("encode", "wavs", "-o", "out", "--preset", "spikey")) == [COUNT, 0, 0]
    assert counts(spikey("encode", "wavs", "-o", "out", "--preset", "spikey")) == [0, COUNT, 0]


def test_new_files_are_added(here, spikey, at_once, originals):
    spikey("encode", "wavs", "-o", "out")
    (here / "wavs" / "new.wav").write_bytes(b"any bytes")
    assert counts(spikey("encode", "wavs", "-o", "out")) == [1, COUNT, 0]


@pytest.mark.parametrize("end", [
    b'{"output": "torn', b"[]\n{}\n1\n\xc3\x28\n", b"\n\n",
    pytest.param(b"[" * 9999, id="nested too deeply"),
])  # fmt: skip
def test_a_torn_journal_costs_only_what_is_torn(here, spikey, at_once, end):
    spikey("encode", "wavs", "-o", "out")
    journal = here / "out" / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + end)
    assert counts(spikey("encode", "wavs", "-o", "out")) == [1, COUNT - 1, 0]
    assert counts(spikey("encode", "wavs", "-o", "out")) == [0, COUNT, 0]


def test_an_output_that_was_not_yet_in_the_journal_is_taken_over(here, spikey, at_once):
    spikey("encode", "wavs", "-o", "out")
    (here / "out" / JOURNAL).unlink()
    before = times(here / "out")
    assert counts(spikey("encode", "wavs", "-o", "out")) == [COUNT, 0, 0]
    assert times(here / "out") == before


# What fails


def test_a_bad_file_does_not_stop_the_others(here, spikey, originals):
    names = sorted((here / "packed").iterdir())
    good = contents(here / "packed")
    names[1].write_bytes(good[names[1].name][:-1])
    names[2].write_bytes(b"not at all")
    said = spikey("decode", "packed", "gone.brainwire", "-o", "out", "-j", 2, status=1)
    assert counts(said) == [COUNT - 2, 0, 3] and len(said) == 4
    for part in (
        f"{names[1]}: The file is cut short",
        f"{names[2]}: This is not",
        f"{here / 'gone.brainwire'}: No such file or directory.",
    ):
        assert any(line.startswith(f"spikey: {part}") for line in said), (part, said)
    assert set(contents(here / "out")) == {path.stem + ".wav" for path in (names[0], *names[3:])}
    names[1].write_bytes(good[names[1].name])
    names[2].write_bytes(good[names[2].name])
    assert counts(spikey("decode", "packed", "-o", "out", "-j", 2)) == [2, COUNT - 2, 0]
    assert contents(here / "out") == contents(here / "wavs")


@both
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_file_is_named(here, spikey, at_once, direction):
    path = sorted((here / KINDS[direction][0]).iterdir())[0]
    path.chmod(0)
    said = spikey(direction, KINDS[direction][0], "-o", "out", status=1)
    assert said[0] == f"spikey: {path}: Permission denied." and counts(said) == [COUNT - 1, 0, 1]


@both
def test_a_folder_of_the_name_of_a_file_is_no_file(here, spikey, at_once, direction):
    folder, ending, _ = KINDS[direction]
    (here / folder / f"sub{ending}").mkdir()
    said = spikey(direction, folder, "-o", "out", status=1)
    assert "Is a directory." in said[0] and counts(said) == [COUNT, 0, 1]


def test_what_does_not_decode_to_the_same_is_not_written(here, spikey, at_once, monkeypatch):
    bad = here / "wavs" / "bad.wav"
    bad.write_bytes(b"bad")
    real = convert.decompress
    monkeypatch.setattr(convert, "decompress", lambda data: real(data).replace(b"bad", b"sad"))
    said = spikey("encode", "wavs", "-o", "out", status=1)
    assert said[0].startswith(f"spikey: {bad}: The compressed file did not decode")
    assert counts(said) == [COUNT, 0, 1] and not (here / "out" / "bad.brainwire").exists()


def test_a_bug_costs_one_file(here, spikey, at_once, monkeypatch):
    def compress(data, preset):
        if data == b"bad":
            raise IndexError("a bug")
        return codec.compress(data, preset)

    (here / "wavs" / "bad.wav").write_bytes(b"bad")
    monkeypatch.setattr(convert, "compress", compress)
    said = spikey("encode", "wavs", "-o", "out", status=1)
    assert "bad.wav: IndexError: a bug" in said[0] and counts(said) == [COUNT, 0, 1]


def test_a_file_that_grows_is_not_taken(here, spikey, at_once, monkeypatch):
    path = min((here / "wavs").iterdir())
    real = os.fstat

    def fstat(descriptor):
        status = real(descriptor)
        if os.path.samestat(status, path.stat()):
            with open(path, "ab") as file:
                file.write(b"more")
        return status

    monkeypatch.setattr(os, "fstat", fstat)
    said = spikey("encode", "wavs", "-o", "out", status=1)
    assert said[0] == f"spikey: {path}: The file changed while it was being read."


def test_other_files_are_not_overwritten_without_force(here, spikey, at_once):
    name = min(contents(here / "wavs"))
    (here / "wavs" / name).write_bytes(b"precious")
    said = spikey("decode", "packed", "-o", "wavs", status=1)
    assert counts(said) == [COUNT - 1, 0, 1] and "--force" in said[0] and name in said[0]
    assert (here / "wavs" / name).read_bytes() == b"precious"
    assert counts(spikey("decode", "packed", "-o", "wavs", "--force")) == [1, COUNT - 1, 0]
    assert (here / "wavs" / name).read_bytes() != b"precious"


def test_an_input_is_never_its_own_output(here, spikey, at_once, originals):
    name = min(originals)
    (here / "out").mkdir()
    (here / "out" / f"{name}.brainwire").symlink_to(here / "wavs" / f"{name}.wav")
    said = spikey("encode", "wavs", "-o", "out", "--force", status=1)
    assert "same file" in said[0] and counts(said) == [COUNT - 1, 0, 1]
    assert (here / "wavs" / f"{name}.wav").read_bytes() == originals[name]


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["encode", "wavs", "clash", "-o", "out"], 2, "would have the same output, "),
        (["encode", "wavs", "-o", "out", "--preset", "best"], 2, "no preset 'best'"),
        (["encode", "wavs", "packed/notes", "-o", "out"], 2, "neither a folder nor a .wav file"),
        (["encode", "packed", "-o", "out"], RecordingError.exit_code, "There is no .wav file"),
        (["decode", "wavs", "-o", "out"], RecordingError.exit_code, "There is no .brainwire file"),
        (["encode", "wavs", "-o", "file/out"], 1, "file/out: Not a directory"),
        (["encode", "wavs", "-o", "out", "-j", "2", "--scheduler", "tcp://h:1"], 2, "-j is for"),
    ],
)
def test_what_cannot_begin_is_one_sentence(here, spikey, originals, arguments, status, part):
    (here / "clash").mkdir()
    (here / "clash" / (min(originals) + ".wav")).write_bytes(b"another of the same name")
    (here / "file").write_text("")
    said = spikey(*arguments, status=status)
    assert len(said) == 1 and said[0].startswith("spikey: ") and said[0].endswith(".")
    assert part in said[0] and not (here / "out").exists()


def die_of(job: str) -> str:
    """A job for `pool.unordered` that takes its process with it if it is called "bad"."""
    if job == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return job.upper()


def test_a_process_that_dies_costs_only_the_job_to_blame():
    jobs = ["a", "b", "bad", "c", "d", "e", "f"]
    finished = {item.item: item for item in pool.unordered(die_of, jobs, 2)}
    assert sorted(finished) == sorted(jobs)
    error = finished.pop("bad").error
    assert isinstance(error, WorkerError) and str(error) == pool.KILLED
    assert {item.item.upper() for item in finished.values()} == {
        i.result for i in finished.values()
    }


# A run that is interrupted


SLOW = 24


@pytest.fixture
def slow(tmp_path):
    """A folder of files that take a second or more in all, and the command to encode them."""
    write_recordings(tmp_path / "slow", SLOW, 2.0, seed=9)
    command = [
        sys.executable,
        "-m",
        "spikey_codec.cli.main",
        "batch",
        "encode",
        "slow",
        "-o",
        "out",
        "-j",
        "2",
        "--preset",
        "spikey",
    ]
    return tmp_path, command


@pytest.mark.long
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "SIGINT", "Ctrl-C"])
def test_killed_in_the_middle_and_resumed(slow, how):
    folder, command = slow
    journal = folder / "out" / JOURNAL
    run = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, start_new_session=True)
    while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
        assert run.poll() is None
        time.sleep(0.005)
    if how == "Ctrl-C":  # reaches the whole group of processes
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.send_signal(getattr(signal, how))
    said = run.communicate(timeout=PATIENCE)[
        1
    ].decode()  # also waits for the processes: it is theirs too
    assert run.returncode != 0 and "Traceback" not in said
    if how in ("SIGINT", "Ctrl-C"):
        assert run.returncode == 130 and "continues from here" in said

    done = read_lines(journal)
    before = times(folder / "out")
    assert 3 <= len(done) < SLOW and set(done) <= set(before) and len(before) <= len(done) + 4
    for name in before:  # no file is there by half, and none under another name
        original = (folder / "slow" / name).with_suffix(".wav").read_bytes()
        assert codec.decompress((folder / "out" / name).read_bytes()) == original

    again = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=PATIENCE)
    assert counts(again.stderr.decode().splitlines()) == [SLOW - len(done), len(done), 0]
    after = times(folder / "out")
    assert len(after) == SLOW and {name: after[name] for name in before} == before


def test_interrupted_at_the_start(slow):
    folder, command = slow
    for wait in (0.1, 0.3, 0.4, 0.5, 0.7):
        run = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate(timeout=PATIENCE)[1].decode()
        if "continues from here" in said:  # and not while Python itself was starting
            assert run.returncode == 130 and said.count("\n") == 1, said


def read_lines(journal: Path) -> list[str]:
    lines = journal.read_text("utf-8").splitlines()
    return [json.loads(line)["output"] for line in lines]


def test_what_a_killed_writer_left_is_swept_away(here, spikey, at_once):
    (here / "out").mkdir()
    old, new = (here / "out" / f".spikey-{name}.partial" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    spikey("encode", "wavs", "-o", "out")
    assert not old.exists() and new.exists()


# Dask


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        processes=True,
        threads_per_worker=1,
        dashboard_address=":0",
    ) as cluster:
        yield cluster


def test_a_dask_cluster_does_the_same(here, spikey, cluster):
    address = cluster.scheduler_address
    (here / "wavs" / "sub.wav").mkdir()
    said = spikey("encode", "wavs", "-o", "out", "--scheduler", address, status=1)
    assert counts(said) == [COUNT, 0, 1] and "Is a directory" in said[0]
    assert contents(here / "out") == contents(here / "packed")
    path = here / "out" / min(contents(here / "out"))
    path.write_bytes(b"damaged")
    (here / "wavs" / "sub.wav").rmdir()
    said = spikey("encode", "wavs", "-o", "out", "--scheduler", address)
    assert counts(said) == [1, COUNT - 1, 0]
    assert contents(here / "out") == contents(here / "packed")
    assert counts(spikey("decode", "out", "-o", "back", "--scheduler", address)) == [COUNT, 0, 0]
    assert contents(here / "back") == contents(here / "wavs")


def test_the_workers_of_a_cluster_are_used(cluster):
    finished = list(cluster_pool.unordered(process_of, list(range(20)), cluster.scheduler_address))
    assert sorted(item.item for item in finished) == list(range(20))
    pids = {item.result for item in finished if item.error is None}
    assert len(pids) == 2 and os.getpid() not in pids
    assert [str(item.error) for item in finished if item.error] == ["seven is bad"]


def process_of(job: int) -> int:
    """Number of the process that does it."""
    if job == 7:
        raise ValueError("seven is bad")
    time.sleep(0.02)
    return os.getpid()


def test_a_scheduler_that_goes_away_is_one_sentence():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        processes=True,
        threads_per_worker=1,
        dashboard_address=":0",
    ) as cluster:
        results = cluster_pool.unordered(
            process_of, list(range(200, 300)), cluster.scheduler_address
        )
        assert next(results).result
        cluster.close()
        with pytest.raises(ConnectionError, match="has gone away"):
            list(results)


def test_a_worker_of_another_version_is_refused(here, originals):
    job = run.plan([here / "wavs" / (min(originals) + ".wav")], here / "out", "encode")[0]
    outcome = convert.convert(replace(job, version="99"))
    assert outcome.state == convert.FAILED and "not 99" in outcome.why


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "tcp://no host:1"])
def test_an_unreachable_scheduler_is_one_sentence(here, spikey, address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_pool, "PATIENCE", 1)
    said = spikey("encode", "wavs", "-o", "out", "--scheduler", address, status=2)
    assert len(said) == 1 and "No Dask scheduler answers" in said[0]
    assert not (here / "out").exists()


def test_without_dask_one_sentence_says_how_to_get_it(here, spikey, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = spikey("encode", "wavs", "-o", "out", "--scheduler", "tcp://127.0.0.1:1", status=2)
    assert len(said) == 1 and "spikey-codec[dask]" in said[0] and not (here / "out").exists()


def test_dask_is_not_imported_without_a_scheduler(run_python, here):
    code = (
        "import sys\nfrom spikey_codec.cli.main import main\n"
        "if __name__ == '__main__':\n"
        "    main(['batch', 'encode', 'wavs', '-o', 'out', '-j', '1'], standalone_mode=False)\n"
        "    assert not {'distributed', 'dask'} & set(sys.modules)\n"
    )
    (here / "script.py").write_text(code)
    done = run_python("import runpy; runpy.run_path('script.py', run_name='__main__')", cwd=here)
    assert done.returncode == 0, done.stderr
    assert len(contents(here / "out")) == COUNT


# As a library, and on a terminal


def test_run_reports_each_file(here, at_once):
    seen = []
    summary = run.run("encode", [here / "wavs"], here / "out", report=lambda *a: seen.append(a))
    assert [outcome.state for outcome, _, _ in seen] == [convert.DONE] * COUNT
    assert seen[-1][1:] == (summary, COUNT)
    with pytest.raises(UsageError):
        run.run("encode", [here / "nothing"], here / "out")
    with pytest.raises(RecordingError):
        run.run("encode", [here / "packed"], here / "out")


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_progress_on_a_terminal(has_tqdm, monkeypatch, capsys):
    if has_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.shown() as line:
        line.advance(12)
        line.say("something is wrong")
        line.advance(12)
    said = capsys.readouterr().err
    assert "something is wrong\n" in said
    assert ("/12 " if has_tqdm else "2 of 12") in said


def test_no_progress_where_it_is_no_terminal(capsys):
    with progress.shown() as line:
        line.advance(2)
        line.say("a line")
    assert capsys.readouterr().err == "a line\n"
