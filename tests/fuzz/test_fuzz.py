"""What the fuzzer of tests/fuzz/ ever reached or found is read well, and it finds nothing new."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import test_same_bytes
from fuzz import corpus, decoding, encoding, modes, seeds, targets
from patience import PATIENCE
from spikey_codec import codec, stream
from spikey_codec.bitstream import index
from spikey_codec.errors import CorruptError
from spikey_codec.readers import wav

FUZZER = Path(corpus.HERE)
ENGINES = "", "python"
SECONDS = float(os.environ.get("SPIKEY_FUZZ_SECONDS") or 100)  # of fuzzing, by both engines
LONGEST = {"": 20, "python": 60}  # seconds of processor time that one input may take
MOST_BYTES = 300_000  # of all that is kept
# A process inherits the peak of memory of the one that starts it, and the fuzzer has a limit.
STARTER = (
    sys.executable, "-I", "-S", "-c",
    "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))",
)  # fmt: skip
ORIGINAL = test_same_bytes.originals()["one lead"]


@pytest.fixture(scope="module", autouse=True)
def small_networks():
    with targets.small_networks():
        yield


# What is kept


def test_what_is_kept_is_read_or_refused_by_every_error_there_is():
    found = set()
    for name, content in corpus.kept():
        before = time.process_time()
        found.add(targets.read(content))
        assert time.process_time() - before < LONGEST[""], name
    assert found >= {error.__name__ for target in targets.TARGETS for error in target.refusals}


def test_every_target_takes_some_of_its_seeds():
    read = {data: targets.read(data) for data in seeds.inputs().values()}
    taken = {targets.of(data) for data, outcome in read.items() if not outcome.endswith("Error")}
    assert taken == set(targets.TARGETS)


def test_the_interpreter_finds_in_what_is_kept_what_compiled_kernels_do():
    found = [replayed(engine) for engine in ENGINES]
    different = [pair for pair in zip(*found, strict=True) if len(set(pair)) > 1]
    assert all("too large" in interpreted for _, interpreted in different)
    assert len(different) < 0.1 * len(found[0])


def replayed(engine: str) -> list[str]:
    """What the fuzzer says of everything that is kept, a line each."""
    done = subprocess.run(
        [sys.executable, FUZZER, "--replay"], env={**os.environ, "SPIKEY_ENGINE": engine},
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()


def test_what_is_kept_is_small():
    found = sum(path.stat().st_size for path in corpus.REGRESSIONS.iterdir())
    assert corpus.KEPT.stat().st_size + found < MOST_BYTES


# What is a finding


def expect_finding(run, content: bytes, mode: int = 0) -> None:
    """That this input of this target is reported, and was not before something was broken."""
    with pytest.raises(Exception) as caught:
        targets.read(targets.tagged(run, content, mode))
    assert not isinstance(caught.value, modes.TooLarge)


def test_a_decoder_that_does_not_look_at_the_checksum_is_found(monkeypatch):
    packed = bytearray(codec.compress(ORIGINAL))
    packed[5] ^= 1
    assert targets.read(targets.tagged(decoding.file, packed)) == "CorruptError"
    monkeypatch.setattr(codec, "compare_checksum", lambda found, header: None)
    expect_finding(decoding.file, packed)


def test_samples_that_do_not_come_back_are_found(monkeypatch):
    plain = codec.decode_chunk
    monkeypatch.setattr(codec, "compare_checksum", lambda found, header: None)
    monkeypatch.setattr(codec, "decode_chunk", lambda work: plain(work) ^ 1)
    expect_finding(encoding.any_bytes, b"\0" + ORIGINAL)
    expect_finding(encoding.any_array, b"\0\2\0\1\0\1" + ORIGINAL)


def test_a_stream_that_loses_without_a_word_is_found(monkeypatch):
    content = bytes(9) + ORIGINAL
    assert targets.read(targets.tagged(encoding.any_stream, content)).startswith("1022 frames")
    monkeypatch.setattr(stream.StreamDecoder, "_decode", lambda self, packet: None)
    expect_finding(encoding.any_stream, content)


@pytest.mark.parametrize("error", [ValueError, IndexError, MemoryError, RecursionError])
def test_an_error_that_is_not_for_users_is_found(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(index, "read_index", fail)
    expect_finding(decoding.part, bytes(6) + codec.compress(ORIGINAL))
    monkeypatch.setattr(wav, "locate", fail)
    expect_finding(encoding.any_bytes, b"\0" + ORIGINAL)


def test_an_error_of_another_kind_than_is_documented_is_found(monkeypatch):
    def fail(*_):
        raise CorruptError("This was no file.")

    monkeypatch.setattr(wav, "locate", fail)
    expect_finding(encoding.any_bytes, b"\0" + ORIGINAL)


def test_checksums_that_are_switched_off_agree_with_anything():
    packed = bytearray(codec.compress(ORIGINAL))
    packed[5] ^= 1
    whole = f"{len(ORIGINAL)} bytes"
    inputs = [targets.tagged(decoding.file, packed, mode) for mode in (0, targets.UNCHECKED)]
    outcomes = [targets.read(content) for content in inputs]
    assert outcomes[0] == "CorruptError" and outcomes[1].startswith(whole)
    assert codec.zlib is importlib.import_module("zlib")  # and afterwards on again


# With atheris


@pytest.mark.skipif(
    not importlib.util.find_spec("atheris"),
    reason="atheris is not installed (there are wheels for Linux on x86-64)",
)
@pytest.mark.parametrize("engine", ENGINES, ids=["compiled", "interpreted"])
def test_nothing_is_found(tmp_path, engine):
    corpus.unpack(tmp_path / "corpus", corpus.SHORT if engine else corpus.LONGEST)
    given = len(list((tmp_path / "corpus").iterdir()))
    done = subprocess.run(
        [*STARTER, sys.executable, FUZZER, "corpus", f"-max_total_time={SECONDS / 2:.0f}",
         f"-max_len={corpus.LONGEST}", f"-timeout={PATIENCE}", "-rss_limit_mb=1500",
         "-print_final_stats=1"],
        cwd=tmp_path, env={**os.environ, "SPIKEY_ENGINE": engine}, capture_output=True, text=True,
        timeout=SECONDS + PATIENCE,
    )  # fmt: skip
    found = [path.name for path in tmp_path.iterdir() if path.name != "corpus"]
    assert done.returncode == 0 and not found, f"{found}\n{done.stderr[-4000:]}"
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert int(executed[1]) >= given
