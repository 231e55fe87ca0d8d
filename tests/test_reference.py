"""The package against `reference`, the decoder that was written from FORMAT.md alone.

What the package writes, the reference decoder reads back; what one of them refuses, so does the
other; and files that no encoder would write (random codewords, unusual headers) mean the
same to both.
"""

import bz2
import itertools
import struct
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference
import spikey_codec
from forging import (
    CONSTANT,
    OWN_WEIGHTS,
    any_checksum,
    code_words,
    cut_behind,
    flipped,
    side_information,
    stored,
    varint,
)
from networks import KINDS, coder_for, for_preset, no_way_back, using_weights, write_weights
from reference.bits import Bits
from reference.fields import Reader
from spikey_codec import chunk
from spikey_codec.errors import SpikeyError
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes
from spikey_codec.quantizer.mapping import Mapping
from spikey_codec.readers.wav import plain_header
from strategies import (
    any_bytes,
    examples,
    info_list,
    pcm_bytes,
    plain_wav,
    riff,
    samples,
    wav_files,
)

WEIGHTS = Path(__file__).parents[1] / "weights"
RECORDINGS = Path(__file__).parents[2] / "shared" / "recordings"
REAL_RECORDINGS = sorted(RECORDINGS.glob("*.wav"))

CHALLENGE, PLAIN, PALETTE, NONUNIFORM = range(4)
FRAMED_AS_CHALLENGE, FRAMED_AS_PLAIN, FRAMED_OTHERWISE, OPAQUE = range(4)
BODY = 9  # bytes before the fields of the framing

LENGTHS = [0, 1, 2, 16, 17, 511, 512, 1023, 1024, 4096, 5000]
GAINS = [30, 37.3]


# Both decoders


def reference_answer(packed: bytes, folder: Path = WEIGHTS) -> bytes | None:
    """What the reference decoder makes of a file, None if it refuses."""
    try:
        return reference.decode(packed, folder)
    except ValueError:
        return None


def package_answer(packed: bytes) -> bytes | None:
    """What the package makes of a file, None if it refuses."""
    try:
        return spikey_codec.decompress(packed)
    except SpikeyError:
        return None


def check_agreement(packed: bytes, folder: Path = WEIGHTS) -> bytes | None:
    """The answer that both give."""
    answer = reference_answer(packed, folder)
    assert package_answer(packed) == answer
    return answer


def check_lossless(original: bytes) -> bytes:
    """Compress, let both decompress and compare; the compressed file."""
    packed = spikey_codec.compress(original)
    assert reference.decode(packed, WEIGHTS) == original
    assert spikey_codec.decompress(packed) == original
    return packed


# What a file says


def framing_of(packed: bytes) -> int:
    return packed[4] >> 4 & 3


def mapping_of(packed: bytes) -> int:
    return packed[4] >> 6


def first_predictor(packed: bytes) -> int:
    """The predictor of the first channel of a file without sparse mapping, head or tail."""
    reader = Reader(packed[BODY:])
    for _ in range(3 if framing_of(packed) == FRAMED_AS_PLAIN else 1):
        reader.varint()
    return reader.byte()


# What a file is made of


def file(framing: int, mapping: int, *fields: bytes, checksum: int = 0) -> bytes:
    kinds = framing << 4 | mapping << 6
    return b"SPK" + struct.pack("<BBI", 1, kinds, checksum) + b"".join(fields)


def sparse_fields(values: list[int]) -> bytes:
    gaps = [after - before - 1 for before, after in itertools.pairwise(values)]
    return struct.pack("<h", values[0]) + stored(struct.pack(f"<{len(gaps)}H", *gaps))


def scattered_values(count: int, seed: int) -> list[int]:
    """So many of the 16-bit values, ascending."""
    return sorted((np.random.default_rng(seed).permutation(65536)[:count] - 32768).tolist())


