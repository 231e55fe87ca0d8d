"""The page that `spikey analyze` writes: one HTML file that needs nothing else, and its pictures.

Pictures are SVG inside the page, drawn for the width of a phone. The same numbers give the same
page: it holds no dates.
"""

from __future__ import annotations

import base64
import html
import io
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from .. import __version__
from ..quantizer.mapping import CHALLENGE, LOWEST_CODE, PALETTE
from ..system.files import printable
from . import analyze
from .analyze import BINS, Analysis, File, Lead, Spikes, Widths
from .plots import FAINT, INK, NEGATIVE, PALE, POSITIVE

WIDE = 4.6  # inches: letters of 9 points then have their size on a phone
MOST_ROWS = 40  # leads in a table of spikes
OVERLAYS = 4  # leads whose spikes are drawn
DETAIL = 0.1  # seconds
LONGEST_DRAWN = 10.0  # seconds of waveform and spectrogram
COLUMNS, CELLS = 400, 160  # of a drawn waveform and a spectrogram
MOST_GROUPS = 200  # listed
MOST_LABELLED = 40  # leads with a name along a matrix
AROUND = 40  # codes to each side of the middle one whose widths are drawn
STYLE = {
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "svg.hashsalt": "spikey",
}
SECTIONS = (
    ("given", "What was given"),
    ("waveforms", "Waveforms and spectrograms"),
    ("converter", "The converter"),
    ("distributions", "Amplitudes and prediction errors"),
    ("entropies", "Entropies and file sizes"),
    ("topology", "Simultaneous leads"),
    ("spikes", "Spikes"),
    ("outliers", "Outliers and railed leads"),
)
# The policy makes sure that a browser asks for nothing, whatever a file is called.
HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Analysis of recordings</title>
<style>
*{box-sizing:border-box}
body{margin:0 auto;padding:0 1rem 3rem;max-width:66rem;color:#1d2b3a;background:#fff;
 font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:1.5rem 0 .3rem}
