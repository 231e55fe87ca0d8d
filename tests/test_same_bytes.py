"""The same input gives the same bytes: on any machine, with any engine, for any processor.

`digests.json` holds the SHA-256 of what every preset, a stream and an archive make of some
originals, which are made in integers alone. Who changes the format or the weights makes them
again: `python tests/test_same_bytes.py`. `platforms/` tries more processors, other releases of
Python, NumPy and numba, and other machines.
"""

import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

from networks import no_way_back
from spikey_codec import archive, codec, stream
from spikey_codec.bitstream import header as container
from spikey_codec.constants import CHALLENGE_RATE
from spikey_codec.quantizer import mapping as converter
from spikey_codec.quantizer.detect import FEWEST
from spikey_codec.quantizer.mapping import Mapping
from spikey_codec.readers.wav import plain_header

DIGESTS = Path(__file__).with_name("digests.json")
PRESETS = ("linear", "spikey", "spikey-rnn", "spikey-pairs", "max")
KINDS = (*PRESETS, "uneven", "stream", "archive")
# One of a kind stands for the others where the interpreter runs them, and a stream's decoder makes
# all codes beforehand, over which it takes its time.
INTERPRETED = ("spikey-pairs", "max", "uneven", "archive")
FRAMES_OF_A_PACKET = 37


def noise(count: int, seed: int) -> np.ndarray:
    """Integers about normally distributed, standard deviation 18.5 (a sum of four bytes, /8)."""
    state, out = seed, []
    for _ in range(count):
        total = 0
        for _ in range(4):
            state = (1103515245 * state + 12345) % (1 << 31)
            total += state >> 23
        out.append((total - 510) // 8)
    return np.array(out)


def background(count: int, seed: int) -> np.ndarray:
    """Codes with more of low frequencies than of high ones, as leads have them."""
    white, slow, out = noise(count + 2, seed), 0, []
    for t in range(count):
        slow += int(white[t + 2]) - slow // 16
        out.append((3 * slow + 8 * int(white[t + 2] + white[t + 1]) + 4 * int(white[t])) // 24)
    return np.array(out)


def challenge_leads() -> np.ndarray:
    """Three simultaneous leads as the challenge has them: int16, shape (1000, 3)."""
    frames = 1000
    lead, other = background(frames, 1), background(frames, 2)
    lead[300:304] += (-200, -420, -90, 60)
    other += lead // 2
    leads = np.stack([lead, other, lead + other], axis=1).clip(-512, 511).astype(np.int16)
    return converter.to_samples(leads, Mapping(converter.CHALLENGE))


def originals() -> dict[str, bytes]:
    """One recording of the challenge, simultaneous leads of it, and 16-bit samples."""
    pcm = challenge_leads()
    walk = (37 * np.cumsum(noise(400, 4)) + noise(400, 5)).astype(np.int16)
    return {
        "one lead": wav(pcm[:, :1], CHALLENGE_RATE),
        "three leads": wav(pcm[:400], CHALLENGE_RATE),
        "16 bits": wav(walk[:, None], 30000),
    }


def wav(pcm: np.ndarray, rate: int) -> bytes:
    return plain_header(*pcm.shape, rate) + pcm.astype("<i2").tobytes()


def unevenly_converted() -> bytes:
    """A recording long enough for its codes' widths, 1 and 3 in turns, to be found and sent."""
    edges = np.cumsum(np.where(np.arange(64) % 2, 3, 1)) - 64
    codes = np.searchsorted(edges, noise(FEWEST, 6) * 2 // 3) - 32
    return wav(codes.astype(np.int16)[:, None], 20000)


def written(kind: str) -> dict[str, bytes]:
    """What KIND makes of its originals, each of which must come back from it.

    No chunk declines its network.
    """
    with no_way_back():
        if kind == "stream":
            return {"three leads": streamed(challenge_leads())}
        if kind == "archive":
            return {"three leads": archived(challenge_leads())}
        if kind == "uneven":
            packed = compressed(unevenly_converted(), "linear")
            assert container.read_header(packed)[0].mapping.kind == converter.NONUNIFORM
            return {"16 bits": packed}
        return {name: compressed(original, kind) for name, original in originals().items()}


def compressed(original: bytes, preset: str) -> bytes:
    packed = codec.compress(original, preset)
    assert codec.decompress(packed) == original
    return packed


def streamed(samples: np.ndarray) -> bytes:
    encoder = stream.StreamEncoder(samples.shape[1], stream.Calibration.of(samples))
    frames = range(0, len(samples), FRAMES_OF_A_PACKET)
    packets = [encoder.push(samples[start : start + FRAMES_OF_A_PACKET]) for start in frames]
    decoder = stream.StreamDecoder()
    assert np.array_equal(np.concatenate([decoder.push(packet) for packet in packets]), samples)
    return b"".join(packets)


def archived(samples: np.ndarray) -> bytes:
    rate = CHALLENGE_RATE
    members = [(f"{i}.wav", wav(samples[:, [i]], rate)) for i in range(samples.shape[1])]
    packed = archive.pack(members)
    unpacked = archive.Archive(packed)
    assert len(unpacked.groups) == 1
    assert [(name, unpacked.read(name)) for name, _ in members] == members
    return packed


def digests(kinds=KINDS) -> dict[str, str]:
    return {
        f"{kind}, {name}": hashlib.sha256(packed).hexdigest()
        for kind in kinds
        for name, packed in written(kind).items()
    }


def expected(kinds=KINDS) -> dict[str, str]:
    known = json.loads(DIGESTS.read_text())
    return {name: value for name, value in known.items() if name.split(", ")[0] in kinds}


def test_the_bytes_are_those_of_other_machines():
    assert digests() == expected()


RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from spikey_codec import engine
from spikey_codec.engine import target
import test_same_bytes
target.cache_folders = lambda: []  # what is kept was made by other settings
print(engine.name)
print(json.dumps(test_same_bytes.digests(sys.argv[2:])))
"""


def check_process(run_python, which: str, kinds, **environment) -> None:
    done = run_python(RUN, DIGESTS.parent, *kinds, SPIKEY_ENGINE=which, **environment)
    assert done.stderr == b""
    engine, found = done.stdout.decode().splitlines()
    assert engine == which
    assert json.loads(found) == expected(kinds)


@pytest.mark.long
def test_the_bytes_are_those_of_the_interpreter(run_python):
    check_process(run_python, "python", INTERPRETED, PYTHONHASHSEED="5")


@pytest.mark.long
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are names of x86-64 processors")
@pytest.mark.parametrize(("cpu", "level"), [("generic", "0"), ("haswell", "3")])
def test_the_bytes_are_those_of_other_processors_and_optimisers(run_python, cpu, level):
    check_process(run_python, "jit", KINDS, NUMBA_CPU_NAME=cpu, NUMBA_OPT=level)


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")
    sys.exit()