def challenge_leads(leads: int, frames: int, seed: int) -> list[np.ndarray]:
    """PCM of simulated leads, at least one of them railed if there are two."""
    codes = simulate_codes(leads, max(frames, 64) / 19531 + 0.001, seed)
    pcm = [codes_to_pcm(lead)[:frames] for lead in codes]
    assert all(len(lead) == frames for lead in pcm)
    return pcm


# What the package writes


@pytest.mark.parametrize("frames", LENGTHS)
@pytest.mark.parametrize("seed", [1, 2])
def test_challenge_recordings(frames, seed):
    for lead in challenge_leads(2, frames, seed):
        packed = check_lossless(plain_header(frames, 1, 19531) + pcm_bytes(lead))
        assert (framing_of(packed), mapping_of(packed)) == (FRAMED_AS_CHALLENGE, CHALLENGE)


@pytest.mark.parametrize("rail", [-512, 511, None])
def test_railed_challenge_recording(rail):
    rng = np.random.default_rng(3)
    wave = 700 * np.sin(np.arange(3000) / 50) if rail is None else rail * 1.05
    codes = np.clip(np.rint(wave + rng.normal(0, 20, 3000)), -512, 511).astype(np.int16)
    packed = check_lossless(plain_wav(codes_to_pcm(codes)))
    assert mapping_of(packed) == CHALLENGE


@pytest.mark.parametrize("channels", [2, 3, 9])
@pytest.mark.parametrize("frames", [1, 16, 600, 1100])
def test_channels(channels, frames):
    rng = np.random.default_rng(channels)
    shared = np.cumsum(rng.normal(0, 50, (frames, 1)), axis=0)
    leads = shared + rng.normal(0, 10 ** np.linspace(0.5, 3, channels), (frames, channels))
    packed = check_lossless(plain_wav(np.rint(leads).astype(np.int16), 30000))
    assert (framing_of(packed), mapping_of(packed)) == (FRAMED_AS_PLAIN, PLAIN)


def test_simultaneous_challenge_leads():
    leads = np.stack(challenge_leads(5, 1200, 4), axis=1)
    assert mapping_of(check_lossless(plain_wav(leads))) == CHALLENGE


@pytest.mark.parametrize("shape", [(3000,), (1000, 3), (40, 33)])
def test_full_range_noise(shape):
    noise = np.random.default_rng(5).integers(-32768, 32768, shape).astype(np.int16)
    assert mapping_of(check_lossless(plain_wav(noise))) == PLAIN


@pytest.mark.parametrize("period", [60, 900])
def test_own_predictor(period):
    rng = np.random.default_rng(6)
    sine = 20000 * np.sin(np.arange(4000) * 2 * np.pi / period) + rng.normal(0, 10, 4000)
    packed = check_lossless(plain_wav(np.rint(sine).astype(np.int16)))
    assert first_predictor(packed) == OWN_WEIGHTS


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("channels", [1, 2])
def test_sparse_values(gain, channels):
    codes = np.rint(np.random.default_rng(7).normal(0, 25, (4000, channels)))
    packed = check_lossless(plain_wav(np.rint(codes * gain + 5).astype(np.int16)))
    assert mapping_of(packed) == PALETTE


def some_widths(count: int) -> bytes:
    """Widths of so many codes, narrow and wide ones."""
    return np.random.default_rng(count).integers(60, 150, count, np.uint8).tobytes()


def test_uneven_values():
    """A converter every fourth of whose codes is ten times as wide as the others."""
    rng = np.random.default_rng(18)
    edges = np.cumsum(np.where(np.arange(900) % 4 == 0, 3.1, 0.3)) - 450
    lead = np.cumsum(rng.normal(0, 1, 24000)) % 40 + rng.normal(0, 12, 24000)
    samples = (np.searchsorted(edges, lead) - 450).astype(np.int16)
    packed = check_lossless(plain_wav(samples))
    assert mapping_of(packed) == NONUNIFORM
    even = chunk.encode(coder_for(Mapping(PLAIN), True), samples[:, None])
    assert len(packed) < 0.9 * len(even)


