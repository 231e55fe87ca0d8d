"""`spikey analyze`: its numbers on signals whose truth is known, and the page made of them."""

import base64
import json
import math
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from conftest import REAL
from patience import PATIENCE
from spikey_codec import codec
from spikey_codec.cli.main import main
from spikey_codec.errors import RecordingError, UsageError
from spikey_codec.lab.simulate import lead_layout, shipped_transition_levels, write_recordings
from spikey_codec.quantizer import mapping as converter
from spikey_codec.readers import wav
from strategies import plain_wav

pytest.importorskip("scipy")
from spikey_codec.events import spikes
from spikey_codec.lab.analysis import (
    analyse,
    coding,
    entropies,
    outliers,
    rails,
    recordings,
    statistics,
    widths,
)

LEADS, SEED = 14, 3
RATE = 20_000
SECTIONS = ("given", "waveforms", "converter", "distributions", "entropies", "topology", "spikes",
            "outliers")  # fmt: skip


def lead(samples: np.ndarray, rate: int = RATE, label: str = "lead") -> recordings.Channel:
    samples = np.asarray(samples, np.int16)
    plain = converter.Mapping(converter.PLAIN)
    return recordings.Channel(label, 0, 0, rate, plain, samples, samples)


def noise(samples: int, deviation: float = 20.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, deviation, samples)


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Samples of shape (frames,) or (frames, channels) as a WAV file."""
    samples = np.rint(samples).astype("<i2").reshape(len(samples), -1)
    path.write_bytes(wav.plain_header(*samples.shape, rate) + samples.tobytes())
    return path


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> list[Path]:
    """Synthetic recordings of two seconds: pairs, single leads and one that is railed."""
    folder = tmp_path_factory.mktemp("simulated")
    return write_recordings(folder, LEADS, 2.0, SEED, shipped_transition_levels())


@pytest.fixture(scope="module")
def analysis(simulated) -> analyse.Analysis:
    return analyse.analyse(simulated, limit=4)


@pytest.fixture(scope="module")
def page(analysis) -> str:
    pytest.importorskip("matplotlib")
    from spikey_codec.lab.report import page as report

    return report.page(analysis)


# Numbers


def test_the_entropy_of_a_uniform_source_is_the_logarithm_of_its_size():
    assert entropies.entropy(np.tile(np.arange(-32, 32), 9)) == 6
    assert entropies.entropy(np.full(100, 7)) == 0
    drawn = np.random.default_rng(0).integers(0, 256, 1 << 17)
    assert 7.99 < entropies.entropy(drawn) <= 8


def test_the_ideal_code_of_white_gaussian_noise_is_as_long_as_its_entropy():
    x = np.rint(noise(60_000, 25.0))
    bits, samples = entropies.ideal_bits(lead(x), None)
    expected = math.log2(25 * math.sqrt(2 * math.pi * math.e))
    # Tracking a scale that does not move, and the even share, cost a little.
    assert expected - 0.01 < bits / samples < expected + 0.03


def test_an_ideal_code_is_not_endless_where_the_impossible_happens():
    x = np.rint(noise(5000, 3.0))
    x[2500] = 32767
    bits, samples = entropies.ideal_bits(lead(x), None)
    assert math.isfinite(bits) and bits / samples < 5


def test_injected_spikes_are_found_where_they_are():
    x = noise(10 * RATE)
    times = np.arange(1000, len(x) - 1000, 1500)
    shape = -np.exp(-0.5 * ((np.arange(-10, 11)) / 3) ** 2)
    for time in times:
        x[time - 10 : time + 11] += 300 * shape
    found = spikes.find_spikes(np.rint(x), RATE)
    near = np.abs(found.times[:, None] - times).min(axis=0)
    assert (near <= 4).all()  # 0.2 ms
    by_chance = 3 * 10 * spikes.chance_per_second(RATE) + 3
    assert len(times) <= len(found.times) <= len(times) + by_chance
    assert found.per_second == pytest.approx(len(found.times) / 10)
    assert found.threshold == pytest.approx(-4.5 * found.noise)
    assert found.shapes.shape == (spikes.MOST_SHAPES, 61)
    assert np.median(found.shapes.argmin(axis=1)) == 20


def test_noise_alone_gives_as_many_spikes_as_is_said():
    seconds = 100
    found = spikes.find_spikes(noise(seconds * RATE, seed=5), RATE)
    expected = seconds * spikes.chance_per_second(RATE)
    assert abs(len(found.times) - expected) < 5 * math.sqrt(expected)


def test_troughs_within_a_millisecond_are_one_spike():
    x = noise(RATE, 5.0)
    for time in (5000, 5010, 9000, 9030):  # 0.5 and 1.5 ms apart
        x[time - 2 : time + 3] -= 400
    times = spikes.find_spikes(x, RATE).times
    assert np.count_nonzero(np.abs(times - 5005) < 20) == 1
    assert np.count_nonzero(np.abs(times - 9015) < 30) == 2
    assert np.diff(times).min() >= RATE // 1000


def test_where_the_rate_leaves_no_band_no_spikes_are_looked_for():
    assert spikes.find_spikes(noise(5000), 1000) is None
    assert spikes.find_spikes(noise(5000), 0) is None
    assert spikes.band(10_000) == (300, 4500)
    assert spikes.band(30_000) == (300, 6000)


def test_a_lead_without_noise_has_no_spikes():
    assert len(spikes.find_spikes(np.zeros(5000), RATE).times) == 0


def test_the_share_at_the_rail_is_that_of_a_clipped_signal():
    wave = 1000 * np.sin(np.arange(40_000) / 300) + noise(40_000, 2.0)
    clipped = np.clip(np.rint(wave), -800, 800)
    share = np.mean(np.abs(clipped) == 800)
    assert rails.railed_share(lead(clipped)) == pytest.approx(share, abs=0.01)
    assert rails.railed_share(lead(wave)) == 0
    assert rails.railed_share(lead([-32768, 0, 5, 32767] * 500)) == 0.5
    # Few values rest on the outermost ones without having been clipped.
    assert rails.railed_share(lead(np.rint(noise(10_000, 0.5)))) == 0


def test_the_railed_leads_of_a_set_are_named(analysis):
    railed = {o.channel for o in analysis.outliers if o.what.startswith("railed")}
    assert railed and railed == lead_layout(LEADS, SEED)[1]


def test_constant_and_loud_leads_are_named():
    leads = [lead(np.rint(noise(5000, 20, seed))) for seed in range(9)]
    leads += [lead(np.rint(noise(5000, 200, 9))), lead(np.full(5000, 3))]
    measured, _ = statistics.measure(leads)
    named = outliers.outliers(leads, measured)
    assert {o.channel for o in named} == {9, 10}
    assert [o.what for o in named if o.channel == 10] == ["constant: every sample is the same"]
    assert "amplitude large: standard deviation 200 units" in " ".join(
        re.sub(r"(19|20)\d(\.\d+)? units", "200 units", o.what) for o in named
    )


def test_the_pairs_of_a_set_are_found(analysis):
    groups, _ = lead_layout(LEADS, SEED)
    expected = sorted(sorted(group) for group in groups if len(group) == 2)
    assert sorted(sorted(group) for group in analysis.related.groups) == expected
    assert analysis.related.strongest == sorted(analysis.related.strongest, reverse=True)
    first, second = (analysis.related.shown.index(n) for n in analysis.related.groups[0])
    assert analysis.related.matrix[first, second] == pytest.approx(
        analysis.related.strongest[0], abs=1e-4
    )


def test_the_widths_of_the_shipped_converter_are_seen_again(analysis):
    assert analysis.widths.correlation > 0.9
    assert analysis.widths.shipped.shape == analysis.widths.here.shape == (1024,)
    assert analysis.widths.counts.sum() == sum(len(one.codes) for one in analysis.channels)


def test_recordings_of_other_converters_have_no_widths(tmp_path):
    path = write(tmp_path / "sparse.wav", 16 * np.rint(noise(5000)))
    files, leads = recordings.read([path])
    assert files[0].kind == "sparse" and files[0].step == 16
    assert files[0].used == len(np.unique(leads[0].samples))
    measured, _ = statistics.measure(leads)
    assert widths.widths(leads, measured) is None
    steps = coding.coding(files, 1).steps["all"]
    assert entropies.NONUNIFORM not in [step.name for step in steps]


def test_bits_per_sample_are_those_of_the_files_and_fall_from_step_to_step(simulated, analysis):
    assert analysis.coding.files == 4
    chosen = [simulated[n] for n in (0, 4, 9, 13)]
    samples = sum(wav.split(path.read_bytes()).samples.size for path in chosen)
    bits = {step.name: step.bits for step in analysis.coding.steps["all"]}
    for preset in ("linear", "spikey"):
        size = sum(len(codec.compress(path.read_bytes(), preset)) for path in chosen)
        assert bits[f"file, preset {preset}"] == pytest.approx(8 * size / samples)
    steps = ["the file's 16 bits", *entropies.MODELS]
    assert bits[steps[0]] == 16 > bits[steps[1]] > bits[steps[2]] > bits[steps[3]]
    assert bits[entropies.NONUNIFORM] < bits[entropies.MODELS[3]] - 0.03
    assert bits[entropies.NONUNIFORM] < bits["file, preset linear"]


def test_the_distribution_of_errors_of_noise_is_gaussian():
    _, found = statistics.measure([lead(np.rint(noise(200_000, 50.0)))])
    middle = (statistics.BINS[1:] + statistics.BINS[:-1]) / 2
    gaussian = np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi) * 0.1
    for counts in (found.amplitude, found.residual):
        np.testing.assert_allclose(counts / counts.sum(), gaussian, atol=2e-3)
    assert max(found.beyond_far) < 5e-4


def test_a_file_given_twice_counts_once(simulated):
    files, leads = recordings.read([simulated[0], simulated[0].parent, simulated[0]])
    assert len(files) == len(leads) == LEADS
    assert len({one.label for one in leads}) == LEADS


def test_files_of_one_name_have_names_of_their_own(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "same.wav", noise(2000))
    _, leads = recordings.read([tmp_path / "a", tmp_path / "b"])
    assert len({one.label for one in leads}) == 2


# The page


class Page(HTMLParser):
    """What a browser would meet: tags, what is linked, the ids, text, and the pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.links, self.ids, self.pictures, self.text = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("src", "href", "srcset", "data", "action", "poster", "background"):
                self.links.append(value)
            if tag == "img" and name == "src":
                self.pictures.append(base64.b64decode(value.partition("base64,")[2]).decode())

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else(page):
    read = Page(page)
    assert all(link.startswith(("data:image/svg+xml;base64,", "#")) for link in read.links)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(read.tags)
    assert "url(" not in page and "@import" not in page and "default-src 'none'" in page
    assert len(read.pictures) > 8
    for picture in read.pictures:
        links = re.findall(r'(?:href|src)="([^"]*)"', picture)
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
        assert all(link.startswith("#") for link in re.findall(r"url\(([^)]*)\)", picture))
        assert "<script" not in picture


