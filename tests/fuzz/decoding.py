"""Targets that read what may be damaged or hostile; each says in a word or two what it found."""

import json
import tempfile
import zlib
from pathlib import Path

import numpy as np

import test_same_bytes
from networks import coder_for
from spikey_codec import (
    archive,
    archive_files,
    arrays,
    chunk,
    codec,
    excerpt,
    recording,
    salvage,
    stream,
    weights,
)  # fmt: skip
from spikey_codec.batch.journal import JOURNAL, read_journal
from spikey_codec.bitstream import header as container
from spikey_codec.bitstream import index
from spikey_codec.bitstream.archive_index import name_fault
from spikey_codec.info import read_info
from spikey_codec.prediction import network_array as network_arrays
from spikey_codec.prediction.cross_channel import Reference
from spikey_codec.prediction.network import Tables
from spikey_codec.quantizer import mapping as converter
from spikey_codec.quantizer.mapping import Mapping
from spikey_codec.topology import graph as topology

from .inputs import Input
from .modes import MOST_PIECES, Agreeable, TooLarge, bound

try:
    from spikey_codec.plugins import numcodecs
    from spikey_codec.plugins import zarr as zarr_codec
except ImportError:
    numcodecs = zarr_codec = None

MOST_LEADS = 300
STAND_IN = b"CRC-32!!"  # in a list of weights, for the checksum of the array that comes with it
LEAD = test_same_bytes.background(40, 3).astype(np.int16)
RECORDING = test_same_bytes.wav(LEAD.reshape(20, 2), 20)


def checked() -> bool:
    """Whether checksums are compared."""
    return not isinstance(codec.zlib.crc32(b""), Agreeable)


def file(content: bytes) -> str:
    """A .brainwire file as a whole; what it says of itself has to be true."""
    header, _ = container.read_header(content)
    bound(header.frames * header.channels)
    original = b"".join(codec.decoded(content))
    if checked():
        assert zlib.crc32(original) == int.from_bytes(content[5:9], "little")
    said = read_info(content)
    assert said["original bytes"] == len(original)
    return f"{len(original)} bytes {zlib.crc32(original):08x}"


def rescued(content: bytes) -> str:
    """What is left of a damaged file: as much as the whole, and the whole where nothing is lost."""
    header, _ = container.read_header(content)
    bound(header.frames * header.channels)
    said: list[str] = []
    original = b"".join(salvage.salvaged(content, said.append))
    assert len(original) == read_info(content)["original bytes"]
    if not said:
        assert original == b"".join(codec.decoded(content))
    return f"{len(said)} sentences, {zlib.crc32(original):08x}"


def info(content: bytes) -> str:
    """What a .brainwire file says of itself, of any size."""
    return json.dumps(read_info(content))


def part(content: bytes) -> str:
    """Some frames and channels of a recording, which have to be those of the whole."""
    choice = Input(content)
    start, stop = choice.number(2, signed=True), choice.number(2, signed=True)
    step, channel = choice.number(signed=True) or None, choice.number()
    data = choice.rest()
    found = recording.Recording(data)
    frames, channels = found.shape
    bound(min(frames, 2 * index.chunk_frames(channels)) * channels)
    key = slice(start, stop, step), channel % channels
    if frames > 1 << 16:
        key = slice(-5, None), key[1]
    some = found[key]
    if frames:
        assert found[-1].shape == (channels,)
    try:
        found[frames]
    except IndexError:
        pass
    else:
        raise AssertionError("There is a frame behind the last one.")
    bound(frames * channels)
    whole = b"".join(codec.decoded(data))
    samples = np.frombuffer(whole, "<i2", frames * channels, len(found.head))
    np.testing.assert_array_equal(some, samples.reshape(frames, channels)[key])
    return f"{some.shape} {zlib.crc32(some.tobytes()):08x}"


def span(content: bytes) -> str:
    """Frames and channels as a user names them."""
    choice = Input(content)
    texts = [choice.take(choice.number(2)), choice.rest()]
    frames, channels = (text.decode("utf-8", "replace") or None for text in texts)
    with recording.Recording(codec.compress(RECORDING)) as found:
        wav = b"".join(excerpt.part_of(found, frames, channels))
    return f"{len(wav)} bytes"


def array(content: bytes) -> str:
    """Samples of a chunk of Zarr, by both ways in."""
    header, _ = container.read_header(content)
    bound(header.frames * header.channels)
    samples = arrays.decode_array(content)
    assert samples.dtype == np.int16 and samples.ndim == 2
    if numcodecs:
        np.testing.assert_array_equal(numcodecs.Spikey().decode(content), samples)
    return f"{samples.shape} {zlib.crc32(samples.tobytes()):08x}"


