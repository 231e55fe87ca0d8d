"""The user's files: whole or not at all."""

import contextlib
import errno
import io
import os
import resource
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest

from spikey_codec.errors import CorruptError, UsageError
from spikey_codec.system import files


def listed(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@contextlib.contextmanager
def small_files_only():
    """Writing more than 1,000 bytes to a file fails, as on a full disk.

    No fixture: pytest reports a test before it takes fixtures down, perhaps into a longer file.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


# Reading and writing


@pytest.mark.parametrize("data", [b"", b"abc", bytes(100_000)])
def test_what_is_written_is_read(tmp_path, data):
    path = str(tmp_path / "file")
    files.write(path, data)
    assert files.read(path) == data
    assert listed(tmp_path) == ["file"]


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"something longer than what comes")
    files.write(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert listed(tmp_path) == ["file"]


def test_a_relative_path_is_taken_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.write("file", b"abc")
    assert (tmp_path / "file").read_bytes() == b"abc"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_permissions_of_an_existing_file_are_kept(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


NO_PERMISSIONS = "EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"


@pytest.mark.parametrize("name", NO_PERMISSIONS)
@pytest.mark.parametrize("mode", [0o600, 0o444, 0o640])
def test_a_file_system_that_sets_no_permissions_is_written_to(tmp_path, monkeypatch, name, mode):
    def refuse(path, *arguments, **settings):
        number = getattr(errno, name)
        raise OSError(number, os.strerror(number), path)

    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    monkeypatch.setattr(os, "chmod", refuse)
    files.write(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert listed(tmp_path) == ["file"]
    # What could be read by few is not opened to more, and the owner can always replace it again.
    assert stat.S_IMODE(path.stat().st_mode) & ~stat.S_IWUSR == mode & ~stat.S_IWUSR
    files.write(str(path), b"newer")
    assert path.read_bytes() == b"newer"


def test_a_file_is_never_open_to_more_than_the_one_that_it_replaces(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)

    def pieces():
        yield b"new"
        for name in listed(tmp_path):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600

    files.write(str(path), pieces())
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    files.write(str(tmp_path / "new"), b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_file_behind_a_link_is_replaced_and_the_link_kept(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    files.write(str(link), b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert listed(tmp_path / "folder") == ["target"]


def test_a_link_to_nothing_yet_gets_its_target(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_devices_are_written_to_not_replaced():
    files.write(os.devnull, b"abc")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_pipes_are_written_to_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    files.write(str(path), b"abc")
    reader.join()
    assert got == [b"abc"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_dash_is_standard_input_and_output(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in\xff\r\n")))
    monkeypatch.setattr(sys, "stdout", out)
    assert files.read("-") == b"in\xff\r\n"
    files.write("-", b"out\xff\r\n")
    assert out.buffer.getvalue() == b"out\xff\r\n"


# Whole or not at all


def test_a_write_that_fails_halfway_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with small_files_only(), pytest.raises(OSError):
        files.write(str(path), bytes(5000))
    assert path.read_bytes() == b"old"
    assert listed(tmp_path) == ["file"]


def test_a_write_that_fails_halfway_leaves_no_new_file(tmp_path):
    with small_files_only(), pytest.raises(OSError):
        files.write(str(tmp_path / "file"), bytes(5000))
    assert listed(tmp_path) == []


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_an_interruption_at_the_end_leaves_the_old_file(tmp_path, monkeypatch, error, step):
    def fail(*arguments):
        raise error

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        files.write(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert listed(tmp_path) == ["file"]


def test_the_target_is_never_seen_half_written(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen = []
    replace = os.replace

    def look(source, target):
        seen.extend([path.read_bytes(), Path(source).read_bytes(), Path(source).parent])
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    files.write(str(path), b"new")
    assert seen == [b"old", b"new", tmp_path]


def test_a_folder_is_not_written_to(tmp_path):
    with pytest.raises(IsADirectoryError):
        files.write(str(tmp_path), b"abc")
    assert listed(tmp_path) == []


@pytest.mark.parametrize("path", ["missing/file", "file/file"])
def test_a_path_that_cannot_be_is_an_os_error(tmp_path, path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError):
        files.write(str(tmp_path / path), b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert listed(tmp_path) == ["file"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(OSError) as caught:
        files.write(str(tmp_path / "missing" / "file"), b"new")
    assert ".partial" not in files.sentence(caught.value)


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    name = "x" * 250
    (tmp_path / name).write_bytes(b"old")
    files.write(str(tmp_path / name), b"new")
    assert (tmp_path / name).read_bytes() == b"new"


# One file for both


def test_the_same_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    (tmp_path / "link").symlink_to(path)
    os.link(path, tmp_path / "hard")
    for other in ("file", "link", "hard", "./../" + tmp_path.name + "/file"):
        with pytest.raises(UsageError, match="same file"):
            files.refuse_same(str(path), f"{tmp_path}/{other}")


def test_different_files_are_not_refused(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same content")
    files.refuse_same(str(tmp_path / "one"), str(tmp_path / "two"))
    files.refuse_same(str(tmp_path / "one"), str(tmp_path / "new"))
    files.refuse_same(str(tmp_path / "missing"), str(tmp_path / "missing"))


def test_what_is_no_regular_file_may_be_both():
    files.refuse_same("-", "-")
    files.refuse_same(os.devnull, os.devnull)


# Sentences


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "a.wav"), "a.wav: No such file."),
        (OSError(errno.ENOSPC, "No space left"), "No space left."),
        (MemoryError(), "There is not enough memory for a file of this size."),
        (CorruptError("The file is damaged."), "The file is damaged."),
    ],
)
def test_errors_are_told_in_one_sentence(error, sentence):
    assert files.sentence(error) == sentence
