"""Finds, checks and loads the integer arrays of `weights/`.

The folder stands at the top of a source tree and inside the installed package (`setup.py` copies
it to `spikey_codec/weights_data`). `manifest.json` lists each array's CRC-32; an array that
differs from it is refused. So is an array that is listed but not the one of the format (FORMAT.md,
"Weights"), since a codec with other weights writes files nobody else can read.
"""

from __future__ import annotations

import functools
import io
import json
import os
import zlib

import numpy as np

from .errors import WeightsError

_HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = (os.path.join(_HERE, "weights_data"), os.path.join(os.path.dirname(_HERE), "weights"))
FOLDERS = SHIPPED
MANIFEST = "manifest.json"
OF_THE_FORMAT = {"converter": "5b6395c4", "density": "ab7c2f59", "linear": "1cad840a"}  # CRC-32

_any_will_do = False


def use(path: str | os.PathLike | None) -> None:
    """Take the weights from another folder, to measure what they are worth; None: the shipped ones.

    What is encoded with weights that are not those of the format can only be decoded with them.
    """
    global FOLDERS, _any_will_do
    FOLDERS, _any_will_do = (SHIPPED, False) if path is None else ((path,), True)
    folder.cache_clear()
    load.cache_clear()
    for clear in _forget:
        clear()


_forget: list = []  # what else to do when the folder changes


def when_changed(clear) -> None:
    """Call `clear` whenever the weights are taken from another folder."""
    _forget.append(clear)


@functools.cache
def folder() -> str:
    """The folder with the manifest; `WeightsError` if there is none."""
    for path in FOLDERS:
        if os.path.isfile(os.path.join(path, MANIFEST)):
            return os.fspath(path)
    raise WeightsError(
        f"The weights are missing: there is no {MANIFEST} in {FOLDERS[-1]}; install Spikey again."
    )


@functools.cache
def load(name: str) -> np.ndarray:
    """The array `name` of the format, or of the folder in use, read-only.

    Raises `WeightsError` as `read` does, and where it is another one than that of the format.
    """
    array = read(folder(), name)
    if not _any_will_do and _listed_checksum(folder(), name) != OF_THE_FORMAT.get(name):
        raise WeightsError(
            f"The weights {name!r} in {folder()} are not those of the format: what is encoded with "
            "them could be read nowhere else; install Spikey again."
        )
    array.flags.writeable = False
    return array


def read(source: str | os.PathLike, name: str) -> np.ndarray:
    """The array `name` of a weights folder.

    Raises `WeightsError` where it is not listed, is missing, or does not have the listed checksum.
    """
    checksum = _listed_checksum(source, name)
    path = os.path.join(source, f"{name}.npy")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise WeightsError(f"The weights {path} cannot be read: {error.strerror}.") from error
    if f"{zlib.crc32(data):08x}" != checksum:
        raise WeightsError(
            f"The weights {path} are damaged: their checksum is not the listed one; "
            "install Spikey again."
        )
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except ValueError as error:  # an array of objects would have to be unpickled: never
        raise WeightsError(f"The weights {path} are not an array of numbers.") from error


def _listed_checksum(source: str | os.PathLike, name: str) -> str:
    """The CRC-32 in hexadecimal digits that a folder lists; WeightsError where it lists none."""
    path = os.path.join(source, MANIFEST)
    try:
        entry = _listed(path)["arrays"].get(name)
        checksum = entry["crc32"] if entry else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"The list of weights {path} cannot be read: {error}.") from error
    if checksum is None:
        raise WeightsError(f"The weights {name!r} are not listed in {path}.")
    return checksum


def names(source: str | os.PathLike) -> list[str]:
    """The arrays that a weights folder lists; [] where it has no list."""
    path = os.path.join(source, MANIFEST)
    if not os.path.exists(path):
        return []
    try:
        return sorted(_listed(path)["arrays"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"The list of weights {path} cannot be read: {error}.") from error


def save(target: str | os.PathLike, name: str, array: np.ndarray, about: dict) -> None:
    """Write an array into a weights folder and enter it, with `about`, into the manifest."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    data = buffer.getvalue()
    os.makedirs(target, exist_ok=True)
    path = os.path.join(target, MANIFEST)
    listed = _listed(path) if os.path.exists(path) else {"arrays": {}}
    listed["arrays"][name] = {
        "crc32": f"{zlib.crc32(data):08x}",
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        **about,
    }
    listed["arrays"] = dict(sorted(listed["arrays"].items()))
    with open(os.path.join(target, f"{name}.npy"), "wb") as file:
        file.write(data)
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(listed, indent=2) + "\n")


def _listed(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        return json.load(file)
