"""All numbers of a report on recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .coding import Coding, coding
from .outliers import Outlier, outliers
from .recordings import Channel, File, read
from .relations import Related, related
from .statistics import Distributions, Statistics, measure
from .widths import Widths, widths

USUAL_LIMIT = 60  # recordings that are coded


class Analysis(NamedTuple):
    """All numbers of a report."""

    files: list[File]
    channels: list[Channel]
    statistics: list[Statistics]  # of each channel
    distributions: Distributions
    widths: Widths | None  # None without a channel of the challenge's converter
    coding: Coding
    related: Related
    outliers: list[Outlier]


def analyse(paths: Sequence[Path], limit: int = USUAL_LIMIT) -> Analysis:
    """All numbers of a report on recordings. Needs scipy.

    Parameters
    ----------
    paths : recordings, and folders that are searched one level deep
    limit : at most so many recordings are coded for the section on entropies

    Raises RecordingError for a file that is no 16-bit WAV, OSError where one cannot be read.
    """
    found, channels = read(paths)
    statistics, distributions = measure(channels)
    return Analysis(
        found,
        channels,
        statistics,
        distributions,
        widths(channels, statistics),
        coding(found, limit),
        related(channels),
        outliers(channels, statistics),
    )
