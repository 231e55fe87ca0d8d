"""Golden files: what was written when the format was frozen is read for ever.

`golden/make.py` made them. They are read by the package and by the second decoder, which was
written from FORMAT.md alone.
"""

import hashlib
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import reference
from spikey_codec import codec, presets, weights
from spikey_codec.archive import Archive
from spikey_codec.bitstream.channel_header import (
    CONSTANT,
    LINEAR_CODED,
    OWN_PREDICTOR,
    STORED,
    read_channel_header,
)
from spikey_codec.bitstream.fields import Reader
from spikey_codec.bitstream.header import read_header
from spikey_codec.bitstream.index import read_index
from spikey_codec.prediction import network
from spikey_codec.stream import StreamDecoder

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).with_name("golden")
LISTED = json.loads((FOLDER / "golden.json").read_text("utf-8"))
FORMAT = (ROOT / "FORMAT.md").read_text("utf-8")

SUFFIXES = ".brainwire", ".spikey", ".stream"
FIXED_FIELDS = 9  # bytes before the fields of the framing
NOT_SHIPPED = CONSTANT, OWN_PREDICTOR
WEIGHTS = dict(re.findall(r"^\| `(\S+\.npy)` .* `([0-9a-f]{64})` \|$", FORMAT, re.MULTILINE))
NETWORKS = dict(re.findall(r"^\| `networks/(\S+)\.npy` \|.*\| `([0-9a-f]{8})` \|", FORMAT, re.M))

golden = pytest.mark.parametrize("name", LISTED)


def read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# What is in them, as bytes: of archives names and files, of streams numbers of frames and samples


def of_members(members) -> bytes:
    return b"".join(
        struct.pack("<QQ", len(name.encode()), len(data)) + name.encode() + data
        for name, data in members
    )


def of_blocks(blocks) -> bytes:
    return b"".join(
        struct.pack("<QQQ", first, *samples.shape) + samples.astype("<i2").tobytes()
        for first, samples in blocks
    )


def content_of(name: str, packed: bytes) -> bytes:
    """What the package reads."""
    if name.endswith(".spikey"):
        opened = Archive(packed)
        return of_members((member, opened.read(member)) for member in opened.names)
    if name.endswith(".stream"):
        return of_blocks(StreamDecoder().blocks(packed))
    return codec.decompress(packed)


@golden
def test_a_golden_file_is_never_rewritten(name):
    assert sha256(read(name)) == LISTED[name]["file"]


def test_all_golden_files_are_listed():
    assert {path.name for path in FOLDER.iterdir() if path.suffix in SUFFIXES} == LISTED.keys()


@golden
def test_the_package_reads_it(name):
    assert sha256(content_of(name, read(name))) == LISTED[name]["content"]


def reference_content_of(name: str, packed: bytes) -> bytes:
    """The same as `content_of`, of the second decoder."""
    if name.endswith(".spikey"):
        return of_members(reference.decode_archive(packed, ROOT / "weights"))
    if name.endswith(".stream"):
        blocks = reference.decode_stream(packed, ROOT / "weights").blocks
        return of_blocks((first, np.array(frames)) for first, frames in blocks)
    return reference.decode(packed, ROOT / "weights")


@golden
def test_the_reference_decoder_reads_it(name):
    assert sha256(reference_content_of(name, read(name))) == LISTED[name]["content"]


# What they cover


def features(packed: bytes) -> set[str]:
    """What the format has that this .brainwire file makes use of."""
    header, reader = read_header(packed)
    found = {f"preset {header.preset}", f"framing {header.framing}"}
    if header.network:
        found.add(f"network {header.network:08x}")
    if header.opaque:
        return found | {f"packing {packed[FIXED_FIELDS]}"}
    found.add(f"mapping {header.mapping.kind}")
    extents = read_index(header, reader)
    if len(extents) > 1:
        found.add(f"an index with preset {header.preset}")
    with_network = header.preset in presets.WITH_NETWORK
    for extent in extents:
        part = Reader(bytes(extent.read(reader.data)))
        if part.data[0] == STORED or (with_network and part.data[0] == LINEAR_CODED):
            found.add(f"chunk {part.data[0]}")
            continue
        for _ in range(header.channels):
            side = read_channel_header(part, with_network)
            found.add(f"predictor {side.number if side.number in NOT_SHIPPED else 'shipped'}")
            if side.references:
                found.add(f"peers with preset {header.preset}")
    return found


def test_golden_files_cover_the_format():
    expected = {"chunk 251", "chunk 253", "predictor shipped", "predictor 254", "predictor 255"}
    expected |= {"an index with preset 0", "an index with preset 2", "packing 0", "packing 1"}
    expected |= {f"{what} {number}" for what in ("framing", "mapping") for number in range(4)}
    expected |= {f"{what} {n}" for what in ("preset", "peers with preset") for n in range(3)}
    expected |= {f"network {identity}" for identity in NETWORKS.values()}
    files = [name for name in LISTED if name.endswith(".brainwire")]
    assert set.union(*(features(read(name)) for name in files)) == expected


# The weights are part of the format


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_weights_are_those_of_the_format(name):
    assert sha256((Path(weights.folder()) / name).read_bytes()) == WEIGHTS[name]


def test_all_networks_of_the_format_are_there():
    assert {name: f"{network.load(name)[1]:08x}" for name in NETWORKS} == NETWORKS
    assert {f"networks/{name}.npy" for name in NETWORKS} < WEIGHTS.keys()
