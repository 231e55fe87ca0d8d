"""Very many very short inputs through every way into the codec, in one process."""

import bisect
import functools
import itertools
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

import spikey_codec
import strategies
from spikey_codec import archive, presets
from spikey_codec.quantizer.mapping import challenge_pcm
from spikey_codec.stream import StreamDecoder, StreamEncoder
from spikey_codec.system import progress
from strategies import chunk, ds64, extensible_fmt, fmt, info_list, pcm_bytes, plain_wav, riff

from .figures import advance
from .memory import MEGABYTE, Watch

SHORTEST, LONGEST = 24, 300  # samples at most of every third, and of the others
MANY = 60  # frames at most of many channels, whose relations take time to find
CHANNELS = [1] * 44 + [2, 2, 3, 4, 6, 9]
RUN = 1000  # inputs after which the preset changes: its code tables have to be made anew
STREAMS = 30  # of every RUN, one after the other for the same reason
LINEAR_SHARE = 0.7
MOST_GROWTH = 64 * MEGABYTE  # code tables of rare kinds come and go
MOST_FAILURES = 10
RATES = *strategies.RATES, 0, (1 << 32) // 40  # of which times 2 channels a header has no room


def generator(seed: int, number: int) -> np.random.Generator:
    """Random numbers for one input, whatever other inputs there are."""
    return np.random.Generator(np.random.PCG64([seed, number]))


@functools.lru_cache
def _preset(seed: int, run: int) -> str:
    random = generator(seed, (1 << 62) + run)
    others = [name for name in presets.names() if name != presets.DEFAULT]
    return presets.DEFAULT if random.random() < LINEAR_SHARE else str(random.choice(others))


