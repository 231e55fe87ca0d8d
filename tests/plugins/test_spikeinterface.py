"""SpikeInterface saves and loads recordings with Spikey, by Zarr format 2.

SpikeInterface wants another zarr than the other tests, so this runs in an environment of its own:

    python3 -m venv /tmp/si && /tmp/si/bin/pip install -e '.[test]' spikeinterface &&
        /tmp/si/bin/python -m pytest tests/plugins/test_spikeinterface.py
"""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from patience import PATIENCE

if find_spec("spikeinterface") is None:
    pytest.skip("SpikeInterface is not installed", allow_module_level=True)

MAKE = """
import numpy as np
from spikeinterface.core import NumpyRecording, generate_ground_truth_recording

made, _ = generate_ground_truth_recording(
    durations=[10.0], num_channels=32, sampling_frequency=30_000.0, seed=0
)
traces = np.round(made.get_traces() / 0.195).astype("int16")  # microvolts to usual codes
recording = NumpyRecording([traces], 30_000.0)
recording.set_channel_gains(0.195)
recording.set_channel_offsets(0)
"""
SAVE = (
    MAKE
    + """
from spikey_codec.plugins.numcodecs import Spikey

def bytes_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

def main():
    import pathlib
    import sys

    folder = pathlib.Path(sys.argv[1])
    options = {"format": "zarr", "n_jobs": int(sys.argv[2]), "progress_bar": False}
    recording.save(folder=folder / "default.zarr", **options)
    recording.save(folder=folder / "spikey.zarr", compressor=Spikey(), **options)
    np.save(folder / "traces.npy", traces)
    size = [bytes_of(folder / name / "traces_seg0") for name in ("default.zarr", "spikey.zarr")]
    print(traces.nbytes, *size)

if __name__ == "__main__":
    main()
"""
)
LOAD = """
import sys
import numpy as np
from spikeinterface.core import load

recording = load(sys.argv[1] + "/spikey.zarr")
traces = np.load(sys.argv[1] + "/traces.npy")
assert recording.get_dtype() == "int16"
assert np.array_equal(recording.get_traces(), traces)
assert np.array_equal(
    recording.get_traces(start_frame=29_990, end_frame=30_010, channel_ids=[3, 30]),
    traces[29_990:30_010, [3, 30]],
)
assert recording.get_channel_gains()[0] == 0.195
"""
TIMES = (
    MAKE
    + """
import sys
from spikeinterface.core import load
from spikey_codec.plugins.numcodecs import Spikey

recording = NumpyRecording([traces[:40_000]], 30_000.0)
recording.set_times(np.arange(40_000) / 30_000 + 5.0)
path = sys.argv[1] + "/times.zarr"
recording.save(
    format="zarr", folder=path, compressor_by_dataset={"traces": Spikey()}, progress_bar=False
)
assert np.array_equal(load(path).get_traces(), traces[:40_000])
assert np.array_equal(load(path).get_times(), recording.get_times())
"""
)


def run(path, code: str, *arguments) -> str:
    """Run a script, which SpikeInterface's workers may import; what it prints."""
    script = path / "script.py"
    script.write_text(code)
    command = [sys.executable, str(script), str(path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("workers", [1, 2])
def test_a_recording_comes_back_and_is_smaller_than_by_default(tmp_path, workers):
    original, default, ours = map(int, run(tmp_path, SAVE, workers).split())
    run(tmp_path, LOAD)
    print(f"{original} bytes: {default} by default, {ours} by Spikey")
    assert ours < 0.9 * default


def test_times_of_their_own_are_left_to_another_compressor(tmp_path):
    run(tmp_path, TIMES)
