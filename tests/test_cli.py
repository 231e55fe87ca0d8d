"""The command line as a person runs it: what is written, what is said, and the exit status."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from patience import PATIENCE
from spikey_codec import __version__, codec
from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, NotBrainwireError, RecordingError, VersionError
from spikey_codec.info import read_info
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes
from spikey_codec.readers.wav import split
from strategies import plain_wav

ROOT = Path(__file__).parents[1]
WAV = plain_wav(codes_to_pcm(simulate_codes(1, 0.05, seed=1)[0]))
PACKED = codec.compress(WAV)
EXECUTABLES = ("encode", "decode")
INPUT = {"encode": WAV, "decode": PACKED}
OUTPUT = {"encode": PACKED, "decode": WAV}
CODE = "import sys; from spikey_codec.cli.challenge import {0}; sys.exit({0}())"

both = pytest.mark.parametrize("name", EXECUTABLES)


@pytest.fixture
def execute(run_python, tmp_path):
    """Run `encode` or `decode` in a folder of its own."""

    def run(name: str, *arguments, stdin: bytes = b""):
        return run_python(CODE.format(name), *arguments, stdin=stdin, cwd=tmp_path)

    return run


@pytest.fixture
def here(tmp_path):
    """The folder they run in, with an input for each."""
    for name, content in INPUT.items():
        (tmp_path / f"for-{name}").write_bytes(content)
    return tmp_path


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("for-"))


def assert_silent(done):
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def assert_fails(done, status: int, *parts: str):
    """One sentence on stderr that begins with the command's name and holds these parts."""
    said = done.stderr.decode()
    assert done.returncode == status, said
    assert done.stdout == b""
    assert said.count("\n") == 1 and said.endswith(".\n"), said
    assert said.split(":")[0] in EXECUTABLES and "Traceback" not in said
    for part in parts:
        assert part in said


# ./encode and ./decode: what works


@both
def test_files_are_converted_without_a_word(execute, here, name):
    assert_silent(execute(name, f"for-{name}", "out"))
    assert (here / "out").read_bytes() == OUTPUT[name]
    assert listed(here) == ["out"]


@both
def test_an_existing_output_is_overwritten_silently(execute, here, name):
    (here / "out").write_bytes(b"old" * 9999)
    (here / "out").chmod(0o640)
    assert_silent(execute(name, f"for-{name}", "out"))
    assert (here / "out").read_bytes() == OUTPUT[name]
    assert stat.S_IMODE((here / "out").stat().st_mode) == 0o640


@both
def test_a_dash_is_standard_input_and_output(execute, here, name):
    done = execute(name, "-", "-", stdin=INPUT[name])
    assert (done.returncode, done.stdout, done.stderr) == (0, OUTPUT[name], b"")
    assert listed(here) == []


@both
def test_one_side_may_be_standard(execute, here, name):
    assert execute(name, f"for-{name}", "-").stdout == OUTPUT[name]
    assert_silent(execute(name, "-", "out", stdin=INPUT[name]))
    assert (here / "out").read_bytes() == OUTPUT[name]


@both
def test_names_may_hold_anything(execute, here, name):
    odd = "a name: 100% ünusual\n.wav"
    shutil.copy(here / f"for-{name}", here / odd)
    assert_silent(execute(name, odd, odd + " 2"))
    assert (here / (odd + " 2")).read_bytes() == OUTPUT[name]


