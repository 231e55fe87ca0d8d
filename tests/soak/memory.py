"""How much memory processes take: this one as it goes, others when they have ended."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

STATM = Path("/proc/self/statm")
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, of ru_maxrss
MEGABYTE = 1_000_000
FEWEST_LOOKS = 100  # after the warm-up; before that caches and code tables fill

# A process that is started inherits the peak of the one that starts it, so a small one does it.
STARTER = """
import json, os, sys, time
begin = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), *seconds, usage.ru_maxrss]))
"""


def resident() -> int:
    """Bytes of this process that are in memory; where the system does not tell, its peak."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


class Watch:
    """Looks at this process's memory every few seconds.

    warm_up : share of the looks that do not count: caches fill, the kernels are loaded
    """

    def __init__(self, interval: float = 2.0, warm_up: float = 0.2):
        self._interval, self._warm_up = interval, warm_up
        self._next = 0.0
        self.looks: list[tuple[float, int]] = []  # seconds, bytes

    def look(self) -> bool:
        """Take a look where it is time for one, and say whether it was."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        self.looks.append((now, resident()))
        return True

    @property
    def counted(self) -> np.ndarray:
        """The looks after the warm-up: float64, shape (looks, 2), seconds and bytes."""
        return np.array(self.looks[int(self._warm_up * len(self.looks)) :], float)

    def growth(self) -> float:
        """Bytes by which the highest of the second half exceeds that of the first."""
        sizes = self.counted[:, 1]
        middle = max(len(sizes) // 2, 1)
        return max(float(sizes[middle:].max(initial=0) - sizes[:middle].max()), 0.0)

    def slope(self) -> float:
        """Bytes an hour of the straight line that fits best."""
        seconds, sizes = self.counted.T
        if len(seconds) < 2:
            return 0.0
        return float(np.polyfit(seconds - seconds[0], sizes, 1)[0]) * 3600

    def complaints(self, most: int) -> list[str]:
        """A sentence where memory grew by more than so many bytes, in a run long enough to tell."""
        if len(self.counted) < FEWEST_LOOKS or self.growth() <= most:
            return []
        return [f"memory grew by {self.growth() / MEGABYTE:.1f} MB"]

    def figures(self) -> dict:
        """For a report: in MB."""
        sizes = self.counted[:, 1] / MEGABYTE
        return {
            "memory after the warm-up, MB": round(sizes[0], 1),
            "memory at the end, MB": round(sizes[-1], 1),
            "highest memory, MB": round(max(size for _, size in self.looks) / MEGABYTE, 1),
            "memory's growth, MB": round(self.growth() / MEGABYTE, 1),
            "memory's slope, MB an hour": round(self.slope() / MEGABYTE, 1),
        }


class Measured(NamedTuple):
    """What a command took: seconds, of all its processors as well, and MB.

    megabytes : of the largest of its processes at its peak
    """

    seconds: float
    processor: float
    megabytes: float


def measured(command: list[str], **environment: str) -> Measured:
    """Run a command; RuntimeError with what it said where it fails."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", STARTER, *command],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    status, seconds, processor, peak = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{command} ended with status {status}: {done.stderr}")
    return Measured(round(seconds, 1), round(processor, 1), round(peak * UNIT / MEGABYTE, 1))
