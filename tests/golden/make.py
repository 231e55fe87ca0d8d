"""Makes golden files: what the encoders wrote when version 1 of the format was frozen.

    python tests/golden/make.py          adds files of cases that have none yet

A golden file is never written again: every later release has to read it as the one that wrote it
did. Only cases are added. `golden.json` has the SHA-256 of each file and of what it holds.
"""

import hashlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parents[1])]

import numpy as np
import test_same_bytes
from networks import no_way_back
from strategies import chunk, ds64, extensible_fmt, fmt, info_list, pcm_bytes, plain_wav, riff

from spikey_codec import archive, codec
from spikey_codec.lab.simulate import codes_to_pcm, simulate_codes
from spikey_codec.readers import raw
from spikey_codec.stream import Calibration, StreamEncoder

LISTED = FOLDER / "golden.json"
NETWORKS = ("spikey", "spikey-rnn", "spikey-pairs", "max")


def leads(count: int, frames: int, seed: int) -> np.ndarray:
    """Recordings of the challenge's kind, int16, shape (frames, count)."""
    signals = simulate_codes(count, (frames + 1) / 19531, seed=seed)
    return codes_to_pcm(np.stack([signal[:frames] for signal in signals], axis=1))


def together(frames: int, seed: int) -> np.ndarray:
    """Four leads that hear much in common, 16-bit samples of even codes."""
    random = np.random.default_rng(seed)
    common = np.cumsum(random.normal(0, 8, frames + 2))
    delayed = np.stack([common[2:], common[1:-1], common[:-2], common[2:] - common[:-2]], axis=1)
    return (delayed + random.normal(0, 6, (frames, 4))).astype(np.int16)


def walk(frames: int, seed: int, step: int = 9) -> np.ndarray:
    steps = np.random.default_rng(seed).integers(-step, step + 1, (frames, 2))
    return np.cumsum(steps, axis=0).astype(np.int16)


def of_few_values(frames: int, gain: float, seed: int) -> np.ndarray:
    """Samples of a converter whose codes lie `gain` apart, more or less."""
    codes = np.random.default_rng(seed).normal(0, 6, frames).round()
    return np.round(codes * gain).astype(np.int16)


def uneven(seed: int) -> np.ndarray:
    """Samples of a converter with codes of three widths, long enough for these to be found."""
    random = np.random.default_rng(seed)
    edges = np.cumsum(np.tile([4, 9, 5], 40))
    slow = np.convolve(random.normal(0, 30, 40_009), np.ones(10) / 3, "valid")
    return (np.searchsorted(edges, 360 + slow) * 37).astype(np.int16)


def oscillation(frames: int) -> np.ndarray:
    """What none of the shipped predictors expects."""
    t = np.arange(frames)
    return np.round(9000 * np.sin(2.9 * t) + 4000 * np.sin(2.2 * t)).astype(np.int16)


def silence_and_more(frames: int, channels: int, awake: int, seed: int) -> np.ndarray:
    """Channels of which only the first few hear anything, and that only at the end."""
    out = np.zeros((frames, channels), np.int16)
    out[-150:, :awake] = np.random.default_rng(seed).normal(0, 30, (150, awake)).round()
    return out


def railed(frames: int, seed: int) -> np.ndarray:
    """A challenge lead of which a third lies beyond the converter's range."""
    codes = simulate_codes(1, frames / 19531, seed=seed)[0].astype(np.int64)
    return codes_to_pcm((30 * codes).clip(-512, 511).astype(np.int16))