@pytest.mark.long
def test_sparse_values_by_the_ten_thousands():
    values = np.array(scattered_values(32800, seed=14), np.int16)
    lead = np.resize(values, 24 * len(values) + 100)
    assert mapping_of(check_lossless(plain_wav(np.sort(lead)))) == PALETTE


@pytest.mark.parametrize("value", [-32768, -1, 0, 31, 32767])
@pytest.mark.parametrize("channels", [1, 2])
def test_constant(value, channels):
    check_lossless(plain_wav(np.full((1500, channels), value, np.int16)))


@pytest.mark.parametrize("dead", [0, 2, 4])
def test_dead_channel(dead):
    leads = np.random.default_rng(8).normal(0, 300, (1100, 5)).astype(np.int16)
    leads[:, dead] = -7
    check_lossless(plain_wav(leads))


def test_silence_with_rare_spikes():
    rng = np.random.default_rng(9)
    spikes = (rng.random(6000) < 0.003) * rng.normal(0, 9000, 6000)
    noisy = spikes + rng.normal(0, 5, 6000)
    for signal in (spikes, noisy):
        check_lossless(plain_wav(np.clip(np.rint(signal), -32768, 32767).astype(np.int16)))


def test_sudden_noise_after_silence():
    signal = np.zeros(4000, np.int16)
    signal[2000:] = np.random.default_rng(10).integers(-32768, 32768, 2000)
    check_lossless(plain_wav(signal))


@pytest.mark.parametrize("frames", [131071, 131072, 131073, 131700])
def test_chunks_by_frames(frames):
    lead = np.zeros(frames, np.int16)
    lead[131000:] = np.random.default_rng(11).normal(0, 300, frames - 131000)
    lead[:131072] = 77
    check_lossless(plain_wav(lead))


def test_chunks_by_samples():
    channels, full = 33, 786432 // 33
    leads = np.full((full + 50, channels), 5, np.int16)
    leads[full:, 3] = np.arange(50) ** 2
    check_lossless(plain_wav(leads))


@settings(max_examples=examples(150))
@given(samples())
def test_any_samples(lead):
    check_lossless(plain_wav(lead))


@settings(max_examples=examples(150))
@given(wav_files())
def test_any_framing(original):
    check_lossless(original)


@given(any_bytes())
def test_any_bytes(original):
    check_lossless(original)


@pytest.mark.skipif(not REAL_RECORDINGS, reason="the recordings are not here")
@pytest.mark.parametrize("path", REAL_RECORDINGS[::90], ids=lambda path: path.stem[:8])
def test_real_recordings(path):
    with path.open("rb") as recording:
        cut = recording.read(44 + 2 * 2000)
    assert framing_of(check_lossless(cut)) == FRAMED_OTHERWISE
    lead = np.frombuffer(cut[44:], "<i2")
    packed = check_lossless(plain_wav(lead))
    assert (framing_of(packed), mapping_of(packed)) == (FRAMED_AS_CHALLENGE, CHALLENGE)


# What both refuse


def small_originals() -> dict[str, bytes]:
    rng = np.random.default_rng(12)
    lead = challenge_leads(1, 60, 13)[0]
    walk = np.cumsum(rng.integers(-9, 10, (30, 2)), axis=0).astype(np.int16)
    sparse = rng.integers(0, 4, (40, 3)).astype(np.int16) * 1000
    spiky = np.zeros(131072 + 20, np.int16)
    spiky[-20:] = rng.normal(0, 30, 20)
    return {
        "challenge": plain_wav(lead),
        "plain": plain_wav(walk, 8000),
        "sparse": plain_wav(sparse),
        "other framing": riff(info_list(), plain_wav(walk)[12:], info_list(b"odd")) + b"!",
        "packed head": riff(info_list(b"text " * 100), plain_wav(walk)[12:]),
        "opaque": b"no recording at all",
        "opaque, packed": b"a" * 500,
        "two chunks": plain_wav(spiky),
    }


@pytest.fixture(params=small_originals())
def small(request) -> tuple[bytes, bytes]:
    """An original of some kind and its compressed file, of less than 300 bytes."""
    original = small_originals()[request.param]
    packed = spikey_codec.compress(original)
    assert len(packed) < 300
    return original, packed


