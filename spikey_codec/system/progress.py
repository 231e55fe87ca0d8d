"""Progress of a long job, on standard error when that is a terminal: tqdm's bar or a counter."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from . import stdio


class Silent:
    """Shows no progress; messages go to standard error unchanged."""

    def advance(self, count: int) -> None:
        """One more of `count` items is done."""

    def say(self, line: str) -> None:
        """Print a line."""
        stdio.complain(line)

    def close(self) -> None:
        """Leave the terminal as it was."""


class Counter(Silent):
    """Shows "12 of 60", rewriting one line."""

    def __init__(self) -> None:
        self._done, self._shown = 0, ""

    def advance(self, count: int) -> None:
        self._done += 1
        self._show(f"{self._done} of {count}")

    def say(self, line: str) -> None:
        before = self._shown
        self._show("")
        super().say(line)
        self._show(before)

    def close(self) -> None:
        self._show("")

    def _show(self, text: str) -> None:
        # blanks cover the rest of a longer text
        print(f"\r{text.ljust(len(self._shown))}\r{text}", end="", file=sys.stderr, flush=True)
        self._shown = text


class Bar(Silent):
    """Shows tqdm's bar, with the time that is left."""

    def __init__(self, tqdm: Any, unit: str) -> None:
        self._bar = tqdm(unit=unit, leave=False, dynamic_ncols=True, file=sys.stderr)

    def advance(self, count: int) -> None:
        if self._bar.total is None:
            self._bar.reset(count)
        self._bar.update()

    def say(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


@contextlib.contextmanager
def shown(unit: str = "file") -> Iterator[Silent]:
    """The best of the three for this standard error; it is closed at the end of the block.

    unit : what is counted, in the singular
    """
    line: Silent
    if sys.stderr is None or not sys.stderr.isatty():
        line = Silent()
    else:
        try:
            from tqdm import tqdm  # type: ignore[import-untyped, unused-ignore]
        except ImportError:
            line = Counter()
        else:
            line = Bar(tqdm, unit)
    try:
        yield line
    finally:
        line.close()
