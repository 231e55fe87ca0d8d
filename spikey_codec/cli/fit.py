"""`spikey fit` and `train`: weights from recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..system import stdio
from .options import ANY_PATH, EXISTING, RECORDINGS

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def fit() -> None:
    """Fit arrays like those in weights/ to recordings.

    The arrays of the format never change, because files that exist depend on them. New arrays are
    for comparison (`fit score`) and for later versions of the format. To make a preset of your
    own, train a network (`spikey train`).
    """


def _options(command: Command) -> Command:
    for option in (
        click.option(
            "--into",
            default="fitted",
            show_default=True,
            type=ANY_PATH,
            help="Folder of weights to write to.",
        ),
        click.option(
            "--keep-out",
            default=5,
            show_default=True,
            metavar="N",
            help="Hold out every N-th group of simultaneous channels; 0: fit to all.",
        ),
    ):
        command = option(command)
    return RECORDINGS(command)


@fit.command()
@_options
def converter(recordings: tuple[Path, ...], into: Path, keep_out: int) -> None:
    """Fit the code transition levels of the converter."""
    from ..fit import commands

    commands.fit_converter_edges(list(recordings), into, keep_out, stdio.complain)


@fit.command()
@_options
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--predictors", default=64, show_default=True, type=click.IntRange(1, 253))
def linear(
    recordings: tuple[Path, ...], into: Path, keep_out: int, seed: int, predictors: int
) -> None:
    """Fit the codebook of linear predictors.

    Needs the code transition levels.
    """
    from ..fit import commands

    commands.fit_linear_codebook(list(recordings), into, keep_out, seed, predictors, stdio.complain)


@fit.command()
@_options
def density(recordings: tuple[Path, ...], into: Path, keep_out: int) -> None:
    """Fit the shape of the residual's density.

    Needs the code transition levels and the codebook.
    """
    from ..fit import commands

    commands.fit_density_shape(list(recordings), into, keep_out, stdio.complain)


@fit.command()
@RECORDINGS
@click.option(
    "--weights",
    "folder",
    default="weights",
    show_default=True,
    type=EXISTING,
    help="Folder of weights to score.",
)
@click.option(
    "--keep-out", default=5, show_default=True, metavar="N", help="The value given to the fits."
)
def score(recordings: tuple[Path, ...], folder: Path, keep_out: int) -> None:
    """Report the ratios on fitted and held-out recordings."""
    from ..fit import commands

    commands.score(list(recordings), folder, keep_out, stdio.say)


@click.command()
@click.argument("config", metavar="CONFIG.yaml", type=EXISTING)
@click.argument("name", metavar="NAME")
@click.argument("recordings", nargs=-1, type=EXISTING)
@click.option(
    "--into",
    default="weights/networks",
    show_default=True,
    type=ANY_PATH,
    help="Folder of networks to write to.",
)
@click.option(
    "--work",
    type=ANY_PATH,
    help="Folder for the checkpoint, the log and the learning curve.  [default: runs/NAME]",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in that folder.")
def train(
    config: Path,
    name: str,
    recordings: tuple[Path, ...],
    into: Path,
    work: Path | None,
    resume: bool,
) -> None:
    """Train the network NAME.

    RECORDINGS replace those that the configuration names.
    """
    from ..fit.train import train

    made = train(config, name, into, work, resume, list(recordings), stdio.complain)
    click.echo(f"{made}", err=True)
