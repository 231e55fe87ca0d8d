"""Finds the input files: those that are given, and those in folders, searched one level deep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import RecordingError, UsageError

WAV = ".wav"


def find(inputs: Iterable[str | Path], ending: str = WAV, strict: bool = False) -> list[Path]:
    """The given files, and the files in the given folders whose names have this ending.

    ending : in small letters, with its dot
    strict : for outputs that are named after their inputs. Every name must have the ending, in
        small or capital letters; hidden files in folders are left out; each path counts once; the
        order is that of the inputs. Otherwise the files are sorted by name.

    A given file need not exist: opening it will tell. Raises RecordingError when nothing is found,
    UsageError for a name that `strict` forbids, OSError for a folder that cannot be read.
    """
    found: list[Path] = []
    for path in map(Path, inputs):
        if path.is_dir():
            found += _inside(path, ending) if strict else path.glob(f"*{ending}")
        elif strict and path.suffix.lower() != ending:
            raise UsageError(f"{path} is neither a folder nor a {ending} file.")
        else:
            found.append(path)
    if not found:
        raise RecordingError(f"There is no {ending} file among the inputs.")
    if strict:
        return _distinct(found, os.path.abspath)
    return sorted(found, key=lambda path: path.name)


def _inside(folder: Path, ending: str) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() == ending and not path.name.startswith(".")
    )


def each_once(inputs: Iterable[str | Path]) -> list[Path]:
    """What `find` finds, but each file once, even if links lead to it."""
    return _distinct(find(inputs), os.path.realpath)


def _distinct(paths: list[Path], identity: Callable[[Path], str]) -> list[Path]:
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(identity(path), path)
    return list(first.values())