def members(content: bytes) -> str:
    """An archive: listed, read member by member, and unpacked into a folder."""
    opened = archive.Archive(content)
    for member in opened.members:
        assert name_fault(member.name) is None
    for group in opened.groups:
        bound(group.size)
    with tempfile.TemporaryDirectory() as folder:
        good, bad = archive_files.unpack(opened, folder)
        assert good + bad == len(opened.members)
        there = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    assert len(there) == good and there.keys() <= set(opened.names)
    for number, group in enumerate(opened.groups):
        if group.members[0].name not in there:
            continue
        restored = opened.read_group(number)
        assert restored == [there[member.name] for member in group.members]
        assert [len(data) for data in restored] == [member.size for member in group.members]
        if checked():
            at = group.start + (5 if len(restored) == 1 else 0)
            assert zlib.crc32(restored[0]) == int.from_bytes(content[at : at + 4], "little")
    return f"{good} good, {bad} bad"


def packets(content: bytes) -> str:
    """A stream, which gives the same however its bytes are cut."""
    choice = Input(content)
    size = choice.number() + 1
    data = choice.rest()
    size = max(size, len(data) // MOST_PIECES)
    found = []
    for pieces in ([data], [data[i : i + size] for i in range(0, len(data), size)]):
        decoder = stream.StreamDecoder()
        blocks = [block for piece in pieces for block in decoder.blocks(piece)]
        blocks += decoder.finish()
        intervals = [(first, len(samples)) for first, samples in blocks]
        covered = sorted([*intervals, *decoder.lost])
        position = 0
        for first, frames in covered:
            assert first == position and frames > 0
            position += frames
        assert position == decoder.position
        content_of = [(first, samples.shape, samples.tobytes()) for first, samples in blocks]
        unused = decoder.skipped + decoder.pending
        found.append((content_of, decoder.lost, decoder.dropped, unused))
    assert found[0] == found[1]
    blocks, lost, dropped, unused = found[0]
    return f"{len(blocks)} blocks, {len(lost)} lost, {dropped} dropped, {unused} unused"


def calibration(content: bytes) -> str:
    """The JSON of a calibration, with which a stream can be coded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.json"
        path.write_bytes(content)
        known = stream.Calibration.load(path)
    leads = len(known.predictors)
    if leads > MOST_LEADS:
        raise TooLarge
    frame = np.resize(LEAD, (3, leads)) << 6
    decoder = stream.StreamDecoder()
    packet = stream.StreamEncoder(leads, known).push(frame)
    np.testing.assert_array_equal(decoder.push(packet), frame)
    return f"{leads} leads"


def graph(content: bytes) -> str:
    """The JSON of a topology."""
    found = topology.Topology.from_json(content.decode("utf-8", "replace"))
    again = topology.Topology.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    return "a topology"


def network(content: bytes) -> str:
    """The array of a network, with which a recording can be coded."""
    array = np.frombuffer(content[: len(content) & ~1], "<i2").astype(np.int16)
    parsed = network_arrays.parse(array)
    np.testing.assert_array_equal(network_arrays.to_array(parsed), array)
    mapping, codes = Mapping(converter.CHALLENGE), LEAD.reshape(20, 2)
    encoder, decoder = (coder_for(mapping, encoding, Tables(parsed)) for encoding in (True, False))
    headers = [chunk.choose(encoder, codes[:, i]) for i in range(2)]
    residuals = [chunk._residuals(encoder, codes[:, i], headers[i]) for i in range(2)]
    reference = Reference(0, 3, 64, np.arange(-6, 7).astype(np.int8))
    headers[1] = headers[1]._replace(references=(reference,))
    packed = chunk.encode_with(encoder, codes, headers, residuals)
    decoded = chunk.decode(decoder, memoryview(packed), *codes.shape)
    np.testing.assert_array_equal(decoded, codes)
    return f"preset {parsed.preset}, {zlib.crc32(packed):08x}"


def folder(content: bytes) -> str:
    """A folder of weights: its list, and an array that need not be what is listed."""
    choice = Input(content)
    data = choice.take(choice.number(2))
    listed = choice.rest().replace(STAND_IN, b"%08x" % zlib.crc32(data))
    with tempfile.TemporaryDirectory() as path:
        (Path(path) / weights.MANIFEST).write_bytes(listed)
        for name in ("other", "linear"):
            (Path(path) / f"{name}.npy").write_bytes(data)
        weights.names(path)
        found = [weights.read(path, name) for name in ("other", "linear")]
    return " ".join(f"{array.dtype} {array.shape}" for array in found)


def journal(content: bytes) -> str:
    """What `spikey batch` wrote down of an earlier run; lines that are not whole do not matter."""
    with tempfile.TemporaryDirectory() as path:
        (Path(path) / JOURNAL).write_bytes(content)
        entries = read_journal(Path(path))
    return f"{len(entries)} entries"


def configuration(content: bytes) -> str:
    """What an array of Zarr format 3 says of its codec."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):  # Zarr's own to refuse
        return "no JSON"
    if not zarr_codec or not isinstance(said, dict):
        return "nothing to be read here"
    made = zarr_codec.SpikeyCodec.from_dict(said)
    assert zarr_codec.SpikeyCodec.from_dict(made.to_dict()) == made
    return repr(made)
