"""The `spikey` command: the group of all commands, and what happens to their errors.

The modules of the commands only describe options; what a command needs is imported when it runs.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from ..errors import SpikeyError
from ..system import files, stdio, stop
from ..version import __version__
from . import archive, batch, bench, convert, fit, simulate, stream, topology


class _OneSentence(click.Group):
    """Turns each error that a user can meet into one sentence on stderr and an exit status.

    So are the signals that ask a process to stop, whatever the command does at the moment.
    """

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            with stop.stoppable():
                return super().main(*arguments, **options)
        except OSError as error:  # from --help and --version, which do not reach `invoke`
            stdio.complain(f"spikey: {files.sentence(error)}")
            sys.exit(1)
        finally:
            stdio.settle()

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (SpikeyError, OSError, MemoryError) as error:
            stdio.complain(f"spikey: {files.sentence(error)}")
            context.exit(getattr(error, "exit_code", 1))
        except KeyboardInterrupt:
            stdio.complain("spikey: Interrupted.")
            context.exit(130)


@click.group(cls=_OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="spikey")
def main() -> None:
    """Lossless compression of brain-electrode recordings."""


for command in (
    *(convert.encode, convert.decode, convert.info, convert.verify),
    *(archive.pack, archive.unpack, archive.list_members),
    *(topology.topology, topology.analyze),
    *(batch.batch, stream.stream, bench.bench),
    *(fit.fit, fit.train, simulate.simulate),
):
    main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
