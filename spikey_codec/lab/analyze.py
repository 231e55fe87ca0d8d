"""`spikey analyze`: what can be measured on recordings, as numbers; report.py makes a page of them.

A lead is one channel of one file. Its level is what is predicted: for recordings of the
challenge's converter the middle of each code's interval, in codes; for sparse ones the number of
the value in the list of those in use, in steps; for others the sample itself.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import codec, presets
from ..quantizer import mapping as converter
from ..quantizer.detect import to_codes
from ..readers import wav
from ..system import files
from ..bitstream.header import CHALLENGE_RATE
from ..quantizer.mapping import CHALLENGE, HIGHEST_CODE, LOWEST_CODE, Mapping
from ..errors import RecordingError, UsageError
from ..fit import converter as fit_converter
from ..fit import model
from ..fit.data import each_once, find, read_recording
from ..constants import TRANSITION_BITS, WEIGHT_BITS
from ..prediction import linear
from ..topology.graph import Lead as Node
from ..topology.graph import Topology, common_activity
from .plots import label_leads
from .simulate import shipped_edges

KINDS = ("challenge 10-bit", "plain", "sparse")  # by the number of the mapping
UNITS = ("codes", "units", "steps")
SHORTEST = 1000  # samples of a lead; with fewer there is little to be seen
# Of larger files only the beginning is looked at, and less of it is coded: samples, all channels.
MOST_ANALYSED, MOST_CODED = 1 << 25, 1 << 20
MOST_RELATED = 1024  # leads between which correlations are taken
MOST_IN_MATRIX = 60
MOST_FOR_WIDTHS = 16  # leads; each takes a third of a second
LOW, HIGH = 300.0, 6000.0  # Hz, of spikes
TIMES_NOISE = 4.5  # a spike's trough is that many standard deviations of the noise below zero
MEDIAN_TO_SIGMA = 0.6745  # the median of |x| of a Gaussian, in standard deviations
REFRACTORY, BEFORE, AFTER = 0.001, 0.001, 0.002  # seconds
MOST_SHAPES = 60  # spikes of a lead that are kept to be drawn
BINS = np.linspace(-8, 8, 161)  # of normalised values, in standard deviations
RAILED = 0.01  # share of samples at the rail from which a lead is called railed
PLATEAU = 3  # equal samples at a lead's own extreme that look clipped
FEW_VALUES = 16  # a lead with fewer distinct values rests at its extremes without being clipped
FAR = 4.0  # robust standard deviations of the log deviation that make an outlier
FEWEST_TO_JUDGE = 8  # leads that tell what is usual
UNIFORM = 0.001  # share of the density that is spread evenly, so that nothing costs infinitely much


class File(NamedTuple):
    """A recording as it was given, and what its values are. Rate in Hz, 0: not known."""

    path: Path
    size: int  # bytes
    channels: int
    rate: int
    frames: int
    analysed: int  # frames, from the first on
    mapping: Mapping
    used: int  # distinct values
    lowest: int
    highest: int
    step: int  # greatest common divisor of the distances between values, 0 for a constant

    @property
    def kind(self) -> str:
        return KINDS[self.mapping.kind]


class Lead(NamedTuple):
    """One channel of one file: samples and codes are int16, shape (frames analysed,)."""

    label: str
    file: int  # index
    channel: int
    rate: int
    mapping: Mapping
    samples: np.ndarray
    codes: np.ndarray

    @property
    def unit(self) -> str:
        """The unit of levels."""
        return UNITS[self.mapping.kind]


class Spikes(NamedTuple):
    """Troughs found in one lead.

    times : int64, samples; rate per second; noise and threshold in the lead's levels
    shapes : float32, shape (some of the spikes, samples), band-passed, in levels
    """

    times: np.ndarray
    per_second: float
    noise: float
    threshold: float
    shapes: np.ndarray


class Statistics(NamedTuple):
    """What was measured on one lead; deviations in levels, shares from 0 to 1."""

    deviation: float
    residual: float  # standard deviation of the prediction's error
    kurtosis: float  # excess, of the error over its tracked scale; NaN for a constant lead
    railed: float  # share of samples at the converter's end
    constant: bool
    spikes: Spikes | None  # None where the rate is too low or not known

    @property
    def usable(self) -> bool:
        """Whether the lead varies and stays off the rail, so that it tells of a signal."""
        return not self.constant and self.railed < RAILED


class Distributions(NamedTuple):
    """Counts of normalised values in `BINS`, float64, shape (bins,); some values lie beyond.

    amplitude: about the lead's median, over its quartiles' scale; error: over the lead's own
    deviation; tracked: the same errors over their tracked scale.
    """

    amplitude: np.ndarray
    error: np.ndarray
    tracked: np.ndarray
    beyond_four: tuple[float, float, float]  # shares beyond 4 standard deviations, in that order


class Widths(NamedTuple):
    """The challenge converter's code widths: float64, shape (1024,), in codes."""

    shipped: np.ndarray
    here: np.ndarray
    counts: np.ndarray  # how often each code came in all leads, int64
    leads: int  # that they were estimated from
    often: np.ndarray  # codes that came often enough in those to tell a width, bool
    correlation: float  # of the log widths of those codes; NaN if there are few


