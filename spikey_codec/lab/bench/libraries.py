"""Other lossless codecs that are libraries, where they are installed."""

from __future__ import annotations

import bz2
import importlib
import lzma
import sys
import zlib
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np

from .measure import LONGEST, Library


def _bytes_codec(
    name: str,
    version: str,
    encode: Callable[[memoryview], bytes],
    decode: Callable[[bytes], bytes],
) -> Library:
    """A codec of bytes, which gets the samples as a file has them: frame after frame."""
    return Library(name, version, lambda x: encode(_as_bytes(x)), lambda x, shape: decode(x))


def _as_bytes(samples: np.ndarray) -> memoryview:
    return samples.reshape(-1).data.cast("B")


def zlib_6() -> Library:
    """zlib with its default options."""
    return _bytes_codec(
        "zlib -6", zlib.ZLIB_RUNTIME_VERSION, lambda x: zlib.compress(x, 6), zlib.decompress
    )


def bzip2_9() -> Library:
    """bzip2 with its default options."""
    return _bytes_codec("bzip2 -9", _python_version(), lambda x: bz2.compress(x, 9), bz2.decompress)


def xz_6() -> Library:
    """xz with its default options."""
    return _bytes_codec(
        "xz -6", _python_version(), lambda x: lzma.compress(x, preset=6), lzma.decompress
    )


def _python_version() -> str:
    """The version of libraries that do not tell their own."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def zstd(level: int) -> Library | None:
    """Zstandard from the package zstandard or numcodecs, None without either."""
    name = f"zstd -{level}"
    if package := _module("zstandard"):
        pack, unpack = package.ZstdCompressor(level=level), package.ZstdDecompressor()
        version = ".".join(map(str, package.ZSTD_VERSION))
        return _bytes_codec(name, version, pack.compress, unpack.decompress)
    if package := _module("numcodecs.zstd"):
        zstd_codec = package.Zstd(level=level)
        return _bytes_codec(
            f"{name}, numcodecs", _version("numcodecs"), zstd_codec.encode, zstd_codec.decode
        )
    return None


def blosc(inner: str, level: int) -> Library | None:
    """Blosc with shuffled bits from the package blosc2 or numcodecs, None without either."""
    if package := _module("blosc2"):
        package.set_nthreads(1)
        how = {
            "typesize": 2,
            "clevel": level,
            "filter": package.Filter.BITSHUFFLE,
            "codec": package.Codec[inner.upper()],
        }
        return _in_parts(
            f"blosc2 {inner} -{level}, bitshuffle",
            _version("blosc2"),
            lambda x: package.compress(x, **how),
            package.decompress,
        )
    if package := _module("numcodecs.blosc"):
        package.use_threads = False
        blosc_codec = package.Blosc(cname=inner, clevel=level, shuffle=package.BITSHUFFLE)

        def encode(part: memoryview) -> bytes:
            # The codec reads the item size from the array.
            packed: bytes = blosc_codec.encode(np.frombuffer(part, "<i2"))
            return packed

        return _in_parts(
            f"blosc {inner} -{level}, bitshuffle",
            _version("numcodecs"),
            encode,
            blosc_codec.decode,
        )
    return None


def _in_parts(
    name: str,
    version: str,
    encode: Callable[[memoryview], bytes],
    decode: Callable[[bytes], bytes],
) -> Library:
    """A codec that takes less than 2 GiB at a time. Its length precedes each part."""

    def pack(samples: np.ndarray) -> bytes:
        data = _as_bytes(samples)
        parts = [encode(data[start : start + LONGEST]) for start in range(0, len(data), LONGEST)]
        return b"".join(len(part).to_bytes(8, "little") + part for part in parts)

    def unpack(packed: bytes, shape: tuple[int, ...]) -> bytes:
        parts, at = [], 0
        while at < len(packed):
            end = at + 8 + int.from_bytes(packed[at : at + 8], "little")
            parts.append(bytes(decode(packed[at + 8 : end])))
            at = end
        return b"".join(parts)

    return Library(name, version, pack, unpack)


def pcodec(level: int) -> Library | None:
    """Pcodec, which gets one channel after the other, or None where it is not installed."""
    package = _module("pcodec")
    if package is None:
        return None
    config = package.ChunkConfig(compression_level=level)
    standalone = importlib.import_module("pcodec.standalone")

    def encode(samples: np.ndarray) -> bytes:
        packed: bytes = standalone.simple_compress(np.ascontiguousarray(samples.T).ravel(), config)
        return packed

    def decode(packed: bytes, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(standalone.simple_decompress(packed)).reshape(shape[::-1]).T

    return Library(f"pcodec {level}", _version("pcodec"), encode, decode)


def _module(name: str) -> Any:
    """A package, or None where it is not installed or does not work here."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "?"
