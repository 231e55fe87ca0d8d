"""What several tests share: recordings, and the interpreter started anew."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import strategies
from patience import PATIENCE
from spikey_codec import constants, weights
from spikey_codec.lab.simulate import write_recordings

REAL = Path(__file__).parents[2] / "shared" / "recordings"


# A shell's background jobs ignore it, and so would all processes that the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
LONG_FOLDERS = "fuzz", "platforms", "soak"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="also run the long tests, with more examples"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: only run with --all")
    strategies.settings.load_profile("all" if config.getoption("--all") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --all, leave out the tests marked `long` and those in the folders of long tests."""
    if config.getoption("--all"):
        return
    folders = {TESTS / name for name in LONG_FOLDERS}
    kept: list[pytest.Item] = []
    long: list[pytest.Item] = []
    for item in items:
        is_long = item.get_closest_marker("long") or not folders.isdisjoint(item.path.parents)
        (long if is_long else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=long)


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
            timeout=PATIENCE,
        )

    return run