class Step(NamedTuple):
    """One way to describe the samples and what it takes, in bits per sample."""

    name: str
    bits: float
    real: bool  # a file's size, not an entropy or ideal code length


class Coding(NamedTuple):
    """Bits per sample at each step, over the recordings coded: names, steps, samples, leads."""

    files: int
    leads: int
    samples: int
    shortened: int  # files of which only the beginning was coded
    steps: dict[str, list[Step]]  # by kind; "all" where there is but one


class Related(NamedTuple):
    """Simultaneous leads. strongest: |correlation| by group; matrix: float32 of leads `shown`."""

    leads: list[int]  # that were compared
    groups: list[list[int]]  # of two and more leads, the strongest first
    strongest: list[float]
    shown: list[int]
    matrix: np.ndarray


class Outlier(NamedTuple):
    """A lead that is unlike the others, and the end of a sentence that says how."""

    lead: int
    what: str


class Analysis(NamedTuple):
    """All numbers of a report."""

    files: list[File]
    leads: list[Lead]
    statistics: list[Statistics]
    distributions: Distributions
    widths: Widths | None  # None without a lead of the challenge's converter
    coding: Coding
    related: Related
    outliers: list[Outlier]


def require(*names: str) -> None:
    """UsageError where one of the packages that a report needs is not installed."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UsageError(
                f"A report needs {name}, which is not installed: pip install 'spikey-codec[plot]'."
            ) from error


def run(paths: list[Path], folder: Path, limit: int, write) -> None:
    """Analyse recordings and write `folder`/index.html, last and as a whole.

    Parameters
    ----------
    paths : recordings, and folders that are searched one level deep
    limit : at most so many recordings are coded for the section on entropies
    write : called with one line at the end

    Raises UsageError, RecordingError and OSError; an earlier report is then as it was.
    """
    require("matplotlib", "scipy")
    from . import report

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"The report is to be a folder, but {folder} is a file.")
    target = folder / "index.html"
    for path in find(paths):
        files.refuse_same(str(path), str(target))
    analysis = analyse(paths, limit)
    page = report.page(analysis).encode()
    folder.mkdir(parents=True, exist_ok=True)
    files.write(str(target), page)
    write(f"{target}: {len(analysis.leads)} leads of {len(analysis.files)} recordings, "
          f"{len(page)} bytes")  # fmt: skip


def analyse(paths: list[Path], limit: int = 60) -> Analysis:
    """All numbers of a report on recordings; arguments and errors as for `run`. Needs scipy."""
    require("scipy")
    found, leads = read(paths)
    statistics, distributions = _statistics(leads)
    return Analysis(
        found,
        leads,
        statistics,
        distributions,
        widths(leads, statistics),
        coding(found, limit),
        related(leads),
        outliers(leads, statistics),
    )


# Reading


def read(paths: list[Path]) -> tuple[list[File], list[Lead]]:
    """Recordings, a file that is found twice counting once, and their leads.

    Files too short to be analysed have no lead. RecordingError for a file that is no 16-bit WAV
    and where nothing is left; OSError where one cannot be read.
    """
    found: list[File] = []
    parts: list[tuple[int, np.ndarray, np.ndarray]] = []  # file, samples and codes of all channels
    for path in each_once(paths):
        recording = read_recording(path)
        size = len(recording.head) + recording.samples.nbytes + len(recording.tail)
        frames, channels = recording.samples.shape
        samples = recording.samples[: min(frames, MOST_ANALYSED // channels)]
        codes, mapping = to_codes(samples)
        values = np.unique(samples).astype(np.int64)
        found.append(
            File(
                path, size, channels, recording.rate, frames, len(samples), mapping,
                len(values), *((values[0], values[-1]) if len(values) else (0, 0)),
                int(np.gcd.reduce(np.diff(values))) if len(values) > 1 else 0,
            )
        )  # fmt: skip
        if len(samples) >= SHORTEST:
            parts.append((len(found) - 1, samples, codes))
    if not parts:
        raise RecordingError(f"There is no recording of {SHORTEST:,} samples in what was given.")
    labels = iter(_labels(found, [number for number, _, _ in parts]))
    leads = []
    for number, samples, codes in parts:
        file = found[number]
        for channel in range(file.channels):
            leads.append(
                Lead(
                    next(labels), number, channel, file.rate, file.mapping,
                    np.ascontiguousarray(samples[:, channel], np.int16),
                    np.ascontiguousarray(codes[:, channel], np.int16),
                )
            )  # fmt: skip
    return found, leads


class _Named(NamedTuple):
    leads: list[Node]


def _labels(found: list[File], numbers: list[int]) -> list[str]:
    """A short name for each lead of these files, all different."""
    nodes = [
        Node(str(found[number].path), channel, found[number].frames)
        for number in numbers
        for channel in range(found[number].channels)
    ]
    labels = label_leads(_Named(nodes))
    often = Counter(labels)
    # Files of one name in several folders have one label.
    seen: Counter[str] = Counter()
    for i, label in enumerate(labels):
        seen[label] += 1
        if often[label] > 1:
            labels[i] = f"{label} ({seen[label]})"
    return labels


def levels(lead: Lead) -> np.ndarray:
    """Levels of a lead: float64, shape (samples,), in `lead.unit`."""
    return _levels(lead.codes, lead.mapping)


def _levels(codes: np.ndarray, mapping: Mapping) -> np.ndarray:
    if mapping.kind == CHALLENGE:
        edges = shipped_edges()
        return ((edges[1:] + edges[:-1]) / 2)[codes.astype(np.intp) - LOWEST_CODE]
    return codes.astype(np.float64)


# Single leads


def _statistics(leads: list[Lead]) -> tuple[list[Statistics], Distributions]:
    """What is measured lead by lead, and distributions over all usable leads."""
    measured = []
    counts = np.zeros((3, len(BINS) - 1))
    beyond, values = np.zeros(3), np.zeros(3)
    for lead in leads:
        x = levels(lead)
        constant = bool((lead.codes == lead.codes[0]).all())
        spikes = find_spikes(x, lead.rate)
        share = railed_share(lead)
        if constant:
            measured.append(Statistics(0.0, 0.0, math.nan, share, True, spikes))
            continue
        mean, sigma = predict(x, lead.mapping.kind == CHALLENGE)
        start = warm_up(len(x))
        error = (x - mean)[start:]
        residual = float(error.std())
        tracked = error / sigma[start:]
        kurtosis = float(np.mean(tracked**4) / max(np.mean(tracked**2), 1e-12) ** 2 - 3)
        measured.append(Statistics(float(x.std()), residual, kurtosis, share, False, spikes))
        if not measured[-1].usable:
            continue
        amplitude, far = _amplitudes(lead)
        counts[0] += amplitude
        beyond[0] += far
        values[0] += len(x)
        for i, normalised in ((1, error / (residual or 1.0)), (2, tracked)):
            counts[i] += np.histogram(normalised, BINS)[0]
            beyond[i] += np.count_nonzero(np.abs(normalised) > 4)
            values[i] += len(normalised)
    shares = tuple(float(share) for share in beyond / np.maximum(values, 1))
    return measured, Distributions(counts[0], counts[1], counts[2], shares)


def _amplitudes(lead: Lead) -> tuple[np.ndarray, float]:
    """Samples in each of `BINS`, over the lead's own scale, and how many lie beyond 4 of it.

    Every code's samples are spread evenly over its interval, or whole codes would fall into
    some bins and none into others. Zero is the median, the scale that of a Gaussian with the
    same quartiles.
    """
    codes, counts = np.unique(lead.codes.astype(np.int64), return_counts=True)
    if lead.mapping.kind == CHALLENGE:
        lower, upper = (shipped_edges()[codes - LOWEST_CODE + side] for side in (0, 1))
    else:
        lower, upper = codes - 0.5, codes + 0.5
    total = np.cumsum(counts)
    edges = np.stack([lower, upper], 1).ravel()
    below = np.stack([total - counts, total], 1).ravel()
    first, median, third = np.interp(np.array([0.25, 0.5, 0.75]) * total[-1], below, edges)
    scale = max((third - first) / (2 * MEDIAN_TO_SIGMA), 1e-3)
    in_bins = np.diff(np.interp(median + BINS * scale, edges, below))
    low, high = np.interp(median + np.array([-4, 4]) * scale, edges, below)
    return in_bins, float(total[-1] - high + low)


def warm_up(samples: int) -> int:
    """Samples at a lead's start that do not count, as its scale is not known yet."""
    return min(model.WARM_UP, samples // 2)


def predict(x: np.ndarray, is_challenge: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each level from those before it, by the lead's best filter.

    x : levels, float64, shape (samples,)
    Returns two float64 arrays of that shape; the first samples have a mean of 0.
    """
    steps = model.LEVEL_STEPS if is_challenge else 1
    matrix = linear.covariance(np.rint(x * steps))
    best = linear.fitted(matrix) / (1 << WEIGHT_BITS)
    if is_challenge:
        return model.predictions(x, best)
    # The tracker of the scale starts and ends its range with errors of a few levels.
    size = float(np.abs(np.diff(x)).mean())
    usual = 4 / size if size else 1.0
    mean, sigma = model.predictions(x * usual, best)
    return mean / usual, sigma / usual


def band(rate: float) -> tuple[float, float] | None:
    """Corners in Hz of the band where spikes are looked for; None where the rate is too low."""
    high = min(HIGH, 0.45 * rate)
    return (LOW, high) if high >= 2 * LOW else None


def find_spikes(x: np.ndarray, rate: float) -> Spikes | None:
    """Spikes of one lead, by threshold.

    The levels x (float, shape (samples,), at `rate` Hz) are band-passed from 300 to 6000 Hz
    (Butterworth, order 3, forwards and backwards). Where they fall below -4.5 times their
    median |value| / 0.6745, the lowest sample of the next millisecond is the spike, and the next
    one comes a millisecond later at the earliest. None where the rate leaves no such band.
    """
    corners = band(rate)
    if corners is None:
        return None
    y = band_passed(x, rate)
    noise = float(np.median(np.abs(y))) / MEDIAN_TO_SIGMA
    threshold = -TIMES_NOISE * noise
    refractory = max(1, round(REFRACTORY * rate))
    # A lead that mostly rests has no noise to compare with.
    below = np.flatnonzero(y < threshold) if noise > 1e-9 else np.zeros(0, np.int64)
    times, at = [], 0
    while at < len(below):
        first = below[at]
        trough = int(first + y[first : first + refractory].argmin())
        times.append(trough)
        at = int(np.searchsorted(below, trough + refractory))
    troughs = np.array(times, np.int64)
    before, after = round(BEFORE * rate), round(AFTER * rate)
    inside = troughs[(troughs >= before) & (troughs + after < len(y))]
    shown = inside[_spread(len(inside), MOST_SHAPES)]
    shapes = y[shown[:, None] + np.arange(-before, after + 1)].astype(np.float32)
    return Spikes(troughs, len(troughs) * rate / len(x), noise, threshold, shapes)


def band_passed(x: np.ndarray, rate: float) -> np.ndarray:
    """Levels in the band of spikes, float64, same shape; the rate must leave one, see `band`."""
    from scipy.signal import butter, sosfiltfilt

    return sosfiltfilt(butter(3, band(rate), "bandpass", fs=rate, output="sos"), x)


def chance_per_second(rate: float) -> float:
    """Spikes per second that the method finds in white Gaussian noise (Rice's formula)."""
    low, high = band(rate)
    crossings = math.sqrt((high**3 - low**3) / (3 * (high - low)))
    return crossings * math.exp(-(TIMES_NOISE**2) / 2)


def _spread(count: int, most: int) -> np.ndarray:
    """Up to `most` of so many indices, evenly spread: int64, ascending."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def railed_share(lead: Lead) -> float:
    """Share of samples at the rail, 0 to 1.

    The rail is the end of the converter where that is known, the end of 16 bits elsewhere, or the
    lead's own extreme where it rests for `PLATEAU` samples and more.
    """
    if lead.mapping.kind == CHALLENGE:
        return float(np.mean((lead.codes == LOWEST_CODE) | (lead.codes == HIGHEST_CODE)))
    x = lead.samples
    at_end = (x <= -32767) | (x == 32767)
    if len(np.unique(x)) >= FEW_VALUES:
        for extreme in (x.min(), x.max()):
            at_end |= _resting(x == extreme)
    return float(at_end.mean())


def _resting(true: np.ndarray) -> np.ndarray:
    """True where that holds for at least `PLATEAU` neighbours in a row."""
    starts, ends = (
        np.flatnonzero(np.diff(np.concatenate([[0], true.astype(np.int8), [0]])) == step)
        for step in (1, -1)
    )
    out = np.zeros(len(true), bool)
    for start, end in zip(starts, ends):
        out[start:end] = end - start >= PLATEAU
    return out


# The converter


def widths(leads: list[Lead], statistics: list[Statistics]) -> Widths | None:
    """The widths shipped and those that these leads alone suggest; None without such leads."""
    of_challenge = [i for i, lead in enumerate(leads) if lead.mapping.kind == CHALLENGE]
    usable = [i for i in of_challenge if statistics[i].usable]
    if not usable:
        return None
    counts = _counts([leads[i].codes for i in of_challenge])
    chosen = [leads[usable[n]].codes for n in _spread(len(usable), MOST_FOR_WIDTHS)]
    here = np.diff(fit_converter.fit(chosen) / (1 << TRANSITION_BITS))
    shipped = np.diff(shipped_edges())
    often = often_used(_counts(chosen))
    correlation = math.nan
    if often.sum() >= 10:
        logs = np.log(np.maximum([shipped[often], here[often]], fit_converter.NARROWEST))
        correlation = float(np.corrcoef(logs)[0, 1])
    return Widths(shipped, here, counts, len(chosen), often, correlation)


def _counts(leads: list[np.ndarray]) -> np.ndarray:
    """How often each challenge code came: int64, shape (1024,)."""
    counts = np.zeros(HIGHEST_CODE - LOWEST_CODE + 1, np.int64)
    for codes in leads:
        counts += np.bincount(codes.astype(np.intp) - LOWEST_CODE, minlength=len(counts))
    return counts


def often_used(counts: np.ndarray) -> np.ndarray:
    """Codes that came often enough, or whose neighbours did, to tell a width: bool.

    The ends are left out: what lies beyond the range is counted there.
    """
    around = np.convolve(counts, np.ones(5) / 5, "same") >= 1000
    around[[0, -1]] = False
    return around


# What each step of modelling is worth


def entropy(values: np.ndarray) -> float:
    """Bits per value of integers whose distribution is known, each on its own.

    >>> entropy(np.arange(256))
    8.0
    """
    counts = np.unique(values, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum()) or 0.0


def ideal_bits(lead: Lead, edges: np.ndarray | None) -> tuple[float, int]:
    """Ideal code length in bits of a lead after its warm-up, and the number of samples.

    Each code's probability is the mass of a Gaussian between the code's edges; its mean is the
    best order-16 prediction, its deviation follows the errors. `edges` are of the challenge's
    codes (float64, shape (1025,)); None: all codes are one wide.
    """
    from scipy.special import ndtr

    lowest, highest = converter.code_range(lead.mapping)
    codes = lead.codes.astype(np.int64)
    if edges is None:
        x = codes.astype(float)
        lower, upper = x - 0.5, x + 0.5
    else:
        x = ((edges[1:] + edges[:-1]) / 2)[codes - lowest]
        lower, upper = edges[codes - lowest], edges[codes - lowest + 1]
    mean, sigma = predict(x, lead.mapping.kind == CHALLENGE)
    start = warm_up(len(x))
    lower = np.where(codes == lowest, -np.inf, lower - mean)[start:] / sigma[start:]
    upper = np.where(codes == highest, np.inf, upper - mean)[start:] / sigma[start:]
    # On the side where the mass is small, so that it is no difference of two numbers near 1.
    swap = lower > 0
    lower, upper = np.where(swap, -upper, lower), np.where(swap, -lower, upper)
    mass = np.maximum(ndtr(upper) - ndtr(lower), 0)
    mass = mass * (1 - UNIFORM) + UNIFORM / (highest - lowest + 1)
    return float(-np.log2(mass).sum()), len(mass)


def _entropies(lead: Lead) -> np.ndarray:
    """Bits of a lead, all samples together, at each step before real files; shape (5,)."""
    codes = lead.codes.astype(np.int64)
    count = len(codes)
    if (codes == codes[0]).all():
        return np.zeros(5)
    even = lead.codes.astype(float)
    mean, _ = predict(even, lead.mapping.kind == CHALLENGE)
    error = (codes - np.rint(mean).astype(np.int64))[warm_up(count) :]
    steps = [entropy(codes), entropy(np.diff(codes)), entropy(error)]
    bits, samples = ideal_bits(lead, None)
    steps.append(bits / samples)
    if lead.mapping.kind == CHALLENGE:
        bits, samples = ideal_bits(lead, shipped_edges())
    steps.append(bits / samples)
    return np.array(steps) * count


NONUNIFORM = "the same + uneven converter"  # only where there is a recording from it
MODELS = (
    "order 0, samples",
    "order 0, first differences",
    "order 0, errors of a linear prediction",
    "linear + Gaussian of tracked scale",
    NONUNIFORM,
)
FILES = ("linear", "spikey")  # presets


def coding(found: list[File], limit: int) -> Coding:
    """Entropies and real sizes of up to `limit` recordings, evenly spread, in bits per sample."""
    usable = [file for file in found if file.frames >= SHORTEST]
    chosen = [usable[n] for n in _spread(len(usable), max(limit, 1))]
    there = [name for name in FILES if name in presets.names()]
    names = ("the file's 16 bits", *MODELS, *(f"file, preset {name}" for name in there))
    bits: dict[str, np.ndarray] = {}
    samples: Counter[str] = Counter()
    shortened = leads = 0
    for file in chosen:
        data = file.path.read_bytes()
        recording = wav.split(data)
        if recording is None or recording.samples.shape[0] < SHORTEST:
            raise RecordingError(f"{file.path} has changed while it was analysed.")
        part = recording.samples[: max(MOST_CODED // file.channels, SHORTEST)]
        if len(part) < len(recording.samples):
            shortened += 1
            # Any rate does; the file's own may be more than a plain header holds.
            data = wav.plain_header(*part.shape, CHALLENGE_RATE) + part.tobytes()
        codes, mapping = to_codes(part)
        model_bits = np.zeros(len(MODELS))
        for channel in range(file.channels):
            own = np.ascontiguousarray(codes[:, channel], np.int16)
            model_bits += _entropies(
                Lead("", 0, channel, file.rate, mapping, part[:, channel], own)
            )
        sizes = [8.0 * len(codec.compress(data, name)) for name in there]
        row = np.array([16.0 * part.size, *model_bits, *sizes])
        bits[file.kind] = bits.get(file.kind, np.zeros(len(row))) + row
        samples[file.kind] += part.size
        leads += file.channels
    total = sum(samples.values())
    means = {"all": sum(bits.values()) / total}
    if len(bits) > 1:
        means |= {kind: bits[kind] / samples[kind] for kind in KINDS if kind in bits}
    left_out = () if KINDS[CHALLENGE] in bits else (NONUNIFORM,)
    steps = {
        kind: [
            Step(name, float(value), n >= len(names) - len(there))
            for n, (name, value) in enumerate(zip(names, values))
            if name not in left_out
        ]
        for kind, values in means.items()
    }
    return Coding(len(chosen), leads, total, shortened, steps)


# Several leads


def related(leads: list[Lead]) -> Related:
    """Which leads were recorded together; see spikey_codec.topology.graph."""
    compared = [int(n) for n in _spread(len(leads), MOST_RELATED)]
    topology = Topology([leads[n].samples for n in compared])
    # One array has one file, whose channels are all peers; what counts is the threshold.
    groups, strongest = [], []
    for group in topology.groups():
        if len(group) > 1:
            inside = set(group)
            best = [
                abs(peer.correlation)
                for member in group
                for peer in topology.peers(member)
                if peer.lead in inside
            ]
            groups.append([compared[n] for n in group])
            strongest.append(max(best))
    order = sorted(range(len(groups)), key=lambda n: -strongest[n])
    groups = [groups[n] for n in order]
    grouped = [n for group in groups for n in group]
    single = sorted(set(compared) - set(grouped))
    shown = (grouped + single)[:MOST_IN_MATRIX]
    matrix = common_activity([leads[n].samples for n in shown])
    return Related(compared, groups, [strongest[n] for n in order], shown, matrix)


def same_kind(leads: list[Lead]) -> dict[tuple[int, int], list[int]]:
    """Indices of leads of one kind of converter and one rate, whose levels can be compared."""
    kinds: dict[tuple[int, int], list[int]] = {}
    for i, lead in enumerate(leads):
        kinds.setdefault((lead.mapping.kind, lead.rate), []).append(i)
    return kinds


def outliers(leads: list[Lead], statistics: list[Statistics]) -> list[Outlier]:
    """Railed and constant leads, and those far louder or quieter than others of their kind."""
    named = []
    for i, own in enumerate(statistics):
        if own.constant:
            named.append(Outlier(i, "constant: every sample is the same"))
        elif own.railed >= RAILED:
            share = 100 * own.railed
            named.append(Outlier(i, f"railed: {share:.1f} % of its samples are at the rail"))
    known = {outlier.lead for outlier in named}
    for members in same_kind(leads).values():
        usual = [i for i in members if i not in known]
        if len(usual) < FEWEST_TO_JUDGE:
            continue
        for what, field in (("deviation", "amplitude"), ("residual", "prediction error")):
            values = np.array([getattr(statistics[i], what) for i in usual])
            logs = np.log2(np.maximum(values, 1e-9))
            middle = float(np.median(logs))
            # Leads that agree by chance to a hair make no outlier of the next one.
            spread = max(float(np.median(np.abs(logs - middle))) / MEDIAN_TO_SIGMA, 0.1)
            for i, log, value in zip(usual, logs, values):
                if abs(log - middle) > FAR * spread:
                    named.append(
                        Outlier(
                            i,
                            f"{field} {'large' if log > middle else 'small'}: standard deviation "
                            f"{value:.3g} {leads[i].unit}, the median is {2**middle:.3g}",
                        )
                    )
    return sorted(named, key=lambda outlier: outlier.lead)


class Pick(NamedTuple):
    """A lead to be drawn, and what it stands for."""

    lead: int
    why: str


def picks(leads: list[Lead], statistics: list[Statistics]) -> list[Pick]:
    """The most typical lead, the loudest and the one with most spikes, of the commonest kind."""
    members = max(same_kind(leads).values(), key=len)
    usable = [i for i in members if statistics[i].usable] or members
    own = [statistics[i] for i in usable]
    busy = [1 + (one.spikes.per_second if one.spikes else 0.0) for one in own]
    logs = np.log(
        np.maximum([(one.deviation, one.residual, rate) for one, rate in zip(own, busy)], 1e-9)
    )
    apart = np.abs(logs - np.median(logs, axis=0)).sum(axis=1)
    chosen = [Pick(usable[int(apart.argmin())], "most typical")]
    for why, measure in (
        ("loudest", lambda own: own.deviation),
        ("most spikes", lambda own: own.spikes.per_second if own.spikes else 0.0),
    ):
        rest = [i for i in usable if i not in {pick.lead for pick in chosen}]
        best = max(usable, key=lambda i: measure(statistics[i]))
        taken = [n for n, pick in enumerate(chosen) if pick.lead == best]
        if not measure(statistics[best]):
            continue
        if taken:
            chosen[taken[0]] = Pick(best, f"{chosen[taken[0]].why}, {why}")
        elif rest:
            chosen.append(Pick(best, why))
    return chosen
