"""`./encode` and `./decode`, the challenge's executables.

They start anew for every file, so nothing is imported that the job does not need.
"""

from __future__ import annotations

import argparse

from .. import __version__, presets
from ..system import files, stdio
from ..errors import CorruptError, NotBrainwireError, SpikeyError, VersionError


class _Parser(argparse.ArgumentParser):
    def exit(self, status: int = 0, message: str | None = None):
        if message:
            stdio.complain(message.rstrip("\n"))
        if error := stdio.settle():  # what --help or --version said did not get through
            stdio.complain(f"{self.prog}: {files.sentence(error)}")
            status = status or 1
        super().exit(status)

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (try {self.prog} --help).\n")


def _parser(name: str, source: str, target: str, what: str) -> _Parser:
    parser = _Parser(prog=name, description=what, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spikey {__version__}")
    parser.add_argument("source", metavar=source, help='input file, or "-" for standard input')
    parser.add_argument("target", metavar=target, help='output file, or "-" for standard output')
    return parser


def _run(parser: _Parser, convert, source: str, target: str, check=None) -> int:
    try:
        files.convert(source, target, convert, check)
    except (SpikeyError, OSError, MemoryError) as error:
        stdio.complain(f"{parser.prog}: {_about(source, error)}")
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    finally:
        stdio.settle()
    return 0


def _about(source: str, error: BaseException) -> str:
    """The sentence, with the name of the file where it is about the file's content."""
    is_about_content = isinstance(error, (NotBrainwireError, VersionError, CorruptError))
    where = f"{files.printable(source)}: " if is_about_content else ""
    return where + files.sentence(error)


def encode(arguments: list[str] | None = None) -> int:
    """Compress a file; returns the exit status."""
    parser = _parser("encode", "IN.wav", "OUT.brainwire", "Compress a WAV recording, losslessly.")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help=f"{presets.DEFAULT} (the default) or the name of a network in weights/networks",
    )
    parser.add_argument(
        "--no-verify", action="store_true", help="do not decode the file before saying it is done"
    )
    given = parser.parse_args(arguments)

    def convert(source):
        from ..codec import encoded  # imports NumPy, which a mistyped command need not wait for

        return encoded(source, given.preset)

    def check(packed):
        from ..codec import verify

        verify(packed)

    return _run(parser, convert, given.source, given.target, None if given.no_verify else check)


def decode(arguments: list[str] | None = None) -> int:
    """Restore the file that `encode` was given; returns the exit status."""
    parser = _parser("decode", "IN.brainwire", "OUT.wav", "Restore a file that encode compressed.")
    given = parser.parse_args(arguments)

    def convert(source):
        from ..codec import decoded

        return decoded(source)

    return _run(parser, convert, given.source, given.target)
