"""Simpler coders, for comparison: they too give every code back; and the table of the steps."""

import numpy as np
import pytest
from click.testing import CliRunner

from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, RecordingError
from spikey_codec.lab.bench import baselines
from spikey_codec.lab.simulate import shipped_transition_levels, simulate_codes, write_recordings


def leads() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    (lead,) = simulate_codes(1, 0.2, seed=3, thresholds=shipped_transition_levels())
    return {
        "lead": lead,
        "one code": lead[:1],
        "two codes": np.array([-512, 511], np.int16),
        "constant": np.full(400, -7, np.int16),
        "rails": np.where(random.random(900) < 0.5, -512, 511).astype(np.int16),
        "noise": random.integers(-512, 512, 900).astype(np.int16),
        "silence, then a spike": np.repeat(np.array([0, 500, 0], np.int16), [600, 1, 600]),
    }


@pytest.mark.parametrize("coder", range(4), ids=baselines.CODERS)
@pytest.mark.parametrize("use_linear", [False, True], ids=["last value", "linear"])
@pytest.mark.parametrize("name", leads())
def test_baselines_are_lossless(name, use_linear, coder):
    lead = leads()[name]
    packed = baselines.encode(lead, use_linear, coder)
    np.testing.assert_array_equal(baselines.decode(packed), lead)
    for length in {len(packed) - 1, (len(packed) + 40) // 2, 41}:
        if length < len(packed):
            with pytest.raises(CorruptError, match="end before"):
                baselines.decode(packed[:length])


def test_a_binomial_code_is_near_its_entropy():
    """At class 20 the mean |error| is 4 to 4.8 codes, as coins have it that come down so."""
    tables = baselines.binomial_tables()
    mean_error = 2 ** (20.5 / 4 - 3)
    half = round(np.pi * mean_error**2)
    errors = np.random.default_rng(1).binomial(2 * half, 0.5, 200_000) - half
    assert abs(np.abs(errors).mean() / mean_error - 1) < 0.02
    assert np.abs(errors).max() <= tables.reach[20]
    bits = tables.lengths[20, errors + tables.reach[20]].mean()
    masses = np.unique(errors, return_counts=True)[1] / len(errors)
    entropy = -(masses * np.log2(masses)).sum()
    assert entropy < bits < entropy + 0.06


def test_the_table_has_a_row_for_every_step(tmp_path):
    write_recordings(tmp_path, leads=6, seconds=0.3, seed=2, thresholds=shipped_transition_levels())
    arguments = ["bench", "ablation", str(tmp_path), "--keep-out", "0", "--limit", "2"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    rows = [line.strip("| ").split(" | ") for line in done.output.splitlines()[4:]]
    sizes = {row[0]: int(row[1].replace(",", "")) for row in rows}
    assert len(sizes) == len(rows) == 16
    assert sizes["linear + binomial Huffman"] < sizes["last value + Rice"]
    (linear,) = [size for name, size in sizes.items() if name.endswith("Huffman (`linear`)")]
    assert linear < sizes["linear + adaptive binomial Huffman"]


def test_a_folder_without_recordings_has_no_table(tmp_path):
    done = CliRunner().invoke(main, ["bench", "ablation", str(tmp_path)])
    assert done.exit_code == RecordingError.exit_code and "no .wav file" in done.output
