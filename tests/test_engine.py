"""How the kernels run: what is loaded for it, and machine code that is kept and found again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE

from spikey_codec import compilation, engine, kernels, machine_code, mixing_kernels, network_kernels
from spikey_codec.readers.wav import plain_header

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numba", "scipy", "click", "bitarray", "pytest")


@pytest.fixture(scope="module")
def code() -> bytes:
    """The kernels' object file, which takes seconds to make."""
    return compilation.object_code(machine_code.target())


@pytest.fixture
def made(code, monkeypatch) -> list[str]:
    """For which processors machine code was made; the code itself is always the fixture's."""
    calls = []
    monkeypatch.setattr(compilation, "object_code", lambda cpu: calls.append(cpu) or code)
    return calls


@pytest.fixture
def own_cache(tmp_path, monkeypatch, made):
    """An empty cache folder in place of the real ones."""
    monkeypatch.setattr(machine_code, "cache_folders", lambda: [tmp_path / "cache"])
    machine_code.kernels.cache_clear()
    yield tmp_path / "cache"
    machine_code.kernels.cache_clear()


def sums_by(run) -> list[int]:
    levels = np.arange(-50, 50, dtype=np.int32) ** 2 % 97
    sums = np.zeros(4, np.int64)
    assert run(levels, sums) == 3
    return sums.tolist()


@pytest.mark.long
def test_machine_code_is_made_once_kept_and_found_again(own_cache, made):
    levels = (np.arange(-50, 50) ** 2 % 97).tolist()
    expected = [sum(levels[t] * levels[t - lag] for t in range(3, 100)) for lag in range(4)]
    for _ in range(2):
        assert sums_by(machine_code.kernels()["lagged_products"]) == expected
        machine_code.kernels.cache_clear()
    (kept,) = own_cache.iterdir()
    assert f"{engine.source_stamp():08x}" in kept.name
    assert made == [machine_code.target()]


@pytest.mark.long
@pytest.mark.parametrize("damage", [b"", b"\0\0\0\0", b"\1\2\3\4 no machine code"])
def test_damaged_machine_code_is_made_anew(own_cache, made, damage):
    machine_code.kernels()
    (kept,) = own_cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(damage)
    machine_code.kernels.cache_clear()
    machine_code.kernels()
    assert kept.read_bytes() == good and len(made) == 2


@pytest.mark.long
def test_machine_code_runs_where_nothing_can_be_kept(own_cache):
    own_cache.write_bytes(b"a file, where a folder should be")
    assert sums_by(machine_code.kernels()["lagged_products"])


@pytest.mark.long
def test_machine_code_is_kept_apart_by_processor(own_cache, made, monkeypatch):
    machine_code.kernels()
    machine_code.kernels.cache_clear()
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    machine_code.kernels()
    assert len(list(own_cache.iterdir())) == 2 and made[1] == "generic"


@pytest.mark.long
def test_machine_code_is_not_given_what_it_would_misread(own_cache):
    run = machine_code.kernels()["lagged_products"]
    levels, sums = np.zeros(9, np.int32), np.zeros(3, np.int64)
    for wrong in (
        (levels,),
        (levels, sums, 1),
        (levels.astype(np.int64), sums),
        (levels[::2], sums),
        (levels[None], sums),
    ):
        with pytest.raises(TypeError):
            run(*wrong)


def test_numba_goes_on_where_machine_code_has_been_made(run_python):
    """Its arrays are freed by its own function, not by what stands in for that without numba."""
    script = (
        "import numba, numpy as np\n"
        "from spikey_codec import compilation, kernels, machine_code\n"
        "package, exports = compilation.marked_for_numba()\n"
        "few = {'lagged_products': exports['lagged_products']}\n"
        "compilation.marked_for_numba = lambda: (package, few)\n"
        "machine_code._load(compilation.object_code(''))['lagged_products']\n"
        "assert numba.njit(lambda n: (np.arange(n) * 2).sum())(10) == 90\n"
    )
    done = run_python(script)
    assert (done.returncode, done.stderr) == (0, b"")


def run_encode(arguments: list[str], after: str, **environment):
    code = f"import sys; from spikey_codec.cli.challenge import encode; assert not encode(); {after}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, timeout=PATIENCE, text=True,
    )


@pytest.mark.parametrize(
    "which", ["auto", pytest.param("jit", marks=pytest.mark.long), "python"]
)
def test_encoding_imports_nothing_heavy(which, tmp_path):
    lead = np.random.default_rng(0).normal(0, 40, 700).astype("<i2")
    (tmp_path / "a.wav").write_bytes(plain_header(700, 1, 20000) + lead.tobytes())
    arguments = [str(tmp_path / "a.wav"), str(tmp_path / "a.brainwire")]
    run_encode(arguments, "", SPIKEY_ENGINE=which)  # may have to compile
    after = f"print([name for name in {HEAVY} if name in sys.modules])"
    done = run_encode(arguments, after, SPIKEY_ENGINE=which)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_all_kernels_are_there_by_name():
    own = {"encode", "decode", "prepare", "lagged_products"}
    networks = {"network_encode", "network_decode", "trace", "own_errors", "add_offsets"}
    networks.add("cross_products")
    mixing = {"mixing_encode", "mixing_decode", "weigh_codes"}
    assert set(engine.signatures) == own | networks | mixing
    by_module = (kernels, own), (network_kernels, networks), (mixing_kernels, mixing)
    for module, names in by_module:
        for name in names:
            assert callable(getattr(module, name)) and callable(machine_code.kernels()[name])
