"""How the kernels run: what is loaded for it, and machine code that is kept and found again."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patience import PATIENCE
from spikey_codec.engine import build, load, marks, target
from spikey_codec.readers.wav import plain_header

ROOT = Path(__file__).resolve().parents[1]
LAGGED = "lagged_products", "i8(i4[::1],i4[::1],i8,i8[::1])"
HEAVY = ("numba", "scipy", "click", "bitarray", "pytest")


@pytest.fixture(scope="module")
def code() -> bytes:
    """The kernels' object file, which takes seconds to make."""
    return build.object_code(target.processor())


@pytest.fixture
def made(code, monkeypatch) -> list[str]:
    """For which processors machine code was made; the code itself is always the fixture's."""
    calls = []
    monkeypatch.setattr(build, "object_code", lambda cpu: calls.append(cpu) or code)
    return calls


@pytest.fixture
def own_cache(tmp_path, monkeypatch, made):
    """An empty cache folder in place of the real ones."""
    monkeypatch.setattr(target, "cache_folders", lambda: [tmp_path / "cache"])
    load.kernels.cache_clear()
    yield tmp_path / "cache"
    load.kernels.cache_clear()


def sums_by(run) -> list[int]:
    levels = np.arange(-50, 50, dtype=np.int32) ** 2 % 97
    sums = np.zeros(4, np.int64)
    assert run(levels[3:], levels, -3, sums) == 4
    return sums.tolist()


@pytest.mark.long
def test_machine_code_is_made_once_kept_and_found_again(own_cache, made):
    levels = (np.arange(-50, 50) ** 2 % 97).tolist()
    expected = [sum(levels[t] * levels[t - lag] for t in range(3, 100)) for lag in range(4)]
    for _ in range(2):
        assert sums_by(load.kernels()[LAGGED]) == expected
        load.kernels.cache_clear()
    (kept,) = own_cache.iterdir()
    assert f"{target.source_stamp():08x}" in kept.name
    assert made == [target.processor()]


@pytest.mark.long
@pytest.mark.parametrize("damage", [b"", b"\0\0\0\0", b"\1\2\3\4 no machine code"])
def test_damaged_machine_code_is_made_anew(own_cache, made, damage):
    load.kernels()
    (kept,) = own_cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(damage)
    load.kernels.cache_clear()
    load.kernels()
    assert kept.read_bytes() == good and len(made) == 2


@pytest.mark.long
def test_machine_code_runs_where_nothing_can_be_kept(own_cache):
    own_cache.write_bytes(b"a file, where a folder should be")
    assert sums_by(load.kernels()[LAGGED])


@pytest.mark.long
def test_machine_code_is_kept_apart_by_processor(own_cache, made, monkeypatch):
    load.kernels()
    load.kernels.cache_clear()
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    load.kernels()
    assert len(list(own_cache.iterdir())) == 2 and made[1] == "generic"


@pytest.mark.long
def test_machine_code_is_not_given_what_it_would_misread(own_cache):
    run = load.kernels()[LAGGED]
    levels, sums = np.zeros(9, np.int32), np.zeros(3, np.int64)
    for wrong in (
        (levels, levels, 0),
        (levels, levels, 0, sums, 1),
        (levels.astype(np.int64), levels, 0, sums),
        (levels[::2], levels, 0, sums),
        (levels[None], levels, 0, sums),
    ):
        with pytest.raises(TypeError):
            run(*wrong)


def test_numba_goes_on_where_machine_code_has_been_made(run_python):
    """Its arrays are freed by its own function, not by what stands in for that without numba."""
    script = (
        "import numba, numpy as np\n"
        "from spikey_codec.engine import build, load\n"
        "package, exports = build.marked_for_numba()\n"
        "few = {'lagged_products': exports['lagged_products']}\n"
        "build.marked_for_numba = lambda: (package, few)\n"
        f"load._load(build.object_code(''))[{LAGGED}]\n"
        "assert numba.njit(lambda n: (np.arange(n) * 2).sum())(10) == 90\n"
    )
    done = run_python(script)
    assert (done.returncode, done.stderr) == (0, b"")


def run_encode(arguments: list[str], after: str, **environment):
    code = (
        f"import sys; from spikey_codec.cli.challenge import encode; assert not encode(); {after}"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        timeout=PATIENCE,
        text=True,
    )


@pytest.mark.parametrize("which", ["auto", pytest.param("jit", marks=pytest.mark.long), "python"])
def test_encoding_imports_nothing_heavy(which, tmp_path):
    lead = np.random.default_rng(0).normal(0, 40, 700).astype("<i2")
    (tmp_path / "a.wav").write_bytes(plain_header(700, 1, 20000) + lead.tobytes())
    arguments = [str(tmp_path / "a.wav"), str(tmp_path / "a.brainwire")]
    run_encode(arguments, "", SPIKEY_ENGINE=which)  # may have to compile
    after = f"print([name for name in {HEAVY} if name in sys.modules])"
    done = run_encode(arguments, after, SPIKEY_ENGINE=which)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_all_kernels_are_there_by_name():
    names = {
        "build_tables", "linear_huffman_encode", "linear_huffman_decode",
        "network_huffman_encode", "network_huffman_decode",
        "network_rans_encode", "network_rans_decode",
        "trace", "own_residuals", "add_offsets", "add_products", "lagged_products",
        "expectation_step",
    }  # fmt: skip
    for path in (Path(target.PACKAGE) / "kernels").glob("[!_]*.py"):
        importlib.import_module(f"spikey_codec.kernels.{path.stem}")
    assert set(marks.signatures) == names
    for wanted in marks.signatures.items():
        assert callable(load.kernels()[wanted])
