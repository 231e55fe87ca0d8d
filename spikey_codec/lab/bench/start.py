"""`spikey bench start`: time of whole processes, compared with that of `import numpy`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ...constants import CHALLENGE_RATE
from ...readers import wav
from ..simulate import codes_to_pcm, shipped_transition_levels, simulate_codes

ROOT = Path(__file__).resolve().parents[3]
Write = Callable[[str], None]


def _executable(name: str) -> list[str]:
    """The command of the challenge's executable, or of its function outside a source tree."""
    script = ROOT / name
    if script.exists() and (ROOT / ".venv" / "spikey-setup").exists():  # what the script checks
        return [str(script)]
    call = f"import sys; from spikey_codec.cli.challenge import {name}; sys.exit({name}())"
    return [sys.executable, "-I", "-c", call]


def start_ratios(runs: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Median seconds of one ./encode and one ./decode, and their ratio to `import numpy`."""
    (codes,) = simulate_codes(1, None, seed=3, thresholds=shipped_transition_levels())
    samples = codes_to_pcm(codes)
    original, packed, back = (str(folder / name) for name in ("a.wav", "a.brainwire", "b.wav"))
    Path(original).write_bytes(
        wav.plain_header(len(samples), 1, CHALLENGE_RATE) + samples.tobytes()
    )
    venv = ROOT / ".venv" / "bin" / "python"
    python = str(venv) if _executable("encode")[0] != sys.executable else sys.executable
    jobs = {
        "import numpy": [python, "-c", "import numpy"],
        "encode": [*_executable("encode"), original, packed],
        "decode": [*_executable("decode"), packed, back],
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(runs + 1):  # the first turn fills caches and does not count
        for name, command in jobs.items():
            begin = time.perf_counter()
            subprocess.run(command, check=True)
            if turn:
                times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {name: (value, value / medians["import numpy"]) for name, value in medians.items()}


def run(runs: int, write: Write) -> None:
    """Print the table of `spikey bench start`."""
    with tempfile.TemporaryDirectory() as folder:
        ratios = start_ratios(runs, Path(folder))
    write(f"one process on one 5-second recording, median of {runs} interleaved runs")
    for name, (seconds, ratio) in ratios.items():
        write(f"{name:14}{1000 * seconds:9.1f} ms{ratio:8.2f} times import numpy")
