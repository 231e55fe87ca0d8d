"""Open recordings, archives and codecs in threads, forked children and other processes."""

import copy
import gzip
import io
import os
import pickle
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import spikey_codec
from patience import PATIENCE
from sharing import METHODS, everywhere, push_on, read_members, read_parts, round_trip
from spikey_codec.archive import Archive, pack
from spikey_codec.bitstream import index
from spikey_codec.coders import table
from spikey_codec.coders.linear_huffman import LinearHuffman
from spikey_codec.coders.network_rans import NetworkRans
from spikey_codec.engine import load
from spikey_codec.errors import CorruptError, UsageError
from spikey_codec.stream import StreamDecoder, StreamEncoder
from spikey_codec.system import forks
from spikey_codec.system.source import WINDOW, FileBytes
from strategies import plain_wav

FRAMES, CHANNELS = 2000, 3
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def walk(frames: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(frames)
    return np.cumsum(random.normal(0, 5, (frames, channels)), axis=0).astype("<i2")


EXPECTED = walk(FRAMES, CHANNELS)
STARTS = np.random.default_rng(0).integers(0, FRAMES - 100, 40).tolist()
PARTS = [EXPECTED[start : start + 100].tobytes() for start in STARTS]


@pytest.fixture
def usual_path(tmp_path):
    """A recording that does not fit one window."""
    path = tmp_path / "a.brainwire"
    path.write_bytes(spikey_codec.compress(plain_wav(EXPECTED) + os.urandom(2 * WINDOW)))
    return path


@pytest.fixture
def path(tmp_path, monkeypatch, usual_path):
    """Likewise, of many chunks; only forked children can read it."""
    monkeypatch.setattr(index, "LONGEST_CHUNK", 50)
    usual_path.write_bytes(spikey_codec.compress(plain_wav(EXPECTED) + os.urandom(2 * WINDOW)))
    return usual_path


@pytest.fixture
def packed_path(tmp_path):
    path = tmp_path / "all.spikey"
    path.write_bytes(pack(MEMBERS.items()))
    return path


MEMBERS = {name: os.urandom(100_000) for name in "abcd"} | {"e": plain_wav(EXPECTED)}


def in_child(function) -> None:
    """Run a function in a forked child; its failure is the test's."""
    child = os.fork()
    if not child:
        try:
            function()
            os._exit(0)
        except BaseException as error:
            print(repr(error), flush=True)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# Other processes


@pytest.mark.parametrize("method", METHODS)
def test_other_processes_read_a_recording_that_is_handed_to_them(usual_path, method):
    with spikey_codec.open(usual_path) as found:
        given = [(found, STARTS[i:], 100) for i in range(4)]
        assert everywhere(method, read_parts, given) == [PARTS[i:] for i in range(4)]


@pytest.mark.parametrize("method", METHODS)
def test_other_processes_read_an_archive_that_is_handed_to_them(packed_path, method):
    with Archive(packed_path) as found:
        given = [(found, [*MEMBERS][i:]) for i in range(3)]
        expected = [[*MEMBERS.values()][i:] for i in range(3)]
        assert everywhere(method, read_members, given) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_stream_goes_on_in_another_process(method):
    encoder, decoder = StreamEncoder(CHANNELS, sync_interval=10_000), StreamDecoder()
    assert np.array_equal(decoder.push(encoder.push(EXPECTED[:100])), EXPECTED[:100])
    frames = [EXPECTED[100:101], EXPECTED[101:300]]
    expected = [frame.tobytes() for frame in frames]
    assert everywhere(method, push_on, [(encoder, decoder, frames)] * 2) == [expected] * 2


@pytest.mark.parametrize("method", METHODS)
def test_codecs_go_to_other_processes(method):
    Spikey = pytest.importorskip("spikey_codec.plugins.numcodecs").Spikey
    expected = [EXPECTED.tobytes()] * 2
    assert everywhere(method, round_trip, [(Spikey(), EXPECTED)] * 2) == expected


def test_codecs_of_zarr_are_copied():
    codec = pytest.importorskip("spikey_codec.plugins.zarr").SpikeyCodec()
    assert copies(codec) == [codec] * 3


OPENED = None  # what forked children find, without having been given it


def read_what_was_opened(starts: list[int]) -> list[bytes]:
    return read_parts((OPENED, starts, 100))


@needs_fork
@pytest.mark.parametrize(
    "of", ["path", "file", "raw file", "unnamed file", "file of fsspec", "bytes"]
)
def test_forked_children_share_an_open_recording(path, monkeypatch, of):
    if of == "path":
        opened = path
    elif of == "bytes":
        opened = path.read_bytes()
    elif of == "file of fsspec":
        opened = pytest.importorskip("fsspec").open(str(path), "rb").open()
    elif of == "unnamed file":
        opened = tempfile.TemporaryFile()  # noqa: SIM115
        opened.write(path.read_bytes())
    else:
        opened = open(path, "rb", buffering=0 if of == "raw file" else -1)  # noqa: SIM115
    with spikey_codec.open(opened) as found:
        monkeypatch.setitem(globals(), "OPENED", found)
        given = [STARTS[i:] for i in range(8)]
        assert everywhere("fork", read_what_was_opened, given) == [PARTS[i:] for i in range(8)]
        assert read_what_was_opened(STARTS) == PARTS
    if hasattr(opened, "close"):
        opened.close()


@needs_fork
def test_the_position_of_an_open_file_stays_the_users(path):
    with open(path, "rb") as file, spikey_codec.open(file) as found:
        at = file.seek(5)
        assert np.array_equal(found[:], EXPECTED)
        assert file.tell() == at


# Locks


@needs_fork
def test_a_child_forked_while_another_thread_holds_every_lock_goes_on(path):
    """As it is when that thread codes, and sooner or later a fork comes there."""
    found = spikey_codec.open(path)
    data = path.read_bytes()
    stranger = FileBytes(io.BytesIO(data))
    coder = LinearHuffman(-32768, 32767, b"", False)
    ready, over = threading.Event(), threading.Event()

    def hold():
        with found._lock, stranger._lock, coder.lock:
            ready.set()
            over.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait(PATIENCE)

    def read():
        assert np.array_equal(found[:], EXPECTED)
        assert stranger[:] == data
        assert coder.lock.acquire(timeout=0)

    try:
        in_child(read)
    finally:
        over.set()
        thread.join()
        found.close()


@needs_fork
def test_a_child_does_not_trust_what_another_thread_was_building():
    coder = LinearHuffman(-100, 100, b"", True)
    coder.prepare()

    def look(fresh: bool):
        assert any(array.any() for array in coder.tables) == (not fresh)

    in_child(lambda: look(fresh=False))
    with coder.lock:
        in_child(lambda: look(fresh=True))
    assert any(array.any() for array in coder.tables)


@needs_fork
def test_forks_while_threads_code():
    samples = walk(3000, 4)
    packed = spikey_codec.encode_array(samples)
    over = threading.Event()

    def work():
        while not over.is_set():
            spikey_codec.decode_array(spikey_codec.encode_array(samples))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()

    def decode():
        assert np.array_equal(spikey_codec.decode_array(packed), samples)
        assert spikey_codec.encode_array(samples) == packed

    try:
        for _ in range(10):
            in_child(decode)
    finally:
        over.set()
        for thread in threads:
            thread.join()


@needs_fork
def test_no_process_forks_while_another_thread_links_kernels():
    order = []
    held, forking = threading.Event(), threading.Event()

    def link():
        with load._lock:
            held.set()
            forking.wait(PATIENCE)
            order.append("linked")

    thread = threading.Thread(target=link)
    thread.start()
    held.wait(PATIENCE)
    forking.set()
    in_child(lambda: load._lock.acquire(blocking=False) or os._exit(1))
    order.append("forked")
    thread.join()
    assert order == ["linked", "forked"]


@needs_fork
def test_the_thread_that_links_kernels_may_fork():
    with load._lock:
        in_child(lambda: None)
    with load._lock:
        pass


def test_what_is_gone_is_not_renewed():
    class Thing:
        def renew(self):
            raise AssertionError

    before = len(forks._living)
    forks.renew_in_children(Thing())
    assert len(forks._living) == before


def test_threads_share_an_archive_and_a_recording(path, packed_path):
    with open(packed_path, "rb") as file, spikey_codec.open(path) as recording:
        for archive in (Archive(file), Archive(Slowly(packed_path.read_bytes()))):
            names = [*MEMBERS] * 4
            with ThreadPoolExecutor(4) as pool:
                members = pool.map(archive.read, names)
                parts = pool.map(lambda start: read_parts((recording, [start], 100))[0], STARTS)
                assert list(members) == [MEMBERS[name] for name in names]
                assert list(parts) == PARTS


# Copies


def copies(thing):
    return [pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing), copy.copy(thing)]