def test_truncated(small):
    _, packed = small
    for size in range(len(packed)):
        assert check_agreement(packed[:size]) is None


def test_extended(small):
    _, packed = small
    for more in (b"\0", b"\1", packed):
        assert check_agreement(packed + more) is None


def test_flipped(small):
    original, packed = small
    for damaged in flipped(packed, (1, 128, 255)):
        assert check_agreement(damaged) in (None, original)


def check_flips_without_checksum(packed: bytes, folder: Path = WEIGHTS) -> None:
    """Both agree on every file that differs in one byte, and in its checksum's absence."""
    packed = packed[: BODY - 4] + bytes(4) + packed[BODY:]
    with any_checksum():
        for damaged in flipped(packed):
            check_agreement(damaged, folder)


def test_flipped_without_checksum(small):
    check_flips_without_checksum(small[1])


@settings(max_examples=examples(300))
@given(st.binary(max_size=60), st.integers(0, 255))
def test_garbage_behind_the_magic(rest, kinds):
    with any_checksum():
        check_agreement(b"SPK" + struct.pack("<BBI", 1, kinds, 0) + rest)


SILENT_CHANNEL = bytes([CONSTANT, 0, 0])


@pytest.mark.parametrize("framing", [FRAMED_AS_PLAIN, FRAMED_OTHERWISE])
@pytest.mark.parametrize("rate", [0, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("channels", [0, 1, 2, 32767, 32768, 2**63 - 1])
def test_counts_of_one_frame(framing, rate, channels):
    counts = varint(1) + varint(channels) + varint(rate)
    around = stored(b"") + stored(b"") if framing == FRAMED_OTHERWISE else b""
    sides = SILENT_CHANNEL * min(channels, 40000)
    with any_checksum():
        check_agreement(file(framing, PLAIN, counts, around, sides))


@pytest.mark.parametrize("frames", [0, 1, 2**31 - 19, 2**31, 2**63 - 1, 2**63, 2**70])
@pytest.mark.parametrize("framing", [FRAMED_AS_CHALLENGE, FRAMED_AS_PLAIN, FRAMED_OTHERWISE])
@pytest.mark.parametrize("chunk", [b"", SILENT_CHANNEL, bytes(9)])
def test_counts_of_frames(frames, framing, chunk):
    counts = varint(frames) + (varint(1) + varint(8000) if framing else b"")
    around = stored(b"") + stored(b"x") if framing == FRAMED_OTHERWISE else b""
    with any_checksum():
        check_agreement(file(framing, PLAIN, counts, around, chunk))


@pytest.mark.parametrize("number", [b"\x80\x00", b"\xff\x00", b"\x80" * 8 + b"\x01", b"\x80" * 9])
def test_long_varints(number):
    with any_checksum():
        check_agreement(file(OPAQUE, 0, b"\0" + number))
        check_agreement(file(OPAQUE, 0, b"\1" + number + b"\0"))
        check_agreement(file(FRAMED_OTHERWISE, PLAIN, b"\0", b"\1", number, bytes(4)))


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 2**24, 2**62, 2**63 - 1])
@pytest.mark.parametrize("cut", [0, 1, 4])
@pytest.mark.parametrize("extra", [b"", b"\0", b"BZh9"])
def test_packed_sizes(size, cut, extra):
    whole = bz2.compress(b"a" * 500)
    stream = whole[: len(whole) - cut] + extra
    with any_checksum():
        answer = check_agreement(file(OPAQUE, 0, b"\1", varint(size), varint(len(stream)), stream))
    assert answer == (b"a" * 500 if (size, cut, extra) == (500, 0, b"") else None)


