"""Streaming: every sample back at once, whatever the frames; losses found and recovered from."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patience import PATIENCE
from spikey_codec import codec
from spikey_codec.bitstream.channel_header import REFERENCES
from spikey_codec.bitstream.fields import write_varint
from spikey_codec.constants import TAPS
from spikey_codec.errors import CorruptError, RecordingError, UsageError
from spikey_codec.lab import simulate
from spikey_codec.quantizer.mapping import challenge_pcm
from spikey_codec.readers.wav import plain_header
from spikey_codec.stream import Calibration, StreamDecoder, StreamEncoder
from strategies import examples
from strategies import samples as sample_arrays

PCM = challenge_pcm()


@pytest.fixture(scope="module")
def signal():
    """Two thousand samples of twelve leads, one of them railed: int16, shape (2000, 12)."""
    leads = simulate.simulate_codes(12, 0.2, seed=2)
    return np.stack([simulate.codes_to_pcm(lead[:2000]) for lead in leads], axis=1)


def frames_of(samples, sizes):
    """Cut samples into frames of the given sizes, over and over."""
    start = 0
    while start < len(samples):
        for size in sizes:
            if start < len(samples):
                yield samples[start : start + size]
                start += size


def packets_of(samples, sizes=(20,), **options):
    encoder = StreamEncoder(samples.shape[1], **options)
    return [encoder.push(frame) for frame in frames_of(samples, sizes)]


@settings(max_examples=examples(40))
@given(
    leads=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=6),
    sync=st.integers(1, 200),
    data=st.data(),
)
def test_any_frames_of_any_leads_come_back_at_once(leads, sizes, sync, data):
    lead = data.draw(sample_arrays(300))
    on_the_map = data.draw(st.booleans())
    samples = np.stack([np.roll(lead, shift) for shift in range(leads)], axis=1)
    if on_the_map:
        samples = PCM[(samples.astype(int) >> 6) + 512]
    samples = samples.astype(np.int16)
    encoder, decoder = StreamEncoder(leads, sync_interval=sync), StreamDecoder()
    for frame in frames_of(samples, sizes):
        assert np.array_equal(decoder.push(encoder.push(frame)), frame)
    assert decoder.position == len(samples) and not decoder.lost and not decoder.pending


@pytest.mark.parametrize("value", [-32768, -32, 31, 32767])
def test_rails_and_extremes(value):
    samples = np.full((500, 3), value, np.int16)
    samples[::7, 1] = -samples[::7, 1] - 1
    decoder = StreamDecoder()
    packets = packets_of(samples, sync_interval=100)
    assert np.array_equal(decoder.push(b"".join(packets)), samples)


def test_leaving_the_converters_map_in_the_middle_loses_nothing(signal):
    samples = signal.copy()
    samples[777, 5] += 1
    packets = packets_of(samples)
    decoder = StreamDecoder()
    back = np.concatenate([decoder.push(packet) for packet in packets])
    assert np.array_equal(back, samples) and not decoder.lost


def test_calibration_makes_the_stream_smaller_and_survives_saving(signal, tmp_path):
    calibration = Calibration.of(signal)
    calibration.save(tmp_path / "leads.json")
    assert Calibration.load(tmp_path / "leads.json") == calibration
    sizes = [len(b"".join(packets_of(signal, calibration=c))) for c in (None, calibration)]
    assert sizes[1] < sizes[0]


def test_a_refreshed_calibration_counts_from_the_next_synchronisation_on(signal):
    encoder, decoder = StreamEncoder(12, sync_interval=1000), StreamDecoder()
    first = decoder.push(encoder.push(signal[:500]))
    encoder.refresh(Calibration.of(signal[:500]))
    rest = decoder.push(encoder.push(signal[500:1000]) + encoder.push(signal[1000:]))
    assert np.array_equal(np.concatenate([first, rest]), signal)


@pytest.mark.parametrize("dropped", [0, 1, 7, 49, 50, 51, 98])
def test_a_lost_packet_costs_at_most_until_the_next_synchronisation_point(signal, dropped):
    packets = packets_of(signal, sync_interval=1000)  # frames of 20: packets 0 and 50 synchronise
    decoder = StreamDecoder()
    blocks = []
    for number, packet in enumerate(packets):
        if number != dropped:
            blocks += decoder.blocks(packet)
    again = 50 if dropped < 50 else 100
    assert decoder.lost == [(20 * dropped, 20 * (again - dropped))] or dropped == 98
    if dropped == 98:  # nothing after it in time: the one that is left is lost as well
        assert decoder.lost == [(1960, 40)]
    for first, samples in blocks:
        assert np.array_equal(samples, signal[first : first + len(samples)])
    decoded = sum(len(samples) for _, samples in blocks)
    assert decoded + sum(n for _, n in decoder.lost) == 2000


def test_any_damaged_byte_is_found_and_recovered_from(signal):
    packets = packets_of(signal[:400], sync_interval=100)  # packets 0, 5, 10, 15 synchronise
    stream = b"".join(packets)
    begin = len(b"".join(packets[:2]))
    for at in range(begin, begin + len(packets[2]), 3):
        damaged = bytearray(stream)
        damaged[at] ^= 1 << at % 8
        decoder = StreamDecoder()
        blocks = list(decoder.blocks(bytes(damaged)))
        assert decoder.lost == [(40, 60)]
        assert [first for first, _ in blocks] == [0, 20, *range(100, 400, 20)]
        for first, samples in blocks:
            assert np.array_equal(samples, signal[first : first + 20])


def test_bytes_may_come_in_any_pieces(signal):
    stream = b"".join(packets_of(signal[:600], sizes=(1, 33)))
    decoder = StreamDecoder()
    pieces = [decoder.push(stream[i : i + 97]) for i in range(0, len(stream), 97)]
    assert np.array_equal(np.concatenate([p for p in pieces if len(p)]), signal[:600])


def test_a_decoder_may_join_late_and_is_not_confused_by_noise_or_repeats(signal):
    packets = packets_of(signal, sync_interval=500)
    decoder = StreamDecoder()
    noise = np.random.default_rng(1).bytes(5000)
    back = decoder.push(packets[10] + noise + b"".join(packets[20:30]) + packets[26] + packets[25])
    assert decoder.lost == [(0, 500)] and decoder.position == 600
    assert np.array_equal(back, signal[500:600])


@settings(max_examples=examples(150))
@given(data=st.binary(max_size=400), cut=st.integers(0, 400))
def test_no_bytes_whatever_make_the_decoder_fail(data, cut):
    packet = StreamEncoder(3).push(np.zeros((20, 3), np.int16))
    decoder = StreamDecoder()
    decoder.push(packet[:cut] + data)
    decoder.push(packet)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((0, 4), np.int16),
        np.zeros((5, 3), np.int16),
        np.zeros(4, np.int16),
        np.zeros((5, 4), np.int32),
        np.zeros((5, 4), float),
    ],
)
def test_impossible_frames_are_refused(frame):
    with pytest.raises(UsageError):
        StreamEncoder(4).push(frame)


def test_impossible_streams_and_calibrations_are_refused(tmp_path):
    for arguments in (
        (0,),
        (1 << 20,),
        (4, None, 0),
        (4, Calibration([0], [3])),
        (4, Calibration([0] * 4, [3])),
        (1, Calibration([64], [3])),
        (1, Calibration([-1], [3])),
        (1, Calibration([0], [40])),
    ):
        with pytest.raises(UsageError):
            StreamEncoder(*arguments)
    for text in (
        "",
        "[]",
        "{}",
        "[" * 9999,
        '{"spikey_calibration": 1, "predictors": [999], "scales": [1]}',
        '{"spikey_calibration": 1, "predictors": [9], "scales": [1, 2]}',
        '{"spikey_calibration": 1, "predictors": [Infinity], "scales": [1]}',
        '{"spikey_calibration": 1, "predictors": "12", "scales": "34"}',
        '{"spikey_calibration": 1, "predictors": [1.5], "scales": [1]}',
        '{"spikey_calibration": 2, "predictors": [9], "scales": [1]}',
    ):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(RecordingError, match="bad.json"):
            Calibration.load(tmp_path / "bad.json")


def test_a_second_stream_is_not_lost_without_a_word(signal):
    stream = b"".join(packets_of(signal[:100]))
    decoder = StreamDecoder()
    assert len(decoder.push(stream + stream)) == 100
    assert decoder.dropped == 5


def test_the_number_of_leads_cannot_change(signal):
    first, second = (packets_of(signal[:40, :n], sync_interval=20) for n in (3, 4))
    decoder = StreamDecoder()
    assert decoder.push(first[0] + second[1]).shape == (20, 3)
    assert decoder.lost == [(20, 20)]


def head_of(flags, *numbers):
    """The head of a packet, with the right check."""
    fields = b"\xb5\x53" + bytes([flags]) + b"".join(map(write_varint, numbers))
    return fields + (zlib.crc32(fields) & 0xFFFF).to_bytes(2, "little")


def packet_of(body, first=0, frames=20):
    """A synchronisation point put together by hand."""
    head = head_of(1, first, frames, len(body))
    return head + body + zlib.crc32(head + body).to_bytes(4, "little")


def test_a_packet_that_cannot_be_decoded_does_not_fix_the_number_of_leads(signal):
    sides_alone = packet_of(b"\1\0\4" + bytes(2 * 4))
    second = packets_of(signal[:40, :3], sync_interval=20)[1]
    decoder = StreamDecoder()
    assert np.array_equal(decoder.push(sides_alone + second), signal[20:40, :3])
    assert decoder.lost == [(0, 20)]


def test_leads_of_a_stream_have_no_peers(signal):
    first = packets_of(signal[:20, :2])[0]
    size = next(size for size in range(len(first)) if packet_of(first[-4 - size : -4]) == first)
    body = first[-4 - size : -4]
    fields = 3 + 2  # version, mapping, number of leads; the first lead's side information
    peers = bytes([REFERENCES, 1, 0, 9]) + bytes(TAPS)
    forged = packet_of(body[:fields] + peers + body[fields:])
    decoder = StreamDecoder()
    assert not len(decoder.push(forged)) and decoder.lost == [(0, 20)]


@pytest.fixture
def cut_off(signal):
    """Three packets that all synchronise, of the second and longest one only the beginning."""
    first, second, third = packets_of(signal[:240], sizes=(20, 200, 20), sync_interval=1)
    stream = first + second[:60] + third
    assert len(stream) < len(first) + len(second)
    return stream


def test_a_packet_that_was_cut_off_does_not_hold_up_the_last_ones(signal, cut_off):
    decoder = StreamDecoder()
    assert np.array_equal(decoder.push(cut_off), signal[:20]) and decoder.pending
    ((first, samples),) = decoder.finish()
    assert first == 220 and np.array_equal(samples, signal[220:240])
    assert (decoder.lost, decoder.skipped, decoder.pending) == ([(20, 200)], 60, 0)
    again = StreamDecoder()
    assert len(again.push(cut_off[:-1])) == 20 and not list(again.finish())
    assert (again.lost, again.skipped) == ([], 0) and again.pending > 60


@pytest.mark.parametrize(("frames", "size"), [(20, 1 << 62), (1 << 40, 8), (20, (1 << 27) + 1)])
def test_a_head_that_promises_too_much_is_not_waited_for(signal, frames, size):
    stream = head_of(0, 0, frames, size) + packets_of(signal[:20])[0]
    assert np.array_equal(StreamDecoder().push(stream), signal[:20])


def test_what_follows_a_head_that_is_right_by_chance_comes_late_and_whole(signal):
    packets = packets_of(signal[:400])
    decoder = StreamDecoder()
    waited_for = head_of(0, 0, 20, len(b"".join(packets[1:10])))
    first = decoder.push(packets[0] + waited_for + b"".join(packets[1:9]))
    assert np.array_equal(first, signal[:20]) and not decoder.lost
    rest = decoder.push(b"".join(packets[9:]))
    assert np.array_equal(rest, signal[20:400])
    assert not decoder.lost and not decoder.pending and decoder.skipped == len(waited_for)


def test_any_flipped_bit_of_a_head_is_found_without_waiting(signal):
    packets = packets_of(signal[:60], sync_interval=20)
    size = len(head_of(0, 0, 20, len(packets[1])))
    for bit in range(8 * size):
        damaged = bytearray(packets[1])
        damaged[bit >> 3] ^= 1 << (bit & 7)
        decoder = StreamDecoder()
        decoder.push(packets[0] + bytes(damaged))
        assert np.array_equal(decoder.push(packets[2]), signal[40:60])
        assert decoder.lost == [(20, 20)]


def spikey(*arguments, data=b""):
    """Run the `spikey` command; returns exit status, standard output, standard error."""
    command = [sys.executable, "-c", "from spikey_codec.cli.main import main; main()", *arguments]
    run = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE)
    return run.returncode, run.stdout, run.stderr.decode()


def test_the_command_pipes_raw_samples(signal, tmp_path):
    raw = signal.astype("<i2").tobytes()
    saved = str(tmp_path / "leads.json")
    assert spikey("stream", "calibrate", "--leads", "12", saved, data=raw) == (0, b"", "")
    options = ["stream", "encode", "--leads", "12", "--sync", "700"]
    status, packets, said = spikey(*options, "--calibration", saved, data=raw)
    assert (status, said) == (0, "")
    assert len(packets) < len(raw) / 2
    assert spikey("stream", "decode", data=packets) == (0, raw, "")


def test_the_command_says_what_was_lost_and_keeps_the_time(signal):
    packets = packets_of(signal, sync_interval=500)
    status, raw, said = spikey("stream", "decode", data=b"".join(packets[:30] + packets[31:]))
    assert status == CorruptError.exit_code
    assert "lost 400 samples of every channel, from sample 600 on" in said
    expected = signal.copy()
    expected[600:1000] = 0
    assert raw == expected.astype("<i2").tobytes()


def test_the_command_decodes_what_stands_behind_a_packet_that_was_cut_off(signal, cut_off):
    status, raw, said = spikey("stream", "decode", data=cut_off)
    assert status == CorruptError.exit_code
    assert "lost 200 samples of every channel, from sample 20 on" in said
    expected = signal[:240].copy()
    expected[20:220] = 0
    assert raw == expected.astype("<i2").tobytes()


def test_the_command_refuses_what_it_cannot_use(tmp_path):
    for arguments, data, error, reason in (
        (("encode", "--leads", "4"), bytes(83), RecordingError, "last 3 bytes were left out"),
        (("calibrate", "--leads", "4", str(tmp_path / "x")), b"", RecordingError, "nothing on"),
        (("encode", "--leads", "4", "--calibration", __file__), b"", RecordingError, "not a cal"),
        (("decode",), b"\xb5S\x01", CorruptError, "ends within a packet"),
        (("decode",), b"no stream at all", CorruptError, "16 bytes that belong to no packet"),
    ):
        status, _, said = spikey("stream", *arguments, data=data)
        assert status == error.exit_code and reason in said and len(said.splitlines()) == 1


# WAVs


def wavs_of(samples):
    """The same samples in WAVs of every kind that a stream may have."""
    data = samples.astype("<i2").tobytes()
    channels = samples.shape[1]
    plain = plain_header(len(samples), channels, 30_000)
    fmt = plain[12:36]
    note = b"LIST" + struct.pack("<I", 5) + b"notes" + b"\0"
    size = struct.pack("<I", len(data))
    long_size = b"ds64" + struct.pack("<IQQQI", 28, 0, len(data), len(samples), 0)
    endless = struct.pack("<I", 0xFFFFFFFF)
    return {
        "plain": plain + data,
        "with more chunks": plain[:12] + note + fmt + note + b"data" + size + data + note,
        "of unknown size": plain[:40] + endless + data,
        "of no size": plain[:40] + bytes(4) + data,
        "RF64": b"RF64" + endless + b"WAVE" + long_size + fmt + b"data" + endless + data + note,
        "cut short": plain_header(10**6, channels, 30_000) + data,
    }


@pytest.mark.parametrize("kind", wavs_of(np.zeros((1, 1), np.int16)))
def test_a_wav_is_read_as_one(signal, tmp_path, kind):
    data = wavs_of(signal)[kind]
    options = ["--calibration", str(tmp_path / "saved")]
    assert spikey("stream", "calibrate", options[1], data=data) == (0, b"", "")
    for more in ([], ["--leads", "12"]):
        status, packets, said = spikey("stream", "encode", *options, *more, data=data)
        assert (status, said) == (0, "")
        assert spikey("stream", "decode", data=packets) == (0, signal.astype("<i2").tobytes(), "")
    status, raw_packets, _ = spikey(
        "stream", "encode", "--leads", "12", *options, data=signal.tobytes()
    )
    assert packets == raw_packets


@pytest.mark.parametrize(
    ("data", "options", "error", "part"),
    [
        (b"0123", [], UsageError, "--leads"),
        (plain_header(5, 2, 9) + bytes(20), ["--leads", "3"], UsageError, "has 2 channels, not 3"),
        (plain_header(5, 2, 9)[:30], [], RecordingError, "a WAV without samples"),
        (plain_header(0, 2, 9), [], RecordingError, "nothing on standard input"),
        (plain_header(5, 2, 9).replace(b"\x10\0data", b"\x18\0data") + bytes(30), [],
         RecordingError, "not of 16-bit PCM"),
        (b"fLaC" + bytes(99), ["--leads", "1"], RecordingError, "a FLAC file"),
        (codec.compress(b""), ["--leads", "1"], RecordingError, "a .brainwire file"),
    ],
)  # fmt: skip
def test_what_is_neither_raw_nor_a_wav_of_16_bits_is_refused(data, options, error, part):
    status, out, said = spikey("stream", "encode", *options, data=data)
    assert (status, out) == (error.exit_code, b"") and part in said and said.count("\n") == 1
