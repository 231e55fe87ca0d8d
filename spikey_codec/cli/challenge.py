"""`./encode` and `./decode`, the challenge's executables.

A process starts for every file, so it imports only what the job needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from .. import presets
from ..errors import CorruptError, NotBrainwireError, SpikeyError, VersionError
from ..system import files, stdio, stop
from ..system.source import FileBytes
from ..version import __version__


class _Parser(argparse.ArgumentParser):
    """Says everything in one sentence, as the commands do."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            stdio.complain(message.rstrip("\n"))
        if error := stdio.settle():  # --help or --version could not be written
            stdio.complain(f"{self.prog}: {files.sentence(error)}")
            status = status or 1
        super().exit(status)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (try {self.prog} --help).\n")


def encode(arguments: Sequence[str] | None = None) -> int:
    """Compress a file; returns the exit status."""
    parser = _parser("encode", "IN.wav", "OUT.brainwire", "Compress a WAV recording, losslessly.")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help=f"{presets.DEFAULT} (the default) or the name of a network in weights/networks",
    )
    parser.add_argument(
        "--no-verify", action="store_true", help="do not decode the result to check it"
    )
    given = parser.parse_args(arguments)

    def convert(source: FileBytes | bytes) -> Iterable[files.Bytes]:
        from ..codec import encoded  # imports NumPy, for which a mistyped command need not wait

        return encoded(source, given.preset)

    def check(packed: FileBytes | bytes) -> None:
        from ..codec import verify

        verify(packed)

    return _run(parser, given, convert, None if given.no_verify else check)


def decode(arguments: Sequence[str] | None = None) -> int:
    """Restore the file that `encode` compressed; returns the exit status."""
    parser = _parser("decode", "IN.brainwire", "OUT.wav", "Restore a file that encode compressed.")
    given = parser.parse_args(arguments)

    def convert(source: FileBytes | bytes) -> Iterable[files.Bytes]:
        from ..codec import decoded

        return decoded(source)

    return _run(parser, given, convert)


def _parser(name: str, source: str, target: str, description: str) -> _Parser:
    parser = _Parser(prog=name, description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spikey {__version__}")
    parser.add_argument("source", metavar=source, help='input file, or "-" for standard input')
    parser.add_argument("target", metavar=target, help='output file, or "-" for standard output')
    return parser


def _run(
    parser: _Parser,
    given: argparse.Namespace,
    convert: Callable[[FileBytes | bytes], Iterable[files.Bytes]],
    check: files.Check | None = None,
) -> int:
    try:
        with stop.stoppable():
            files.convert(given.source, given.target, convert, check)
    except (SpikeyError, OSError, MemoryError) as error:
        stdio.complain(f"{parser.prog}: {_about(given.source, error)}")
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    finally:
        stdio.settle()
    return 0


def _about(source: str, error: BaseException) -> str:
    """The sentence, with the name of the input if the sentence is about its content."""
    is_about_content = isinstance(error, (NotBrainwireError, VersionError, CorruptError))
    where = f"{files.printable(source)}: " if is_about_content else ""
    return where + files.sentence(error)
