"""The inputs that the fuzzer begins with: a few of every kind, made of synthetic data alone."""

import io
import json
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

import networks
import test_same_bytes
from spikey_codec import archive, codec, presets, stream
from spikey_codec.prediction.network_array import to_array
from spikey_codec.quantizer import mapping as converter
from spikey_codec.quantizer.mapping import Mapping
from spikey_codec.topology import graph as topology
from strategies import (
    FLOAT,
    NO_SIZE,
    chunk,
    ds64,
    extensible_fmt,
    fmt,
    info_list,
    pcm_bytes,
    plain_wav,
    riff,
)

from . import decoding, documents, encoding
from .inputs import field
from .modes import running
from .targets import NETWORKS, SMALL, UNCHECKED, small_networks, tagged

FOR_NETWORKS = "one lead", "three leads", "sparse", "the same twice"
LARGEST_ORIGINAL = 800  # bytes of what is to be compressed
FRAMES, LONG = 120, 250  # of a recording: the interpreter has to code it too


def recordings() -> dict[str, bytes]:
    """WAVs of every mapping and framing, and what is none."""
    random = np.random.default_rng(0)
    challenge = {
        name: original[: 44 + 2 * (1 if name == "one lead" else 3) * FRAMES]
        for name, original in test_same_bytes.originals().items()
    }
    lead = np.frombuffer(challenge["one lead"][44:], "<i2")
    long = np.frombuffer(test_same_bytes.originals()["one lead"][44 : 44 + 2 * LONG], "<i2")
    body = chunk(b"data", pcm_bytes(lead[:40]))
    constant = np.stack([np.full(50, 7, np.int16), lead[:50]], axis=1)
    return (
        challenge
        | {
            "sparse": plain_wav(random.integers(0, 5, 300).astype(np.int16) * 900),
            "constant": plain_wav(np.zeros(131072 + 30, np.int16)),
            "a constant lead": plain_wav(constant),
            "the same twice": plain_wav(np.stack([long, long[::-1], long], axis=1)),  # has peers
            "a tone": plain_wav(np.rint(20000 * np.sin(np.arange(150) / 4)).astype(np.int16)),
            "noise": plain_wav(random.integers(-32768, 32768, 90).astype(np.int16)),
            "no samples": plain_wav(lead[:0]),
            "bytes": b"no samples " * 9,
            "nothing": b"",
            "packed framing": riff(info_list(b"text" * 50), fmt(), body, info_list(b"text" * 50)),
            "extensible": riff(extensible_fmt(valid_bits=10), body),
            "RF64": riff(
                ds64(80), fmt(), chunk(b"data", pcm_bytes(lead[:40]), NO_SIZE), form=b"RF64"
            ),
            "odd chunks": riff(chunk(b"JUNK", b"odd"), fmt(2), body, chunk(b"PAD ", b"x"))
            + b"behind",
            "streamed": riff(fmt(), chunk(b"data", pcm_bytes(lead[:40]), 0), size=0),
            "cut short": riff(fmt(2), chunk(b"data", pcm_bytes(lead[:41]), 4000))[:-1],
            "float": riff(fmt(bits=32, tag=FLOAT), body),
            "RIFX": riff(fmt(), body, form=b"RIFX"),
            "no layout": riff(body, fmt()),
        }
    )


def _files() -> dict[str, bytes]:
    """Compressed files, of every preset."""
    made = {}
    for preset in presets.names():
        for name, original in recordings().items():
            if preset != presets.DEFAULT and name not in FOR_NETWORKS:
                continue
            for mode in (0, SMALL) if name in FOR_NETWORKS else (0,):
                with networks.no_way_back(), running(unchecked=False, small=bool(mode)):
                    packed = codec.compress(original, preset)
                about = f"{preset}, {name}, {mode}"
                made[f"file, {about}"] = tagged(decoding.file, packed, mode)
                made[f"unchecked, {about}"] = tagged(decoding.file, packed, mode | UNCHECKED)
                if mode:
                    made[f"rescued, {about}"] = tagged(decoding.rescued, packed, mode)
                choice = bytes.fromhex("0200 1000 03 01")
                made[f"part, {about}"] = tagged(decoding.part, choice + packed, mode | UNCHECKED)
                if not mode:
                    made[f"info, {about}"] = tagged(decoding.info, packed)
                    made[f"array, {about}"] = tagged(decoding.array, packed)
    return made


def _uneven() -> bytes:
    """A file of uneven codes, which no recording as short as this is given by itself."""

    def mapping(survey, *_):
        return Mapping(converter.NONUNIFORM, survey.values, np.arange(120, 125).astype(np.uint8))

    with mock.patch.object(codec, "_mapping", mapping):
        return codec.compress(recordings()["sparse"])


