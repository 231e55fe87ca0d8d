"""What `spikey analyze` does: measure recordings, and write one HTML page about them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from ..errors import UsageError
from ..readers.find import find
from ..system import files, targets
from ..system.text import counted

Write = Callable[[str], None]


def require(*names: str) -> None:
    """UsageError where one of the packages that a report needs is not installed."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UsageError(
                f"A report needs {name}, which is not installed: pip install 'spikey-codec[plot]'."
            ) from error


def run(paths: list[Path], folder: Path, limit: int, write: Write) -> None:
    """Analyse recordings and write `folder`/index.html, last and as a whole.

    Parameters
    ----------
    paths : recordings, and folders that are searched one level deep
    limit : at most so many recordings are coded for the section on entropies
    write : called with one line at the end

    Raises UsageError, RecordingError and OSError; an earlier report is then left as it was.
    """
    require("matplotlib", "scipy")
    from .analysis.analyse import analyse
    from .report import page

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"The report is a folder, but {folder} is a file.")
    target = folder / "index.html"
    for path in find(paths):
        files.refuse_same(str(path), str(target))
    targets.check_folder(folder)
    if folder.exists():
        targets.check_file(target)
    analysis = analyse(paths, limit)
    content = page.page(analysis).encode()
    folder.mkdir(parents=True, exist_ok=True)
    files.write(str(target), content)
    write(
        f"{target}: {counted(len(analysis.channels), 'channel')} of "
        f"{counted(len(analysis.files), 'recording')}, {len(content)} bytes"
    )
