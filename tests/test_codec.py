"""The pipeline: files come back, damage is noticed, and the bytes are the same everywhere."""

import contextlib
import hashlib
import os
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikey_codec
from forging import harmed
from spikey_codec import codec
from spikey_codec.bitstream import index
from spikey_codec.errors import NotBrainwireError, SpikeyError, UsageError
from spikey_codec.info import read_info
from spikey_codec.lab.simulate import codes_to_pcm, lead_layout, simulate_codes
from strategies import any_bytes, fmt, info_list, multichannel, plain_wav, riff, samples, wav_files
from strategies import chunk as riff_chunk


def assert_comes_back(data: bytes) -> bytes:
    packed = codec.compress(data)
    assert codec.decompress(packed) == data
    return packed


def bits_per_sample(pcm: np.ndarray) -> float:
    return 8 * len(assert_comes_back(plain_wav(pcm))) / pcm.size


def walk(frames: int, channels: int = 1, size: float = 40.0, seed: int = 0) -> np.ndarray:
    """Samples of even codes that use nearly every value."""
    steps = np.random.default_rng(seed).normal(0, size, (frames, channels))
    return np.clip(np.cumsum(steps, axis=0), -32768, 32767).astype(np.int16)


# Round trips


@given(samples())
def test_recordings_come_back(pcm):
    assert_comes_back(plain_wav(pcm))


@given(multichannel())
def test_recordings_of_several_leads_come_back(frames):
    assert_comes_back(plain_wav(frames))


@given(wav_files())
def test_files_of_every_framing_come_back(data):
    assert_comes_back(data)


@given(any_bytes())
def test_any_bytes_come_back(data):
    assert_comes_back(data)


def test_real_recordings_come_back(recordings):
    for data in recordings:
        assert_comes_back(data)


@pytest.mark.parametrize("data", [b"", b"\0", b"R", b"RIFF", b"SPK", bytes(100_000)])
def test_short_files_and_silence_come_back(data):
    assert len(assert_comes_back(data)) < 100


def test_what_is_already_packed_comes_back_from_twice():
    once = assert_comes_back(plain_wav(walk(500)))
    assert codec.decompress(codec.decompress(codec.compress(once))) == plain_wav(walk(500))


@pytest.mark.parametrize("pcm", [[], [0], [31], [-32768], [1, 2]])
def test_recordings_of_hardly_any_samples_come_back(pcm):
    assert_comes_back(plain_wav(np.array(pcm, np.int16)))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_files_cut_short_come_back(channels):
    data = plain_wav(walk(40, channels))
    for length in range(len(data)):
        assert_comes_back(data[:length])


