"""Archives: files come back, one without the others; damage and bad names are refused."""

import io
import os
import stat
import zlib

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from forging import harmed
from spikey_codec import archive_files, archive_group, codec
from spikey_codec.archive import Archive, pack
from spikey_codec.bitstream import archive_index
from spikey_codec.bitstream import header as container
from spikey_codec.bitstream.fields import write_packed, write_varint
from spikey_codec.cli.main import main
from spikey_codec.errors import (
    CorruptError,
    NotBrainwireError,
    RecordingError,
    SpikeyError,
    UsageError,
    VerifyError,
    VersionError,
)
from spikey_codec.lab.simulate import codes_to_pcm
from spikey_codec.quantizer.mapping import CHALLENGE, PALETTE, PLAIN
from spikey_codec.readers.wav import plain_header
from strategies import (
    any_bytes,
    chunk,
    examples,
    fmt,
    info_list,
    pcm_bytes,
    plain_wav,
    riff,
    wav_files,
)


def noise(frames: int, seed: int, size: float = 9.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, frames)


def lead(values: np.ndarray) -> np.ndarray:
    """Samples of a lead of the challenge's converter."""
    return codes_to_pcm(np.clip(np.rint(values), -512, 511).astype(np.int16))


def pair(frames: int, seed: int) -> list[np.ndarray]:
    """Samples of two leads that hear the same activity."""
    common = noise(frames, seed)
    return [lead(common + noise(frames, 1000 * seed + i, 2.0)) for i in (1, 2)]


def framed(samples: np.ndarray) -> bytes:
    """A WAV with chunks before and after the samples, the last one of odd size."""
    data = chunk(b"data", pcm_bytes(samples))
    return riff(info_list(), fmt(), data, chunk(b"note", b"odd")) + b"more"