@pytest.mark.parametrize("first", [-32768, -1, 0, 32767])
@pytest.mark.parametrize(
    "gaps",
    [b"", b"\0", b"\0\0", b"\xfe\x7f", b"\xff\x7f", b"\xfe\xff", b"\xff\xff", bytes(5)]
    + [bytes(80000), bytes(131070), bytes(131072), b"\xff\xff" * 3, b"\xff\xff" * 70000],
    ids=lambda gaps: f"{len(gaps)} bytes {gaps[:2].hex()}",
)
@pytest.mark.parametrize("code", [-32768, -20000, -1, 0, 1, 20000, 32767])
def test_sparse_lists(first, gaps, code):
    fields = struct.pack("<h", first) + stored(gaps)
    chunk = struct.pack("<Bh", CONSTANT, code)
    with any_checksum():
        check_agreement(file(FRAMED_AS_CHALLENGE, PALETTE, varint(3), fields, chunk))


# Files that no encoder writes

VALUES_IN_USE = [2, 3, 5, 256, 1000, 32767, 32768, 32769, 40000, 65535, 65536]


def cut_to_fit(packed: bytes) -> bytes:
    """The file without the bits behind its last code word; ValueError if it cannot be read."""
    ends = []

    class EndlessBits(Bits):
        def end(self):
            ends.append((len(self.payload), self.position))

    with mock.patch("reference.payload.Bits", EndlessBits):
        reference.decode(packed, WEIGHTS)
    (size, used) = ends[0]
    start = len(packed) - size
    return packed[:start] + cut_behind(packed[start:], used)


@settings(max_examples=examples(400))
@given(st.data())
def test_random_code_words(data):
    mapping = data.draw(st.sampled_from([CHALLENGE, PLAIN, PALETTE, NONUNIFORM]), "mapping")
    channels = data.draw(st.sampled_from([1, 1, 2, 3, 9]), "channels")
    lengths = [1, 2, 15, 16, 17, 100, 250] if channels > 1 else [1, 17, 300, 1023, 1024, 1600]
    frames = data.draw(st.sampled_from(lengths), "frames")
    scales = 40 if mapping in (CHALLENGE, NONUNIFORM) else 80
    sides = [data.draw(side_information(scales), "side") for _ in range(channels)]
    assume(any(side[0] != CONSTANT for side in sides))
    payload = data.draw(code_words(4 * frames * channels + 8), "payload")
    values = b""
    if mapping == PALETTE:
        count = data.draw(st.sampled_from(VALUES_IN_USE), "values in use")
        values = sparse_fields(scattered_values(count, seed=count))
    if mapping == NONUNIFORM:
        count = data.draw(st.sampled_from([2, 3, 300, 4096]), "values in use")
        values = sparse_fields(scattered_values(count, seed=count)) + stored(some_widths(count))
    counts = varint(frames) + varint(channels) + varint(20000)
    fields = [counts, values, *sides, payload]
    with any_checksum():
        packed = file(FRAMED_AS_PLAIN, mapping, *fields)
        try:
            packed = cut_to_fit(packed)
        except ValueError:  # a code outside the range
            assert check_agreement(packed) is None
            return
        original = check_agreement(packed)
    assert original is not None
    checksum = struct.pack("<I", zlib.crc32(original))
    signed = packed[: BODY - 4] + checksum + packed[BODY:]
    assert check_agreement(signed) == original
    assert check_agreement(signed[:-1]) is None
    assert check_agreement(signed + b"\0") is None


@pytest.mark.parametrize("values", [[5], [5, 9], [-3, 0, 3]])
@pytest.mark.parametrize("frames", [1, 2, 5, 8])
def test_every_byte_as_payload(values, frames):
    counts, side = varint(frames), bytes([0, 0])
    with any_checksum():
        for byte in range(256):
            fields = [counts, sparse_fields(values), side, bytes([byte])]
            check_agreement(file(FRAMED_AS_CHALLENGE, PALETTE, *fields))


# Networks


@pytest.fixture(scope="module")
def network_folder(tmp_path_factory) -> Path:
    """The shipped weights, but with networks of every kind for both presets, 1 and 2."""
    folder = tmp_path_factory.mktemp("weights")
    both = {f"{kind} {preset}": for_preset(kind, preset) for kind in KINDS for preset in (1, 2)}
    write_weights(folder, {name.replace(" ", "-"): network for name, network in both.items()})
    return folder