h2{font-size:1.25rem;margin:2.5rem 0 .3rem;padding-top:.6rem;border-top:1px solid #c3cad3}
p,nav,li{max-width:44rem}
nav ol{padding-left:1.4rem;columns:16rem}
a{color:#2b5b8a}
.pictures{display:flex;flex-wrap:wrap;gap:1rem 1.5rem;margin:1rem 0}
figure{margin:0;flex:1 1 min(24rem,100%);max-width:32rem;min-width:0}
figure img{display:block;width:100%;height:auto}
figcaption,.note{font-size:.87rem;color:#566270}
.table{overflow:auto;max-height:26rem;width:fit-content;max-width:100%;
 margin:1rem 0;border:1px solid #dfe3e8}
table{border-collapse:collapse;font-size:.87rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:left;white-space:nowrap;border-bottom:1px solid #eef0f3}
th{position:sticky;top:0;background:#f4f6f8}
.n{text-align:right}
.wrap td:not(.n){white-space:normal;overflow-wrap:normal;min-width:5rem}
.wrap td:not(.n)+td:not(.n){min-width:11rem}
</style>
</head>
"""


def page(analysis: Analysis) -> str:
    """The whole report on an analysis, as the text of an HTML file. Needs matplotlib and scipy."""
    from matplotlib import rc_context

    parts = [_given, _waveforms, _converter, _distributions, _entropies, _topology, _spikes,
             _outliers]  # fmt: skip
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in other letters
        bodies = [part(analysis) for part in parts]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in SECTIONS)
    sections = "".join(
        f'<section id="{name}">\n<h2>{number}. {title}</h2>\n{body}\n</section>\n'
        for number, ((name, title), body) in enumerate(zip(SECTIONS, bodies), 1)
    )
    return (
        f"{HEAD}<body>\n<h1>Analysis of {_count(len(analysis.files), 'recording')}</h1>\n"
        f'<p class="note">Made by spikey {__version__}, <code>spikey analyze</code>.</p>\n'
        f"<nav><ol>{links}</ol></nav>\n{sections}</body>\n</html>\n"
    )


# Pieces of HTML


def _count(number: int, what: str) -> str:
    """
    >>> _count(1200, 'lead')
    '1,200 leads'
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def _text(*sentences: str, note: bool = False) -> str:
    """A paragraph of HTML sentences; empty ones are left out."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{' '.join(filter(None, sentences))}</p>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence], wrap: bool = False) -> str:
    """A table; cells that are no text are numbers, those that are, are escaped.

    wrap : let long text take several lines, for tables of few columns
    """
    lines = []
    numbers = [False] * len(head)
    for row in rows:
        cells = []
        for column, cell in enumerate(row):
            number = not isinstance(cell, str)
            numbers[column] |= number
            shown = _number(cell) if number else html.escape(cell)
            cells.append(f'<td class="n">{shown}</td>' if number else f"<td>{shown}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    top = "".join(
        f'<th class="n">{html.escape(name)}</th>' if number else f"<th>{html.escape(name)}</th>"
        for name, number in zip(head, numbers)
    )
    body = "\n".join(lines)
    return (
        f'<div class="table{" wrap" * wrap}" tabindex="0"><table>\n<thead><tr>{top}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _number(value) -> str:
    """
    >>> _number(12345), _number(4.5), _number(float('nan')), _number(None)
    ('12,345', '4.500', '–', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _share(value: float) -> str:
    """In per cent, with a space that no line breaks at."""
    percent = 100 * value
    return f"{percent:.1f}\u00a0%" if percent >= 1 else f"{percent:.2g}\u00a0%"


def _pictures(*figures: str) -> str:
    return f'<div class="pictures">\n{"".join(figures)}</div>\n'


def _figure(height: float, columns: int = 1, rows: int = 1, **options):
    """A figure as wide as a phone and `height` inches high, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def _shown(figure, what: str, caption: str = "") -> str:
    """A figure as HTML; `what` is for those who do not see it, both are plain text."""
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", dpi=200, metadata={"Date": None})
    data = base64.b64encode(picture.getvalue()).decode()
    under = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure><img alt="{html.escape(what)}" src="data:image/svg+xml;base64,{data}">'
        f"{under}</figure>\n"
    )


def _name(text: str) -> str:
    """A lead's name as HTML."""
    return f"<b>{html.escape(text)}</b>"


# 1


def _given(analysis: Analysis) -> str:
    kinds = Counter(file.kind for file in analysis.files)
    rates = sorted({file.rate for file in analysis.files})
    named = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    seconds = sum(_seconds(file) * file.channels for file in analysis.files)
    many = _count(len(rates), "different rate") if len(rates) > 3 else " and ".join(
        f"{rate:,} Hz" for rate in rates
    )
    cut = sum(file.analysed < file.frames for file in analysis.files)
    short = sum(file.frames < analyze.SHORTEST for file in analysis.files)
    return (
        _text(
            f"{_count(len(analysis.files), 'recording')} with "
            f"{_count(len(analysis.leads), 'lead')}, {seconds:,.0f} seconds of signal at {many}.",
            f"By the converter that was recognised: {named}.",
            f"{_count(cut, 'recording')} so long that only the beginning was looked at."
            if cut else "",
            f"{_count(short, 'recording')} too short to be analysed (fewer than "
            f"{analyze.SHORTEST:,} samples)." if short else "",
        )
        + _table(
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


# 2


def _waveforms(analysis: Analysis) -> str:
    chosen = analyze.picks(analysis.leads, analysis.statistics)
    figures = []
    for pick in chosen:
        lead, own = analysis.leads[pick.lead], analysis.statistics[pick.lead]
        spikes = f", {own.spikes.per_second:.1f} spikes a second" if own.spikes else ""
        figures.append(
            _shown(
                _waveform(lead, own.spikes),
                f"Waveform and spectrogram of lead {lead.label}, {pick.why}",
                f"{lead.label}: {pick.why}. Standard deviation {own.deviation:.3g} {lead.unit}, "
                f"of the prediction error {own.residual:.3g}{spikes}.",
            )
        )
    return (
        _text(
            f"{_count(len(chosen), 'lead')} of {len(analysis.leads):,}, chosen by their numbers: "
            + "; ".join(f"{_name(analysis.leads[p.lead].label)} ({p.why})" for p in chosen) + ".",
            "Slow waves carry most of the amplitude, which the spectrogram shows as power that "
            "falls with frequency."
            if _falls(analysis.leads[chosen[0].lead]) else
            "The spectrogram's power does not fall with frequency as that of most recordings does.",
            "The short cut between them is taken where the lead's spikes are densest, or from the "
            "middle where there are none.",
        )
        + _text(
            f"Drawn are at most the first {LONGEST_DRAWN:g} seconds; railed and constant leads "
            "are not chosen, where there are others."
            + (" The leads are of the commonest converter and rate."
               if len(analyze.same_kind(analysis.leads)) > 1 else ""), note=True,
        )
        + _pictures(*figures)
    )  # fmt: skip


def _falls(lead: Lead) -> bool:
    """Whether the lower half of the band has more power than the upper one."""
    x = analyze.levels(lead)
    return float(np.diff(x).var()) < 2 * float(x.var())


def _waveform(lead: Lead, spikes: Spikes | None):
    from scipy.signal import spectrogram

    rate = float(lead.rate or 1)
    x = analyze.levels(lead)[: max(int(LONGEST_DRAWN * rate), analyze.SHORTEST)]
    figure, (whole, detail, power) = _figure(
        5.6, rows=3, gridspec_kw={"height_ratios": (1, 1, 1.25)}
    )
    clock = "s" if lead.rate else "samples"
    step = max(len(x) // COLUMNS, 1)
    columns = x[: len(x) // step * step].reshape(-1, step)
    at = np.arange(len(columns)) * step / rate
    whole.fill_between(at, columns.min(axis=1), columns.max(axis=1) + 1e-9, color=POSITIVE, lw=0.4)
    whole.set(title=f"{lead.label}: the whole of it, least to greatest", ylabel=lead.unit,
              xlim=(0, len(x) / rate))  # fmt: skip
    length = min(max(int(DETAIL * rate), 200), len(x))
    first = _busiest(spikes, length, len(x))
    cut = x[first : first + length]
    detail.plot((first + np.arange(length)) / rate, cut, color=INK, lw=0.7)
    detail.set(title=f"{length / rate:.3g} {clock} of it", ylabel=lead.unit,
               xlim=(first / rate, (first + length) / rate))  # fmt: skip
    size = min(256, len(x) // 8)
    frequency, _, density = spectrogram(x, rate, nperseg=size, noverlap=size // 2)
    # Neighbours in time are averaged: a small picture, and less noise in it.
    step = -(-density.shape[1] // CELLS)
    density = density[1:, : density.shape[1] // step * step]
    density = density.reshape(len(density), -1, step).mean(axis=2)
    decibel = 10 * np.log10(density + 1e-12)
    low, high = np.percentile(decibel, (1, 99.8))
    kilo = 1000 if lead.rate >= 2000 else 1
    picture = power.imshow(
        decibel, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=max(high, low + 1),
        extent=(0, len(x) / rate, frequency[1] / kilo, frequency[-1] / kilo),
        interpolation="none",
    )  # fmt: skip
    per = "1/sample" if not lead.rate else "kHz" if kilo > 1 else "Hz"
    power.set(title="spectrogram", ylabel=per, xlabel=clock)
    figure.colorbar(picture, ax=power, pad=0.01, label="dB")
    return figure


def _busiest(spikes: Spikes | None, length: int, end: int) -> int:
    """Where to cut so many samples out so that most spikes are inside; the middle without any."""
    times = spikes.times[spikes.times < end] if spikes else np.zeros(0, np.int64)
    if not len(times):
        return (end - length) // 2
    inside = np.searchsorted(times, times + length) - np.arange(len(times))
    best = int(inside.argmax())
    middle = (times[best] + times[best + inside[best] - 1]) // 2
    return int(min(max(middle - length // 2, 0), end - length))


# 3


def _converter(analysis: Analysis) -> str:
    body = ""
    if analysis.widths is not None:
        body += _challenge_converter(analysis.widths)
    others = [file for file in analysis.files if file.mapping.kind != CHALLENGE and file.analysed]
    if others:
        steps = sorted({file.step for file in others})
        sparse = sum(file.mapping.kind == PALETTE for file in others)
        more = "Other recordings: of" if analysis.widths is not None else "Of"
        body += _text(
            f"{more} {_count(len(others), 'file')} that {'does' if len(others) == 1 else 'do'} "
            f"not come from the challenge's converter, {sparse} "
            f"{'uses' if sparse == 1 else 'use'} so few of the values in "
            "their range that the codec numbers those in use (“sparse”).",
            f"The greatest common step between values is {', '.join(map(str, steps[:6]))}"
            f"{' …' if len(steps) > 6 else ''}; a step above 1 is a gain that was applied after "
            "the converter.",
        ) + _table(
            ("file", "converter", "values in use", "lowest", "highest", "step", "in use",
             "bits to number them"),
            (
                (printable(file.path.name), file.kind, file.used, file.lowest, file.highest,
                 file.step,
                 _share(file.used / ((file.highest - file.lowest) // max(file.step, 1) + 1)),
                 math.log2(file.used))
                for file in others
            ),
        )  # fmt: skip
    return body


def _challenge_converter(widths: Widths) -> str:
    often = widths.often
    codes = np.arange(len(widths.counts)) + LOWEST_CODE
    used = int(np.count_nonzero(widths.counts))
    shipped = widths.shipped[often] if often.any() else widths.shipped
    agreement = (
        "They came too rarely here to compare widths code by code."
        if math.isnan(widths.correlation)
        else f"Over the {int(often.sum())} codes that came often, the log widths estimated from "
        f"{_count(widths.leads, 'lead')} of these recordings alone correlate with the shipped "
        f"ones by {widths.correlation:.3f}: "
        + ("it is the same converter." if widths.correlation > 0.8 else
           "these recordings do not clearly show the same pattern.")
    )  # fmt: skip
    text = _text(
        f"Of the challenge converter's 1,024 codes, {used:,} came. They are unevenly wide: the "
        f"shipped widths of those that came often run from {shipped.min():.2f} to "
        f"{shipped.max():.2f} codes, so that the histogram is jagged where the signal is smooth.",
        agreement,
    )
    centre = int(np.average(codes, weights=widths.counts).round()) if widths.counts.sum() else 0
    first = min(max(centre - AROUND - LOWEST_CODE, 0), len(codes) - 2 * AROUND - 1)
    cut = slice(first, first + 2 * AROUND + 1)
    figure, (top, bottom) = _figure(4.2, rows=2)
    top.bar(codes[cut], widths.counts[cut] / max(widths.counts.sum(), 1), 1.0, color=POSITIVE)
    top.set(title="how often each code came", ylabel="share of samples")
    bottom.step(codes[cut], widths.here[cut], where="mid", color=NEGATIVE, lw=1.4,
                label="estimated here")  # fmt: skip
    bottom.step(codes[cut], widths.shipped[cut], where="mid", color=INK, lw=0.8, label="shipped")
    bottom.set(title="width of each code, in codes", xlabel="code")
    bottom.set_ylim(0, max(widths.here[cut].max(), widths.shipped[cut].max()) * 1.3)
    bottom.legend(ncols=2, loc="upper right")
    near = _shown(figure, "Histogram and widths of the codes in the middle",
                  f"The {2 * AROUND + 1} codes around the mean one.")  # fmt: skip
    figure, axes = _figure(4.2)
    axes.plot([0, 2.6], [0, 2.6], color=PALE, lw=1, zorder=0)
    axes.plot(widths.shipped[often], widths.here[often], "o", ms=2.6, color=POSITIVE, mew=0)
    most = max(2.0, float(max(widths.shipped[often].max(initial=0),
                              widths.here[often].max(initial=0))) * 1.05)  # fmt: skip
    axes.set(xlim=(0, most), ylim=(0, most), xlabel="width shipped, in codes",
             ylabel="width estimated from these recordings",
             title="a dot for each code")  # fmt: skip
    every = _shown(figure, "Widths estimated here over widths shipped",
                   "All codes that came about 1,000 times and more in the leads used; on the line "
                   "both agree.")  # fmt: skip
    return text + _pictures(near, every)


# 4


def _distributions(analysis: Analysis) -> str:
    shape = analysis.distributions
    kurtosis = [own.kurtosis for own in analysis.statistics if own.usable]
    if not kurtosis:
        return _text("Every lead is constant or railed: there is no distribution to be shown.")
    gaussian = math.erfc(4 / math.sqrt(2))
    amplitude, error, tracked = shape.beyond_four
    heavy = "heavier" if error > 2 * gaussian else "hardly heavier"
    figures = [
        _shown(
            _against_gaussian([("amplitude", shape.amplitude, POSITIVE)], "amplitudes"),
            "Distribution of amplitudes beside a Gaussian",
            "Levels minus the lead's median, over the standard deviation of a Gaussian with the "
            "same quartiles; all leads together but railed and constant ones.",
        ),
        _shown(
            _against_gaussian(
                [("over the lead's own deviation", shape.error, NEGATIVE),
                 ("over the tracked scale", shape.tracked, POSITIVE)], "prediction errors",
            ),
            "Distribution of prediction errors beside a Gaussian",
            "Errors of each lead's best linear predictor of order 16; the tracked scale is the "
            "standard deviation that the errors just before lead one to expect.",
        ),
    ]  # fmt: skip
    return (
        _text(
            "What a linear predictor leaves over is nearly Gaussian in the middle, with tails "
            f"{heavy} than a Gaussian's: {_share(error)} of the errors lie beyond four standard "
            f"deviations, a Gaussian has {_share(gaussian)} there.",
            f"Over a scale that follows the recent errors it is {_share(tracked)}; the median "
            f"excess kurtosis of a lead is then {np.median(kurtosis):.2f} (Gaussian: 0).",
            f"Of the amplitudes themselves {_share(amplitude)} lie beyond four.",
        )
        + _pictures(*figures)
    )


def _against_gaussian(curves, title: str):
    from matplotlib.ticker import FuncFormatter, LogLocator

    figure, axes = _figure(3.1)
    middle = (BINS[1:] + BINS[:-1]) / 2
    axes.plot(middle, np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi), color=INK, lw=0.9, ls="--",
              label="Gaussian")  # fmt: skip
    least = 1e-2
    for label, counts, colour in curves:
        density = counts / max(counts.sum(), 1) / (BINS[1] - BINS[0])
        if counts.any():
            least = min(least, float(density[density > 0].min()))
        axes.plot(middle, np.where(density > 0, density, np.nan), color=colour, lw=1.2, label=label)
    axes.set(yscale="log", ylim=(max(least / 2, 1e-7), 8), xlim=(-8, 8), title=title,
             xlabel="standard deviations", ylabel="density")  # fmt: skip
    axes.legend(loc="upper center", ncols=2 if len(curves) == 1 else 1, handlelength=1.3)
    if len(curves) > 1:
        axes.set_ylim(top=300)  # room for what the curves are called
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return figure


# 5


def _entropies(analysis: Analysis) -> str:
    coding = analysis.coding
    steps = coding.steps["all"]
    bits = {step.name: step.bits for step in steps}
    models = [step for step in steps if not step.real]
    files = [step for step in steps if step.real]
    best = min(files, key=lambda step: step.bits)
    ideal = models[-1].bits
    kinds = [kind for kind in coding.steps if kind != "all"]
    gain = models[-2].bits - ideal if models[-1].name == analyze.NONUNIFORM else 0
    text = _text(
        f"The raw samples take 16 bits, their own entropy is {bits[analyze.MODELS[0]]:.3f} and "
        f"prediction brings it down to {bits[analyze.MODELS[2]]:.3f} bits a sample.",
        f"Knowing the uneven converter is worth {gain:.3f} bits more." if gain > 0.0005 else "",
        f"The smallest files, preset <code>{best.name.split()[-1]}</code>, take "
        f"{best.bits:.3f} bits, a ratio of {16 / best.bits:.3f}; the linear model's ideal code "
        f"length is {ideal:.3f}.",
        "Files are smaller than the models above, which know no other channels and no network."
        if best.bits < ideal else "",
    )  # fmt: skip
    limited = coding.files < sum(file.frames >= analyze.SHORTEST for file in analysis.files)
    note = _text(
        f"Measured on {_count(coding.files, 'recording')}"
        + (f", evenly spread over the {len(analysis.files):,}" if limited else "")
        + f": {_count(coding.leads, 'lead')}, {coding.samples:,} samples"
        + (f"; of {coding.shortened} only the beginning" if coding.shortened else "") + ".",
        "Entropies are per lead, and count nothing for telling the decoder the distribution, so "
        "they are a little too low for short leads; those of codes and of samples are the same. "
        "Model lengths leave out each lead's first 500 samples and use its own best predictor. "
        "File sizes count every byte.",
        note=True,
    )
    rows = []
    for n, step in enumerate(steps):
        row = [step.name, step.bits, 16 / step.bits if step.bits else math.nan]
        rows.append([*row, *(coding.steps[kind][n].bits for kind in kinds)])
    head = ("step", "bits a sample", "ratio", *kinds)
    return text + _pictures(_shown(_bars(steps), "Bits per sample at each step",
        "Blue: entropies and ideal code lengths. Red: real files.")) + _table(
        head, rows, wrap=not kinds
    ) + note  # fmt: skip


def _bars(steps):
    figure, axes = _figure(0.45 * len(steps) + 0.5)
    most = max(step.bits for step in steps)
    for row, step in enumerate(steps):
        axes.barh(row, step.bits, 0.36, color=NEGATIVE if step.real else POSITIVE)
        axes.text(0, row - 0.25, step.name, va="bottom", size=9)
        axes.text(step.bits + most / 90, row, f"{step.bits:.3f}", va="center", size=9)
    axes.set(ylim=(len(steps) - 0.5, -0.85), xlim=(0, most * 1.12), xlabel="bits per sample")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    return figure


# 6


def _topology(analysis: Analysis) -> str:
    related, leads = analysis.related, analysis.leads
    compared = len(related.leads)
    if compared == 1:
        return _text("There is one lead only, so nothing to correlate it with.")
    pairs = sum(len(group) == 2 for group in related.groups)
    larger = [len(group) for group in related.groups if len(group) > 2]
    alone = compared - sum(map(len, related.groups))
    kinds = ([_count(pairs, "pair")] if pairs else []) + (
        [f"{_count(len(larger), 'larger group')} (up to {max(larger)} leads)"] if larger else []
    )
    found = (
        f"{' and '.join(kinds)} of leads hear common activity; {alone} have no partner."
        if kinds else "No two leads hear common activity."
    )  # fmt: skip
    body = _text(
        found,
        "The measure is the correlation of first differences at the same instant: of unrelated "
        "leads it stays near 0, and raw values would mostly correlate by drift."
    )
    shown = len(related.shown)
    note = ""
    if compared < len(leads):
        note += f"Compared were {compared:,} of {len(leads):,} leads, evenly spread. "
    if shown < compared:
        note += f"The picture shows {shown} of them, the strongest groups first. "
    body += _text(note, note=True) if note else ""
    names = [leads[n].label for n in related.shown]
    figure = _shown(_matrix(related.matrix, names), "Correlation of every two leads",
                    f"Absolute correlation of first differences of {shown} leads, "
                    "members of one group side by side.")  # fmt: skip
    table = ""
    if related.groups:
        listed = list(zip(related.groups, related.strongest))[:MOST_GROUPS]
        table = _table(
            ("strongest correlation", "leads", "which"),
            (
                (strongest, len(group), ", ".join(leads[n].label for n in group[:12])
                 + (f" and {len(group) - 12} more" if len(group) > 12 else ""))
                for group, strongest in listed
            ),
        )  # fmt: skip
        if len(listed) < len(related.groups):
            table += _text(f"{len(related.groups) - len(listed)} weaker groups are left out.",
                           note=True)  # fmt: skip
    return body + _pictures(figure) + table


def _matrix(matrix: np.ndarray, names: list[str]):
    figure, axes = _figure(3.9)
    scale = max(float(matrix.max()), 0.05)
    shown = np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)
    picture = axes.imshow(shown, cmap="Blues", vmin=0, vmax=scale, interpolation="nearest")
    size = max(3.5, min(7, 170 / len(names)))
    if len(names) <= MOST_LABELLED:
        axes.set_xticks(range(len(names)), names, rotation=90, size=size)
        axes.set_yticks(range(len(names)), names, size=size)
    else:
        axes.set(xlabel="lead", ylabel="lead")
    axes.tick_params(length=0)
    figure.colorbar(picture, ax=axes, shrink=0.75, pad=0.02, label="|correlation|")
    return figure


# 7


def _spikes(analysis: Analysis) -> str:
    known = [
        (lead, own, own.spikes)
        for lead, own in zip(analysis.leads, analysis.statistics)
        if own.spikes is not None
    ]
    if not known:
        return _text("No lead has a rate at which spikes could be looked for (1,334 Hz or more).")
    low, high = analyze.band(known[0][0].rate)
    chance = analyze.chance_per_second(known[0][0].rate)
    method = _text(
        f"The method: levels are band-passed from {low:.0f} to {high:.0f} Hz (Butterworth, order "
        "3, forwards and backwards). A spike is the lowest point of the millisecond after they "
        f"fall below {analyze.TIMES_NOISE} times the noise, which is median(|x|) / 0.6745; the "
        "next one comes a millisecond later at the earliest. Noise alone would give about "
        f"{chance:.1f} a second. Spikes are not sorted by cell, and those that point upwards are "
        "not counted.",
        "Rates of railed leads (*) say little: where a lead leaves the rail the filter rings."
        if any(own.railed >= analyze.RAILED for _, own, _ in known) else "",
        "Leads of other rates have a band of their own, up to 0.45 of the rate."
        if len({lead.rate for lead, _, _ in known}) > 1 else "",
        note=True,
    )  # fmt: skip
    # A railed lead may show more of them than any other, and none of a cell.
    known.sort(key=lambda entry: (entry[1].railed >= analyze.RAILED, -entry[2].per_second))
    clean = [entry for entry in known if entry[1].railed < analyze.RAILED] or known
    rates = np.array([spikes.per_second for _, _, spikes in clean])
    busy = int(np.count_nonzero(rates > 1))
    first = clean[0]
    text = _text(
        f"{sum(len(s.times) for _, _, s in clean):,} spikes in {_count(len(clean), 'lead')}"
        f"{', railed ones left out' if len(clean) < len(known) else ''}: "
        f"{busy} of them have more than one a second, the median lead has {np.median(rates):.2f}.",
        f"Lead {_name(first[0].label)} has most, {first[2].per_second:.1f} a second.",
    )
    drawn = [entry for entry in clean[:OVERLAYS] if len(entry[2].shapes)]
    figures = [_shown(_rates(rates), "Spikes per second of all leads",
                      "Leads with most spikes first.")]  # fmt: skip
    if drawn:
        figures.append(
            _shown(
                _overlay(drawn), "Some spikes of the leads with most of them",
                f"Band-passed spikes of the leads with most of them, at most "
                f"{analyze.MOST_SHAPES} each, and their median (dark). Dashed: the threshold.",
            )
        )  # fmt: skip
    listed = known[:MOST_ROWS]
    table = _table(
        ("lead", "spikes", "a second", "noise", "threshold", "median trough", "unit"),
        (
            (lead.label + (" *" if own.railed >= analyze.RAILED else ""), len(spikes.times),
             spikes.per_second, spikes.noise, spikes.threshold, _trough(spikes), lead.unit)
            for lead, own, spikes in listed
        ),
    )  # fmt: skip
    if len(listed) < len(known):
        table += _text(f"The {len(listed)} leads with most spikes of {len(known):,}.", note=True)
    return text + _pictures(*figures) + table + method


def _trough(spikes: Spikes) -> float:
    return float(np.median(spikes.shapes.min(axis=1))) if len(spikes.shapes) else math.nan


def _rates(rates: np.ndarray):
    figure, axes = _figure(2.9)
    ordered = np.sort(rates)[::-1]
    axes.bar(np.arange(1, len(ordered) + 1), ordered, 0.9, color=POSITIVE, lw=0)
    axes.set(xlabel="leads, in order", ylabel="spikes per second", xlim=(0.4, len(ordered) + 0.6))
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _overlay(entries):
    columns = min(len(entries), 2)
    rows = -(-len(entries) // columns)
    figure, grid = _figure(1.9 * rows + 0.2, columns, rows, squeeze=False)
    for axes in grid.flat[len(entries) :]:
        axes.set_visible(False)
    for axes, (lead, _, spikes) in zip(grid.flat, entries):
        before = round(analyze.BEFORE * lead.rate)
        time = (np.arange(spikes.shapes.shape[1]) - before) / lead.rate * 1000
        # As points, not as lines: a tenth of the size.
        axes.plot(time, spikes.shapes.T, color=POSITIVE, lw=0.4, alpha=0.35, rasterized=True)
        axes.plot(time, np.median(spikes.shapes, axis=0), color=INK, lw=1.3)
        axes.axhline(spikes.threshold, color=NEGATIVE, lw=0.7, ls="--")
        axes.set(title=f"{lead.label}, {spikes.per_second:.1f}/s", xlabel="ms",
                 ylabel=lead.unit)  # fmt: skip
    return figure


# 8


def _outliers(analysis: Analysis) -> str:
    leads, statistics = analysis.leads, analysis.statistics
    railed = [o for o in analysis.outliers if o.what.startswith("railed")]
    constant = [o for o in analysis.outliers if o.what.startswith("constant")]
    other = {o.lead: o for o in analysis.outliers if o not in railed and o not in constant}
    touched = sum(own.railed > 0 for own in statistics)
    text = _text(
        f"{_named(leads, railed)} {'are' if len(railed) > 1 else 'is'} railed: "
        f"{_range([statistics[o.lead].railed for o in railed])} of the samples are at the rail."
        if railed else "No lead is railed.",
        f"{_named(leads, constant)} {'are' if len(constant) > 1 else 'is'} constant."
        if constant else "",
        f"{_named(leads, other.values())} {'differ' if len(other) > 1 else 'differs'} much from "
        "the rest of the same kind in amplitude or prediction error." if other else
        "No other lead stands out in amplitude or prediction error."
        if len(leads) >= analyze.FEWEST_TO_JUDGE else
        f"Fewer than {analyze.FEWEST_TO_JUDGE} leads say too little about what is usual to name "
        "others.",
        f"{_count(touched, 'lead')} in all touch{'es' * (touched == 1)} the rail at least once."
        if touched else "",
    )  # fmt: skip
    note = _text(
        "The rail is the end of the converter's range, or a lead's own extreme where it rests for "
        f"{analyze.PLATEAU} samples and more. A lead stands out whose log standard deviation is "
        f"{analyze.FAR:g} robust standard deviations from the median of leads of the same "
        "converter and rate.",
        note=True,
    )
    table = ""
    if analysis.outliers:
        table = _table(
            ("lead", "what"),
            ((leads[o.lead].label, o.what) for o in analysis.outliers),
            wrap=True,
        )
    points = [
        (own.deviation, own.residual, lead in {outlier.lead for outlier in analysis.outliers})
        for lead, own in enumerate(statistics)
        if own.residual > 0
    ]
    picture = ""
    if points:
        picture = _pictures(
            _shown(_scatter(points), "Amplitude and prediction error of every lead",
                   "A dot for each lead that varies; red ones are named above.")
        )  # fmt: skip
    return text + table + picture + note


def _range(shares: list[float]) -> str:
    low, high = _share(min(shares)), _share(max(shares))
    return low if low == high else f"{low} to {high}"


def _named(leads: list[Lead], outliers) -> str:
    names = [_name(leads[o.lead].label) for o in outliers]
    more = f" and {len(names) - 8} more leads" if len(names) > 8 else ""
    return ("Leads " if len(names) > 1 else "Lead ") + ", ".join(names[:8]) + more


def _scatter(points: list[tuple[float, float, bool]]):
    """Deviation, prediction error and whether it is named, of every lead."""
    figure, axes = _figure(3.2)
    for colour, named in ((POSITIVE, False), (NEGATIVE, True)):
        chosen = [point[:2] for point in points if point[2] == named]
        if chosen:
            axes.loglog(*zip(*chosen), "o", ms=3.5, color=colour, mew=0, alpha=0.8)
    _plain_ticks(axes)
    axes.set(xlabel="standard deviation of the level", ylabel="of the prediction error")
    return figure


def _plain_ticks(axes) -> None:
    """Numbers as people write them on both logarithmic axes, few enough not to overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        wide = low > 0 and high / low > 1000
        axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
