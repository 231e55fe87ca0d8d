"""The inputs that are kept: what earlier runs reached, as few as cover it, and what they found."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from . import seeds

HERE = Path(__file__).parent
KEPT, REGRESSIONS = HERE / "corpus.zip", HERE / "regressions"
LONGEST, SHORT = 1500, 200  # bytes of an input that is kept; that the interpreter has time for
NEVER = 1980, 1, 1, 0, 0, 0  # the time of every file in the archive, so that it tells nothing


def kept(longest: int = LONGEST) -> Iterator[tuple[str, bytes]]:
    """Name and content of what was once found, and of every other input that is kept.

    longest : bytes; of the others, only those no longer
    """
    for path in sorted(REGRESSIONS.iterdir()):
        yield path.name, path.read_bytes()
    with zipfile.ZipFile(KEPT) as inputs:
        for about in inputs.infolist():
            if about.file_size <= longest:
                yield about.filename, inputs.read(about)


def unpack(folder: Path, longest: int = LONGEST) -> None:
    """Write them where the fuzzer can begin with them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in kept(longest):
        (folder / name).write_bytes(content)


def keep(folders: list[Path]) -> None:
    """Keep the fewest and shortest inputs that reach all that is reached by any input there is.

    folders : inputs beside the seeds and those kept so far; a fuzzer may be running on them
    Both engines have their say: what only one of them shows is covered too.
    """
    with tempfile.TemporaryDirectory() as everything, tempfile.TemporaryDirectory() as merged:
        seeds.write(Path(everything))
        unpack(Path(everything))
        for path in [path for folder in folders for path in folder.iterdir()]:
            with contextlib.suppress(FileNotFoundError):  # a shorter one took its place
                shutil.copy(path, everything)
        for engine, longest in (("python", SHORT), ("", LONGEST)):
            _merge(Path(everything), merged, engine, longest)
        contents = sorted(path.read_bytes() for path in Path(merged).iterdir())
    with zipfile.ZipFile(KEPT, "w") as inputs:
        for number, content in enumerate(contents):
            about = zipfile.ZipInfo(f"{number:04}", NEVER)
            inputs.writestr(about, content, zipfile.ZIP_DEFLATED, 9)
    print(f"{len(contents)} inputs, {KEPT.stat().st_size} bytes.", file=sys.stderr)


def _merge(everything: Path, merged: str, engine: str, longest: int) -> None:
    """Add to a folder what, with this engine, reaches more than is reached by what is there."""
    with tempfile.TemporaryDirectory() as given:
        for path in everything.iterdir():
            if path.stat().st_size <= longest:
                shutil.copy(path, given)
        subprocess.run(
            [sys.executable, str(HERE), merged, given, "-merge=1", f"-max_len={longest}"],
            env={**os.environ, "SPIKEY_ENGINE": engine}, check=True,
        )  # fmt: skip