@pytest.fixture
def network_weights(network_folder):
    """The same, in use."""
    with using_weights(network_folder) as folder:
        yield folder


@pytest.fixture
def always_networks():
    """No chunk declines its network."""
    with no_way_back():
        yield


def network_signals() -> dict[str, np.ndarray]:
    """Recordings of one lead, of leads that hear each other, and of other converters."""
    rng = np.random.default_rng(15)
    lead = challenge_leads(1, 300, 16)[0]
    rails = np.clip(rng.normal(0, 500, 200), -512, 511).astype(np.int16)
    return {
        "lead": lead,
        "rails": codes_to_pcm(rails),
        "same leads": np.stack([lead, lead, lead], axis=1),
        "leads": np.stack(challenge_leads(3, 120, 17), axis=1),
        "even": rng.normal(0, 30, (200, 2)).cumsum(0).astype(np.int16),
        "noise": rng.integers(-32768, 32768, 150).astype(np.int16),
        "sparse": rng.normal(0, 3, 200).round().astype(np.int16) * 1000,
    }


@pytest.mark.parametrize("signal", network_signals())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", [1, 2])
def test_networks(preset, kind, signal, network_weights, always_networks):
    original = plain_wav(network_signals()[signal])
    packed = spikey_codec.compress(original, f"{kind} {preset}".replace(" ", "-"))
    assert packed[4] & 15 == preset
    assert check_agreement(packed, network_weights) == original


@pytest.mark.parametrize("kind", ["fc", "messages"])
@pytest.mark.parametrize("preset", [1, 2])
def test_networks_and_an_uneven_converter(preset, kind, network_weights, always_networks):
    def mapping(survey, source, place):
        widths = np.frombuffer(some_widths(len(survey.values)), np.uint8)
        return Mapping(NONUNIFORM, survey.values, widths)

    with mock.patch("spikey_codec.codec._mapping", mapping):
        for signal in ("even", "sparse"):
            original = plain_wav(network_signals()[signal])
            packed = spikey_codec.compress(original, f"{kind}-{preset}")
            assert (packed[4] & 15, mapping_of(packed)) == (preset, NONUNIFORM)
            assert check_agreement(packed, network_weights) == original


@pytest.mark.parametrize("signal", ["lead", "same leads", "even", "sparse"])
@pytest.mark.parametrize("kind", ["short", "messages"])
@pytest.mark.parametrize("preset", [1, 2])
def test_damage_with_networks(preset, kind, signal, network_weights, always_networks):
    original = plain_wav(network_signals()[signal][:20])
    packed = spikey_codec.compress(original, f"{kind}-{preset}")
    for size in range(len(packed)):
        assert check_agreement(packed[:size], network_weights) is None
    assert check_agreement(packed + b"\0", network_weights) is None
    check_flips_without_checksum(packed, network_weights)


def test_a_network_of_the_other_preset(network_weights):
    packed = bytearray(spikey_codec.compress(plain_wav(network_signals()["lead"]), "fc-1"))
    packed[4] += 1
    assert check_agreement(bytes(packed), network_weights) is None


@pytest.mark.parametrize("preset", ["spikey", "spikey-rnn", "spikey-pairs", "max"])
def test_shipped_networks(preset):
    signals = network_signals()
    for original in (plain_wav(signals["lead"]), plain_wav(signals["same leads"][:150])):
        packed = spikey_codec.compress(original, preset)
        assert check_agreement(packed) == original


@pytest.mark.skipif(not REAL_RECORDINGS, reason="the recordings are not here")
@pytest.mark.parametrize("preset", ["spikey", "max"])
@pytest.mark.parametrize("path", REAL_RECORDINGS[::200], ids=lambda path: path.stem[:8])
def test_real_recordings_with_networks(preset, path):
    with path.open("rb") as recording:
        lead = np.frombuffer(recording.read(44 + 2 * 1000)[44:], "<i2")
    original = plain_wav(lead)
    packed = spikey_codec.compress(original, preset)
    assert check_agreement(packed) == original
