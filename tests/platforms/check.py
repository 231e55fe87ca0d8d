"""Compares digests (../test_same_bytes.py) in this very process: a row of a table in Markdown.

`check.py ENGINE [NOTE]` fails where another engine is taken, and where bytes differ. "kept" is
what jit is when its machine code is on disk already, so that numba is not even imported. The
note says how it came about. Without arguments the table's heading is printed.
"""

import importlib.metadata
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
HEADING = ("machine", "Python", "NumPy", "numba", "engine", "with", "digests", "seconds")


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def row(cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main(wanted: str, note: str = "") -> None:
    start = time.perf_counter()
    import test_same_bytes
    from spikey_codec import engine

    kinds = [kind for kind in test_same_bytes.KINDS if wanted != "python" or kind != "stream"]
    expected, found = test_same_bytes.expected(kinds), test_same_bytes.digests(kinds)
    seconds = time.perf_counter() - start
    name = engine.name
    if name == "jit" and "numba" not in sys.modules:
        name = "kept"
    if name != wanted:
        sys.exit(f"The engine was {name}, and was to be {wanted}.")
    other = [key for key in expected if found.get(key) != expected[key]]
    machine = f"{platform.machine()}, {sys.byteorder}-endian"
    versions = platform.python_version(), version("numpy"), version("numba")
    equal = f"{len(expected) - len(other)} of {len(expected)} equal"
    print(row([machine, *versions, name, note, equal, f"{seconds:.1f}"]))
    if other:
        sys.exit(f"Other bytes: {'; '.join(other)}.")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(*sys.argv[1:])
    else:
        print(row(HEADING), row(["---"] * len(HEADING)), sep="\n")