@both
def test_devices_can_be_the_output(execute, here, name):
    assert_silent(execute(name, f"for-{name}", os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize("content", [b"", b"anything", WAV[:-1]])
def test_any_file_can_be_encoded(execute, here, content):
    (here / "in").write_bytes(content)
    assert_silent(execute("encode", "in", "packed"))
    assert_silent(execute("decode", "packed", "out"))
    assert (here / "out").read_bytes() == content


def test_a_preset_can_be_named(execute, here):
    assert_silent(execute("encode", "--preset", "linear", "for-encode", "out"))
    assert (here / "out").read_bytes() == PACKED


@both
def test_version_and_help_go_to_standard_output(execute, name):
    done = execute(name, "--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"spikey {__version__}\n"
    done = execute(name, "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"usage: {name}")


# ./encode and ./decode: what does not


@both
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["one"],
        ["one", "two", "three"],
        ["--what", "a", "b"],
        ["--vers"],
        ["--pre=linear", "a", "b"],
    ],
)
def test_arguments_that_make_no_sense_are_usage_errors(execute, here, name, arguments):
    assert_fails(execute(name, *arguments), 2, f"{name} --help")
    assert listed(here) == []


@pytest.mark.parametrize("preset", ["best", ""])
def test_an_unknown_preset_is_a_usage_error(execute, here, preset):
    done = execute("encode", "for-encode", "out", "--preset", preset)
    assert_fails(done, 2, "no preset", "linear")
    assert listed(here) == []


@both
def test_a_missing_input_is_named(execute, here, name):
    assert_fails(execute(name, "missing", "out"), 1, "missing: No such file or directory")
    assert listed(here) == []


@both
def test_a_folder_is_no_input(execute, here, name):
    (here / "folder").mkdir()
    assert_fails(execute(name, "folder", "out"), 1, "folder: Is a directory")
    assert listed(here) == ["folder"]


@both
def test_a_folder_is_no_output(execute, here, name):
    (here / "folder").mkdir()
    assert_fails(execute(name, f"for-{name}", "folder"), 1, "folder: Is a directory")
    assert list((here / "folder").iterdir()) == []


@both
def test_an_output_in_a_missing_folder_is_named(execute, here, name):
    assert_fails(execute(name, f"for-{name}", "missing/out"), 1, "missing/out: No such file")
    assert listed(here) == []


@both
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(execute, here, name):
    (here / "folder").mkdir(mode=0o555)
    assert_fails(execute(name, f"for-{name}", "folder/out"), 1, "folder/out: Permission denied")


@both
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_input_is_named(execute, here, name):
    (here / f"for-{name}").chmod(0)
    assert_fails(execute(name, f"for-{name}", "out"), 1, f"for-{name}: Permission denied")


@both
def test_the_input_is_not_overwritten_by_the_output(execute, here, name):
    (here / "link").symlink_to(here / f"for-{name}")
    for other in (f"for-{name}", "link"):
        assert_fails(execute(name, f"for-{name}", other), 2, "same file", f"for-{name}")
    assert (here / f"for-{name}").read_bytes() == INPUT[name]


def test_a_failed_encode_leaves_the_old_output(execute, here):
    (here / "out").write_bytes(b"old")
    assert_fails(execute("encode", "for-encode", "out", "--preset", "best"), 2)
    assert (here / "out").read_bytes() == b"old"


DAMAGED = {
    "not a brainwire file": (WAV, NotBrainwireError, "This is not a .brainwire file"),
    "empty": (b"", NotBrainwireError, "This is not a .brainwire file"),
    "of another version": (b"SPK\x09" + PACKED[4:], VersionError, "version 9"),
    "cut short": (PACKED[:-1], CorruptError, "cut short"),
    "cut short early": (PACKED[:10], CorruptError, "cut short"),
    "too long": (PACKED + b"\0", CorruptError, "damaged"),
    "of another checksum": (PACKED[:5] + b"abcd" + PACKED[9:], CorruptError, "checksum"),
}


@pytest.mark.parametrize(("content", "error", "part"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_file_that_cannot_be_decoded_leaves_the_old_output(execute, here, content, error, part):
    (here / "bad").write_bytes(content)
    (here / "out").write_bytes(b"old")
    assert_fails(execute("decode", "bad", "out"), error.exit_code, "decode: bad: ", part)
    assert (here / "out").read_bytes() == b"old"
    assert listed(here) == ["bad", "out"]


def test_nothing_of_a_bad_file_goes_to_standard_output(execute):
    done = execute("decode", "-", "-", stdin=PACKED[:-1])
    assert_fails(done, CorruptError.exit_code, "decode: -: ")


# Standard input and output that are not as usual


def with_shell(name: str, redirect: str, cwd: Path):
    """Run it by the shell, with redirections."""
    command = [sys.executable, "-W", "error", "-c", CODE.format(name)]
    script = f'exec "$@" {redirect}'
    return subprocess.run(
        ["sh", "-c", script, "sh", *command, f"for-{name}" if ">" in redirect else "-", "-"],
        capture_output=True,
        cwd=cwd,
        timeout=PATIENCE,
    )


@both
def test_a_full_device_is_one_sentence(here, name):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    assert_fails(with_shell(name, ">/dev/full", here), 1, "No space left on device")


@both
@pytest.mark.parametrize("redirect", ["<&-", ">&-"])
def test_closed_standard_streams_are_one_sentence(here, name, redirect):
    assert_fails(with_shell(name, redirect, here), 1)


# The scripts


def copy_of(name: str, folder: Path) -> Path:
    """The script alone, without an environment beside it."""
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(ROOT / name, folder / name))


def run_script(*command, cwd: Path):
    return subprocess.run([*map(str, command)], capture_output=True, cwd=cwd, timeout=PATIENCE)


@both
def test_a_script_before_the_set_up_says_so(tmp_path, here, name):
    script = copy_of(name, tmp_path / "some folder")
    for command in (script, f"./some folder/{name}"):
        done = run_script(command, f"for-{name}", "out", cwd=here)
        assert_fails(done, 1, f"{name}: ", "not set up", "some folder")
    done = run_script(f"./{name}", "in", "out", cwd=script.parent)
    assert_fails(done, 1, f"{name}: ", "not set up")
    advised = re.search(r"\./(\w+\.sh)", done.stderr.decode())[1]
    assert os.access(ROOT / advised, os.X_OK)


def set_up(script: Path):
    """An environment beside the script that leads to this Python."""
    python = script.parent / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (script.parent / ".venv" / "spikey-setup").write_text("")


@both
def test_a_script_after_the_set_up_works_from_anywhere(tmp_path, here, name):
    script = copy_of(name, tmp_path / "some folder")
    set_up(script)
    (here / "link").symlink_to(script)
    shutil.copy(here / f"for-{name}", here / "for a name")
    for command in (script, f"./some folder/{name}", "./link"):
        assert_silent(run_script(command, "for a name", "out put", cwd=here))
        assert (here / "out put").read_bytes() == OUTPUT[name]
        (here / "out put").unlink()


@both
def test_a_script_hands_on_the_exit_status(tmp_path, here, name):
    script = copy_of(name, tmp_path / "folder")
    set_up(script)
    assert_fails(run_script(script, cwd=here), 2)
    assert_fails(run_script(script, "missing", "out", cwd=here), 1)


@both
def test_a_script_takes_no_module_from_the_folder_it_is_run_in(tmp_path, here, name):
    script = copy_of(name, tmp_path / "folder")
    set_up(script)
    (here / "argparse.py").write_text("raise SystemExit('the wrong argparse')\n")
    assert_silent(run_script(script, f"for-{name}", "out", cwd=here))


# spikey


@pytest.fixture
def spikey(here, monkeypatch):
    """Run the `spikey` command in the folder of the inputs."""
    monkeypatch.chdir(here)

    def run(*arguments, stdin: bytes = b"", status: int = 0):
        result = CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


def test_spikey_encodes_and_decodes(spikey, here):
    assert spikey("encode", "for-encode", "packed").output == ""
    assert (here / "packed").read_bytes() == PACKED
    assert spikey("decode", "packed", "out").output == ""
    assert (here / "out").read_bytes() == WAV


def test_spikey_takes_standard_input_and_output(spikey):
    assert spikey("encode", "-", "-", stdin=WAV).stdout_bytes == PACKED
    assert spikey("decode", "-", "-", stdin=PACKED).stdout_bytes == WAV


@pytest.mark.parametrize(
    ("arguments", "status", "part"),
    [
        (["encode", "missing", "out"], 1, "missing: No such file or directory."),
        (["encode", "for-encode", "."], 1, "Is a directory."),
        (["encode", "for-encode", "for-encode"], 2, "same file"),
        (["encode", "for-encode", "out", "--preset", "best"], 2, "no preset 'best'"),
        (["decode", "for-encode", "out"], NotBrainwireError.exit_code, "not a .brainwire file"),
        (["info", "for-encode"], NotBrainwireError.exit_code, "This is not a .brainwire file"),
        (["simulate", "out", "--leads", "0"], 2, "leads"),
        (["simulate", "for-encode", "--leads", "1", "--seconds", "0.01"], 1, "for-encode"),
        (["fit", "converter", "for-decode"], RecordingError.exit_code, "for-decode"),
        (["fit", "converter", "for-encode", "--keep-out", "1"], 2, "--keep-out"),
        (["fit", "linear", "for-encode"], RecordingError.exit_code, "1,000 samples"),
    ],
)
def test_spikey_fails_in_one_sentence(spikey, here, arguments, status, part):
    said = spikey(*arguments, status=status).output
    assert said.startswith("spikey: ") and said.endswith(".\n") and said.count("\n") == 1, said
    assert part in said
    assert listed(here) == []


@pytest.mark.parametrize(
    "arguments", [["what"], ["encode"], ["info"], ["verify"], ["fit", "what"], ["simulate"]]
)
def test_spikey_explains_its_usage(spikey, arguments):
    assert "Usage: " in spikey(*arguments, status=2).output


def test_spikey_knows_its_version(spikey):
    assert __version__ in spikey("--version").output


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["encode"],
        ["decode"],
        ["info"],
        ["verify"],
        ["simulate"],
        ["fit"],
        ["fit", "converter"],
        ["fit", "linear"],
        ["fit", "density"],
    ],
)
def test_every_command_has_help(spikey, arguments):
    for option in ("--help", "-h"):
        assert spikey(*arguments, option).output.startswith("Usage: ")


HEAVY = {"numpy", "numba", "torch", "matplotlib", "scipy", "bitarray", "tqdm", "multiprocessing"}


@pytest.mark.parametrize("command", ["", *main.commands])
def test_help_imports_nothing_heavy(run_python, command):
    code = (
        "import sys\n"
        "from spikey_codec.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        f"assert not {HEAVY} & set(sys.modules)\n"
    )
    done = run_python(code, *command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_package_is_the_command(run_python):
    for module in ("spikey_codec", "spikey_codec.cli.main"):
        code = f"import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
        done = run_python(code, "--version")
        assert (done.returncode, done.stdout.decode()) == (0, f"spikey, version {__version__}\n")


def test_info_tells_what_is_inside(spikey):
    said = spikey("info", "for-decode").output
    fields = dict(line.split(":", 1) for line in said.splitlines())
    fields = {key: value.strip() for key, value in fields.items()}
    assert fields["original bytes"] == str(len(WAV))
    assert fields["file bytes"] == str(len(PACKED))
    assert fields["mapping"] == "challenge converter"
    assert fields["preset"] == "linear"
    assert int(fields["frames"]) == (len(WAV) - 44) // 2


def test_info_of_other_content(spikey, here):
    (here / "other").write_bytes(codec.compress(b"anything"))
    assert "packed as bytes" in spikey("info", "other").output


def test_verify_says_which_files_are_good(spikey, here):
    (here / "other").write_bytes(codec.compress(b"123456789"))
    said = spikey("verify", "for-decode", "other").output.splitlines()
    assert said[0].startswith(f"for-decode: good, {len(WAV)} bytes")
    assert said[1] == "other: good, 9 bytes, CRC-32 cbf43926"


def test_verify_goes_on_after_a_bad_file(spikey, here):
    (here / "bad").write_bytes(PACKED[:-1])
    done = spikey("verify", "bad", "missing", "for-decode", status=CorruptError.exit_code)
    said = done.output.splitlines()
    assert len(said) == 4
    assert any(line.startswith("bad: BAD: The file") for line in said)
    assert any(line.startswith("missing: BAD: ") for line in said)
    assert any(line.startswith("for-decode: good") for line in said)
    assert "spikey: 2 of 3 files are bad." in said


def test_simulate_writes_recordings_of_the_shipped_converter(spikey, here):
    for folder in ("one", "two"):
        spikey("simulate", folder, "--leads", "3", "--seconds", "0.1", "--seed", "7")
    names = [f"synthetic-7-{lead:03d}.wav" for lead in range(3)]
    assert listed(here / "one") == names
    for name in names:
        data = (here / "one" / name).read_bytes()
        assert data == (here / "two" / name).read_bytes()
        assert split(data).samples.shape == (1953, 1)
        assert read_info(codec.compress(data))["mapping"] == "challenge converter"


def test_fits_fill_a_folder_of_weights(spikey, here):
    spikey("simulate", "recordings", "--leads", "3", "--seconds", "0.3")
    for name in ("converter", "linear", "density"):
        spikey("fit", name, "recordings", "--into", "new", "--keep-out", "0")
    arrays = json.loads((here / "new" / "manifest.json").read_text("utf-8"))["arrays"]
    assert sorted(arrays) == ["converter", "density", "linear"]
    assert {entry["recordings"] for entry in arrays.values()} == {3}
    assert np.load(here / "new" / "linear.npy").shape == (3, 16)


# Where the output goes


def test_a_half_finished_set_up_is_none(tmp_path, here):
    script = copy_of("encode", tmp_path / "folder")
    set_up(script)
    (script.parent / ".venv" / "spikey-setup").unlink()
    assert_fails(run_script(script, "for-encode", "out", cwd=here), 1, "not set up")


def shell(command: str, cwd: Path):
    return subprocess.run(["bash", "-c", command], cwd=cwd, capture_output=True, timeout=PATIENCE)


ENCODE = (
    f"{shlex.quote(sys.executable)} -c 'import sys; from spikey_codec.cli.challenge import encode;"
    " sys.exit(encode())' for-encode"
)


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"])
def test_standard_output_by_any_name(here, target):
    expected = codec.compress((here / "for-encode").read_bytes())
    assert shell(f"{ENCODE} {target} | cat", here).stdout == expected
    (here / "log").write_bytes(b"before")
    assert shell(f"{ENCODE} {target} >>log", here).returncode == 0
    assert (here / "log").read_bytes() == b"before" + expected


def test_a_process_substitution_is_written_to(here):
    shell(f"{ENCODE} >(cat >copied); sleep 0.5", here)
    assert (here / "copied").read_bytes() == codec.compress((here / "for-encode").read_bytes())


def test_a_folder_that_is_not_there_is_no_file(here):
    done = shell(f"{ENCODE} nowhere/", here)
    assert_fails(done, 1, "nowhere/: No such file or directory")
    assert not (here / "nowhere").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_stop_leaves_the_old_file_and_nothing_else(here, name):
    (here / "out").write_bytes(b"old")
    before = listed(here)
    code = (
        "import os, signal, sys\n"
        "from spikey_codec.cli import challenge as executables\n"
        f"os.replace = lambda *paths: os.kill(os.getpid(), signal.{name})\n"
        "sys.exit(executables.encode(['for-encode', 'out']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (130, b"")
    assert (here / "out").read_bytes() == b"old" and listed(here) == before


def test_verify_does_not_blame_a_file_for_a_full_output(here):
    command = f"{shlex.quote(sys.executable)} -m spikey_codec.cli.main verify for-decode >/dev/full"
    done = shell(command, here)
    assert done.returncode == 1 and b"BAD" not in done.stderr and b"No space left" in done.stderr
