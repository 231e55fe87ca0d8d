"""The runs of tests/soak in short: they find nothing, and would find what they look for."""

import mmap
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="what memory processes take is asked of a POSIX system")

import spikey_codec
from soak import channel, figures, long, memory, short, stream
from spikey_codec.stream import StreamDecoder

SCRIPT = Path(__file__).parent
MB = memory.MEGABYTE


# Streams


@pytest.fixture
def worse_channel(monkeypatch):
    """One in which all that can happen does so in a few thousand packets."""
    for name in ("LOST", "FLIPPED", "CUT", "REPEATED", "LATE", "NOISE"):
        monkeypatch.setattr(channel, name, 1 / 150)
    monkeypatch.setattr(channel, "BURST", 1 / 1000)


def test_what_a_bad_channel_leaves_of_a_stream_is_right_and_the_rest_is_reported(worse_channel):
    found = stream.run(64, packets=4000, interval=0.1)
    assert found["failures"] == [] and found["wrong frames"] == 0
    assert found["packets sent"] >= 4000
    assert found["frames delivered"] + found["frames lost"] == found["frames sent"]
    for event in ("dropped", "damaged", "repeated", "late", "noise", "calibrations", "losses"):
        assert found[event] >= 3, event
    assert found["streams"] == 3
    assert found["frames delivered"] > found["frames sent"] / 4
    assert found["highest memory, MB"] > 20


def test_a_wrong_sample_of_a_stream_is_noticed(monkeypatch):
    right = StreamDecoder.blocks

    def wrong(self, data):
        for first, samples in right(self, data):
            if first == 600:
                samples[7, 2] ^= 1
            yield first, samples

    monkeypatch.setattr(StreamDecoder, "blocks", wrong)
    found = stream.run(3, packets=100)
    assert found["wrong frames"] > 0
    assert any("frames from 600 on are not what was sent" in line for line in found["failures"])


def test_a_loss_that_is_not_reported_is_noticed(monkeypatch, worse_channel):
    monkeypatch.setattr(StreamDecoder, "_lose", lambda self, first, frames: None)
    assert stream.run(3, packets=1000)["failures"]


def test_a_packet_that_could_have_been_decoded_is_missed(monkeypatch, worse_channel):
    right = StreamDecoder._decode

    def forgetful(self, packet):
        if packet.first % 700 == 0:
            self._state = None
        return right(self, packet)

    monkeypatch.setattr(StreamDecoder, "_decode", forgetful)
    assert stream.run(3, packets=1000)["failures"]


# Long recordings


def test_memory_does_not_grow_with_a_recording(tmp_path):
    """23 MB, a process for it 12 MB more than for the fifth part of it at most."""
    found = long.run(tmp_path, seconds=150, channels=4, most=12, parts=20, hole=3_000_000)
    assert found["failures"] == []
    assert found["bytes"] > 23 * MB and found["ratio"] > 3
    assert list(tmp_path.iterdir()) == []


def test_samples_are_found_whatever_the_head_can_say(tmp_path, monkeypatch):
    took = long.try_other_heads(tmp_path, 800_000)
    assert list(took) == ["size unknown", "size modulo 2^32", "raw"]
    monkeypatch.setattr(long, "BEHIND", long.BEHIND[::-1])
    monkeypatch.setattr(long, "measured", lambda command, PYTHONPATH: None)  # leaves what was there
    with pytest.raises(AssertionError):
        long.try_other_heads(tmp_path, 800_000)


def test_a_recording_there_is_no_room_for_is_not_begun(tmp_path):
    with pytest.raises(SystemExit, match="bytes are needed"):
        long.run(tmp_path, seconds=1e12)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_differs_is_noticed(tmp_path):
    wav, packed = tmp_path / "a.wav", tmp_path / "a.spk"
    long.write_recording(wav, 20_000, 2, seed=0)
    packed.write_bytes(spikey_codec.compress(wav.read_bytes()))
    assert long.compare_parts(packed, wav, 2, seed=0, parts=20) > 0
    content = bytearray(wav.read_bytes())
    content[-40_000:] = bytes(40_000)
    wav.write_bytes(content)
    with pytest.raises(AssertionError, match="differ"):
        long.compare_parts(packed, wav, 2, seed=0)


def test_the_memory_of_another_process_is_measured_and_its_failure_told():
    small, large = (
        memory.measured([sys.executable, "-c", f"x = bytearray({size})"]).megabytes
        for size in (0, 50 * MB)
    )
    assert 45 < large - small < 60
    with pytest.raises(RuntimeError, match="status 3.*no such luck"):
        memory.measured([sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr);"
                                               "sys.exit(3)"])  # fmt: skip


def test_memory_that_grows_is_noticed():
    watch = memory.Watch(interval=0)
    held = []
    for _ in range(memory.FEWEST_LOOKS * 2):
        held.append(mmap.mmap(-1, 320_000))  # new pages, whatever the tests before have freed
        held[-1].write(bytes(320_000))
        assert watch.look()
    assert watch.growth() > 10 * MB and watch.slope() > 0
    assert watch.complaints(10 * MB) and not watch.complaints(200 * MB)


# Short inputs


def test_short_inputs_of_every_kind_come_back():
    found = short.run(1500, seed=1)
    assert found["failures"] == [] and found["came back"] == 1500
    kinds = {key: count for key, count in found.items() if key.startswith("kind: ")}
    assert len(kinds) == len(short.FILES) + 4 and min(kinds.values()) >= 15
    assert found["most bytes more, sound WAV"] < 60


@pytest.mark.parametrize("preset", ["spikey", "spikey-rnn", "spikey-pairs", "max"])
def test_short_inputs_come_back_from_every_network(monkeypatch, preset):
    monkeypatch.setattr(short, "preset_of", lambda seed, number: preset)
    found = short.run(150, seed=2, first=100)
    assert found["failures"] == [] and found[f"preset: {preset}"] == 150


def test_an_input_that_fails_can_be_repeated(monkeypatch):
    right = spikey_codec.decompress
    monkeypatch.setattr(spikey_codec, "decompress", lambda data: right(data)[:-1])
    found = short.run(100, seed=3)
    assert len(found["failures"]) == short.MOST_FAILURES
    number = int(found["failures"][4].split("--only ")[1].split(":")[0])
    assert short.run(1, seed=3, first=number)["failures"] == found["failures"][4:5]
    monkeypatch.undo()
    assert short.run(1, seed=3, first=number)["failures"] == []


# The script


def test_the_script_says_what_it_found_and_fails_where_something_did(run_python, capsys):
    code = "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
    done = run_python(code, SCRIPT, "short", "--inputs", "30", "--seed", "5")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "came back:" in done.stdout.decode() and '"failures": []}' in done.stdout.decode()
    assert figures.report("short", {"inputs": 1, "failures": ["--only 1"]}) == 1
    assert capsys.readouterr().err == "short: 1 failures.\n"