def preset_of(seed: int, number: int) -> str:
    """The preset for an input: mostly the linear one, the others equally often."""
    return _preset(seed, number // RUN)


# What is put in


def samples(random: np.random.Generator) -> np.ndarray:
    """Samples of any character: int16, shape (frames, channels)."""
    channels = int(random.choice(CHANNELS))
    longest = SHORTEST if random.random() < 1 / 3 else LONGEST if channels < 4 else MANY
    frames = int(random.integers(longest + 1))
    leads = [_lead(random, frames)]
    while len(leads) < channels:
        relation = random.integers(3)
        if relation == 0:
            leads.append(_lead(random, frames))
        elif relation == 1:
            leads.append(leads[0])
        else:
            noisy = leads[0] + np.rint(random.normal(0, 30, frames))
            leads.append(noisy.clip(-32768, 32767).astype(np.int16))
    return np.stack(leads, axis=1)


def _lead(random: np.random.Generator, frames: int) -> np.ndarray:
    kinds = strategies.KINDS
    return kinds[random.integers(len(kinds))](random, frames)


def sound_wav(random: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """A file of 16-bit samples of any framing, and its samples."""
    held = samples(random)
    channels, rate = held.shape[1], int(random.choice(RATES))
    if random.random() < 0.4:
        return plain_wav(held, rate), held
    half_frame = random.bytes(int(random.integers(2 * channels)))
    body = pcm_bytes(held) + half_frame
    form = [b"RIFF", b"RIFF", b"RF64", b"BW64"][random.integers(4)]
    declared = None if form == b"RIFF" else strategies.NO_SIZE
    parts = [] if form == b"RIFF" else [ds64(len(body))]
    parts += _other_chunks(random)
    parts.append((fmt if random.random() < 0.5 else extensible_fmt)(channels, rate))
    parts.append(chunk(b"data", body, declared))
    parts += _other_chunks(random)
    size = [None, 0, 36, strategies.NO_SIZE][random.integers(4)]
    # behind an empty data chunk, loose bytes could be taken for samples
    loose = random.bytes(int(random.integers(10))) if body else b""
    return riff(*parts, form=form, size=size) + loose, held


def _other_chunks(random: np.random.Generator) -> list[bytes]:
    """Up to two chunks of no samples, often of odd size."""
    names = [b"LIST", b"JUNK", b"bext", b"fact", b"cue ", b"PAD "]
    chunks = [
        chunk(names[random.integers(len(names))], random.bytes(int(random.integers(34))))
        for _ in range(random.integers(3))
    ]
    return [*chunks, info_list()] if random.random() < 0.1 else chunks


def damaged_wav(random: np.random.Generator) -> bytes:
    """Cut short, mostly in its head, or with a few bytes changed there."""
    file = bytearray(sound_wav(random)[0])
    if random.random() < 0.5:
        end = min(len(file), 120) if random.random() < 0.7 else len(file)
        return bytes(file[: random.integers(end + 1)])
    for _ in range(random.integers(1, 5)):
        file[random.integers(min(len(file), 100))] = random.integers(256)
    return bytes(file)


def foreign_wav(random: np.random.Generator) -> bytes:
    """A WAV of samples of another kind."""
    body = chunk(b"data", random.bytes(int(random.integers(400))))
    channels = int(random.integers(1, 4))
    layouts = [
        *(fmt(channels, bits=bits) for bits in (8, 24, 32)),
        fmt(channels, bits=32, tag=strategies.FLOAT),
        fmt(0),
        extensible_fmt(channels, bits=24),
        extensible_fmt(channels, subtag=strategies.FLOAT),
        info_list(),
    ]
    return riff(layouts[random.integers(len(layouts))], body)


def no_wav(random: np.random.Generator) -> bytes:
    """Any bytes, random or repetitive, sometimes behind the beginning of a WAV."""
    content = random.bytes(int(random.integers(200)))
    if random.random() < 0.5:
        content = content[:5] * int(random.integers(100))
    return riff(content) if random.random() < 0.2 else content


FILES = {
    "sound WAV": (0.8, lambda random: sound_wav(random)[0]),
    "damaged WAV": (0.1, damaged_wav),
    "WAV of other samples": (0.05, foreign_wav),
    "no WAV": (0.05, no_wav),
}


def _pick(random: np.random.Generator, choices: dict[str, tuple]) -> str:
    """One of the names, as often as the first item of its value says; their sum is 1."""
    limits = itertools.accumulate(value[0] for value in choices.values())
    place = bisect.bisect(list(limits), random.random())
    return list(choices)[min(place, len(choices) - 1)]  # rounded, the sum may be less than 1


def any_file(random: np.random.Generator) -> tuple[str, bytes]:
    """What kind of file, and its bytes."""
    kind = _pick(random, FILES)
    return kind, FILES[kind][1](random)


# The ways through: each gives what kind of input it was, and by how many bytes it grew (None where
# that is not the question), and raises AssertionError where what comes out is not what went in


def file_way(random: np.random.Generator, preset: str) -> tuple[str, int | None]:
    kind, original = any_file(random)
    packed = spikey_codec.compress(original, preset)
    assert spikey_codec.decompress(packed) == original
    return kind, len(packed) - len(original)


def array_way(random: np.random.Generator, preset: str) -> tuple[str, int | None]:
    array = samples(random)
    if random.random() < 0.3:
        array = np.asfortranarray(array)
    if random.random() < 0.3:
        array = array.astype(">i2")
    if random.random() < 0.3:
        array = array[:: int(random.choice([-1, 2, 3]))]
    if array.shape[1] == 1 and random.random() < 0.5:
        array = array[:, 0]
    packed = spikey_codec.encode_array(array, preset)
    back = spikey_codec.decode_array(packed)
    assert back.dtype == np.int16 and back.ndim == 2
    assert np.array_equal(back, array if array.ndim == 2 else array[:, None])
    return "array", len(packed) - array.size * 2


def part_way(random: np.random.Generator, preset: str) -> tuple[str, int | None]:
    original, held = sound_wav(random)
    with spikey_codec.open(spikey_codec.compress(original, preset)) as found:
        assert found.shape == held.shape
        first, last = np.sort(random.integers(len(held) + 1, size=2)).tolist()
        channel = int(random.integers(held.shape[1]))
        assert np.array_equal(found[first:last], held[first:last])
        assert np.array_equal(found[first:last, channel], held[first:last, channel])
    return "part of a recording", None


def stream_way(random: np.random.Generator, preset: str) -> tuple[str, int | None]:
    held = samples(random)
    if random.random() < 0.5:
        held = challenge_pcm()[(held >> 6) + 512]
    encoder = StreamEncoder(held.shape[1], sync_interval=int(random.integers(1, 100)))
    decoder = StreamDecoder()
    first = 0
    while first < len(held):
        frame = held[first : first + int(random.integers(1, 50))]
        assert np.array_equal(decoder.push(encoder.push(frame)), frame)
        first += len(frame)
    assert not decoder.lost and not decoder.pending and not decoder.skipped
    return "stream", None


def archive_way(random: np.random.Generator, preset: str) -> tuple[str, int | None]:
    members = [any_file(random)[1] for _ in range(random.integers(3))]
    if random.random() < 0.7:  # leads that hear the same
        frames = int(random.integers(1, LONGEST))
        common = _lead(random, frames)
        for _ in range(random.integers(1, 4)):
            noisy = (common >> 1) + random.integers(-9, 10, frames)
            members.append(plain_wav(noisy.astype(np.int16)))
    named = [(f"{number}.wav", data) for number, data in enumerate(members)]
    packed = archive.Archive(archive.pack(named, preset))
    assert sorted(packed.names) == sorted(name for name, _ in named)
    for name, data in named:
        assert packed.read(name) == data
    return "archive", None


Way = Callable[[np.random.Generator, str], tuple[str, int | None]]
WAYS: dict[str, tuple[float, Way]] = {
    "file": (0.88, file_way),
    "array": (0.06, array_way),
    "part": (0.04, part_way),
    "archive": (0.02, archive_way),
}


def try_input(seed: int, number: int) -> tuple[str, int | None]:
    """Put one input through a stream or the way that is drawn for it; what the way gives."""
    random = generator(seed, number)
    way = stream_way if number % RUN < STREAMS else WAYS[_pick(random, WAYS)][1]
    return way(random, preset_of(seed, number))


def run(inputs: int, seed: int = 0, first: int = 0, interval: float = 2.0) -> dict:
    """Try the inputs of these numbers; the figures. They depend on seed and number alone."""
    kinds: Counter = Counter()
    by_preset: Counter = Counter()
    largest: dict[str, int] = {}
    failures: list[str] = []
    watch = Watch(interval)
    begin, began = time.monotonic(), time.process_time()
    percent = done = 0
    with progress.shown("percent") as line:
        for number in range(first, first + inputs):
            try:
                kind, growth = try_input(seed, number)
            except Exception as error:  # whatever it is, it is what is looked for
                what = f"--seed {seed} --only {number}: {type(error).__name__} {error}"[:500]
                failures.append(what)
                line.say(what)
                if len(failures) >= MOST_FAILURES:
                    break
                continue
            done += 1
            kinds[kind] += 1
            by_preset.update([preset_of(seed, number)] if kind != "stream" else [])
            if growth is not None:
                largest[kind] = max(growth, largest.get(kind, growth))
            watch.look()
            percent = advance(line, percent, (number - first + 1) / inputs)
    failures += watch.complaints(MOST_GROWTH) if watch.looks else []
    return {
        "inputs": inputs,
        "seed": seed,
        "came back": done,
        "minutes": round((time.monotonic() - begin) / 60, 2),
        "minutes of processor time": round((time.process_time() - began) / 60, 2),
        **{f"kind: {kind}": count for kind, count in kinds.most_common()},
        **{f"preset: {name}": count for name, count in by_preset.most_common()},
        **{f"most bytes more, {kind}": size for kind, size in sorted(largest.items())},
        **(watch.figures() if watch.looks else {}),
        "failures": failures,
    }
