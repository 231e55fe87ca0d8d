"""What was given: the recordings."""

from __future__ import annotations

from collections import Counter

from ...system.files import printable
from ..analysis.analyse import Analysis
from ..analysis.recordings import SHORTEST, File
from .markup import count, data_table, paragraph


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    kinds = Counter(file.kind for file in analysis.files)
    rates = sorted({file.rate for file in analysis.files})
    named = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    seconds = sum(_seconds(file) * file.channels for file in analysis.files)
    many = " and ".join(f"{rate:,} Hz" for rate in rates)
    if len(rates) > 3:
        many = count(len(rates), "different rate")
    cut = sum(file.analysed < file.frames for file in analysis.files)
    short = sum(file.frames < SHORTEST for file in analysis.files)
    return (
        paragraph(
            f"{count(len(analysis.files), 'recording')} with "
            f"{count(len(analysis.channels), 'lead')}, {seconds:,.0f} seconds of signal at {many}.",
            f"By the converter that was recognised: {named}.",
            f"{count(cut, 'recording')} so long that only the beginning was analysed."
            if cut else "",
            f"{count(short, 'recording')} too short to be analysed (fewer than "
            f"{SHORTEST:,} samples)." if short else "",
        )
        + data_table(
            ("file", "channels", "Hz", "seconds", "samples", "converter", "bytes"),
            (
                (printable(file.path.name), file.channels, file.rate, _seconds(file),
                 file.frames * file.channels, file.kind, file.size)
                for file in analysis.files
            ),
        )
    )  # fmt: skip


def _seconds(file: File) -> float:
    return file.frames / file.rate if file.rate else 0.0
