"""The package's streams against `reference.streams`, written from FORMAT.md alone.

Of whatever becomes of a stream on its way both decode the same frames to the same samples and say
that the same ones are lost: packets lost, repeated, out of order, damaged or cut off, garbage among
them, bodies that no encoder would write.
"""

import functools
import itertools
import struct
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forging import code_words, cut_behind, flipped, predictor_and_scale, varint
from reference import streams as reference_streams
from reference.bits import Bits
from reference.streams import Decoded, decode_stream, find_packets
from spikey_codec import stream
from spikey_codec.bitstream import packet as packets_of_package
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes
from spikey_codec.quantizer.mapping import challenge_pcm
from spikey_codec.stream import Calibration, StreamDecoder
from strategies import examples
from strategies import samples as sample_arrays
from test_stream import frames_of, head_of, packets_of

WEIGHTS = Path(__file__).parents[1] / "weights"

SYNCHRONISES, GOES_ON = 1, 0
CHALLENGE, PLAIN = 0, 1
SCALES = {CHALLENGE: 40, PLAIN: 80}
LARGEST = 2**63 - 1  # varint


# Both decoders


def package_answer(*pieces: bytes) -> Decoded:
    """What the package makes of a stream that comes in these pieces."""
    decoder = StreamDecoder()
    found = [block for piece in pieces for block in decoder.blocks(piece)]
    found += decoder.finish()
    blocks = [(first, list(map(tuple, samples.tolist()))) for first, samples in found]
    return Decoded(blocks, decoder.lost)


def check_agreement(received: bytes) -> Decoded:
    """The answer that both give."""
    answer = decode_stream(received, WEIGHTS)
    assert package_answer(received) == answer
    return answer


def firsts(answer: Decoded) -> list[int]:
    """The first frames of all packets that were decoded."""
    return [first for first, _ in answer.blocks]


def check_true(answer: Decoded, samples: np.ndarray) -> None:
    """Every frame is that of this recording, or lost."""
    for first, frames in answer.blocks:
        assert frames == list(map(tuple, samples[first : first + len(frames)].tolist()))


# Streams


@functools.cache
def recording(leads: int, frames: int) -> np.ndarray:
    """Samples of simulated leads: int16, shape (frames, leads)."""
    codes = simulate_codes(leads, 0.1, seed=7)
    return np.stack([codes_to_pcm(lead[:frames]) for lead in codes], axis=1)


def plain_recording(leads: int, frames: int) -> np.ndarray:
    """Samples outside the challenge's map, of the full range."""
    steps = np.random.default_rng(8).normal(0, 900, (frames, leads))
    return np.clip(np.cumsum(steps, axis=0), -32768, 32767).astype(np.int16)


PACKETS = packets_of(recording(2, 60), sizes=(5, 9, 1), sync_interval=20)
PLAIN_PACKETS = packets_of(plain_recording(2, 24), sizes=(4,), sync_interval=10)


def packet(body: bytes, first: int = 0, frames: int = 1, flags: int = SYNCHRONISES) -> bytes:
    """A packet with right checks."""
    whole = head_of(flags, first, frames, len(body)) + body
    return whole + struct.pack("<I", zlib.crc32(whole))


def beginning(mapping: int, sides: list[bytes], version: int = 1) -> bytes:
    """What a synchronisation point begins with."""
    return bytes([version, mapping]) + varint(len(sides)) + b"".join(sides)


SIDE = bytes([0, 20])  # first row of the codebook, a scale of either mapping
PLAIN_CODE = bytes([0x80, 0x07])  # of row 0, mapping 1: code 7


# What the package writes