def recordings() -> dict[str, bytes]:
    """Files to compress with the linear preset."""
    pair = walk(40, 3)
    data = chunk(b"data", pcm_bytes(pair))
    full = np.random.default_rng(5).integers(-32768, 32768, (200, 2)).astype(np.int16)
    loud = np.random.default_rng(19).laplace(0, 3000, 700).clip(-32768, 32767).astype(np.int16)
    odd = np.stack([oscillation(900), np.full(900, -77, np.int16)], axis=1)
    return {
        "challenge": plain_wav(leads(1, 4300, 1)),
        "challenge-railed": plain_wav(railed(600, 2)),
        "challenge-leads": plain_wav(leads(3, 300, 3), 30_000),
        "plain": plain_wav(walk(200, 4), 8000),
        "plain-together": plain_wav(together(700, 5), 25_000),
        "plain-loud": plain_wav(loud),
        "full-range": plain_wav(full),
        "sparse": plain_wav(of_few_values(400, 37.3, 6)),
        "uneven": plain_wav(uneven(7), 20_000),
        "own-and-constant": plain_wav(odd, 44_100),
        "no-samples": plain_wav(np.zeros(0, np.int16)),
        "one-sample": plain_wav(np.array([-12345], np.int16)),
        "long-constant": plain_wav(np.full(131_072, 5, np.int16)),
        "two-chunks": plain_wav(silence_and_more(131_072 + 150, 1, 1, 8)),
        "many-chunks": plain_wav(silence_and_more(3 * 8192 + 150, 100, 4, 9), 24_414),
        "framing-lists": riff(info_list(), fmt(2), data, info_list(b"odd")) + b"!",
        "framing-long-list": riff(info_list(b"text " * 100), fmt(2), data),
        "framing-extensible": riff(extensible_fmt(2, 48_000), data),
        "framing-rf64": riff(
            ds64(len(data) - 8), fmt(2), b"data\xff\xff\xff\xff" + data[8:], form=b"RF64",
            size=0xFFFFFFFF,
        ),
        "framing-cut": riff(fmt(2), data)[:-5],
        "opaque": b"no recording at all",
        "opaque-packed": b"no recording, and again " * 40,
        "opaque-empty": b"",
        "opaque-24-bits": riff(fmt(1, 48_000, 24), chunk(b"data", bytes(range(240)))),
    }  # fmt: skip


def raw() -> bytes:
    samples = pcm_bytes(walk(150, 10)) + b"\x01"  # its last frame is cut
    return b"".join(codec.encoded(samples, None, raw.locate(samples[:-1], 2, 32_000)))


def archived() -> bytes:
    """Simultaneous leads, one of them framed in its own way, another recording, and other files."""
    random = np.random.default_rng(11)
    common = random.normal(0, 25, 900)
    first, second, third = (
        codes_to_pcm((common + random.normal(0, 9, 900)).round().astype(np.int16)) for _ in "abc"
    )
    return archive.pack(
        [
            ("first.wav", plain_wav(first)),
            ("second.wav", plain_wav(second)),
            ("third.wav", riff(fmt(), chunk(b"data", pcm_bytes(third)), info_list())),
            ("alone.wav", plain_wav(walk(100, 12), 1000)),
            ("électrodes.txt", b"where they are"),
            ("empty", b""),
        ]
    )


def streamed(samples: np.ndarray, calibrated: bool) -> bytes:
    """Packets of 1 to 40 frames; a synchronisation point at least every 90."""
    calibration = Calibration.of(samples) if calibrated else None
    encoder = StreamEncoder(samples.shape[1], calibration, 90)
    cuts = np.cumsum(1 + 13 * np.arange(40) % 40)
    pieces = np.split(samples, cuts[cuts < len(samples)])
    return b"".join(encoder.push(piece) for piece in pieces)


def cases() -> dict[str, object]:
    """What makes each file, by its name."""
    made = {f"linear-{name}.brainwire": (content, None) for name, content in recordings().items()}
    for preset in NETWORKS:
        for name, content in test_same_bytes.originals().items():
            made[f"{preset}-{name.replace(' ', '-')}.brainwire"] = content, preset
    made["max-railed.brainwire"] = plain_wav(railed(300, 13)), "max"
    made["max-many-chunks.brainwire"] = recordings()["many-chunks"], "max"
    for preset in ("spikey-pairs", "max"):
        made[f"{preset}-together.brainwire"] = plain_wav(together(900, 14), 25_000), preset
    out = {name: lambda case=case: packed_with_network(*case) for name, case in made.items()}
    declined = plain_wav(oscillation(700)), "spikey"
    return out | {
        "spikey-declined.brainwire": lambda: codec.compress(*declined),
        "linear-raw.brainwire": raw,
        "archive.spikey": archived,
        "challenge.stream": lambda: streamed(leads(3, 400, 15), True),
        "plain.stream": lambda: streamed(walk(300, 16, 900), False),
        "leaving-the-map.stream": lambda: streamed(
            np.concatenate([leads(2, 200, 17), walk(200, 18)]), False
        ),
    }


def packed_with_network(content: bytes, preset: str | None) -> bytes:
    with no_way_back():
        return codec.compress(content, preset)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> None:
    from test_golden import content_of

    listed = json.loads(LISTED.read_text("utf-8")) if LISTED.exists() else {}
    for name, make in cases().items():
        if name in listed:
            continue
        packed = make()
        with open(FOLDER / name, "xb") as file:
            file.write(packed)
        listed[name] = {"file": sha256(packed), "content": sha256(content_of(name, packed))}
        print(f"{name}: {len(packed)} bytes")
    LISTED.write_text(json.dumps(dict(sorted(listed.items())), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