def test_recordings_and_archives_are_copied_by_path_or_bytes(path, packed_path, monkeypatch):
    monkeypatch.chdir(path.parent)
    for source in (path, path.name, path.read_bytes(), bytearray(path.read_bytes())):
        with spikey_codec.open(source) as found:
            for other in copies(found):
                found.close()
                assert np.array_equal(other[:], EXPECTED)
                other.close()
    for source in (packed_path, packed_path.name, packed_path.read_bytes()):
        with Archive(source) as found:
            for other in copies(found):
                found.close()
                assert other.read("e") == MEMBERS["e"]
                other.close()


def test_a_copy_finds_its_file_from_another_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with spikey_codec.open(path.name) as found:
        pickled = pickle.dumps(found)
    assert len(pickled) < 1000
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pickle.loads(pickled) as other:
        assert np.array_equal(other[:], EXPECTED)


def test_an_open_file_is_copied_by_its_name(path):
    with open(path, "rb") as file:
        for other in copies(spikey_codec.open(file)):
            with other:
                assert np.array_equal(other[:], EXPECTED)
        for other in copies(FileBytes(file)):
            assert other[:] == path.read_bytes()
            other.close()


def test_open_files_that_no_path_leads_to_are_not_copied(path):
    data = path.read_bytes()
    with gzip.open(path.with_suffix(".gz"), "wb") as file:
        file.write(data)
    with (
        tempfile.TemporaryFile() as unnamed,
        gzip.open(path.with_suffix(".gz"), "rb") as zipped,
        open(path, "rb") as moved,
    ):
        unnamed.write(data)
        for file in (io.BytesIO(data), unnamed, zipped, moved):
            found = spikey_codec.open(file)
            if file is moved:
                path.unlink()
            assert np.array_equal(found[:], EXPECTED)
            for attempt in (pickle.dumps, copy.deepcopy, copy.copy):
                with pytest.raises(UsageError, match="no path"):
                    attempt(found)


