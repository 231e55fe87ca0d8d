"""The package's archives against `reference.archives`, written from FORMAT.md alone.

Both find the same members in an archive, restore the same of them to the same bytes, and refuse
the same archives and groups, however they were damaged or put together.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forging import any_checksum, flipped, harmed, stored, varint
from networks import for_preset, no_way_back, using_weights, write_weights
from reference import archives as reference_archives
from spikey_codec import codec
from spikey_codec.archive import Archive, pack
from spikey_codec.bitstream import archive_index
from spikey_codec.errors import SpikeyError
from spikey_codec.readers.wav import plain_header
from strategies import any_bytes, examples, info_list, pcm_bytes, plain_wav, wav_files
from test_archive import (
    A1,
    A2,
    BAD_GROUPS,
    GOOD_NAMES,
    HOSTILE,
    IMPOSSIBLE,
    MIXTURE,
    assembled,
    body_of_two,
    framed,
    index_of,
    lead,
    noise,
    of_one,
    of_two,
)

WEIGHTS = Path(__file__).parents[1] / "weights"

Answer = list[tuple[str, bytes | None]] | None

# Two leads of a group, one of them framed otherwise; other bytes and a lead, each of them alone.
SMALL = [
    ("1.wav", plain_wav(A1[:40])),
    ("zwölf", framed(A1[:40])),
    ("x", b"bytes"),
    ("3.wav", plain_wav(A2[:9])),
]
SMALL_PACKED = pack(SMALL)
LARGEST_RATE = (2**32 - 1) // 4  # of two leads: bytes per second fit 32 bits


# Both decoders


def reference_answer(packed: bytes, folder: Path = WEIGHTS) -> Answer:
    """Names and contents of all members, None for what cannot be restored; None if refused."""
    try:
        groups = reference_archives.read_groups(packed)
    except ValueError:
        return None
    answer: list[tuple[str, bytes | None]] = []
    for group in groups:
        try:
            contents = reference_archives.restore(group, folder)
        except ValueError:
            contents = [None] * len(group.members)
        answer += zip((member.name for member in group.members), contents, strict=True)
    return answer


def package_answer(packed: bytes) -> Answer:
    """The same, of the package."""
    try:
        opened = Archive(packed)
    except SpikeyError:
        return None
    answer: list[tuple[str, bytes | None]] = []
    for number, group in enumerate(opened.groups):
        try:
            contents = opened.read_group(number)
        except SpikeyError:
            contents = [None] * len(group.members)
        answer += zip((member.name for member in group.members), contents, strict=True)
    return answer


def check_agreement(packed: bytes, folder: Path = WEIGHTS) -> Answer:
    """The answer that both give."""
    answer = reference_answer(packed, folder)
    assert package_answer(packed) == answer
    return answer


def check_lossless(members: list[tuple[str, bytes]], preset: str | None = None) -> list[int]:
    """Pack, let both unpack and compare; the numbers of members in each group."""
    packed = pack(members, preset)
    unpacked = reference_archives.decode_archive(packed, WEIGHTS)
    assert sorted(unpacked) == sorted(members)
    assert check_agreement(packed) == unpacked
    return [len(group.members) for group in reference_archives.read_groups(packed)]


def restored(answer: Answer) -> list[str]:
    """The members that came back."""
    return [name for name, content in answer or [] if content is not None]


# What the package writes


def test_a_mixture_of_files_comes_back_by_both():
    assert sorted(check_lossless(MIXTURE), reverse=True)[:3] == [3, 2, 2]


@pytest.mark.parametrize("preset", ["spikey", "spikey-pairs", "max"])
def test_leads_together_come_back_with_networks(preset):
    leads = [("1", plain_wav(A1[:150])), ("2", framed(A1[:150]))]
    assert check_lossless([*leads, ("3", b"3")], preset) == [2, 1]


def test_nine_leads_together_come_back_by_both():
    common = noise(600, 4)
    leads = [plain_wav(lead(common + noise(600, 50 + i, 2.0))) for i in range(9)]
    assert check_lossless([(str(i), content) for i, content in enumerate(leads)]) == [9]


@pytest.mark.parametrize("value", [-32768, -1, 31, 700])
def test_silent_leads_come_back_by_both(value):
    silent = np.full(600, value, np.int16)
    check_lossless([("1", plain_wav(silent)), ("2", plain_wav(silent)), ("3", plain_wav(A1))])


@settings(max_examples=examples(40))
@given(st.lists(st.one_of(wav_files(), any_bytes(99)), max_size=4), st.integers(0, 4))
def test_any_files_come_back_by_both(contents, copies):
    contents += contents[:copies]
    check_lossless([(f"file {i}", content) for i, content in enumerate(contents)])


def test_an_archive_of_nothing_is_one():
    assert check_lossless([]) == []
    assert check_agreement(assembled(stored(b"\0"))) == []


def test_real_recordings_come_back_by_both(recordings):
    leads = [plain_wav(np.frombuffer(data[44 : 44 + 2 * 700], "<i2")) for data in recordings[:3]]
    copies = [(f"{i}.wav", lead) for i, lead in enumerate([*leads, leads[0]])]
    assert 2 in check_lossless(copies)


# Names


@pytest.mark.parametrize("name", HOSTILE, ids=map(repr, range(len(HOSTILE))))
def test_both_refuse_hostile_names(name):
    assert check_agreement(of_one(name)) is None


def test_good_names_come_back_by_both():
    check_lossless([(name, name.encode()) for name in GOOD_NAMES])


def test_both_allow_the_same_characters_in_names():
    refused = {chr(code) for code in (*range(32), *range(127, 160))} | {"/", "\\"}
    for code in (*range(256), 0x2028, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF, 0x10FFFF):
        answer = check_agreement(of_one(f"a{chr(code)}".encode()))
        assert (answer is None) == (chr(code) in refused)


@given(st.binary(max_size=6))
def test_both_allow_the_same_bytes_for_a_name(name):
    check_agreement(of_one(name))


# What both refuse


@pytest.mark.parametrize("data", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_both_refuse_impossible_indexes(data):
    assert check_agreement(data) is None


@pytest.mark.parametrize("data", BAD_GROUPS.values(), ids=BAD_GROUPS.keys())
def test_both_refuse_impossible_groups(data):
    assert restored(check_agreement(data)) == []


@pytest.mark.parametrize("members", [0, 1, 2, 32767, 32768, 2**62])
@pytest.mark.parametrize("named", [0, 1, 2, 32767])
def test_both_allow_the_same_numbers_of_members(members, named):
    names = b"".join(b"\0" + varint(len(name)) + name for name in map(b"%d".__mod__, range(named)))
    check_agreement(assembled(stored(b"\1" + varint(members) + b"\0" + names)))


def test_both_allow_the_same_number_of_members_in_all(monkeypatch):
    assert archive_index.MOST_MEMBERS == reference_archives.MOST_MEMBERS == 1 << 20
    monkeypatch.setattr(archive_index, "MOST_MEMBERS", 4)
    monkeypatch.setattr(reference_archives, "MOST_MEMBERS", 4)
    for counts in ([4], [5], [1, 3], [2, 3], [1] * 4, [1] * 5):
        names = iter([(b"%d" % i, 4) for i in range(9)])
        index = index_of([[next(names) for _ in range(n)] for n in counts], [0] * len(counts))
        answer = check_agreement(assembled(stored(index)))
        assert (answer is None) == (sum(counts) > 4)


@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("extra", [b"", b"\0"])
def test_the_index_ends_where_it_says_for_both(cut, extra):
    index = index_of([[(b"a", 4)]], [len(codec.compress(b"data"))])
    for packed in (
        stored(index)[: len(stored(index)) - cut] + extra,
        stored(index[: len(index) - cut] + extra),
    ):
        answer = check_agreement(assembled(packed, codec.compress(b"data")))
        assert answer == (None if cut or extra else [("a", b"data")])


@pytest.mark.parametrize("size", [0, 3, 4, 5, 2**63 - 1])
@pytest.mark.parametrize("body", [-1, 0, 1, 2**62])
def test_both_compare_the_sizes_of_members_and_bodies(size, body):
    packed = codec.compress(b"data")
    index = index_of([[(b"a", size)]], [max(0, len(packed) + body)])
    answer = check_agreement(assembled(stored(index), packed))
    assert restored(answer) == (["a"] if (size, body) == (4, 0) else [])


# Groups put together by hand


def group_of_two(frames: int, rate: int, framings: tuple[bytes, bytes] = (b"\0", b"\0")) -> bytes:
    """An archive of two plain leads that says of them that they are framed so."""
    leads = [A1[:frames], A2[:frames]]
    head = plain_header(frames, 1, rate)
    together = plain_header(frames, 2, rate) + pcm_bytes(np.stack(leads, axis=1))
    body = b"".join(
        struct.pack("<I", zlib.crc32(head + pcm_bytes(lead))) + framing
        for lead, framing in zip(leads, framings, strict=True)
    )
    return of_two(body + codec.compress(together), [44 + 2 * frames] * 2)


@pytest.mark.parametrize("frames", [0, 1, 40])
@pytest.mark.parametrize("rate", [0, 1, 19531, 2**29, LARGEST_RATE])
def test_groups_of_any_frames_and_rate_come_back_by_both(frames, rate):
    assert restored(check_agreement(group_of_two(frames, rate))) == ["1", "2"]


@pytest.mark.parametrize(
    ("around", "meant"),
    [
        (b"", 0),
        (stored(plain_header(20, 1, 19531)) + stored(b""), 1),
    ],
)
def test_both_refuse_reserved_framings_of_members(around, meant):
    for framing in range(256):
        framings = bytes([framing]) + around, b"\0"
        for pair in (framings, framings[::-1]):
            answer = check_agreement(group_of_two(20, 19531, pair))
            assert restored(answer) == (["1", "2"] if framing == meant else [])


@pytest.mark.parametrize("head", [b"", b"head", bytes(100)])
@pytest.mark.parametrize("tail", [b"", b"tail"])
def test_heads_and_tails_of_members_come_back_by_both(head, tail):
    samples = A1[:20], A2[:20]
    contents = [head + pcm_bytes(lead) + tail for lead in samples]
    around = b"\1" + stored(head) + stored(tail)
    body = body_of_two(*samples, framings=(around, around), checksums=map(zlib.crc32, contents))
    answer = check_agreement(of_two(body, [len(content) for content in contents]))
    assert answer == list(zip("12", contents, strict=True))


@pytest.mark.parametrize("tail", [b"", b"\0", info_list()])
def test_neither_takes_a_groups_recording_with_a_tail(tail):
    answer = check_agreement(of_two(body_of_two(A1[:60], A2[:60], tail=tail)))
    assert restored(answer) == ([] if tail else ["1", "2"])


# Damage


def test_both_restore_the_same_of_every_truncation():
    whole = check_agreement(SMALL_PACKED)
    assert sorted(whole) == sorted(SMALL)
    assert [len(group.members) for group in Archive(SMALL_PACKED).groups] == [2, 1, 1]
    kept = [len(restored(check_agreement(SMALL_PACKED[:n]))) for n in range(len(SMALL_PACKED))]
    assert kept == sorted(kept) and set(kept) == {0, 2, 3}
    with pytest.raises(ValueError):
        reference_archives.decode_archive(SMALL_PACKED[:-1], WEIGHTS)


def test_both_refuse_more_behind_the_end():
    for more in (b"\0", SMALL_PACKED):
        assert check_agreement(SMALL_PACKED + more) is None


def test_both_notice_every_flip():
    members = dict(SMALL)
    for damaged in flipped(SMALL_PACKED, (1, 128, 255)):
        for name, content in check_agreement(damaged) or []:
            assert content in (None, members[name])


def test_every_flip_without_checksums_means_the_same_to_both():
    with any_checksum():
        packed = pack(SMALL)
        assert sorted(check_agreement(packed)) == sorted(SMALL)
        accepted = 0
        for content in flipped(packed):
            answer = check_agreement(content)
            accepted += answer is not None and None not in dict(answer).values()
    assert accepted > len(packed)  # much of it is samples, which may be any


@settings(max_examples=examples(60))
@given(harmed(SMALL_PACKED))
def test_both_make_the_same_of_several_damaged_places(content):
    check_agreement(content)
    with any_checksum():
        check_agreement(content)


@settings(max_examples=examples(300))
@given(st.binary(max_size=60), st.booleans())
def test_nonsense_for_an_index_means_the_same_to_both(nonsense, is_packed):
    check_agreement(assembled(stored(nonsense) if is_packed else nonsense, b"SPK\1"))


@settings(max_examples=examples(200))
@given(st.binary(max_size=60))
def test_nonsense_behind_the_magic_means_the_same_to_both(rest):
    with any_checksum():
        check_agreement(b"SPAK\1" + rest)


@settings(max_examples=examples(200))
@given(st.binary(max_size=80), st.integers(1, 3))
def test_nonsense_for_a_body_means_the_same_to_both(body, members):
    index = index_of([[(b"%d" % i, 44 + i) for i in range(members)]], [len(body)])
    with any_checksum():
        check_agreement(assembled(stored(index), body))


# Networks


@pytest.mark.parametrize("preset", [1, 2])
def test_both_notice_every_flip_with_networks(preset, tmp_path):
    write_weights(tmp_path, {"messages": for_preset("messages", preset)})
    members = [("1", plain_wav(A1[:40])), ("2", plain_wav(A1[:40]))]
    with using_weights(tmp_path), no_way_back():
        packed = pack(members, "messages")
        assert check_agreement(packed, tmp_path) == members
        assert len(Archive(packed).groups) == 1
        for damaged in flipped(packed, (4,)):
            for name, content in check_agreement(damaged, tmp_path) or []:
                assert content in (None, dict(members)[name])
