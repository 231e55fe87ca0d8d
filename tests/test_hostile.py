"""Damaged golden files: an error or the right content, in bounded memory and time, in every case.

python tests/test_hostile.py        tries all damages, not only some of the slower files'
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pytest

from patience import PATIENCE
from spikey_codec.errors import SpikeyError
from test_golden import LISTED, content_of, read, sha256

pytestmark = pytest.mark.long

STATUS = Path("/proc/self/status")
MOST_MEMORY = 200 << 20  # bytes beyond what the undamaged file took
LONGEST = 10.0  # seconds of processor time for one file, which takes some milliseconds
FLIPS = 1, 16, 128, 255
ALL_FLIPS = {
    "linear-challenge-railed.brainwire": range(1, 256),
    "linear-framing-long-list.brainwire": range(1, 256),
    "linear-sparse.brainwire": range(1, 256),
}
SLOW = "max-", "spikey-", "linear-many-chunks", "linear-uneven"
SOME = 150  # truncations, and changed bytes, of a slow file
# a stream says what was lost and gives the rest: test_stream.py
FILES = [name for name in LISTED if not name.endswith(".stream")]


def damaged(packed: bytes, flips, step: int) -> Iterator[bytes]:
    """Every step-th truncation, and every step-th byte changed."""
    for size in range(0, len(packed), step):
        yield packed[:size]
    for position in range(0, len(packed), step):
        for flip in flips:
            changed = packed[position] ^ flip
            yield packed[:position] + bytes([changed]) + packed[position + 1 :]


def most_memory() -> int:
    """Bytes that this process has held at most, and not the one that started it."""
    peak = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    return 1024 * int(peak[1]) if peak else 1024 * getrusage(RUSAGE_SELF).ru_maxrss


def try_all(name: str, step: int) -> dict:
    """Read a golden file, then damaged ones: the outcomes, memory, and longest processor time."""
    packed = read(name)
    right = LISTED[name]["content"]
    assert sha256(content_of(name, packed)) == right
    counts = {"refused": 0, "right": 0, "wrong": 0}
    before, longest = most_memory(), 0.0
    for content in damaged(packed, ALL_FLIPS.get(name, FLIPS), step):
        start = time.process_time()
        try:
            counts["right" if sha256(content_of(name, content)) == right else "wrong"] += 1
        except SpikeyError as error:
            assert str(error).endswith(".")
            counts["refused"] += 1
        longest = max(longest, time.process_time() - start)
    return {**counts, "memory": most_memory() - before, "longest": round(longest, 3)}


def main(some: bool) -> None:
    """Print a line for every file: its name and what `try_all` found, as JSON."""
    for name in FILES:
        step = -(-len(read(name)) // SOME) if some and name.startswith(SLOW) else 1
        print(json.dumps([name, try_all(name, step)]), flush=True)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict]:
    """Of a process of its own, whose memory has seen no other tests."""
    command = [sys.executable, "-W", "error", __file__, "some"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_refused_or_right(outcomes, name):
    outcome = outcomes[name]
    assert outcome["wrong"] == 0 and outcome["refused"] >= 50
    assert outcome["memory"] < MOST_MEMORY
    assert outcome["longest"] < LONGEST


if __name__ == "__main__":
    main("some" in sys.argv)
