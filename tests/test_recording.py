"""Random access to compressed recordings, raw samples, several processes, and parts of files."""

import threading

import numpy as np
import pytest
from click.testing import CliRunner

import spikey_codec
from spikey_codec import codec
from spikey_codec.bitstream import index
from spikey_codec.bitstream.header import read_header
from spikey_codec.cli.main import main
from spikey_codec.errors import CorruptError, NotBrainwireError, RecordingError
from spikey_codec.readers import wav
from spikey_codec.system import pool as jobs
from spikey_codec.system.source import WINDOW, FileBytes
from strategies import plain_wav


@pytest.fixture
def short_chunks(monkeypatch):
    """Chunks of 50 frames, so that small recordings have many."""
    monkeypatch.setattr(index, "LONGEST_CHUNK", 50)


def samples(frames: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(frames)
    shared = random.normal(0, 60, (frames, 1))
    return (shared + random.normal(0, 60, (frames, channels))).astype(np.int16)


@pytest.fixture
def opened(short_chunks, tmp_path):
    """A recording of 333 frames and 4 channels, and its samples."""
    expected = samples(333, 4)
    path = tmp_path / "a.brainwire"
    path.write_bytes(codec.compress(plain_wav(expected, 20000)))
    with spikey_codec.open(path) as found:
        yield found, expected


KEYS = [
    np.s_[:], np.s_[0:0], np.s_[10:20], np.s_[49:51], np.s_[-5:], np.s_[:1000], np.s_[200:100],
    np.s_[::7], np.s_[300:20:-3], np.s_[::-1], np.s_[5], np.s_[-1], np.s_[100:200, 2],
    np.s_[100:200, 1:3], np.s_[3, 1], np.s_[:, [3, 0]], np.s_[60:70, -1], np.s_[0:0, 1],
    np.s_[5, [1, 2]], np.s_[10:90, ::2],
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_it_reads_as_an_array_does(opened, key):
    found, expected = opened
    np.testing.assert_array_equal(found[key], expected[key])
    assert np.asarray(found[key]).dtype == np.int16


def test_it_says_what_it_is(opened):
    found, expected = opened
    assert (found.shape, len(found), found.ndim, found.dtype) == ((333, 4), 333, 2, np.int16)
    assert (found.rate, found.preset, found.duration) == (20000, "linear", 333 / 20000)
    assert [extent.frames for extent in found.chunks] == [50] * 6 + [33]
    np.testing.assert_array_equal(np.asarray(found), expected)
    assert "333 frames, 4 channels" in repr(found)


@pytest.mark.parametrize("key", [np.s_[3:40], np.s_[7], np.s_[7, 1:], np.s_[3:40, 1]], ids=str)
def test_what_is_read_may_be_changed(opened, key):
    found, expected = opened
    found[key][:] = 0
    np.testing.assert_array_equal(found[key], expected[key])


@pytest.mark.parametrize("key", [333, -334, (333, 0), (0, 4), "a", None, (0, 0, 0), [1, 2]])
def test_what_is_not_there_is_an_index_error(opened, key):
    with pytest.raises(IndexError):
        opened[0][key]


def test_only_the_chunks_that_are_needed_are_read(short_chunks, tmp_path, monkeypatch):
    expected = samples(2000, 3)
    decoded = []
    plain = codec.decode_extent
    monkeypatch.setattr(codec, "decode_extent", lambda *a: decoded.append(a[2].first) or plain(*a))
    found = spikey_codec.open(codec.compress(plain_wav(expected)))
    np.testing.assert_array_equal(found[940:1010, 1], expected[940:1010, 1])
    np.testing.assert_array_equal(found[1004:1006], expected[1004:1006])
    assert decoded == [900, 950, 1000]


def test_threads_may_share_a_recording(opened):
    found, expected = opened
    wrong = []

    def read(start):
        for i in range(40):
            at = (start * 83 + i * 31) % 300
            if not np.array_equal(found[at : at + 30], expected[at : at + 30]):
                wrong.append(at)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_damage_elsewhere_does_not_matter_and_damage_here_is_noticed(short_chunks):
    expected = samples(333, 2)
    packed = bytearray(codec.compress(plain_wav(expected)))
    extent = spikey_codec.open(bytes(packed)).chunks[2]
    packed[extent.start + extent.size // 2] ^= 1
    found = spikey_codec.open(bytes(packed))
    np.testing.assert_array_equal(found[:100], expected[:100])
    np.testing.assert_array_equal(found[150:], expected[150:])
    with pytest.raises(CorruptError, match="begins with frame 100"):
        found[120]
    with pytest.raises(CorruptError, match="begins with frame 100"):
        codec.decompress(bytes(packed))


def test_the_checksum_of_a_file_of_one_chunk_is_looked_at():
    packed = bytearray(codec.compress(plain_wav(samples(300, 1))))
    packed[5] ^= 1
    with pytest.raises(CorruptError, match="checksum"):
        spikey_codec.open(bytes(packed))[0]


def test_what_holds_no_samples_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="no recording"):
        spikey_codec.open(codec.compress(b"some text"))
    (tmp_path / "a").write_bytes(b"RIFF")
    with pytest.raises(NotBrainwireError):
        spikey_codec.open(tmp_path / "a")
    empty = spikey_codec.open(codec.compress(plain_wav(np.zeros((0, 2), np.int16))))
    assert empty[:].shape == (0, 2)


# The index


def test_every_change_of_an_index_is_noticed(short_chunks):
    packed = codec.compress(plain_wav(samples(333, 2)))
    header, reader = read_header(packed)
    last = index.read_index(header, reader)[-1]
    for position in range(last.start + last.size, len(packed)):
        for flip in (1, 64, 255):
            damaged = bytearray(packed)
            damaged[position] ^= flip
            with pytest.raises(CorruptError):
                codec.decompress(bytes(damaged))


def test_an_index_whose_sizes_are_not_those_of_the_chunks_is_refused(short_chunks):
    packed = codec.compress(plain_wav(samples(120, 1)))
    header, reader = read_header(packed)
    extents = index.read_index(header, reader)
    writer = index.IndexWriter()
    for extent in extents:
        writer.add(packed[extent.start : extent.start + extent.size] + b"\0")
    chunks = packed[: extents[-1].start + extents[-1].size]
    with pytest.raises(CorruptError, match="not that of its chunks"):
        codec.decompress(chunks + writer.write())


# Bytes in a file


def test_bytes_of_a_file_are_those_of_bytes(tmp_path):
    content = np.random.default_rng(0).bytes(3 * WINDOW + 17)
    (tmp_path / "a").write_bytes(content)
    with open(tmp_path / "a", "rb") as file:
        found = FileBytes(file)
        assert len(found) == len(content)
        for part in (
            np.s_[:],
            np.s_[5:9],
            np.s_[:3],
            np.s_[-4:],
            np.s_[9:5],
            np.s_[WINDOW - 2 :],
            np.s_[2 * WINDOW : 2 * WINDOW + 3],
            np.s_[100 : WINDOW + 200],
        ):
            assert found[part] == content[part]
        (tmp_path / "a").write_bytes(content[:1000])
        with pytest.raises(OSError, match="shorter while it was being read"):
            found[WINDOW : 3 * WINDOW]


def test_a_recording_that_changes_while_it_is_read_is_not_kept(short_chunks):
    class Changing:
        """Another bit of the last sample whenever it is read."""

        name = "a.wav"

        def __init__(self, data):
            self.data, self.reads = bytearray(data), 0

        def __len__(self):
            return len(self.data)

        def __getitem__(self, part):
            if part.stop == len(self.data) and part.start > 44:
                self.reads += 1
                self.data[-1] ^= self.reads > 1
            return bytes(self.data[part])

    with pytest.raises(OSError, match="changed while it was being read"):
        list(codec.encoded(Changing(plain_wav(samples(333, 1)))))


# Several processes


@pytest.mark.long
@pytest.mark.parametrize("preset", ["linear", "spikey"])
def test_processes_do_not_change_the_bytes(preset, monkeypatch):
    data = plain_wav(samples(3 * 8192 + 5, 130))[: 44 + 130 * 2 * 20000]
    plain = b"".join(codec.encoded(data[: 44 + 130 * 2 * 9000], preset))
    assert b"".join(codec.encoded(data[: 44 + 130 * 2 * 9000], preset, jobs=3)) == plain
    assert b"".join(codec.decoded(plain, jobs=3)) == data[: 44 + 130 * 2 * 9000]


def test_errors_of_processes_are_raised_here():
    packed = bytearray(codec.compress(plain_wav(samples(17000, 130))))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(CorruptError):
        list(codec.decoded(bytes(packed), jobs=2))


def test_things_are_taken_when_they_are_wanted():
    taken = []
    results = jobs.ordered(abs, (taken.append(i) or -i for i in range(100)), processes=2)
    assert next(results) == 0
    assert len(taken) <= 2 * jobs.AHEAD + 1
    assert list(results) == list(range(1, 100))


# On the command line


def run(*arguments, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("extra", [0, 1])
def test_raw_samples_come_back(tmp_path, channels, extra):
    data = samples(700, 3).tobytes() + bytes(extra)
    (tmp_path / "a.raw").write_bytes(data)
    run(
        "encode",
        "--raw",
        "--channels",
        channels,
        "--rate",
        30000,
        tmp_path / "a.raw",
        tmp_path / "a.brainwire",
    )
    run("decode", tmp_path / "a.brainwire", tmp_path / "b.raw")
    assert (tmp_path / "b.raw").read_bytes() == data
    with spikey_codec.open(tmp_path / "a.brainwire") as found:
        assert (found.shape[1], found.rate) == (channels, 30000)
        whole = np.frombuffer(data, "<i2", count=found.shape[0] * channels)
        np.testing.assert_array_equal(found[:], whole.reshape(-1, channels))
    assert len((tmp_path / "a.brainwire").read_bytes()) < len(data)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--channels", 2], "are for --raw"), (["--rate", 9], "are for --raw"),
    (["--raw", "--dtype", "float32"], "only int16"),
    (["--raw", "--dtype", ">i2"], "only int16"),
])  # fmt: skip
def test_raw_options_that_cannot_be(tmp_path, arguments, message):
    (tmp_path / "a.raw").write_bytes(bytes(20))
    output = run("encode", *arguments, tmp_path / "a.raw", tmp_path / "b", code=2)
    assert message in output and not (tmp_path / "b").exists()


@pytest.mark.parametrize(("span", "channels", "rows", "columns"), [
    ("10:20", None, np.s_[10:20], np.s_[:]), (":7", "2", np.s_[:7], [2]),
    ("140:", "0,2-3", np.s_[140:], [0, 2, 3]), ("0.001s:0.0025s", None, np.s_[8:20], np.s_[:]),
    ("5:5", None, np.s_[5:5], np.s_[:]), (None, "3,1", np.s_[:], [3, 1]), (":", "1", np.s_[:], [1]),
    ("0.01s:", None, np.s_[80:], np.s_[:]),
])  # fmt: skip
def test_parts_are_recordings_of_their_own(short_chunks, tmp_path, span, channels, rows, columns):
    expected = samples(160, 4)
    (tmp_path / "a").write_bytes(codec.compress(plain_wav(expected, 8000)))
    wanted = [*(["--range", span] if span else []), *(["--channels", channels] if channels else [])]
    run("decode", *wanted, tmp_path / "a", tmp_path / "b.wav")
    part = wav.split((tmp_path / "b.wav").read_bytes())
    assert part.rate == 8000 and wav.is_plain(part)
    np.testing.assert_array_equal(part.samples, expected[rows][:, columns])


@pytest.mark.parametrize(("arguments", "message"), [
    (["--range", "10"], "START:STOP"), (["--range", "1:2:3"], "START:STOP"),
    (["--range", "a:b"], "neither a number"), (["--range", "1/0s:2"], "neither a number"),
    (["--range", "20:10"], "There are no frames"), (["--range", "0:161"], "has 160"),
    (["--range", "-1:5"], "There are no frames"), (["--channels", "4"], "no channel 4"),
    (["--channels", "3-1"], "no channel 3-1"), (["--channels", "x"], "numbers like"),
    (["--channels", ""], "numbers like"), (["--channels", "1" * 5000], "numbers like"),
    (["--range", "0:1e999999999s"], "neither a number"),
    (["--range", f"{10**4200}s:"], "neither a number"),
])  # fmt: skip
def test_parts_that_are_not_there(tmp_path, arguments, message):
    (tmp_path / "a").write_bytes(codec.compress(plain_wav(samples(160, 4), 8000)))
    output = run("decode", *arguments, tmp_path / "a", tmp_path / "b", code=2)
    assert message in output and not (tmp_path / "b").exists()


def test_a_part_of_raw_samples_is_raw(tmp_path):
    expected = samples(160, 4)
    (tmp_path / "a.raw").write_bytes(expected.tobytes())
    run("encode", "--raw", "--channels", 4, tmp_path / "a.raw", tmp_path / "a.brainwire")
    run("decode", "--range", "30:40", tmp_path / "a.brainwire", tmp_path / "b.raw")
    assert (tmp_path / "b.raw").read_bytes() == expected[30:40].tobytes()