@pytest.mark.parametrize("make", [recording, plain_recording])
@pytest.mark.parametrize("leads", [1, 2, 7])
@pytest.mark.parametrize("sizes", [(1,), (20,), (3, 1, 30, 2), (150,)])
@pytest.mark.parametrize("sync", [1, 33, 1000])
def test_streams_of_any_leads_and_packets_mean_the_same_to_both(make, leads, sizes, sync):
    samples = make(leads, 150 // leads)
    packets = packets_of(samples, sizes, sync_interval=sync)
    answer = check_agreement(b"".join(packets))
    assert len(answer.blocks) == len(packets) and not answer.lost
    check_true(answer, samples)


@settings(max_examples=examples(40))
@given(
    lead=sample_arrays(60),
    leads=st.integers(1, 4),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    sync=st.integers(1, 60),
    left=st.booleans(),
)
def test_any_samples_come_back_by_both(lead, leads, sizes, sync, left):
    samples = np.stack([np.roll(lead, shift) for shift in range(leads)], axis=1)
    if left:  # the converter's map, with the last third
        stays = 2 * len(samples) // 3
        samples[:stays] = challenge_pcm()[(samples[:stays].astype(int) >> 6) + 512]
    answer = check_agreement(b"".join(packets_of(samples, sizes, sync_interval=sync)))
    assert sum(len(frames) for _, frames in answer.blocks) == len(samples)
    check_true(answer, samples)


@pytest.mark.parametrize("at", [0, 1, 19, 20, 21, 59])
def test_both_follow_samples_that_leave_the_converters_map(at):
    samples = recording(3, 60).copy()
    samples[at, 1] += 1
    packets = packets_of(samples, (4,))
    mappings = [p.body[1] for p in find_packets(b"".join(packets)) if p.synchronises]
    assert mappings == ([CHALLENGE, PLAIN] if at >= 4 else [PLAIN])
    answer = check_agreement(b"".join(packets))
    assert not answer.lost
    check_true(answer, samples)


def test_both_read_what_calibrated_leads_say():
    samples = np.concatenate([recording(5, 40), plain_recording(5, 20)])
    calibration = Calibration.of(recording(5, 1000))
    assert len(set(calibration.predictors)) > 1
    packets = packets_of(samples, calibration=calibration, sync_interval=15)
    check_true(check_agreement(b"".join(packets)), samples)


def test_rails_come_back_by_both():
    samples = np.full((90, 2), 32767, np.int16)
    samples[::7, 1] = -32768
    check_true(check_agreement(b"".join(packets_of(samples, sync_interval=40))), samples)


# What becomes of it on the way


@pytest.mark.parametrize("packets", [PACKETS, PLAIN_PACKETS])
def test_both_lose_the_same_with_lost_packets(packets):
    for lost in range(len(packets)):
        for more in range(1, 4):
            check_agreement(b"".join(packets[:lost] + packets[lost + more :]))


@pytest.mark.parametrize("packets", [PACKETS, PLAIN_PACKETS])
def test_both_begin_late_and_end_early_at_the_same_frames(packets):
    whole = b"".join(packets)
    for at in range(len(whole)):
        check_agreement(whole[at:])
        check_agreement(whole[:at])


@pytest.mark.parametrize("packets", [PACKETS, PLAIN_PACKETS])
def test_both_notice_every_damaged_byte_and_go_on_at_the_same_frame(packets):
    whole = check_agreement(b"".join(packets))
    for damaged in flipped(b"".join(packets), (1, 128, 255)):
        answer = check_agreement(damaged)
        assert all(block in whole.blocks for block in answer.blocks)
        assert answer.blocks != whole.blocks


@pytest.mark.parametrize("size", [1, 2, 7, 31, 32, 33, 100])
def test_both_lose_the_same_with_missing_bytes(size):
    whole = b"".join(PACKETS)
    for at in range(0, len(whole), 3):
        check_agreement(whole[:at] + whole[at + size :])


def test_neither_minds_a_repeated_packet():
    whole = decode_stream(b"".join(PACKETS), WEIGHTS)
    for again in range(len(PACKETS)):
        for later in range(again, len(PACKETS)):
            packets = PACKETS[: later + 1] + [PACKETS[again]] + PACKETS[later + 1 :]
            assert check_agreement(b"".join(packets)) == whole


@settings(max_examples=examples(150))
@given(st.data())
def test_both_make_the_same_of_any_order_with_garbage_between(data):
    numbers = st.lists(st.integers(0, len(PACKETS) - 1), max_size=12)
    garbage = st.sampled_from([b"", b"", b"", b"\xb5", b"\x53", b"\xb5\x53", b"\0" * 40])
    received = b""
    for number in data.draw(numbers | st.permutations(range(len(PACKETS))), "packets"):
        chosen = PACKETS[number]
        if not data.draw(st.integers(0, 5), "whole"):
            chosen = chosen[: data.draw(st.integers(0, len(chosen)), "cut")]
        received += data.draw(garbage | st.binary(max_size=50), "garbage") + chosen
    check_true(check_agreement(received), recording(2, 60))


@settings(max_examples=examples(50))
@given(st.lists(st.integers(0, 400), max_size=30), st.integers(0, 400))
def test_pieces_do_not_matter(cuts, size):
    whole = b"".join(PACKETS[:9])[:size] + b"\xb5\x53" + b"".join(PACKETS[9:])
    places = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    assert package_answer(*pieces) == decode_stream(whole, WEIGHTS)


def test_both_make_the_same_of_two_streams_in_one():
    for others in (PLAIN_PACKETS, packets_of(recording(3, 200), (50,), sync_interval=50)):
        check_agreement(b"".join(PACKETS + others))
        check_agreement(b"".join(others + PACKETS))


@settings(max_examples=examples(200))
@given(st.binary(max_size=200))
def test_both_make_the_same_of_any_bytes(data):
    check_agreement(data)
    check_agreement(b"".join([data, PACKETS[0], data, PACKETS[1]]))


# Heads that no encoder writes


def test_both_refuse_reserved_flags():
    body = beginning(PLAIN, [SIDE]) + PLAIN_CODE
    for flags in range(256):
        answer = check_agreement(packet(body, flags=flags) + packet(body, 1))
        assert firsts(answer) == ([0, 1] if flags == SYNCHRONISES else [1])


@pytest.mark.parametrize("first", [0, 1, 2**31, 2**32, 2**62, LARGEST - 1, LARGEST, LARGEST + 1])
def test_both_count_to_the_largest_varint(first):
    body = beginning(PLAIN, [SIDE]) + PLAIN_CODE
    answer = check_agreement(packet(body, first) + packet(body, first) + packet(body, first + 1))
    assert firsts(answer) == [n for n in (first, first + 1) if n <= LARGEST]


@pytest.mark.parametrize("frames", [0, 1, 2, 2**24 - 1, 2**24, 2**24 + 1, LARGEST, LARGEST + 1])
@pytest.mark.parametrize("leads", [1, 2])
def test_neither_takes_frames_that_are_not_there(frames, leads):
    body = beginning(PLAIN, [SIDE] * leads) + PLAIN_CODE * leads
    forged = packet(body, 0, frames) + packet(body, 2**25) + packet(b"", 2**25 + 1, frames, GOES_ON)
    answer = check_agreement(forged)
    assert firsts(answer) == ([0, 2**25] if frames == 1 else [2**25])


def test_both_take_the_same_most_codes_of_a_packet(monkeypatch):
    assert (
        packets_of_package.MOST_SAMPLES
        == reference_streams.MOST_FRAMES
        == reference_streams.MOST_CODES
        == 1 << 24
    )
    packets = {
        (leads, frames): packets_of(plain_recording(leads, 3 * frames), (frames,), sync_interval=1)
        for leads, frames in ((1, 8), (1, 9), (2, 4), (2, 5), (3, 2), (3, 3), (9, 1))
    }
    monkeypatch.setattr(stream, "MOST_SAMPLES", 8)
    monkeypatch.setattr(packets_of_package, "MOST_SAMPLES", 8)
    monkeypatch.setattr(reference_streams, "MOST_FRAMES", 8)
    monkeypatch.setattr(reference_streams, "MOST_CODES", 8)
    for (leads, frames), made in packets.items():
        answer = check_agreement(b"".join(made))
        assert firsts(answer) == ([0, frames, 2 * frames] if leads * frames <= 8 else [])
        assert bool(answer.lost) == (leads * frames > 8 >= frames)


@pytest.mark.parametrize("size", [0, 1, 9, 2**27, 2**27 + 1, LARGEST])
@pytest.mark.parametrize("frames", [1, 2**24])
def test_a_head_without_its_body_does_not_hold_up_either(size, frames):
    head = head_of(SYNCHRONISES, 0, frames, size)
    assert firsts(check_agreement(head + PACKETS[0])) == [0]
    assert firsts(check_agreement(PACKETS[0] + head + PACKETS[1])) == [0, 5]


def test_both_take_the_same_largest_body(monkeypatch):
    assert packets_of_package.LARGEST_BODY == reference_streams.MOST_BYTES == 1 << 27
    sizes = [len(sound.body) for sound in find_packets(b"".join(PACKETS))]
    for most in {*sizes, max(sizes) - 1}:
        monkeypatch.setattr(packets_of_package, "LARGEST_BODY", most)
        monkeypatch.setattr(reference_streams, "MOST_BYTES", most)
        whole = len(check_agreement(b"".join(PACKETS)).blocks) == len(PACKETS)
        assert whole == (most == max(sizes))


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("number", [b"\x81\0", b"\x80" * 8 + b"\1", b"\x80" * 9 + b"\1"])
def test_both_refuse_long_varints(position, number):
    numbers = [varint(0), varint(1), varint(0)]
    numbers[position] = number
    fields = b"\xb5\x53\1" + b"".join(numbers)
    head = fields + struct.pack("<I", zlib.crc32(fields))[:2]
    check_agreement(head + struct.pack("<I", zlib.crc32(head)) + PACKETS[0])


def test_both_search_a_damaged_packet_and_no_sound_one():
    """A sound packet is one, whatever its body holds; the body of a damaged one is searched."""
    inner = PACKETS[0] + PACKETS[1]
    outer = packet(inner, 7, 5)
    assert firsts(check_agreement(outer + PACKETS[3])) == []
    damaged = outer[:-1] + bytes([outer[-1] ^ 1])
    assert firsts(check_agreement(damaged + PACKETS[2])) == [0, 5, 14]
    assert firsts(check_agreement(outer[:-1])) == [0, 5]


# Bodies that no encoder writes


def test_both_refuse_other_versions():
    for version in range(256):
        body = beginning(PLAIN, [SIDE], version) + PLAIN_CODE
        assert firsts(check_agreement(packet(body))) == ([0] if version == 1 else [])


def test_both_refuse_other_mappings():
    samples = {CHALLENGE: 31, PLAIN: 0}  # of code 0
    for mapping in range(256):
        answer = check_agreement(packet(beginning(mapping, [SIDE]) + bytes([0x80, 0])))
        assert answer.blocks == ([(0, [(samples[mapping],)])] if mapping in samples else [])


@pytest.mark.parametrize("leads", [0, 1, 2, 3, 65536, 65537, 2**40, LARGEST])
def test_both_refuse_impossible_numbers_of_leads(leads):
    present = min(leads, 65537)
    body = bytes([1, PLAIN]) + varint(leads) + SIDE * present + PLAIN_CODE * present
    answer = check_agreement(packet(body))
    assert firsts(answer) == ([0] if 1 <= leads <= 65536 else [])


@pytest.mark.parametrize("mapping", [CHALLENGE, PLAIN])
@pytest.mark.parametrize("last", [False, True])
def test_both_take_the_same_predictors(mapping, last):
    own = struct.pack("<16h", *range(16)) + b"\0"
    peer = b"\1" + bytes([not last, 0]) + bytes(13) + SIDE
    codes = bytes(4 if mapping == PLAIN else 3)
    taken = []
    for predictor in range(256):
        for fields in (b"\0", own, peer, b"\0\0"):
            sides = [SIDE, bytes([predictor]) + fields]
            body = beginning(mapping, sides if last else sides[::-1]) + codes
            taken += [predictor] * len(check_agreement(packet(body)).blocks)
    assert taken == [*range(64), 255]


@pytest.mark.parametrize("mapping", [CHALLENGE, PLAIN])
def test_both_take_the_same_scales(mapping):
    for scale in range(256):
        answer = check_agreement(packet(beginning(mapping, [bytes([0, scale])]) + bytes(2)))
        assert firsts(answer) == ([0] if scale < SCALES[mapping] else [])


@pytest.mark.parametrize("sum_of_weights", [65534, 65535, 65536, 98302])
def test_both_take_the_same_weights(sum_of_weights):
    left, weights = sum_of_weights, []
    while left:
        weights.append(-min(left, 32768))
        left -= min(left, 32768)
    fields = struct.pack("<16h", *weights, *[0] * (16 - len(weights)))
    answer = check_agreement(packet(beginning(PLAIN, [b"\xff" + fields + b"\0"]) + PLAIN_CODE))
    assert firsts(answer) == ([0] if sum_of_weights < 65536 else [])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_both_make_the_same_of_a_damaged_body_with_right_checks(number):
    """A packet that cannot be decoded costs all up to the next synchronisation point."""
    packets = list(find_packets(b"".join(PLAIN_PACKETS)))
    chosen = packets[number]

    def lost_with(body):
        forged = packet(body, chosen.first, chosen.frames, int(chosen.synchronises))
        around = PLAIN_PACKETS[:number], PLAIN_PACKETS[number + 1 :]
        return check_agreement(b"".join([*around[0], forged, *around[1]])).lost

    assert any(map(lost_with, flipped(chosen.body)))
    assert all(map(lost_with, (chosen.body + b"\0", chosen.body[:-1], b"")))


def test_both_refuse_bits_behind_the_last_code():
    body = beginning(CHALLENGE, [SIDE]) + bytes([0x80])
    for last in range(256):
        answer = check_agreement(packet(body + bytes([last])))
        assert firsts(answer) == ([] if last % 64 else [0])


def test_both_agree_on_what_has_passed():
    """Frames that a sound packet was to give have passed, whether it could be decoded or not."""
    late = packet(beginning(PLAIN, [SIDE]) + PLAIN_CODE, 10)
    good = packet(beginning(PLAIN, [SIDE]) + PLAIN_CODE, 20)
    for first, frames, passed in ((0, 10, False), (0, 11, True), (10, 1, True), (12, 1, True)):
        for flags in (SYNCHRONISES, GOES_ON):
            undecodable = packet(b"\2", first, frames, flags)
            answer = check_agreement(undecodable + late + good)
            assert firsts(answer) == ([20] if passed else [10, 20])


def test_a_missing_packet_that_comes_too_late_is_lost_to_both():
    order = [0, 2, 1, 3]
    answer = check_agreement(b"".join(PACKETS[number] for number in order))
    assert firsts(answer)[0] == 0 and 5 not in firsts(answer)


def test_the_mapping_may_change_and_the_number_of_leads_may_not():
    def point(first, mapping, leads):
        code = PLAIN_CODE * leads if mapping == PLAIN else bytes(-(-10 * leads // 8))
        return packet(beginning(mapping, [SIDE] * leads) + code, first)

    changed = point(0, PLAIN, 2) + point(1, CHALLENGE, 2) + point(2, PLAIN, 2)
    assert firsts(check_agreement(changed)) == [0, 1, 2]
    more = point(0, PLAIN, 2) + point(1, PLAIN, 3) + point(2, PLAIN, 2)
    assert firsts(check_agreement(more)) == [0, 2]
    # the number is that of the first packet that is decoded
    undecodable = packet(beginning(PLAIN, [SIDE] * 3) + PLAIN_CODE, 0)
    assert firsts(check_agreement(undecodable + point(1, PLAIN, 2) + point(2, PLAIN, 3))) == [1]


@settings(max_examples=examples(150))
@given(st.data())
def test_random_code_words_mean_the_same_to_both(data):
    mapping = data.draw(st.sampled_from([CHALLENGE, PLAIN]), "mapping")
    leads = data.draw(st.sampled_from([1, 1, 2, 3, 9]), "leads")
    sides = [data.draw(predictor_and_scale(SCALES[mapping]), "side") for _ in range(leads)]
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=3), "frames")
    fields = [beginning(mapping, sides), b"", b""]
    payloads = [data.draw(code_words(4 * size * leads + 8), "payload") for size in sizes]

    def packets(payloads):
        out, first = b"", 0
        for front, payload, size in zip(fields, payloads, sizes, strict=False):
            out += packet(front + payload, first, size, GOES_ON if first else SYNCHRONISES)
            first += size
        return out

    used = []

    class EndlessBits(Bits):
        def end(self):
            used.append(self.position)

    with mock.patch("reference.streams.Bits", EndlessBits):
        decode_stream(packets(payloads), WEIGHTS)
    # the first code outside the range is the end
    fitting = [cut_behind(payload, bits) for payload, bits in zip(payloads, used, strict=False)]
    answer = check_agreement(packets(fitting + payloads[len(fitting) :]))
    assert len(answer.blocks) == len(fitting)


def test_real_recordings_come_back_by_both(recordings):
    samples = np.stack([np.frombuffer(r[44 : 44 + 2 * 300], "<i2") for r in recordings[:3]], axis=1)
    packets = packets_of(samples, (20,), sync_interval=100)
    answer = check_agreement(b"".join(packets))
    assert len(answer.blocks) == len(list(frames_of(samples, (20,))))
    check_true(answer, samples)
