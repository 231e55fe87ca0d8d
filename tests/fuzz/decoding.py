"""A coverage-guided fuzzer of everything that reads compressed files: needs `pip install atheris`.

    python tests/fuzz/decoding.py --make-corpus CORPUS     small files of every kind, once
    python tests/fuzz/decoding.py CORPUS -max_total_time=600 -max_len=4000 -timeout=20

The first byte of an input says how it is read: bit 0 switches checksums off, so that what lies
behind them is reached; bit 1 takes the rest for an archive, bit 2 for a recording of which a part
is read. Whatever is raised but SpikeyError and IndexError is a finding, and so is what takes 20 s.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import atheris

with atheris.instrument_imports(include=["spikey_codec"]):
    from spikey_codec import archive, codec, index, recording
    from spikey_codec.errors import SpikeyError

UNCHECKED, ARCHIVE, PART = 1, 2, 4
MOST = 1 << 27  # bytes that are decoded of one input: a small file may hold long constants
ZLIB, NO_ZLIB = codec.zlib, SimpleNamespace(crc32=lambda data, before=0: 0)


def read(data: bytes) -> None:
    """Read one input in the way that its first byte says."""
    kind, content = data[0] if data else 0, data[1:]
    codec.zlib = index.zlib = recording.zlib = NO_ZLIB if kind & UNCHECKED else ZLIB
    try:
        if kind & ARCHIVE:
            opened = archive.Archive(content)
            for name in opened.names[:3]:
                opened.read(name)
        elif kind & PART:
            found = recording.Recording(content)
            found[-5:, 0], found[:3]
        else:
            size = 0
            for piece in codec.decoded(content):
                size += len(piece)
                if size > MOST:
                    return
    except (SpikeyError, IndexError):
        pass


def make_corpus(folder: Path) -> None:
    """Write small files of every preset, mapping and framing, and an archive."""
    import numpy as np
    import test_same_bytes
    from networks import no_way_back
    from strategies import info_list, plain_wav, riff

    random = np.random.default_rng(0)
    originals = test_same_bytes.originals()
    packed = []
    with no_way_back():
        for preset in test_same_bytes.PRESETS:
            packed += [codec.compress(original, preset) for original in originals.values()]
    long = np.zeros(131072 + 30, np.int16)
    long[-20:] = random.integers(-9, 9, 20)
    packed += [
        codec.compress(plain_wav(long)),
        codec.compress(plain_wav(random.integers(0, 5, 300).astype(np.int16) * 900)),
        codec.compress(riff(info_list(b"text" * 99), originals["16 bits"][12:])),
        codec.compress(b"no samples " * 30),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(packed):
        for kind in (0, UNCHECKED, UNCHECKED | PART):
            (folder / f"{number}-{kind}").write_bytes(bytes([kind]) + content)
    members = [("a.wav", originals["one lead"]), ("b", b"other bytes")]
    (folder / "archive").write_bytes(bytes([ARCHIVE]) + archive.pack(members))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make-corpus"]:
        make_corpus(Path(sys.argv[2]))
    else:
        atheris.Setup(sys.argv, read)
        atheris.Fuzz()