def _others() -> dict[str, bytes]:
    """Archives, streams, calibrations, topologies, networks, weights, configurations, journals."""
    leads = recordings()["three leads"]
    samples = np.frombuffer(leads[44:], "<i2").reshape(-1, 3)
    monos = [(f"{i}.wav", plain_wav(np.ascontiguousarray(samples[:, i]))) for i in range(3)]
    together = archive.pack([*monos, ("b", b"other bytes")])
    made = {}
    for mode in (0, UNCHECKED):
        made[f"archive, {mode}"] = tagged(decoding.members, together, mode)
        for name, values in (("challenge", samples), ("plain", samples + 1)):
            encoder = stream.StreamEncoder(3, sync_interval=40)
            sent = b"".join(encoder.push(values[i : i + 16]) for i in range(0, FRAMES, 16))
            made[f"stream, {name}, {mode}"] = tagged(decoding.packets, b"\x08" + sent, mode)
    made["uneven"] = tagged(decoding.file, _uneven(), UNCHECKED)
    graph = topology.Topology(samples.T.copy(), names=[("a.wav", i) for i in range(3)])
    made["topology"] = tagged(decoding.graph, graph.to_json().encode())
    for kind, preset in NETWORKS.items():
        array = to_array(networks.for_preset(kind, preset)).astype("<i2").tobytes()
        made[f"network, {kind}"] = tagged(decoding.network, array)
    for dtype in ("<i2", ">f8", "?"):
        npy = _npy(np.arange(32).reshape(2, 16).astype(dtype))
        content = field(npy) + json.dumps(documents.LISTED).encode()
        made[f"weights, {dtype}"] = tagged(decoding.folder, content)
        content = bytes([len(documents.DOCUMENTS) - 1, 0, 0, 1, documents.HERE, 6]) + npy
        made[f"document of {dtype}"] = tagged(documents.document, content)
    for run, text in documents.DOCUMENTS[:-1]:
        made[f"{run.__name__}, JSON"] = tagged(run, json.dumps(text).encode())
    for number in range(len(documents.DOCUMENTS)):
        content = bytes([number, number, documents.HERE, 0])
        made[f"document {number}"] = tagged(documents.document, content)
    for number, (span, channels) in enumerate(
        [(b"2:5", b"0"), (b"0.1s:", b"1,0-1"), (b":", b""), (b"", b"0")]
    ):
        made[f"span {number}"] = tagged(decoding.span, field(span) + channels)
    return made


def _originals() -> dict[str, bytes]:
    """What is to be compressed."""
    made = {}
    for name, original in recordings().items():
        if len(original) > LARGEST_ORIGINAL:
            continue
        for number, preset in enumerate(presets.names()):
            if number and name not in FOR_NETWORKS:
                continue
            for mode in (0, SMALL) if name in FOR_NETWORKS else (0,):
                forced = bytes([number | encoding.FORCED])
                made[f"bytes, {preset}, {name}, {mode}"] = tagged(
                    encoding.any_bytes, forced + original, mode
                )
        at = bytes.fromhex("00 2000 01 00")
        made[f"damaged, {name}"] = tagged(encoding.damaged, at + original)
    lead = recordings()["one lead"][44:]
    for number, choice in enumerate(["01 00 01", "02 05 01 03", "02 06 02 0A", "03 09 01 02 02"]):
        content = b"\0" + bytes.fromhex(choice) + lead
        made[f"array {number}"] = tagged(encoding.any_array, content)
    few = recordings()["sparse"][44:224]  # so often that widths are looked for
    made["array, uneven"] = tagged(encoding.any_array, bytes.fromhex("00 00 01 FA") + few)
    for number, choice in enumerate(
        ["00 07 20 00 00 0000 00 00", "02 04 10 01 01 0000 00 02", "03 01 04 00 06 3000 03 00"]
    ):
        content = bytes.fromhex(choice) + lead
        made[f"samples {number}"] = tagged(encoding.any_stream, content)
    wav = recordings()["extensible"]
    members = b"\x01a" + field(wav) + b"\x02bc" + field(wav) + b"\x00" + field(b"")
    made["members"] = tagged(encoding.any_members, b"\x00\x02" + members + b"text")
    made["a member without a name"] = tagged(encoding.any_members, b"\x00\x03" + members)
    return made


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def inputs() -> dict[str, bytes]:
    """All of them, by what they are; to be called within `small_networks`."""
    return _files() | _others() | _originals()


def write(folder: Path) -> None:
    """One file each."""
    folder.mkdir(parents=True, exist_ok=True)
    with small_networks():
        made = inputs()
    for content in made.values():
        (folder / f"{zlib.crc32(content):08x}").write_bytes(content)
