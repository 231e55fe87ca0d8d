"""The command line: see the package's docstring."""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the tests' folder, whose helpers are used

import soak  # noqa: E402
from soak.figures import report  # noqa: E402


def stream(given) -> dict:
    from soak.stream import run

    return run(given.leads, given.minutes, seed=given.seed)


def long(given) -> dict:
    from soak.long import run

    return run(given.folder, 3600 * given.hours, given.channels, seed=given.seed)


def short(given) -> dict:
    from soak.short import run

    if given.only is not None:
        return run(1, given.seed, first=given.only)
    return run(given.inputs, given.seed)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="soak", description=soak.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for function in (stream, long, short):
        command = commands.add_parser(function.__name__)
        command.set_defaults(function=function)
        command.add_argument("--seed", type=int, default=0)
        if function is stream:
            command.add_argument("--leads", type=int, default=1024)
            command.add_argument("--minutes", type=float, default=30)
        elif function is long:
            command.add_argument("folder", type=Path, help="for 15 GB, while it runs")
            command.add_argument("--hours", type=float, default=10)
            command.add_argument("--channels", type=int, default=4)
        else:
            command.add_argument("--inputs", type=int, default=1_000_000)
            command.add_argument("--only", type=int, metavar="NUMBER", help="repeat this input")
    given = parser.parse_args()
    return report(given.function.__name__, given.function(given))


if __name__ == "__main__":
    sys.exit(main())
