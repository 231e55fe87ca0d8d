"""`spikey simulate`: synthetic recordings."""

from __future__ import annotations

from pathlib import Path

import click

from ..system.text import counted
from .options import ANY_PATH


@click.command()
@click.argument("folder", type=ANY_PATH)
@click.option("--leads", default=24, show_default=True, help="Number of recordings.")
@click.option("--seconds", type=float, help="Duration of each.  [default: 5 s, slightly varying]")
@click.option("--seed", default=0, show_default=True, help="Another seed, other recordings.")
def simulate(folder: Path, leads: int, seconds: float | None, seed: int) -> None:
    """Write synthetic single-channel recordings to FOLDER."""
    from ..lab.simulate import shipped_transition_levels, write_recordings

    paths = write_recordings(folder, leads, seconds, seed, thresholds=shipped_transition_levels())
    click.echo(f"{counted(len(paths), 'synthetic recording')} in {folder}.", err=True)