A1, A2 = pair(600, 1)
B1, B2 = pair(600, 2)
ALONE = lead(noise(600, 3))
MIXTURE = [
    ("a1.wav", plain_wav(A1)),
    ("b1.wav", framed(B1)),
    ("alone.wav", plain_wav(ALONE)),
    ("notes, of the day.txt", b"these are notes. " * 30),
    ("empty", b""),
    ("a2.wav", plain_wav(A2)),
    ("stereo.wav", plain_wav(np.stack([A1, A2], axis=1))),
    ("b2.wav", plain_wav(B2)),
    ("cut.wav", plain_wav(A1)[:-1]),
    ("other rate.wav", plain_wav(A1, 30_000)),
    ("plain.wav", plain_wav(np.cumsum(A1 // 9).astype(np.int16))),
    ("no samples.wav", plain_wav(A1[:0])),
    ("a1 cut short.wav", plain_wav(A1[:-1])),
    ("électrode 1.wav", plain_wav(A1)),
]
PACKED = pack(MIXTURE)

SMALL = [
    ("1.wav", plain_wav(A1[:60])),
    ("2.wav", framed(A1[:60])),
    ("x", b"not a recording"),
    ("3.wav", plain_wav(ALONE[:60])),
]
SMALL_PACKED = pack(SMALL)


def assert_comes_back(members: list[tuple[str, bytes]]) -> Archive:
    """All members do, and one by one."""
    opened = Archive(pack(members))
    assert sorted(opened.names) == sorted(name for name, _ in members)
    for name, data in members:
        assert opened.read(name) == data
        assert opened.member(name).size == len(data)
    return opened


def grouped(opened: Archive) -> list[list[str]]:
    return [[member.name for member in group.members] for group in opened.groups]


class Watched(io.BytesIO):
    """A file that knows which of its bytes it was asked for."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.spans: list[tuple[int, int]] = []

    def read(self, size: int = -1) -> bytes:
        self.spans.append((self.tell(), self.tell() + size))
        return super().read(size)


# Round trips


def test_a_mixture_comes_back():
    assert_comes_back(MIXTURE)


def test_leads_recorded_together_are_one_group_and_everything_else_is_alone():
    groups = grouped(Archive(PACKED))
    # a lead cut within its last sample has a frame less: as many as the lead cut before it
    together = [
        ["a1.wav", "a2.wav", "électrode 1.wav"],
        ["b1.wav", "b2.wav"],
        ["cut.wav", "a1 cut short.wav"],
    ]
    assert [group for group in groups if len(group) > 1] == together
    assert sum(map(len, groups)) == len(MIXTURE)


def test_groups_are_in_the_order_of_their_first_members():
    order = [name for name, _ in MIXTURE]
    firsts = [order.index(group[0]) for group in grouped(Archive(PACKED))]
    assert firsts == sorted(firsts)


def kind(data: bytes) -> int:
    """The mapping that a recording has when it is packed alone."""
    return container.read_header(codec.compress(data))[0].mapping.kind


def test_leads_of_different_mappings_are_not_coded_together():
    codes = np.rint(noise(1000, 5, 3.0)).clip(-5, 5).astype(np.int16)
    leads = [lead(codes), codes, codes * 999, codes * 998, noise(1000, 5, 300.0).astype(np.int16)]
    members = [(str(i), plain_wav(samples)) for i, samples in enumerate(leads)]
    kinds = [CHALLENGE, PLAIN, PALETTE, PALETTE, PLAIN]
    assert [kind(data) for _, data in members] == kinds
    assert grouped(assert_comes_back(members)) == [["0"], ["1", "4"], ["2"], ["3"]]


def test_leads_of_equal_lists_of_values_are_coded_together():
    codes = np.rint(noise(1000, 5, 3.0)).clip(-5, 5).astype(np.int16)
    members = [("1", plain_wav(codes * 999)), ("2", plain_wav(codes * -999))]
    assert [kind(data) for _, data in members] == [PALETTE, PALETTE]
    assert grouped(assert_comes_back(members)) == [["1", "2"]]


def test_leads_too_many_for_a_wav_are_coded_one_by_one():
    rate = (2**32 - 1) // 3  # bytes per second of two leads do not fit 32 bits
    members = [(str(i), plain_wav(samples)) for i, samples in enumerate((A1, A2))]
    for i, (name, data) in enumerate(members):
        head = bytearray(data[:44])
        head[24:28] = rate.to_bytes(4, "little")
        members[i] = name, bytes(head) + data[44:]
    assert grouped(assert_comes_back(members)) == [["0"], ["1"]]


def test_leads_are_compared_in_parts_where_they_are_many(monkeypatch):
    monkeypatch.setattr(archive_group, "MOST_COMPARED", 2)
    members = [(str(i), plain_wav(A1)) for i in range(5)]
    assert grouped(assert_comes_back(members)) == [["0", "1"], ["2", "3"], ["4"]]


@given(st.lists(st.one_of(wav_files(), any_bytes(99)), max_size=5), st.integers(0, 4))
@settings(max_examples=examples(50))
def test_any_files_come_back(contents, copies):
    contents += contents[:copies]
    assert_comes_back([(f"file {i}", data) for i, data in enumerate(contents)])


def test_real_recordings_come_back(recordings):
    assert_comes_back([(f"{i}.wav", data) for i, data in enumerate(recordings)])


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_members_and_archives_may_be_any_bytes_like_object(make):
    packed = pack((name, make(data)) for name, data in MIXTURE)
    assert packed == PACKED
    assert Archive(make(packed)).read("b1.wav") == dict(MIXTURE)["b1.wav"]


def test_an_archive_of_nothing():
    opened = Archive(pack([]))
    assert (opened.names, opened.groups, opened.missing) == ([], [], 0)
    archive_files.check(pack([]), [])


def test_the_same_files_give_the_same_archive(run_python):
    assert pack(MIXTURE) == PACKED
    code = (
        "import sys; from spikey_codec.archive import Archive, pack\n"
        "opened = Archive(sys.stdin.buffer.read())\n"
        "members = [(name, opened.read(name)) for name in sys.argv[1:]]\n"
        "sys.stdout.buffer.write(pack(members))"
    )
    done = run_python(code, *[name for name, _ in MIXTURE], stdin=PACKED)
    assert (done.stderr, done.stdout) == (b"", PACKED)


def test_a_group_costs_hardly_more_than_its_members_alone():
    """Two framings of 5 bytes and a header of 16 take the place of two headers of 12."""
    members = [(str(i), plain_wav(samples)) for i, samples in enumerate(pair(20_000, 7))]
    alone = sum(len(codec.compress(data)) for _, data in members)
    (group,) = Archive(pack(members)).groups
    # the leads are cut into other lanes, which costs or gains some bits, too
    assert group.packed < alone + 60


def test_the_preset_is_that_of_every_group():
    assert pack(MIXTURE, "linear") == PACKED
    with pytest.raises(UsageError, match="no preset 'best'"):
        pack(MIXTURE, "best")


# The layout of FORMAT.md


def index_of(groups: list[list[tuple[bytes, int]]], packed: list[int]) -> bytes:
    """The unpacked index, field by field."""
    out = write_varint(len(groups))
    for members, size in zip(groups, packed):
        out += write_varint(len(members)) + write_varint(size)
    for members in groups:
        for name, size in members:
            out += write_varint(size) + write_varint(len(name)) + name
    return out


def assembled(index: bytes, *bodies: bytes, version: int = 1) -> bytes:
    """An archive with this index and a right checksum."""
    fields = b"SPAK" + bytes([version]) + write_varint(len(index)) + index
    return b"".join([fields, zlib.crc32(fields).to_bytes(4, "little"), *bodies])


def of_one(name: bytes, data: bytes = b"data") -> bytes:
    body = codec.compress(data)
    return assembled(write_packed(index_of([[(name, len(data))]], [len(body)])), body)


def test_the_layout_is_that_of_the_format():
    one, two, three = plain_wav(A1), framed(A2), b"three"
    together = plain_wav(np.stack([A1, A2], axis=1))
    cut = two.index(b"data") + 8
    bodies = [
        zlib.crc32(one).to_bytes(4, "little")
        + b"\0"
        + zlib.crc32(two).to_bytes(4, "little")
        + b"\1"
        + write_packed(two[:cut])
        + write_packed(two[cut + 1200 :])
        + codec.compress(together),
        codec.compress(three),
    ]
    index = [[(b"1", len(one)), ("zwölf".encode(), len(two))], [(b"3", 5)]]
    expected = assembled(write_packed(index_of(index, list(map(len, bodies)))), *bodies)
    assert pack([("1", one), ("zwölf", two), ("3", three)]) == expected


def test_what_stands_in_the_index():
    opened = Archive(PACKED)
    assert opened.names == [member.name for member in opened.members]
    for number, group in enumerate(opened.groups):
        for member in group.members:
            assert (member.group, member.packed) == (number, group.packed)
        assert group.size == sum(len(dict(MIXTURE)[member.name]) for member in group.members)
    assert opened.groups[0].start + sum(group.packed for group in opened.groups) == len(PACKED)


def test_a_member_alone_is_its_brainwire_file():
    opened = Archive(PACKED)
    start, size = next(
        (group.start, group.packed) for group in opened.groups if group.members[0].name == "empty"
    )
    assert PACKED[start : start + size] == codec.compress(b"")


# One member alone


@pytest.mark.parametrize("name", [name for name, _ in MIXTURE])
def test_a_member_is_restored_from_the_index_and_its_group_alone(name):
    opened = Archive(PACKED)
    group = opened.groups[opened.member(name).group]
    damaged = bytearray(len(PACKED))  # nothing but zeros elsewhere
    first = opened.groups[0].start
    for span in (slice(0, first), slice(group.start, group.start + group.packed)):
        damaged[span] = PACKED[span]
    source = Watched(bytes(damaged))
    alone = Archive(source)
    source.spans.clear()
    assert alone.read(name) == dict(MIXTURE)[name]
    assert source.spans == [(group.start, group.start + group.packed)]


def test_the_index_is_read_without_the_bodies():
    source = Watched(PACKED)
    opened = Archive(source)
    assert max(end for _, end in source.spans) == max(opened.groups[0].start, 14)


def test_groups_before_a_cut_are_restored():
    opened = Archive(PACKED)
    last = opened.groups[-1]
    cut = Archive(PACKED[:-1])
    assert (opened.missing, cut.missing) == (0, 1)
    for member in opened.members:
        if member in last.members:
            with pytest.raises(CorruptError, match="cut short"):
                cut.read(member.name)
        else:
            assert cut.read(member.name) == dict(MIXTURE)[member.name]


def test_a_name_that_is_not_there_is_a_usage_error():
    with pytest.raises(UsageError, match="no 'a' in the archive"):
        Archive(PACKED).read("a")


# Damage


def outcomes(damaged: bytes, members: list[tuple[str, bytes]]) -> tuple[int, int]:
    """How many members come back, and how many do not; what comes back must be right."""
    good = bad = 0
    try:
        opened = Archive(damaged)
    except SpikeyError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return 0, len(members)
    for name, data in members:
        try:
            assert opened.read(name) == data
            good += 1
        except SpikeyError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
            bad += 1
    return good, bad


def test_every_truncation_is_noticed():
    for length in range(len(SMALL_PACKED)):
        _good, bad = outcomes(SMALL_PACKED[:length], SMALL)
        assert bad
        if length < 4:
            with pytest.raises(NotBrainwireError):
                Archive(SMALL_PACKED[:length])


@pytest.mark.parametrize("flipped", [1, 2, 16, 128, 255])
def test_every_damaged_byte_is_noticed_by_its_own_group(flipped):
    opened = Archive(SMALL_PACKED)
    assert grouped(opened) == [["1.wav", "2.wav"], ["x"], ["3.wav"]]
    harmless = 0
    for at in range(len(SMALL_PACKED)):
        damaged = bytearray(SMALL_PACKED)
        damaged[at] ^= flipped
        hit = [
            len(group.members)
            for group in opened.groups
            if group.start <= at < group.start + group.packed
        ]
        _good, bad = outcomes(bytes(damaged), SMALL)
        assert bad == (hit[0] if hit else len(SMALL)) or (hit and not bad), at
        harmless += not bad
    assert harmless <= 16  # what a peer tells may matter to no sample of so few


@given(harmed(SMALL_PACKED))
@settings(max_examples=examples(60))
def test_several_damaged_places_are_noticed(content):
    _good, bad = outcomes(content, SMALL)
    assert bad or content == SMALL_PACKED


@given(st.binary(max_size=60))
def test_nonsense_in_the_index_is_refused_or_names_files(nonsense):
    try:
        opened = Archive(assembled(write_packed(nonsense)))
    except SpikeyError:
        return
    for name in opened.names:
        with pytest.raises(SpikeyError):
            opened.read(name)


@pytest.mark.parametrize("data", [b"", b"SPA", b"RIFF" * 9, codec.compress(b"a file")])
def test_another_magic_is_another_file(data):
    with pytest.raises(NotBrainwireError, match="not an archive"):
        Archive(data)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_other_versions_are_refused(version):
    with pytest.raises(VersionError, match=f"has format version {version}, "):
        Archive(assembled(write_packed(b"\0"), version=version))


def test_a_brainwire_reader_says_that_an_archive_is_none():
    with pytest.raises(NotBrainwireError):
        codec.decompress(PACKED)


TERABYTE = 1 << 40
ZEROS = write_packed(bytes(200))
IMPOSSIBLE = {
    "an index beyond the end": b"SPAK\1" + write_varint(TERABYTE) + bytes(99),
    "an index of a terabyte": assembled(b"\1" + write_varint(TERABYTE) + ZEROS[3:]),
    "an index that is too large": assembled(
        write_packed(bytes(archive_index.MOST_INDEX_BYTES + 1))
    ),
    "a terabyte of groups": assembled(write_packed(write_varint(TERABYTE))),
    "a terabyte of members": assembled(write_packed(b"\1" + write_varint(TERABYTE) + b"\1")),
    "too many members": assembled(write_packed(write_varint(99) + b"\xff\xff\1\1" * 99)),
    "a group of none": assembled(write_packed(index_of([[]], [0]))),
    "more behind the members": assembled(write_packed(index_of([], []) + b"\0")),
    "more behind the index": assembled(write_packed(b"\0") + b"\0"),
    "more behind the bodies": SMALL_PACKED + b"\0",
    "the same name twice": assembled(write_packed(index_of([[(b"a", 1), (b"a", 1)]], [0]))),
    "the same name in two groups": assembled(
        write_packed(index_of([[(b"a", 1)], [(b"a", 1)]], [0, 0]))
    ),
}


@pytest.mark.parametrize("data", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_index_is_refused(data):
    with pytest.raises(CorruptError):
        Archive(data)


def test_a_body_of_a_terabyte_is_refused():
    data = assembled(write_packed(index_of([[(b"a", 1)]], [TERABYTE])), b"body")
    source = Watched(data)
    opened = Archive(source)
    assert opened.missing == TERABYTE - 4
    with pytest.raises(CorruptError, match="cut short"):
        opened.read("a")
    assert max(end for _, end in source.spans) <= len(data)


def body_of_two(
    *samples: np.ndarray, framings=(b"\0", b"\0"), checksums=None, tail: bytes = b""
) -> bytes:
    """The body of a group whose members are plain."""
    together = np.stack(samples, axis=1)
    checksums = checksums or [zlib.crc32(plain_wav(lead)) for lead in samples]
    out = b""
    for checksum, framing in zip(checksums, framings):
        out += checksum.to_bytes(4, "little") + framing
    return out + codec.compress(plain_wav(together) + tail)


def of_two(body: bytes, sizes=(44 + 120, 44 + 120)) -> bytes:
    index = index_of([[(b"1", sizes[0]), (b"2", sizes[1])]], [len(body)])
    return assembled(write_packed(index), body)


LEADS = A1[:60], A2[:60], B1[:60]


def framed_otherwise(packed: bytes) -> bytes:
    """A .brainwire file of plain framing, but framed as one of any head and tail (FORMAT.md)."""
    header, _ = container.read_header(packed)
    fields = b"".join(map(write_varint, (header.frames, header.channels, header.rate)))
    fixed = bytearray(packed[:9])
    fixed[4] ^= (container.PLAIN_FRAMING ^ container.OTHER_FRAMING) << 4
    around = write_packed(header.head) + write_packed(b"")
    return bytes(fixed) + fields + around + packed[9 + len(fields) :]


def body_framed_otherwise(*samples: np.ndarray) -> bytes:
    """The body of a group, right but for the framing of its recording."""
    together = codec.compress(plain_wav(np.stack(samples, axis=1)))
    assert codec.decompress(framed_otherwise(together)) == codec.decompress(together)
    return body_of_two(*samples).removesuffix(together) + framed_otherwise(together)


def test_a_group_put_together_by_hand_is_read():
    opened = Archive(of_two(body_of_two(*LEADS[:2])))
    assert opened.read_group(0) == [plain_wav(lead) for lead in LEADS[:2]]


BAD_GROUPS = {
    "three leads": of_two(body_of_two(*LEADS)),
    "one lead": of_two(bytes(10) + codec.compress(plain_wav(A1[:60]))),
    "no leads": of_two(bytes(10) + codec.compress(b"no recording")),
    "another framing": of_two(body_of_two(*LEADS[:2], tail=info_list())),
    "another framing of plain leads": of_two(body_framed_otherwise(*LEADS[:2])),
    "a reserved framing": of_two(body_of_two(*LEADS[:2], framings=(b"\0", b"\2"))),
    "a size too small": of_two(body_of_two(*LEADS[:2]), (164, 163)),
    "a size too large": of_two(body_of_two(*LEADS[:2]), (TERABYTE, 164)),
    "another checksum": of_two(body_of_two(*LEADS[:2], checksums=(1, 2))),
    "another size of a member alone": assembled(
        write_packed(index_of([[(b"1", 5)]], [len(codec.compress(b"1234"))])),
        codec.compress(b"1234"),
    ),
    "no magic": assembled(write_packed(index_of([[(b"1", 5)]], [9])), b"something"),
    "nothing": assembled(write_packed(index_of([[(b"1", 5)]], [0]))),
}


@pytest.mark.parametrize("data", BAD_GROUPS.values(), ids=BAD_GROUPS.keys())
def test_an_impossible_group_is_refused(data):
    with pytest.raises(CorruptError):
        Archive(data).read("1")


def test_a_group_of_another_preset_is_named_so():
    body = bytearray(codec.compress(b"1234"))
    body[4] |= 15
    data = assembled(write_packed(index_of([[(b"1", 4)]], [len(body)])), bytes(body))
    with pytest.raises(VersionError, match="preset number 15"):
        Archive(data).read("1")


# Names


HOSTILE = [
    b"",
    b".",
    b"..",
    b"/",
    b"../up",
    b"/etc/passwd",
    b"folder/name",
    b"a\\b",
    b"..\\up",
    b"C:\\x",
    b"nul\0",
    b"line\n",
    b"\x1b[2J",
    b"\x7f",
    "\x85".encode(),
    b"\xff",
    b"\xed\xa0\x80",
    b"x" * 256,
]
hostile_names = pytest.mark.parametrize("name", HOSTILE, ids=map(repr, range(len(HOSTILE))))


@hostile_names
def test_hostile_names_are_refused_before_anything_is_restored(name, tmp_path):
    with pytest.raises(CorruptError) as caught:
        Archive(of_one(name))
    assert str(caught.value).isprintable() and str(caught.value).endswith(".")
    (tmp_path / "hostile").write_bytes(of_one(name))
    for command in (["unpack", "-o", str(tmp_path / "out")], ["list"]):
        done = CliRunner().invoke(main, [*command, str(tmp_path / "hostile")])
        assert done.exit_code == CorruptError.exit_code
        assert done.output.startswith(f"spikey: {tmp_path / 'hostile'}: The archive")
    assert os.listdir(tmp_path) == ["hostile"]


@hostile_names
def test_hostile_names_are_not_packed(name):
    with pytest.raises(UsageError, match="cannot be the name") as caught:
        pack([(name.decode("utf-8", "surrogateescape"), b"data")])
    assert str(caught.value).isprintable()


GOOD_NAMES = [
    "a",
    "A",
    "-",
    "--force",
    "...",
    "..a",
    " ",
    "x" * 255,
    "é" * 127,
    "\u2028c",
    "~",
    "*",
    "a:b",
]


def test_other_names_come_back():
    assert_comes_back([(name, name.encode()) for name in GOOD_NAMES])


def test_a_name_is_taken_once():
    with pytest.raises(UsageError, match="two files of the name 'a'"):
        pack([("a", b"1"), ("b", b""), ("a", b"1")])


@pytest.mark.parametrize(("limit", "most"), [("MOST_MEMBERS", 4), ("MOST_INDEX_BYTES", 60)])
def test_an_index_beyond_the_limits_is_refused(monkeypatch, limit, most):
    monkeypatch.setattr(archive_index, limit, most)
    assert len(Archive(SMALL_PACKED).names) == 4
    monkeypatch.setattr(archive_index, limit, 3)
    with pytest.raises(CorruptError, match="is damaged"):
        Archive(SMALL_PACKED)


def test_too_many_members_are_refused(monkeypatch):
    monkeypatch.setattr(archive_index, "MOST_MEMBERS", 2)
    pack([("a", b"1"), ("b", b"2")])
    with pytest.raises(UsageError, match="3 files are too many"):
        pack([("a", b"1"), ("b", b"2"), ("c", b"3")])


# spikey pack, unpack, list


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that the commands run in, with the mixture in a folder."""
    (tmp_path / "in").mkdir()
    for name, data in MIXTURE:
        (tmp_path / "in" / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def spikey(here):
    """Run the `spikey` command there."""

    def run(*arguments, status: int = 0):
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def packed(here):
    (here / "all.spikey").write_bytes(PACKED)
    return here / "all.spikey"


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_fails(result, *parts: str):
    lines = result.output.splitlines()
    assert lines[-1].startswith("spikey: ") and lines[-1].endswith("."), result.output
    for part in parts:
        assert part in result.output


def test_files_are_packed_and_restored(spikey, here):
    done = spikey("pack", *(here / "in").iterdir(), "-o", "all.spikey")
    size = sum(len(data) for _, data in MIXTURE)
    assert done.output.startswith(f"{len(MIXTURE)} files, {size} bytes -> ")
    assert done.stdout_bytes == b""
    assert spikey("unpack", "all.spikey", "-o", "new/out").output == ""
    assert contents(here / "new" / "out") == dict(MIXTURE)


def test_folders_are_searched_for_recordings(spikey, here):
    (here / "in" / "deeper").mkdir()
    (here / "in" / "deeper" / "x.wav").write_bytes(b"")
    spikey("pack", "in", "in/empty", "-o", "all.spikey")
    expected = {name for name, _ in MIXTURE if name.endswith(".wav")} | {"empty"}
    assert set(Archive((here / "all.spikey").read_bytes()).names) == expected


def test_the_order_of_the_arguments_does_not_matter(spikey, here):
    paths = sorted((here / "in").iterdir())
    spikey("pack", *paths, "-o", "one")
    spikey("pack", *paths[::-1], "-o", "two")
    assert (here / "one").read_bytes() == (here / "two").read_bytes()


def test_an_archive_goes_to_standard_output(spikey):
    done = spikey("pack", "in/empty", "-o", "-")
    assert done.stdout_bytes == pack([("empty", b"")])


def test_a_file_named_like_standard_input_is_a_file(spikey, here):
    (here / "-").write_bytes(b"dash")
    spikey("pack", "-o", "all.spikey", "./-")
    (here / "-").unlink()
    assert spikey("unpack", "all.spikey").stdout_bytes == b""
    assert (here / "-").read_bytes() == b"dash"


def test_members_are_restored_by_name(spikey, here, packed):
    spikey("unpack", packed, "b2.wav", "empty", "empty", "-o", "out")
    assert contents(here / "out") == {"b2.wav": dict(MIXTURE)["b2.wav"], "empty": b""}


def test_the_list_names_bytes_and_groups(spikey, packed):
    *lines, total = spikey("list", packed).output.splitlines()
    opened = Archive(PACKED)
    for line, member in zip(lines, opened.members, strict=True):
        size, group, ratio, name = line.split(None, 3)
        assert (int(size), int(group), name) == (member.size, member.group, member.name)
        expected = opened.groups[member.group].size / member.packed
        assert float(ratio) == pytest.approx(expected, abs=1e-4)
    size = sum(len(data) for _, data in MIXTURE)
    assert total.split(None, 3)[0] == str(size)
    assert float(total.split()[2]) == pytest.approx(size / len(PACKED), abs=1e-4)


def test_verify_reads_archives(spikey, here, packed):
    size = sum(len(data) for _, data in MIXTURE)
    assert (
        spikey("verify", packed).output == f"{packed}: good, {len(MIXTURE)} files, {size} bytes\n"
    )
    (here / "damaged").write_bytes((here / packed).read_bytes()[:-1])
    result = spikey("verify", "damaged", status=CorruptError.exit_code)
    assert_fails(result, "1 of 1 file is bad", "damaged: BAD: The archive is cut short")


def test_the_list_says_that_an_archive_is_cut_short(spikey, packed):
    packed.write_bytes(PACKED[:-7])
    result = spikey("list", packed, status=CorruptError.exit_code)
    assert_fails(result, "its last 7 bytes are missing")
    assert all(name in result.output for name, _ in MIXTURE)


def test_existing_files_are_kept_unless_forced(spikey, here, packed):
    (here / "out").mkdir()
    (here / "out" / "empty").write_bytes(b"mine")
    for names in ([], ["empty", "a1.wav"]):
        result = spikey("unpack", packed, *names, "-o", "out", status=2)
        assert_fails(result, "out/empty", "--force")
        assert contents(here / "out") == {"empty": b"mine"}
    spikey("unpack", packed, "a1.wav", "-o", "out")
    spikey("unpack", packed, "--force", "-o", "out")
    assert contents(here / "out") == dict(MIXTURE)


@pytest.mark.parametrize("where", ["../outside", "../in/empty", "nowhere/outside"])
def test_links_are_not_followed_out_of_the_folder(spikey, here, packed, where):
    (here / "out").mkdir()
    (here / "out" / "empty").symlink_to(where)
    (here / "in" / "empty").write_bytes(b"mine")
    for options in ([], ["--force"]):
        assert_fails(spikey("unpack", packed, *options, "-o", "out", status=2), "out/empty")
    assert os.listdir(here / "out") == ["empty"]
    assert not (here / "outside").exists()
    assert (here / "in" / "empty").read_bytes() == b"mine"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_not_overwritten(spikey, here, packed, make):
    (here / "out").mkdir()
    make(here / "out" / "empty")
    assert_fails(spikey("unpack", packed, "--force", "-o", "out", status=2), "no regular file")
    assert os.listdir(here / "out") == ["empty"]


def test_a_damaged_group_is_reported_and_the_others_are_restored(spikey, here, packed):
    group = next(group for group in Archive(PACKED).groups if len(group.members) == 2)
    damaged = bytearray(PACKED)
    damaged[group.start + group.packed // 2] ^= 1
    packed.write_bytes(damaged)
    lost = {member.name for member in group.members}
    result = spikey("unpack", packed, "-o", "out", status=CorruptError.exit_code)
    assert_fails(result, f"2 of {len(MIXTURE)} files could not be restored")
    said = result.output.splitlines()[:-1]
    assert {line.split(": BAD: ")[0] for line in said} == lost
    assert contents(here / "out") == {n: data for n, data in MIXTURE if n not in lost}
    result = spikey("unpack", packed, "b1.wav", "-o", "out", status=CorruptError.exit_code)
    assert_fails(result, "1 of 1", "b1.wav: BAD")
    spikey("unpack", packed, "empty", "-o", "out", "--force")


FAILURES = {
    "an unknown name": (["unpack", "all.spikey", "empty", "what"], 2, "no 'what'"),
    "no archive": (["unpack", "in/a1.wav"], NotBrainwireError.exit_code, "not an archive"),
    "no archive to list": (["list", "in/empty"], NotBrainwireError.exit_code, "not an archive"),
    "no file": (["unpack", "missing"], 1, "missing: No such file"),
    "no file to list": (["list", "missing"], 1, "missing: No such file"),
    "a file for a folder": (["unpack", "all.spikey", "-o", "in/empty"], 1, "in/empty"),
    "the same name twice": (["pack", "in/empty", "other/empty", "-o", "x"], 2, "two files"),
    "the same file twice": (["pack", "in/empty", "in/empty", "-o", "x"], 2, "two files"),
    "an input for the output": (["pack", "in", "-o", "in/a1.wav"], 2, "same file"),
    "a link to an input": (["pack", "in", "-o", "link"], 2, "same file"),
    "an unknown preset": (["pack", "in", "-o", "x", "--preset", "best"], 2, "no preset"),
    "no recordings": (["pack", "other", "-o", "x"], RecordingError.exit_code, "no .wav file"),
    "a folder to write": (["pack", "in", "-o", "other"], 1, "Is a directory"),
    "a missing folder to write to": (["pack", "in", "-o", "what/x"], 1, "what/x: No such file"),
}


@pytest.mark.parametrize(("arguments", "status", "part"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_one_sentence_and_leaves_everything(
    spikey, here, packed, arguments, status, part
):
    (here / "other").mkdir()
    (here / "other" / "empty").write_bytes(b"another")
    (here / "link").symlink_to(here / "in" / "a1.wav")
    before = sorted(os.listdir(here))
    result = spikey(*arguments, status=status)
    assert_fails(result, part)
    assert result.output.count("\n") == 1
    assert sorted(os.listdir(here)) == before
    assert contents(here / "in") == dict(MIXTURE)
    assert contents(here / "other") == {"empty": b"another"}


def test_a_name_that_is_not_utf_8_is_refused(spikey, here):
    odd = os.path.join(os.fsencode(here), b"in", b"\xff.wav")
    try:
        open(odd, "wb").close()
    except OSError:
        pytest.skip("the file system takes no such name")
    assert_fails(spikey("pack", "in", "-o", "x", status=2), "is not UTF-8")
    assert not (here / "x").exists()


def test_an_archive_that_decodes_to_something_else_is_not_written(spikey, here, monkeypatch):
    real = codec.compress
    monkeypatch.setattr(codec, "compress", lambda data, preset: real(data[:-1] + b"?", preset))
    result = spikey("pack", "in", "-o", "x", status=VerifyError.exit_code)
    assert_fails(result, "could not be decoded again", "nothing was written; please report this")
    assert not (here / "x").exists()


def test_an_archive_that_lacks_a_member_is_not_taken_for_good():
    for members in (SMALL[1:], [*SMALL, ("more", b"")], [(name, b"other") for name, _ in SMALL]):
        with pytest.raises(VerifyError):
            archive_files.check(SMALL_PACKED, members)
    with pytest.raises(VerifyError, match="could not be decoded again"):
        archive_files.check(SMALL_PACKED[:-1], SMALL)
    archive_files.check(SMALL_PACKED, SMALL)


def test_restored_files_have_the_permissions_of_new_ones(spikey, here, packed):
    (here / "new").write_bytes(b"")
    spikey("unpack", packed, "-o", "out")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (here / "out").iterdir()}
    assert modes == {stat.S_IMODE((here / "new").stat().st_mode)}


@pytest.mark.parametrize("command", ["pack", "unpack", "list"])
def test_every_command_has_help_and_explains_its_usage(spikey, command):
    assert spikey(command, "--help").output.startswith("Usage: ")
    assert "Usage: " in spikey(command, status=2).output


def test_a_plain_header_is_not_written_down():
    assert len(write_packed(plain_header(600, 1, 19531))) > 40  # what it would cost
    data = [plain_wav(samples) for samples in (A1, A2)]
    opened = Archive(pack(zip("12", data)))
    together = codec.compress(plain_wav(np.stack([A1, A2], axis=1)))
    assert opened.groups[0].packed == len(together) + 2 * 5
