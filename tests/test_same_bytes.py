"""The same input gives the same bytes: on any machine, with any engine, for any processor.

`digests.json` holds the SHA-256 of what every preset makes of some originals, which are made in
integers alone. Who changes the format or the weights makes them again:
`python tests/test_same_bytes.py`.
"""

import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np
import pytest
from networks import no_way_back

from spikey_codec import codec, converter
from spikey_codec.converter import Mapping
from spikey_codec.wav import plain_header

DIGESTS = Path(__file__).with_name("digests.json")
PRESETS = ("linear", "spikey", "spikey-rnn", "spikey-pairs", "max")
SLOW_PRESETS = ("spikey-pairs", "max")  # that one of a kind stands for, where there is no compiler


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


def originals() -> dict[str, bytes]:
    """One recording of the challenge, simultaneous leads of it, and 16-bit samples."""
    frames = 1000
    lead, other = background(frames, 1), background(frames, 2)
    lead[300:304] += (-200, -420, -90, 60)
    other += lead // 2
    leads = np.stack([lead, other, lead + other], axis=1).clip(-512, 511).astype(np.int16)
    pcm = converter.to_samples(leads, Mapping(converter.CHALLENGE))
    walk = (37 * np.cumsum(noise(400, 4)) + noise(400, 5)).astype(np.int16)
    return {
        "one lead": wav(np.ascontiguousarray(pcm[:, :1]), 19531),
        "three leads": wav(pcm[:400], 19531),
        "16 bits": wav(walk[:, None], 30000),
    }


def wav(pcm: np.ndarray, rate: int) -> bytes:
    return plain_header(*pcm.shape, rate) + pcm.astype("<i2").tobytes()


def digest(original: bytes, preset: str) -> str:
    """Of the compressed file, in which no chunk declines its network, and which must come back."""
    with no_way_back():
        packed = codec.compress(original, preset)
    assert codec.decompress(packed) == original
    return hashlib.sha256(packed).hexdigest()


def digests(presets=PRESETS) -> dict[str, str]:
    return {
        f"{preset}, {name}": digest(original, preset)
        for preset in presets
        for name, original in originals().items()
    }


def expected(presets=PRESETS) -> dict[str, str]:
    known = json.loads(DIGESTS.read_text())
    return {name: value for name, value in known.items() if name.split(", ")[0] in presets}


def test_the_bytes_are_those_of_other_machines():
    assert digests() == expected()


RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from spikey_codec import engine
import test_same_bytes
print(engine.name)
print(json.dumps(test_same_bytes.digests(sys.argv[2:])))
"""


def check_process(run_python, which: str, presets, **environment) -> None:
    done = run_python(RUN, DIGESTS.parent, *presets, SPIKEY_ENGINE=which, **environment)
    assert done.stderr == b""
    engine, found = done.stdout.decode().splitlines()
    assert engine == which
    assert json.loads(found) == expected(presets)


def test_the_bytes_are_those_of_the_interpreter(run_python):
    check_process(run_python, "python", SLOW_PRESETS, PYTHONHASHSEED="5")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are names of x86-64 processors")
@pytest.mark.parametrize("cpu", ["generic", "haswell"])
def test_the_bytes_are_those_of_other_processors(run_python, tmp_path, cpu):
    check_process(
        run_python, "jit", PRESETS, NUMBA_CPU_NAME=cpu, XDG_CACHE_HOME=str(tmp_path),
        HOME=str(tmp_path),
    )


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n")
    sys.exit()
