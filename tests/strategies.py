"""What the tests feed the codec: samples of every character, WAV files of every framing.

The builders (`chunk`, `fmt`, `riff`, ...) write the files down field by field and share nothing
with the package, so that a test may state with them what a file holds. The strategies draw from
them. Arrays stay small: a few thousand samples at most.
"""

import struct

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A kernel compiled at first use, or a busy machine, is slow without being wrong.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("all", max_examples=100, **UNTIMED)
settings.register_profile("quick", max_examples=20, **UNTIMED)
settings.load_profile("all")


def examples(count: int) -> int:
    """How many examples of `count` the profile in force tries: all of them, or every fifth."""
    return count * settings().max_examples // 100


RATES = (8000, 19531, 20000, 30000, 44100)

PCM = 0x0001
ADPCM = 0x0002
FLOAT = 0x0003
EXTENSIBLE = 0xFFFE
SUBFORMAT_TAIL = bytes.fromhex("00000000 1000 8000 00aa00389b71")

NO_SIZE = 0xFFFFFFFF


# Builders


def pcm_bytes(samples: np.ndarray) -> bytes:
    """The little-endian bytes of int16 samples, frame after frame."""
    return samples.astype("<i2").tobytes()


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """One RIFF chunk with its pad byte; `size` is what its header claims, if not the truth."""
    declared = len(body) if size is None else size
    return name + struct.pack("<I", declared) + body + bytes(len(body) % 2)


def fmt(
    channels: int = 1, rate: int = 19531, bits: int = 16, tag: int = PCM, block: int | None = None
) -> bytes:
    """A fmt chunk of 16 bytes."""
    block = channels * bits // 8 if block is None else block
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits))


def extensible_fmt(
    channels: int = 1, rate: int = 19531, bits: int = 16, valid_bits: int = 16, subtag: int = PCM
) -> bytes:
    """A fmt chunk of 40 bytes, WAVE_FORMAT_EXTENSIBLE with the given sub-format."""
    block = channels * bits // 8
    fields = struct.pack("<HHIIHH", EXTENSIBLE, channels, rate, rate * block, block, bits)
    extension = struct.pack("<HHIH", 22, valid_bits, 0, subtag) + SUBFORMAT_TAIL
    return chunk(b"fmt ", fields + extension)


def ds64(data_size: int, riff_size: int = 0) -> bytes:
    """The chunk with the 64-bit sizes of RF64 and BW64."""
    return chunk(b"ds64", struct.pack("<QQQI", riff_size, data_size, 0, 0))


def info_list(text: bytes = b"synthetic") -> bytes:
    """A LIST chunk of type INFO with one comment."""
    return chunk(b"LIST", b"INFO" + chunk(b"ICMT", text))


def riff(*chunks: bytes, form: bytes = b"RIFF", size: int | None = None) -> bytes:
    """A whole file; `size` is what its header claims, if not the truth."""
    body = b"WAVE" + b"".join(chunks)
    return form + struct.pack("<I", len(body) if size is None else size) + body


