"""Faults of what the package stands on: weights missing or made up, no place for machine code."""

import io
import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest

from faults import OUT, PACKED, WAV, assert_one_sentence, call, fill
from networks import using_weights
from patience import PATIENCE
from spikey_codec import codec, presets, weights
from spikey_codec.engine import build, target
from spikey_codec.errors import WeightsError
from spikey_codec.prediction import network, network_array

NETWORKS = network.names()


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The folder of the inputs; work is done within it."""
    monkeypatch.chdir(fill(tmp_path))
    return tmp_path


@pytest.fixture
def copied(here):
    """A copy of the shipped weights, which is used in their place."""
    shutil.copytree(weights.folder(), here / "weights")
    with using_weights(here / "weights") as folder:
        yield folder


# Weights that are missing or damaged


FILES = {
    "manifest.json": ["linear", *NETWORKS], "converter.npy": ["linear", *NETWORKS],
    "density.npy": ["linear", *NETWORKS], "linear.npy": ["linear", *NETWORKS],
    "networks/manifest.json": NETWORKS, **{f"networks/{name}.npy": [name] for name in NETWORKS},
}  # fmt: skip
HARMS = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "changed": lambda path: path.write_bytes(path.read_bytes().replace(b"2", b"3").swapcase()),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.long
@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
@pytest.mark.parametrize("name", FILES)
def test_without_its_weights_no_preset_encodes_or_decodes(copied, name, harm):
    """Nor does it change the target; presets that do not need what is damaged go on."""
    made = {preset: codec.compress(WAV, preset) for preset in presets.names()}
    assert set(made) == {"linear", *NETWORKS}
    harm(copied / name)
    weights.use(copied)
    for preset, packed in made.items():
        Path("packed").write_bytes(packed)
        for arguments in (["encode", "--preset", preset, "a.wav"], ["decode", "packed"]):
            Path(OUT).write_bytes(b"old")
            status, said = call([*arguments, OUT])
            if preset in FILES[name]:
                assert_one_sentence(status, said)
                assert Path(OUT).read_bytes() == b"old"
            elif "networks" in name and preset != "linear":
                continue  # another network: what a list that is whole says of it still holds
            else:
                assert (status, said) == (0, "")


# Weights that somebody made up


def entered(folder: Path, name: str, content: bytes):
    """Let a file be the array of this name, with its right checksum."""
    (folder / f"{name}.npy").write_bytes(content)
    path = folder / weights.MANIFEST
    listed = json.loads(path.read_text("utf-8"))
    listed["arrays"][name] = {"crc32": f"{zlib.crc32(content):08x}"}
    path.write_text(json.dumps(listed), "utf-8")


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def headed(text: str, version: int = 1) -> bytes:
    """An array's file of this header, which promises what does not follow."""
    size = len(text).to_bytes(2 * version, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()


def promising(shape: str, kind: str = "'<i2'") -> bytes:
    return headed(f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n")


class Dangerous:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


LINEAR, CONVERTER, DENSITY = (weights.load(name) for name in ("linear", "converter", "density"))
SHORT = network_array.to_array(network.load("spikey")[0].network)
HOSTILE = {
    "linear": [
        LINEAR[:, :4], LINEAR[0], LINEAR[:0], np.int16(3), LINEAR.astype(float),
        LINEAR.astype(">i2"), LINEAR.astype(np.int64), np.asfortranarray(LINEAR),
        np.full_like(LINEAR, 32767), np.tile(LINEAR, (100, 1)),
    ],
    "converter": [
        CONVERTER[:5], CONVERTER[::-1], CONVERTER.astype(float), CONVERTER[None],
        CONVERTER * 10_000, CONVERTER.astype(str),
    ],
    "density": [DENSITY[:5], DENSITY * 0, DENSITY[::-1], DENSITY // 2, DENSITY.astype(complex)],
    "networks/spikey": [
        SHORT[None], SHORT[:50], SHORT * 0, SHORT.astype(np.int32), np.append(SHORT, SHORT),
        np.full_like(SHORT, 32767), np.full_like(SHORT, -1), SHORT[:0],
        np.array([1, 0, 32, 0, 0, 1, 0, 0, 0, 1, 32767, 32767, 0, 0, *range(9)], np.int16),
    ],
}  # fmt: skip
MADE_UP = {
    "a pickle": npy(np.array([Dangerous()], object)),
    "a pickle of a record": (
        promising("(1,)", "[('a', 'O')]") + b"cos\nsystem\n(S'touch unpickled'\ntR."
    ),
    "a terabyte": promising("(1099511627776,)"),
    "100 gigabytes": promising("(3355443200, 16)"),
    "more than there are numbers": promising("(9223372036854775807, 9223372036854775807)"),
    "a negative shape": promising("(-5, 16)"),
    "a shape that is none": promising("'ab'"),
    "a type that is none": promising("(3,)", "'what'"),
    "a type with parts": promising("(3,)", "[('a', {})]"),
    "a header too deep": headed("(" * 4000),
    "a header within quotes": headed("{'descr': '''"),
    "a long header": headed("{'shape': " + "1" * 9000),
    "a header of a gigabyte": headed("", 2)[:8] + b"\xff\xff\xff\x3f",
    "another version": headed("{}", 2)[:6] + b"\x09\0" + bytes(99),
}


def assert_refused(copied: Path, name: str, content: bytes):
    folder = copied / Path(name).parent
    entered(folder, Path(name).name, content)
    weights.use(copied)
    for preset in ("spikey",) if "networks" in name else ("linear", "spikey"):
        Path(OUT).write_bytes(b"old")
        assert_one_sentence(*call(["encode", "--preset", preset, "a.wav", OUT]))
        assert Path(OUT).read_bytes() == b"old"
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(
    ("name", "array"), [(name, array) for name, arrays in HOSTILE.items() for array in arrays]
)
def test_an_array_that_cannot_be_what_it_is_for_is_refused(copied, name, array):
    assert_refused(copied, name, npy(array))


@pytest.mark.parametrize("content", MADE_UP.values(), ids=MADE_UP)
@pytest.mark.parametrize("name", ["linear", "networks/spikey"])
def test_a_file_that_is_no_array_is_refused(copied, name, content):
    assert_refused(copied, name, content)


def test_what_a_header_promises_takes_no_memory(tmp_path):
    """Measured as the most that a process ever held; the array would have 100 gigabytes."""
    for name, content in (("good", npy(LINEAR)), ("linear", MADE_UP["100 gigabytes"])):
        (tmp_path / name).mkdir()
        (tmp_path / name / weights.MANIFEST).write_text('{"arrays": {}}')
        entered(tmp_path / name, "linear", content)
    code = (
        "import resource, sys; from spikey_codec import weights\n"
        "try: weights.read(sys.argv[1], 'linear')\n"
        "except weights.WeightsError: print('refused')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    *_, usual = run_code(code, tmp_path / "good").split()
    refused, most = run_code(code, tmp_path / "linear").split()
    assert refused == "refused" and int(most) < int(usual) + 10_000  # kilobytes


def run_code(code: str, *arguments, **environment) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


OUTSIDE = ["../../outside", "../linear", "{here}/outside", "sub/outside", "..", ".", "", "-/../x",
           "a\0b", "\ud800", "a b", "CON:x", ".hidden", "x\n"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE, ids=map(repr, OUTSIDE))
def test_a_list_names_nothing_outside_its_folder(copied, here, name):
    """Also where there is an array, and its checksum right."""
    name = name.format(here=here)
    packed = codec.compress(WAV, "max")
    network_file = (copied / "networks" / "spikey.npy").read_bytes()
    (here / "outside.npy").write_bytes(network_file)
    manifest = copied / "networks" / weights.MANIFEST
    listed = json.loads(manifest.read_text("utf-8"))
    listed["arrays"] = {name: listed["arrays"]["spikey"], **listed["arrays"]}
    manifest.write_text(json.dumps(listed), "utf-8")
    weights.use(copied)
    Path("packed").write_bytes(packed)
    for preset in {"spikey", name} - {"\ud800", "a\0b"}:
        assert_one_sentence(*call(["encode", "a.wav", OUT, "--preset", preset]), "list of weights")
    assert_one_sentence(*call(["decode", "packed", OUT]), "list of weights")  # by its identity
    assert not Path(OUT).exists()


LISTS = ["", "{", "[]", "null", "{}", '{"arrays": []}', '{"arrays": [1, 2]}', '{"arrays": "abc"}',
         '{"arrays": {"spikey": 5}}', '{"arrays": {"spikey": {"crc32": null}}}',
         '{"arrays": {"spikey": {"crc32": {}}}}', "[" * 100_000, "\x00", "9" * 5000]  # fmt: skip


@pytest.mark.parametrize("text", LISTS, ids=lambda text: text[:30])
def test_a_list_that_is_none_is_one_sentence(copied, text):
    (copied / "networks" / weights.MANIFEST).write_text(text)
    weights.use(copied)
    assert_one_sentence(*call(["encode", "a.wav", OUT, "--preset", "spikey"]))
    assert call(["encode", "a.wav", OUT])[0] == 0  # needs no network
    if not text.startswith('{"arrays": {'):
        with pytest.raises(WeightsError):
            weights.save(copied / "networks", "more", np.arange(3), {})
        assert (copied / "networks" / weights.MANIFEST).read_text() == text


# Machine code and the folders that it is kept in


PRELUDE = """
import sys, time
from pathlib import Path
from spikey_codec import engine
from spikey_codec.engine import build
assert engine.name == "jit"
code, waits, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
del sys.argv[1:4]

def object_code(cpu):
    "What compiling would give; begun only when all who are waited for have to compile."
    Path(waits, name).touch()
    while len(list(Path(waits).iterdir())) < int(name[0]):
        time.sleep(0.01)
    return code.read_bytes()

build.object_code = object_code
from spikey_codec.cli.challenge import encode
sys.exit(encode())
"""


class Installed(NamedTuple):
    """The package without compiled kernels, in a folder where it cannot keep any beside itself.

    code : a file of the machine code that it would compile; name : how it calls that in a cache
    """

    folder: Path
    code: Path
    name: str


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(target.PACKAGE, folder / "spikey_codec", ignore=ignored)
    shutil.copytree(weights.folder(), folder / "weights", dirs_exist_ok=True)
    (folder / "spikey_codec" / "__pycache__").touch()
    (folder / "code.o").write_bytes(code_for_linear())
    fill(folder)
    found = Installed(folder, folder / "code.o", "")
    cache = folder / "cache"
    run = encoding(found, folder / "waits", "1", cwd=folder, XDG_CACHE_HOME=str(cache))
    assert (run.communicate(timeout=PATIENCE)[1], run.returncode) == (b"", 0)
    (kept,) = kept_in(cache)
    return found._replace(name=kept.name)


def code_for_linear() -> bytes:
    """Machine code of the kernels that the preset linear needs: the others take long to compile."""
    package, exports = build.marked_for_numba()
    few = {name: (function, types) for name, (function, types) in exports.items()
           if name.startswith(("build", "linear", "lagged"))}  # fmt: skip
    with mock.patch.object(build, "marked_for_numba", lambda: (package, few)):
        return build.object_code(target.processor())


def encoding(
    installed: Installed, waits: Path, name: str, cwd: Path | None = None, **environment
) -> subprocess.Popen:
    """An `encode` that has to compile unless it finds machine code; see PRELUDE."""
    waits.mkdir(exist_ok=True)
    others = ("HOME", "XDG_CACHE_HOME", "NUMBA_CPU_NAME")
    kept = {key: value for key, value in os.environ.items() if key not in others}
    arguments = [installed.code, waits, name, "a.wav", f"out/{name}"]
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE, *map(str, arguments)],
        env=kept | {"SPIKEY_ENGINE": "jit", "PYTHONPATH": str(installed.folder)} | environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
    )  # fmt: skip


def assert_encoded(run: subprocess.Popen, name: str):
    assert (*run.communicate(timeout=PATIENCE), run.returncode) == (b"", b"", 0)
    assert Path("out", name).read_bytes() == PACKED


def kept_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_two_that_compile_at_once_both_succeed(here, installed):
    """Each begins when the other has found no machine code either, and a third finds theirs."""
    cache = here / "cache"
    runs = {
        name: encoding(installed, here / "waits", name, XDG_CACHE_HOME=str(cache))
        for name in ("2 first", "2 second")
    }
    for name, run in runs.items():
        assert_encoded(run, name)
    (kept,) = kept_in(cache)
    assert kept.read_bytes()[4:] == installed.code.read_bytes()
    third = encoding(installed, here / "waits", "9 third", XDG_CACHE_HOME=str(cache))
    assert_encoded(third, "9 third")
    assert not (here / "waits" / "9 third").exists()


def unwritable(path: Path) -> Path:
    """A folder in which nobody can make anything."""
    path.symlink_to("/proc/self")
    return path


def file(path: Path) -> Path:
    path.write_bytes(b"mine")
    return path


def garbage(path: Path, name: str) -> Path:
    """A cache of files with the names of good ones."""
    (path / "spikey").mkdir(parents=True)
    contents = {name: os.urandom(5000), "kernels-0.o": b"", f"{name}.o": bytes(99)}
    for name, content in contents.items():
        (path / "spikey" / name).write_bytes(content)
    return path


def folder_for_a_file(path: Path, name: str) -> Path:
    (path / "spikey" / name).mkdir(parents=True)
    return path


CACHES = {
    "an empty home": lambda here, name: {"HOME": "", "XDG_CACHE_HOME": ""},
    "a home that is not there": lambda here, name: {"HOME": str(here / "nowhere" / "at all")},
    "a home that is a file": lambda here, name: {"HOME": str(file(here / "file"))},
    "a cache that is a file": lambda here, name: {"XDG_CACHE_HOME": str(file(here / "file"))},
    "a cache in a file": lambda here, name: {"XDG_CACHE_HOME": str(file(here / "file") / "sub")},
    "a cache nobody writes to": lambda here, name: {"XDG_CACHE_HOME": str(unwritable(here / "no"))},
    "a cache of garbage": lambda here, name: {"XDG_CACHE_HOME": str(garbage(here / "full", name))},
    "a folder in its place": lambda here, name: {
        "XDG_CACHE_HOME": str(folder_for_a_file(here / "full", name))
    },
}


@pytest.mark.long
@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
def test_wherever_machine_code_may_not_be_kept_the_bytes_are_the_same(here, installed, cache):
    environment = cache(here, installed.name)
    assert_encoded(encoding(installed, here / "waits", "1", **environment), "1")
    assert (here / "waits" / "1").exists()  # it had to compile
    assert not (here / "nowhere").exists()
    assert not (here / "file").exists() or (here / "file").read_bytes() == b"mine"


def test_somebody_whom_the_system_does_not_know_has_no_home(monkeypatch):
    pwd = pytest.importorskip("pwd")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert target.cache_folders() == [Path(target.PACKAGE) / "__pycache__"]


def test_garbage_in_the_cache_is_replaced(here, installed):
    cache = garbage(here / "cache", installed.name)
    assert_encoded(encoding(installed, here / "waits", "1", XDG_CACHE_HOME=str(cache)), "1")
    kept = (cache / "spikey" / installed.name).read_bytes()
    assert kept[4:] == installed.code.read_bytes()
    assert_encoded(encoding(installed, here / "waits", "2", XDG_CACHE_HOME=str(cache)), "2")
    assert not (here / "waits" / "2").exists()


@pytest.mark.parametrize("cpu", ["nonsense", "host", "x", "-mcpu=help"])
def test_a_processor_that_is_none_is_one_sentence(here, installed, cpu):
    run = encoding(
        installed, here / "waits", "1", XDG_CACHE_HOME=str(here / "cache"), NUMBA_CPU_NAME=cpu
    )
    said = run.communicate(timeout=PATIENCE)[1].decode()
    assert_one_sentence(run.returncode, said, "NUMBA_CPU_NAME", cpu)
    assert kept_in(here / "out") == [] and not (here / "waits" / "1").exists()
