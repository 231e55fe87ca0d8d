"""Waveforms and spectrograms of a few channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...events.spikes import Spikes
from ..analysis.analyse import Analysis
from ..analysis.outliers import same_kind
from ..analysis.picks import picks
from ..analysis.recordings import SHORTEST, Channel, levels
from ..figures.style import INK, POSITIVE
from .markup import bold, count, paragraph, pictures
from .phone import phone_figure, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

DETAIL = 0.1  # seconds
LONGEST_DRAWN = 10.0  # seconds of waveform and spectrogram
COLUMNS, CELLS = 400, 160  # of a drawn waveform and a spectrogram


def section(analysis: Analysis) -> str:
    """The section as HTML. Needs matplotlib."""
    chosen = picks(analysis.channels, analysis.statistics)
    figures = []
    for pick in chosen:
        channel, own = analysis.channels[pick.channel], analysis.statistics[pick.channel]
        spikes = f", {own.spikes.per_second:.1f} spikes a second" if own.spikes else ""
        figures.append(
            shown(
                _waveform(channel, own.spikes),
                f"Waveform and spectrogram of lead {channel.label}, {pick.why}",
                f"{channel.label}: {pick.why}. Standard deviation {own.deviation:.3g} "
                f"{channel.unit}, of the residual {own.residual:.3g}{spikes}.",
            )
        )
    named = "; ".join(f"{bold(analysis.channels[p.channel].label)} ({p.why})" for p in chosen)
    return (
        paragraph(
            f"{count(len(chosen), 'lead')} of {len(analysis.channels):,}, chosen by their numbers: "
            f"{named}.",
            "Slow waves carry most of the amplitude, which the spectrogram shows as power that "
            "falls with frequency."
            if _falls(analysis.channels[chosen[0].channel]) else
            "The spectrogram's power does not fall with frequency as that of most recordings does.",
            "The short cut between the two is taken where the lead's spikes are densest, or from "
            "the middle where there are none.",
        )
        + paragraph(
            f"At most the first {LONGEST_DRAWN:g} seconds are drawn. Railed and constant leads "
            "are not chosen where there are others."
            + (" The leads are of the commonest converter and rate."
               if len(same_kind(analysis.channels)) > 1 else ""), note=True,
        )
        + pictures(*figures)
    )  # fmt: skip


def _falls(channel: Channel) -> bool:
    """Whether the lower half of the band has more power than the upper one."""
    x = levels(channel)
    return float(np.diff(x).var()) < 2 * float(x.var())


def _waveform(channel: Channel, spikes: Spikes | None) -> Figure:
    """The whole of a channel, a short cut out of it, and its spectrogram."""
    rate = float(channel.rate or 1)
    x = levels(channel)[: max(int(LONGEST_DRAWN * rate), SHORTEST)]
    figure, (whole, detail, power) = phone_figure(
        5.6, rows=3, gridspec_kw={"height_ratios": (1, 1, 1.25)}
    )
    clock = "s" if channel.rate else "samples"
    step = max(len(x) // COLUMNS, 1)
    columns = x[: len(x) // step * step].reshape(-1, step)
    at = np.arange(len(columns)) * step / rate
    whole.fill_between(at, columns.min(axis=1), columns.max(axis=1) + 1e-9, color=POSITIVE, lw=0.4)
    whole.set(
        title=f"{channel.label}: the whole of it, least to greatest",
        ylabel=channel.unit,
        xlim=(0, len(x) / rate),
    )
    length = min(max(int(DETAIL * rate), 200), len(x))
    first = _busiest(spikes, length, len(x))
    cut = x[first : first + length]
    detail.plot((first + np.arange(length)) / rate, cut, color=INK, lw=0.7)
    detail.set(
        title=f"{length / rate:.3g} {clock} of it",
        ylabel=channel.unit,
        xlim=(first / rate, (first + length) / rate),
    )
    picture = _spectrogram(power, x, channel.rate)
    power.set(title="spectrogram", xlabel=clock)
    figure.colorbar(picture, ax=power, pad=0.01, label="dB")
    return figure


def _spectrogram(axes: Axes, x: np.ndarray, rate: int) -> AxesImage:
    """Draw a spectrogram of levels; a rate of 0 is not known."""
    from scipy.signal import spectrogram

    known = float(rate or 1)
    size = min(256, len(x) // 8)
    frequency, _, density = spectrogram(x, known, nperseg=size, noverlap=size // 2)
    # Neighbours in time are averaged, which makes the picture smaller and less noisy.
    step = -(-density.shape[1] // CELLS)
    density = density[1:, : density.shape[1] // step * step]
    density = density.reshape(len(density), -1, step).mean(axis=2)
    decibel = 10 * np.log10(density + 1e-12)
    low, high = np.percentile(decibel, (1, 99.8))
    kilo = 1000 if rate >= 2000 else 1
    axes.set_ylabel("1/sample" if not rate else "kHz" if kilo > 1 else "Hz")
    return axes.imshow(
        decibel,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=low,
        vmax=max(high, low + 1),
        extent=(0, len(x) / known, frequency[1] / kilo, frequency[-1] / kilo),
        interpolation="none",
    )


def _busiest(spikes: Spikes | None, length: int, end: int) -> int:
    """Where a cut of `length` samples holds most spikes; in the middle where there are none."""
    times = spikes.times[spikes.times < end] if spikes else np.zeros(0, np.int64)
    if not len(times):
        return (end - length) // 2
    inside = np.searchsorted(times, times + length) - np.arange(len(times))
    best = int(inside.argmax())
    middle = (times[best] + times[best + inside[best] - 1]) // 2
    return int(min(max(middle - length // 2, 0), end - length))
