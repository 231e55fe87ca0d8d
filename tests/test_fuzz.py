"""The fuzzer of tests/fuzz/ runs, and finds nothing in half a minute."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).parent / "fuzz" / "decoding.py"
SECONDS = 30


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is not installed")
def test_nothing_is_found(tmp_path):
    command = [sys.executable, str(FUZZER)]
    corpus = tmp_path / "corpus"
    subprocess.run([*command, "--make-corpus", str(corpus)], check=True, timeout=120)
    assert len(list(corpus.iterdir())) > 50
    limits = [f"-max_total_time={SECONDS}", "-max_len=4000", "-timeout=20", "-rss_limit_mb=3000"]
    done = subprocess.run(
        [*command, str(corpus), *limits], cwd=tmp_path, capture_output=True, text=True,
        timeout=10 * SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert not list(tmp_path.glob("crash-*"))
    assert "DONE" in done.stderr
