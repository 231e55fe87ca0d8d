"""What other processes run: importable by name, as spawned ones need it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

from patience import PATIENCE

METHODS = [
    method
    for method in ("fork", "spawn", "forkserver")
    if method in multiprocessing.get_all_start_methods()
]


def everywhere(method: str, function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """What a function gives for every item in two other processes."""
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map_async(function, items, chunksize=1).get(PATIENCE)


def read_parts(given: tuple[Any, list[int], int]) -> list[bytes]:
    """Frames of a recording, from each of these on."""
    recording, starts, frames = given
    return [recording[start : start + frames].tobytes() for start in starts]


def read_members(given: tuple[Any, list[str]]) -> list[bytes]:
    """Members of an archive."""
    archive, names = given
    return [archive.read(name) for name in names]


def round_trip(given: tuple[Any, Any]) -> bytes:
    """What a codec of numcodecs makes of samples and back."""
    codec, samples = given
    back: bytes = codec.decode(codec.encode(samples)).tobytes()
    return back


def push_on(given: tuple[Any, Any, list[Any]]) -> list[bytes]:
    """Samples after an encoder and a decoder of a stream that go on here."""
    encoder, decoder, frames = given
    return [decoder.push(encoder.push(frame)).tobytes() for frame in frames]