def test_a_copy_of_a_file_that_has_changed_is_an_error(path):
    with spikey_codec.open(path) as found:
        pickled = pickle.dumps(found)
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(OSError, match="has changed since it was opened"):
        pickle.loads(pickled)


@pytest.mark.parametrize("kind", [LinearHuffman, NetworkRans])
def test_a_coder_is_copied_as_what_it_is_made_of(kind):
    network = None
    if kind is NetworkRans:
        from spikey_codec import presets

        network = presets.resolve("max").network
    coder = table.coder_of(kind, -200, 200, b"", True, network)
    for other in copies(coder):
        assert (type(other), other.lowest, other.encoding) == (kind, -200, True)
        assert network or other is coder


def test_a_closed_recording_says_so(path):
    found = spikey_codec.open(path)
    found.close()
    with pytest.raises(UsageError, match="closed"):
        found[:]
    with open(path, "rb") as file:
        found = spikey_codec.open(file)
    with pytest.raises(UsageError, match="closed"):
        found[:]
    with pytest.raises(UsageError, match="closed"):
        spikey_codec.open(file)


# Files that give fewer bytes than they are asked for


class Slowly(io.RawIOBase):
    """A raw file, as of a network: it gives a few bytes at a time, and may give none yet."""

    def __init__(self, data: bytes, most: int = 1000):
        self.inner, self.most = io.BytesIO(data), most

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, *where):
        return self.inner.seek(*where)

    def readinto(self, buffer):
        return self.inner.readinto(memoryview(buffer)[: self.most])


def test_files_may_give_fewer_bytes_than_are_asked_for(path, packed_path):
    assert np.array_equal(spikey_codec.open(Slowly(path.read_bytes()))[:], EXPECTED)
    found = Archive(Slowly(packed_path.read_bytes()))
    assert {name: found.read(name) for name in found.names} == MEMBERS


def test_the_system_may_give_fewer_bytes_than_are_asked_for(path, packed_path, monkeypatch):
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: pread(file, min(size, 1000), at))
    with spikey_codec.open(path) as recording, Archive(packed_path) as archive:
        assert np.array_equal(recording[:], EXPECTED)
        assert archive.read("e") == MEMBERS["e"]


def test_systems_without_pread_read_under_a_lock(path, monkeypatch):
    monkeypatch.delattr(os, "pread")
    with spikey_codec.open(path) as found, ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda start: read_parts((found, [start], 100))[0], STARTS)
        assert list(parts) == PARTS


def test_a_file_that_really_is_shorter_is_an_error(path):
    class Cut(Slowly):
        def readinto(self, buffer):
            return super().readinto(buffer) if self.inner.tell() < 5000 else 0

    with pytest.raises(OSError, match="shorter while it was being read"):
        spikey_codec.open(Cut(path.read_bytes()))[:]
    packed = pack(MEMBERS.items())
    with pytest.raises(CorruptError, match="cut short"):
        Archive(Cut(packed)).read("d")


def test_a_file_that_does_not_block_is_not_waited_for(path):
    class Later(Slowly):
        def readinto(self, buffer):
            return None

    with pytest.raises(BlockingIOError):
        spikey_codec.open(Later(path.read_bytes()))


def test_the_descriptor_of_a_compressed_file_is_not_read_from(path):
    with gzip.open(path.with_suffix(".gz"), "wb") as file:
        file.write(path.read_bytes())
    with gzip.open(path.with_suffix(".gz"), "rb") as file:
        assert np.array_equal(spikey_codec.open(file)[:], EXPECTED)
        assert np.array_equal(spikey_codec.open(io.BufferedReader(file))[:], EXPECTED)