def plain_wav(samples: np.ndarray, rate: int = 19531) -> bytes:
    """44-byte header and samples, shape (frames, channels) or (frames,)."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return riff(fmt(channels, rate), chunk(b"data", pcm_bytes(samples)))


# Samples


def _clipped(values: np.ndarray, rail: int = 32767) -> np.ndarray:
    return np.clip(np.rint(values), -rail - 1, rail).astype(np.int16)


def _noise(rng, n):
    return _clipped(rng.normal(0, 10 ** rng.uniform(0, 4), n))


def _uniform(rng, n):
    return rng.integers(-32768, 32768, n).astype(np.int16)


def _constant(rng, n):
    return np.full(n, rng.choice([-32768, -1, 0, 1, 2048, 32767]), np.int16)


def _extremes(rng, n):
    return rng.choice(np.array([-32768, 32767], np.int16), n)


def _ramp(rng, n):
    # Wraps around, so that differences exceed 16 bits.
    return (np.arange(n) * int(rng.integers(-3000, 3001))).astype(np.int16)


def _walk(rng, n):
    return _clipped(np.cumsum(rng.normal(0, 200, n)))


def _multiples(rng, n):
    step = int(rng.choice([2, 16, 30, 64]))
    rail = 32767 // step
    return (_clipped(rng.normal(0, rail / 8, n), rail - 1) * step).astype(np.int16)


def _offset_codes(rng, n):
    return (2048 + np.clip(np.rint(rng.normal(0, 40, n)), -2048, 2047)).astype(np.int16)


def _ten_bit_converter(rng, n):
    # A 10-bit converter whose codes were scaled to 16 bits and rounded symmetrically.
    codes = np.clip(np.rint(np.cumsum(rng.normal(0, 4, n))), -512, 511)
    positive = np.where(codes >= 0, codes, -codes - 1)
    scaled = np.rint(positive * 64.061577 + 31.034184)
    return np.where(codes >= 0, scaled, -scaled - 1).astype(np.int16)


def _railed(rng, n):
    return _clipped(rng.normal(0, 40000, n))


def _spikes(rng, n):
    spikes = (rng.random(n) < 0.01) * rng.normal(0, 10000, n)
    return _clipped(rng.normal(0, 20, n) + spikes)


def _few_values(rng, n):
    values = rng.integers(-32768, 32768, rng.integers(2, 9))
    return rng.choice(values, n).astype(np.int16)


def _steps(rng, n):
    changes = rng.random(n) < 0.05
    return _uniform(rng, n + 1)[np.cumsum(changes)]


def _sinusoid(rng, n):
    phase = rng.uniform(0, 2 * np.pi) + np.arange(n) * rng.uniform(0, np.pi)
    return _clipped(10 ** rng.uniform(0, 4.7) * np.sin(phase) + rng.normal(0, 3, n))


KINDS = (
    _noise,
    _uniform,
    _constant,
    _extremes,
    _ramp,
    _walk,
    _multiples,
    _offset_codes,
    _ten_bit_converter,
    _railed,
    _spikes,
    _few_values,
    _steps,
    _sinusoid,
)


def lengths(maximum: int = 3000) -> st.SearchStrategy[int]:
    """Numbers of samples up to `maximum`, often small ones and those near powers of two."""
    corners = [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 2048]
    usable = st.sampled_from([n for n in corners if n <= maximum])
    return st.one_of(usable, st.integers(0, min(40, maximum)), st.integers(0, maximum))


@st.composite
def samples(draw: st.DrawFn, max_length: int = 3000) -> np.ndarray:
    """The samples of one lead: int16, shape (n,), n from 0 to `max_length`.

    Noise of any width, constants, nothing but extremes, ramps, walks, multiples of 2, 16, 30 or
    64, codes around 2048, a scaled 10-bit converter, clipped noise, spikes, a few values, steps,
    sinusoids; sometimes two kinds one after the other; or, for minimal counterexamples, a short
    list of arbitrary values.
    """
    if draw(st.integers(0, 7)) == 0:
        values = st.integers(-32768, 32767)
        return np.array(draw(st.lists(values, max_size=min(40, max_length))), np.int16)
    n = draw(lengths(max_length))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first = draw(st.sampled_from(KINDS))(rng, n)
    if draw(st.integers(0, 3)):
        return first
    second = draw(st.sampled_from(KINDS))(rng, n)
    change = draw(st.integers(0, n))
    return np.concatenate([first[:change], second[change:]])


@st.composite
def multichannel(draw: st.DrawFn, max_frames: int = 600, max_channels: int = 5) -> np.ndarray:
    """Simultaneous leads: int16, shape (frames, channels), C-contiguous, at least one channel.

    The channels are unrelated, copies of the first, or the first with noise of their own.
    """
    first = draw(samples(max_frames))
    columns = [first]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for _ in range(draw(st.integers(0, max_channels - 1))):
        relation = draw(st.sampled_from(["unrelated", "copy", "noisy"]))
        if relation == "unrelated":
            columns.append(draw(st.sampled_from(KINDS))(rng, len(first)))
        elif relation == "copy":
            columns.append(first)
        else:
            columns.append(_clipped(first + rng.normal(0, 30, len(first))))
    return np.ascontiguousarray(np.stack(columns, axis=1))


# Files


def any_bytes(max_size: int = 400) -> st.SearchStrategy[bytes]:
    """Arbitrary bytes, half of them behind the first twelve bytes of a WAV file."""
    forms = st.sampled_from([b"RIFF", b"RF64", b"BW64", b"RIFX"])
    rest = st.binary(max_size=max_size)
    return st.one_of(rest, st.builds(riff, rest, form=forms))


def other_chunks() -> st.SearchStrategy[bytes]:
    """A chunk that holds neither format nor samples, often of odd size."""
    names = st.sampled_from([b"LIST", b"JUNK", b"bext", b"fact", b"cue ", b"PAD "])
    return st.builds(chunk, names, st.binary(max_size=33))


@st.composite
def framed_samples(draw: st.DrawFn) -> tuple[bytes, np.ndarray, int]:
    """A sound file of 16-bit PCM with the samples (frames, channels) and the rate it holds.

    Plain, with chunks before and after the data, with bytes behind the last chunk, EXTENSIBLE,
    RF64 or BW64, with an incomplete last frame, with any RIFF size.
    """
    held = draw(multichannel())
    channels = held.shape[1]
    rate = draw(st.sampled_from(RATES))
    if draw(st.booleans()):
        return plain_wav(held, rate), held, rate

    before = draw(st.lists(other_chunks(), max_size=2))
    after = draw(st.lists(other_chunks(), max_size=2))
    if draw(st.booleans()):
        layout = extensible_fmt(channels, rate, valid_bits=draw(st.sampled_from([10, 12, 16])))
    else:
        layout = fmt(channels, rate)
    half_frame = draw(st.binary(max_size=2 * channels - 1))
    body = pcm_bytes(held) + half_frame
    form = draw(st.sampled_from([b"RIFF", b"RIFF", b"RF64", b"BW64"]))
    sizes = [] if form == b"RIFF" else [ds64(len(body))]
    declared = None if form == b"RIFF" else NO_SIZE
    # Behind an empty data chunk, loose bytes could be taken for samples.
    trailing = draw(st.binary(max_size=9)) if body else b""
    size = draw(st.sampled_from([None, 0, 36, NO_SIZE]))
    file = riff(
        *sizes, *before, layout, chunk(b"data", body, declared), *after, form=form, size=size
    )
    return file + trailing, held, rate


@st.composite
def foreign_wav_files(draw: st.DrawFn) -> bytes:
    """Files without 16-bit PCM that can be found: other formats, fmt missing or late, RIFX."""
    body = chunk(b"data", draw(st.binary(max_size=200)))
    channels = draw(st.integers(1, 3))
    layouts = [
        *(fmt(channels, bits=bits) for bits in (8, 24, 32)),
        fmt(channels, bits=32, tag=FLOAT),
        fmt(channels, bits=4, tag=ADPCM, block=256),
        fmt(channels, block=2 * channels + 2),
        fmt(0),
        fmt(channels)[:-2],
        extensible_fmt(channels, bits=24),
        extensible_fmt(channels, bits=32, subtag=FLOAT),
        extensible_fmt(channels, subtag=FLOAT),
        info_list(),
    ]
    files = [riff(layout, body) for layout in layouts]
    files += [riff(body, fmt(channels)), riff(fmt(channels))]
    files += [riff(fmt(channels), body, form=b"RIFX")]
    return draw(st.sampled_from(files))


@st.composite
def damaged_wav_files(draw: st.DrawFn) -> bytes:
    """Sound files cut short anywhere, with a size field overwritten or with some bytes changed."""
    file = bytearray(draw(framed_samples())[0])
    damage = draw(st.sampled_from(["cut", "size", "bytes"]))
    if damage == "cut":
        # The head is where a cut hurts most, and a uniform choice would rarely meet it.
        short = draw(st.booleans())
        return bytes(file[: draw(st.integers(0, min(len(file), 120) if short else len(file)))])
    if damage == "size":
        name = draw(st.sampled_from([b"RIFF", b"ds64", b"fmt ", b"data", b"LIST", b"JUNK"]))
        at = file.find(name)
        wrong = draw(
            st.one_of(
                st.sampled_from([0, 1, 2**31 - 1, 2**31, NO_SIZE - 1, NO_SIZE]),
                st.integers(0, len(file) + 2),
            )
        )
        if at >= 0:
            file[at + 4 : at + 8] = struct.pack("<I", wrong)
        return bytes(file)
    for _ in range(draw(st.integers(1, 4))):
        file[draw(st.integers(0, min(len(file), 100) - 1))] = draw(st.integers(0, 255))
    return bytes(file)


def wav_files() -> st.SearchStrategy[bytes]:
    """WAV files of every framing: sound, damaged, of other formats, and garbage."""
    return st.one_of(
        framed_samples().map(lambda framed: framed[0]),
        damaged_wav_files(),
        foreign_wav_files(),
        any_bytes(),
    )
