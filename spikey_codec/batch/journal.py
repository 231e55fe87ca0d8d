"""The journal of a folder: one line of JSON for every output that is complete and verified."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

JOURNAL = "spikey-batch.jsonl"


class Stamp(NamedTuple):
    """The state of a file: its bytes, its modification time, the CRC-32 of its content."""

    size: int
    mtime_ns: int
    crc: int


class Entry(NamedTuple):
    """A line of the journal: an output, its input, and how it was made.

    output : name in the folder of the journal
    source : absolute path
    direction, preset : as in `convert.Job`
    """

    output: str
    source: str
    direction: str
    preset: str
    of_source: Stamp
    of_output: Stamp


def read_journal(folder: Path) -> dict[str, Entry]:
    """The last entry of every output; incomplete lines are ignored."""
    entries: dict[str, Entry] = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for line in (folder / JOURNAL).read_bytes().splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                entry = _parse(line)
                entries[entry.output] = entry
    return entries


def _parse(line: bytes) -> Entry:
    fields = json.loads(line)
    output, source, direction, preset, of_source, of_output = (fields[key] for key in Entry._fields)
    return Entry(output, source, direction, preset, Stamp(**of_source), Stamp(**of_output))


def _format(entry: Entry) -> bytes:
    stamps = {"of_source": entry.of_source._asdict(), "of_output": entry.of_output._asdict()}
    return json.dumps(entry._asdict() | stamps).encode() + b"\n"


class Journal:
    """The journal of a folder, open for appending; each line is written in one piece."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        self._descriptor = os.open(folder / JOURNAL, flags, 0o666)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":  # killed within a line
            os.write(self._descriptor, b"\n")

    def add(self, entry: Entry) -> None:
        """Append a line."""
        os.write(self._descriptor, _format(entry))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