@pytest.mark.parametrize("frames", [131_071, 131_072, 131_073, 262_144, 300_000])
def test_recordings_of_several_chunks_come_back(frames):
    data = plain_wav(walk(frames))
    packed = assert_comes_back(data)
    assert read_info(packed)["chunks"] == -(-frames // 131_072)


@given(multichannel(), st.integers(1, 700), st.integers(1, 1000))
def test_chunks_of_any_size_come_back(frames, longest, largest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "LONGEST_CHUNK", longest)
        patch.setattr(index, "USUAL_CHUNK", largest)
        patch.setattr(index, "SHORTEST_CHUNK", 1)
        assert_comes_back(plain_wav(frames))


@pytest.mark.long
@pytest.mark.parametrize("channels", [9, 384, 32_767])
def test_many_leads_come_back(channels):
    frames = walk(3, channels)
    frames[:, ::2] = 5
    assert_comes_back(plain_wav(frames))


@pytest.mark.parametrize("value", [-32768, -1, 0, 31, 1000, 32767])
def test_a_constant_recording_costs_a_few_bytes(value):
    packed = assert_comes_back(plain_wav(np.full(100_000, value, np.int16)))
    assert len(packed) < 30


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_files_may_be_any_bytes_like_object(make):
    for data in (plain_wav(walk(100)), plain_wav(walk(100)) + info_list(), b"something else"):
        packed = codec.compress(make(data))
        assert packed == codec.compress(data)
        assert codec.decompress(make(packed)) == data


def test_the_package_offers_both_directions():
    data = plain_wav(walk(100))
    assert spikey_codec.compress(data) == codec.compress(data)
    assert spikey_codec.compress(data, preset="linear") == codec.compress(data)
    assert spikey_codec.decompress(spikey_codec.compress(data)) == data


@pytest.mark.parametrize("preset", ["best", "Linear", "linear ", "0"])
def test_an_unknown_preset_is_a_usage_error_that_names_the_known(preset):
    with pytest.raises(UsageError, match="linear"):
        codec.compress(b"", preset)


# How small


def test_recordings_shrink_to_less_than_a_third(recordings):
    original = sum(map(len, recordings))
    packed = sum(len(codec.compress(data)) for data in recordings)
    assert original / packed > 3.4


def test_white_noise_costs_little_more_than_its_16_bits():
    noise = np.random.default_rng(0).integers(-32768, 32768, 200_000).astype(np.int16)
    assert bits_per_sample(noise) < 16 * 1.0002


@pytest.mark.parametrize("seed", [0, 1])
def test_a_railed_lead_does_not_blow_up(seed):
    codes = simulate_codes(12, 1.0, seed)
    for lead in lead_layout(12, seed)[1]:
        assert (np.abs(codes[lead] + 0.5) > 511).mean() > 0.2
        assert bits_per_sample(codes_to_pcm(codes[lead])) < 8


def test_a_lead_that_jumps_between_the_rails_does_not_blow_up():
    rails = np.random.default_rng(0).integers(0, 2, 20_000) * 1023 - 512
    assert bits_per_sample(codes_to_pcm(rails)) < 16
    square = np.where(np.arange(20_000) // 500 % 2, 511, -512)
    assert bits_per_sample(codes_to_pcm(square)) < 2


@pytest.mark.parametrize("deviation", [0.3, 1, 10, 1000, 8000])
def test_white_noise_of_any_width_costs_little_more_than_its_entropy(deviation):
    noise = np.random.default_rng(0).normal(0, deviation, 60_000)
    pcm = np.clip(np.rint(noise), -32768, 32767).astype(np.int16)
    entropy = np.log2(deviation * np.sqrt(2 * np.pi * np.e))
    if deviation < 100:
        share = np.unique(pcm, return_counts=True)[1] / len(pcm)
        entropy = -(share * np.log2(share)).sum()
    assert bits_per_sample(pcm) < 1.02 * max(entropy, 1) + 0.15  # no word is shorter than a bit


def test_a_lead_costs_no_more_beside_others(recordings):
    """A lead that has nothing in common with the others takes none of them as a peer."""
    pcm = np.frombuffer(recordings[0], "<i2", offset=44)[:60_000]
    alone = len(codec.compress(plain_wav(pcm))) + len(codec.compress(plain_wav(pcm[::-1])))
    both = len(codec.compress(plain_wav(np.stack([pcm, pcm[::-1]], axis=1))))
    assert both == pytest.approx(alone, rel=0.002)


def test_a_copy_of_a_lead_costs_next_to_nothing(recordings):
    pcm = np.frombuffer(recordings[0], "<i2", offset=44)[:60_000]
    alone = len(codec.compress(plain_wav(pcm)))
    both = codec.compress(plain_wav(np.stack([pcm, pcm], axis=1)))
    assert len(both) < 1.3 * alone  # no code word is shorter than a bit
    assert codec.decompress(both) == plain_wav(np.stack([pcm, pcm], axis=1))


# The same bytes everywhere

ONE_LEAD = plain_wav(codes_to_pcm(simulate_codes(1, 0.11, seed=5)[0]))
THREE_LEADS = plain_wav(walk(700, 3), rate=30000)
PALETTE = plain_wav(walk(1100, 1, size=2) * 30)

PACK = """
import hashlib, pathlib, sys
from spikey_codec import codec, engine
for path in sys.argv[1:]:
    data = pathlib.Path(path).read_bytes()
    packed = codec.compress(data)
    assert codec.decompress(packed) == data
    print(engine.name, hashlib.sha256(packed).hexdigest())
"""


@pytest.mark.parametrize(
    "engine", ["", "auto", "python", pytest.param("jit", marks=pytest.mark.long), "aot"]
)
def test_a_new_process_with_any_engine_gives_the_same_bytes(run_python, tmp_path, engine):
    paths, digests = [], []
    for data in (ONE_LEAD, THREE_LEADS, PALETTE):
        paths.append(tmp_path / str(len(paths)))
        paths[-1].write_bytes(data)
        digests.append(hashlib.sha256(assert_comes_back(data)).hexdigest())
    done = run_python(PACK, *paths, SPIKEY_ENGINE=engine, PYTHONHASHSEED="7")
    if engine == "aot" and b"no compiled kernels" in done.stderr:
        pytest.skip("the kernels are not compiled ahead of time")
    assert done.stderr == b""
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    assert [digest for _, digest in lines] == digests
    assert engine in ("", "auto") or {name for name, _ in lines} == {engine}


def test_engines_that_are_none_are_refused_in_one_sentence(run_python, tmp_path):
    code = "import sys; from spikey_codec.cli.challenge import encode; sys.exit(encode())"
    done = run_python(code, "-", tmp_path / "out", stdin=ONE_LEAD, SPIKEY_ENGINE="nonsense")
    assert done.returncode == 2
    assert done.stderr == (
        b"encode: SPIKEY_ENGINE is 'nonsense'; it may be one of aot, jit, python.\n"
    )
    assert os.listdir(tmp_path) == []


@given(st.one_of(samples().map(plain_wav), wav_files()))
def test_the_same_file_gives_the_same_bytes_twice(data):
    assert codec.compress(data) == codec.compress(data)


# Damage

SMALL = {
    "one lead": plain_wav(codes_to_pcm(simulate_codes(1, 0.01, seed=5)[0])),
    "three leads, one constant": plain_wav(np.hstack([walk(50, 2), walk(50) * 0 + 9])),
    "other framing": riff(info_list(b"x" * 200), fmt(1), riff_chunk(b"data", bytes(60)), b"tail"),
    "values with gaps": plain_wav(walk(200, 1, size=2) * 30),
    "a constant": plain_wav(np.full(1000, 9, np.int16)),
    "no samples": plain_wav(np.zeros(0, np.int16)),
    "other bytes": b"no sound at all",
    "other bytes, packed": b"no sound at all" * 20,
}
small_files = pytest.mark.parametrize("data", SMALL.values(), ids=SMALL.keys())


def assert_noticed(damaged: bytes, original: bytes):
    """The file is refused, or decodes to what it should; what stands in it can be asked for."""
    try:
        assert codec.decompress(damaged) == original
    except SpikeyError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    with contextlib.suppress(SpikeyError):
        read_info(damaged)


@small_files
def test_every_truncation_is_noticed(data):
    packed = codec.compress(data)
    for length in range(len(packed)):
        assert_noticed(packed[:length], data)
        with pytest.raises(NotBrainwireError if length < 3 else SpikeyError):
            codec.decompress(packed[:length])


@small_files
def test_every_damaged_byte_is_noticed(data):
    packed = codec.compress(data)
    for at in range(len(packed)):
        for flipped in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            damaged = bytearray(packed)
            damaged[at] ^= flipped
            assert_noticed(bytes(damaged), data)


@small_files
def test_bytes_after_the_end_are_noticed(data):
    for more in (b"\0", b"\xff", codec.compress(data)):
        with pytest.raises(SpikeyError):
            codec.decompress(codec.compress(data) + more)


@given(st.sampled_from(list(SMALL.values())), st.data())
def test_several_damaged_places_are_noticed(original, data):
    assert_noticed(data.draw(harmed(codec.compress(original))), original)


@given(st.binary(max_size=60))
def test_nonsense_behind_the_magic_is_refused_or_has_its_checksum(data):
    for file in (b"SPK\1" + data, b"SPK\1\x20" + data, b"SPK\1\x30" + data):
        try:
            original = codec.decompress(file)
        except SpikeyError:
            continue
        assert zlib.crc32(original) == int.from_bytes(file[5:9], "little")


def test_a_wrong_checksum_is_noticed():
    packed = bytearray(codec.compress(ONE_LEAD))
    packed[5] ^= 1
    with pytest.raises(SpikeyError, match="checksum"):
        codec.decompress(bytes(packed))


# Threads


@pytest.mark.long
def test_threads_do_not_disturb_each_other(run_python):
    """In a new process, where all code tables are still to be made; numba lets others run."""
    code = """
import threading
import numpy as np
import spikey_codec
from spikey_codec.quantizer import mapping as converter
from spikey_codec.readers import wav
rng = np.random.default_rng(3)
files = []
for offset in range(-240, 240, 80):
    codes = np.clip(rng.normal(offset, 9, 9000).astype(int), -512, 511)
    pcm = converter.challenge_pcm()[codes + 512]
    files.append(wav.plain_header(9000, 1, 19531) + pcm.tobytes())
results = [None] * len(files)
barrier = threading.Barrier(len(files))
def run(i):
    barrier.wait()
    packed = spikey_codec.compress(files[i])
    results[i] = packed, spikey_codec.decompress(packed)
threads = [threading.Thread(target=run, args=(i,)) for i in range(len(files))]
[t.start() for t in threads]
[t.join() for t in threads]
assert [back for _, back in results] == files
assert [packed for packed, _ in results] == [spikey_codec.compress(f) for f in files]
print("good")
"""
    assert run_python(code, SPIKEY_ENGINE="jit").stdout == b"good\n"
