"""What several tests share: recordings, and the interpreter started anew."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import strategies  # noqa: F401: all tests run with its profile of hypothesis
from spikey_codec import constants, weights
from spikey_codec.lab.simulate import write_recordings

REAL = Path(__file__).parents[2] / "shared" / "recordings"


# A shell's background jobs ignore it, and so would all processes that the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> list[bytes]:
    """A few recordings of the challenge where there are some, else synthetic ones."""
    paths = sorted(REAL.glob("*.wav"))[::150]
    if not paths:
        edges = weights.load("converter") / (1 << constants.TRANSITION_BITS)
        folder = tmp_path_factory.mktemp("recordings")
        paths = write_recordings(folder, leads=4, seconds=5.0, seed=1, thresholds=edges)
    return [path.read_bytes() for path in paths]


@pytest.fixture
def run_python():
    """Run Python code in a new process, warnings being errors, with more in its environment."""

    def run(code: str, *arguments, stdin: bytes = b"", cwd=None, **environment):
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, **environment},
            timeout=120,
        )

    return run