def test_all_sections_are_there(page):
    read = Page(page)
    assert [name for name in read.ids if name in SECTIONS] == list(SECTIONS)
    assert [link for link in read.links if link.startswith("#")] == [f"#{n}" for n in SECTIONS]
    for section in page.split("<section ")[1:]:
        assert "<p>" in section
    assert 'name="viewport"' in page
    assert "nan" not in read.text.lower().split()


def test_the_page_names_what_was_found(page, analysis):
    text = Page(page).text
    for outlier in analysis.outliers:
        assert analysis.channels[outlier.channel].label in text
    assert "14 challenge 10-bit" in text
    assert f"{len(analysis.related.groups)} pairs of leads" in text
    assert "evenly spread over the 14" in text


def test_the_same_recordings_give_the_same_page(page, analysis):
    from spikey_codec.lab.report import page as report

    assert report.page(analysis) == page


# The command


@pytest.fixture
def spikey(tmp_path, monkeypatch):
    """Run `spikey analyze` in a folder of its own, where an older report lies."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    Path("report").mkdir()
    Path("report/index.html").write_text("old")

    def run(*arguments, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["analyze", *map(str, arguments)])
        assert done.exit_code == status, done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.output

    return run


@pytest.mark.long
def test_the_command_replaces_an_older_report(spikey, simulated):
    said = spikey(*simulated[:2], "--limit", 1)
    assert said.count("\n") == 1 and "2 channels of 2 recordings" in said
    assert Path("report/index.html").read_text().startswith("<!DOCTYPE html>")
    assert os.listdir("report") == ["index.html"]


@pytest.mark.long
def test_folders_are_made_when_the_report_is_ready(spikey, simulated):
    spikey(simulated[0], "-o", "a/b")
    assert Path("a/b/index.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("text.wav", b"no recording", "is not a recording of 16-bit samples"),
        ("short.wav", plain_wav(np.zeros(999, np.int16)), "no recording of 1,000 samples"),
        ("empty", None, "There is no .wav file"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_the_old_report(spikey, name, content, said):
    if content is None:
        Path(name).mkdir()
    else:
        Path(name).write_bytes(content)
    output = spikey(name, status=RecordingError.exit_code)
    assert output.count("\n") == 1 and output.startswith("spikey: ") and said in output
    assert Path("report/index.html").read_text() == "old"
    spikey(name, "-o", "new", status=RecordingError.exit_code)
    assert not Path("new").exists()


@pytest.mark.parametrize("package", ["matplotlib", "scipy"])
def test_a_missing_package_is_named(spikey, simulated, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    output = spikey(simulated[0], status=UsageError.exit_code)
    assert output.count("\n") == 1
    assert package in output and "pip install 'spikey-codec[plot]'" in output
    assert Path("report/index.html").read_text() == "old"


def test_a_report_is_a_folder(spikey, simulated):
    Path("file").write_text("mine")
    output = spikey(simulated[0], "-o", "file", status=UsageError.exit_code)
    assert output.count("\n") == 1 and Path("file").read_text() == "mine"


def test_what_fails_while_drawing_leaves_the_old_report(spikey, simulated, monkeypatch):
    from spikey_codec.lab.report import page as report

    def fail(analysis):
        raise RecordingError("Something is wrong.")

    monkeypatch.setattr(report, "page", fail)
    said = spikey(simulated[0], status=RecordingError.exit_code)
    assert said == "spikey: Something is wrong.\n"
    assert Path("report/index.html").read_text() == "old"


def test_odd_recordings_make_a_report(spikey, tmp_path):
    """Several channels, constant, clipped and wide ones, slow and unknown rates, odd names."""
    odd = tmp_path / "odd"
    odd.mkdir()
    common = noise(4000, 100.0)
    several = np.stack([common + noise(4000, 50.0, n) for n in range(4)] + [np.zeros(4000)], 1)
    write(odd / 'a <b>&"$x_1$.wav', several, 30_000)
    write(odd / "wide.wav", np.clip(noise(3000, 12_000), -32768, 32767), 2000)
    write(odd / "slow.wav", noise(1500), 100)
    write(odd / "unknown.wav", noise(1500), 0)
    write(odd / "constant.wav", np.full(1000, 5), 19531)
    write(odd / "two.wav", np.arange(3000) // 7 % 2, 19531)
    write(odd / "short.wav", noise(10), 19531)
    spikey(odd)
    text = Path("report/index.html").read_text()
    assert "<b>&" not in text and "&lt;b&gt;&amp;" in text
    assert "1 recording too short" in text
    assert "1 larger group (up to 4 leads) of leads hear common activity" in text


def test_of_long_recordings_only_the_beginning_is_looked_at_and_that_is_said(
    spikey, tmp_path, monkeypatch
):
    monkeypatch.setattr(recordings, "MOST_ANALYSED", 8000)
    monkeypatch.setattr(coding, "MOST_CODED", 4000)
    path = write(tmp_path / "long.wav", noise(10_000).reshape(5000, 2))
    files, leads = recordings.read([path])
    assert files[0].frames == 5000 and files[0].analysed == 4000 == len(leads[1].samples)
    assert coding.coding(files, 1).samples == 4000
    spikey(path)
    text = Page(Path("report/index.html").read_text()).text
    assert "1 recording so long that only the beginning was analysed" in text
    assert "4,000 samples; of 1 only the beginning" in text


@pytest.mark.parametrize("samples", [np.full(2000, 7), noise(1000)])
def test_a_single_lead_makes_a_report(spikey, tmp_path, samples):
    spikey(write(tmp_path / "one.wav", samples))
    text = Path("report/index.html").read_text()
    assert "There is one lead only" in text and "Analysis of 1 recording<" in text


@pytest.mark.skipif(not REAL.exists(), reason="the recordings of the challenge are not here")
def test_real_recordings_make_a_report(spikey):
    spikey(*sorted(REAL.glob("*.wav"))[::300], "--limit", 1)
    assert "it is the same converter" in Path("report/index.html").read_text()


# In a browser

WRAPPER = """<!DOCTYPE html><body><iframe src="index.html" style="width:%dpx;height:800px;border:0">
</iframe><pre id="out"></pre><script>
document.querySelector("iframe").onload = event => {
  const page = event.target.contentDocument, root = page.documentElement;
  const images = [...page.images];
  document.getElementById("out").textContent = JSON.stringify({
    page: Math.max(root.scrollWidth, page.body.scrollWidth), window: root.clientWidth,
    images: images.length, broken: images.filter(i => !i.complete || !i.naturalWidth).length,
    narrow: images.filter(i => i.clientWidth < 0.8 * root.clientWidth).length});
};
</script></body>"""


def browser() -> str | None:
    """A browser of Chromium's kind, installed or brought by playwright; None where none is."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"):
        if found := shutil.which(name):
            return found
    cache = Path.home() / ".cache" / "ms-playwright"
    for pattern in ("chromium-*/chrome-linux*/chrome", "chromium_headless*/*/*headless*shell"):
        for found in sorted(cache.glob(pattern)):
            return str(found)
    return None


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_within_its_width(page, tmp_path, width):
    executable = browser()
    if executable is None:
        pytest.skip("there is no Chromium to open the report in")
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "wrapper.html").write_text(WRAPPER % width)
    done = subprocess.run(
        [executable, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom",
         (tmp_path / "wrapper.html").as_uri()],
        capture_output=True, timeout=PATIENCE, text=True,
    )  # fmt: skip
    shown = re.search(r'<pre id="out">(\{.*?\})</pre>', done.stdout)
    assert shown, done.stderr[-2000:]
    found = json.loads(shown[1])
    assert found["window"] <= width and found["page"] <= found["window"]
    assert found["images"] > 8 and not found["broken"]
    if width == 390:
        assert not found["narrow"]
