"""Finds, checks and loads the integer arrays of `weights/`.

The folder is at the top of a source tree and inside the installed package (`setup.py` copies it
to `spikey_codec/weights_data`). `manifest.json` lists each array's CRC-32; an array that differs
from it is refused. So is an array that is listed but not the one of the format (FORMAT.md,
"Weights"), since a codec with other weights writes files that nobody else can read.
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .constants import (
    CDF_SIZE,
    GREATEST_TRANSITION,
    GREATEST_WEIGHT_SUM,
    HIGHEST_CODE,
    LOWEST_CODE,
    MASS_BITS,
    ORDER,
)
from .errors import WeightsError
from .system import files

StrPath = str | os.PathLike[str]

_HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = (os.path.join(_HERE, "weights_data"), os.path.join(os.path.dirname(_HERE), "weights"))
FOLDERS: tuple[StrPath, ...] = SHIPPED
MANIFEST = "manifest.json"
OF_THE_FORMAT = {"converter": "5b6395c4", "density": "ab7c2f59", "linear": "1cad840a"}  # CRC-32
MOST_HEADER_BYTES = 4096  # of an array's file; ours take 128

_any_will_do = False


def use(path: StrPath | None) -> None:
    """Take the weights from another folder, to measure what they are worth; None: the shipped ones.

    What is encoded with weights that are not those of the format can only be decoded with them.
    """
    global FOLDERS, _any_will_do
    FOLDERS, _any_will_do = (SHIPPED, False) if path is None else ((path,), True)
    folder.cache_clear()
    load.cache_clear()
    for clear in _forget:
        clear()


_forget: list[Callable[[], None]] = []  # what else to do when the folder changes


def when_changed(clear: Callable[[], None]) -> None:
    """Call `clear` whenever the weights are taken from another folder."""
    _forget.append(clear)


@functools.cache
def folder() -> str:
    """The folder with the manifest. Raises WeightsError if there is none."""
    for path in FOLDERS:
        if os.path.isfile(os.path.join(path, MANIFEST)):
            return os.fspath(path)
    raise WeightsError(
        f"The weights are missing: there is no {MANIFEST} in {FOLDERS[-1]}; install Spikey again."
    )


@functools.cache
def load(name: str) -> np.ndarray:
    """The array `name` of the format, or of the folder in use, read-only.

    Raises
    ------
    WeightsError as `read` does, and where it is another one than that of the format
    """
    array = read(folder(), name)
    if not _any_will_do and _listed_checksum(folder(), name) != OF_THE_FORMAT.get(name):
        raise WeightsError(
            f"The weights {name!r} in {folder()} are not those of the format: what is encoded with "
            "them could be read nowhere else; install Spikey again."
        )
    array.flags.writeable = False
    return array


def read(source: StrPath, name: str) -> np.ndarray:
    """The array `name` of a weights folder; `save` writes it.

    Raises
    ------
    WeightsError where it is not listed, is missing, does not have the listed checksum or cannot be
    what its name says
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
    return _array(data, name, path)


def _listed_checksum(source: StrPath, name: str) -> str:
    """The CRC-32 in hexadecimal digits that a folder lists; WeightsError where it lists none."""
    path = os.path.join(source, MANIFEST)
    entry = _listed(path)["arrays"].get(name)
    if not entry:
        raise WeightsError(f"The weights {name!r} are not listed in {path}.")
    try:
        checksum: str = entry["crc32"]
    except (KeyError, TypeError) as error:
        raise WeightsError(f"The list of weights {path} cannot be read: {error}.") from error
    return checksum


def _array(data: bytes, name: str, path: str) -> np.ndarray:
    """The array in a .npy file; `WeightsError` where it is not one of integers for its purpose.

    Nothing is unpickled, and nothing allocated for what a header promises and the file lacks.
    """
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file, MOST_HEADER_BYTES)
        if dtype.kind not in "iu" or dtype != dtype.newbyteorder("<") or by_columns:
            raise ValueError("no little-endian integers, or not row by row")
        array = np.frombuffer(data, dtype, offset=file.tell()).reshape(shape)
        array = array.astype(dtype.newbyteorder("="))  # kernels see bytes as the machine has them
    except Exception as error:  # NumPy raises many kinds on what somebody made up
        raise WeightsError(f"The weights {path} are not an array of numbers.") from error
    if name in _PURPOSES and not _PURPOSES[name](array):
        raise WeightsError(f"The weights {path} are not what {name!r} has to be.")
    return array


def _is_converter(transitions: np.ndarray) -> bool:
    if not _is_ascending(transitions, HIGHEST_CODE + 2 - LOWEST_CODE):
        return False
    return max(-int(transitions[0]), int(transitions[-1])) <= GREATEST_TRANSITION


def _is_density(cdf: np.ndarray) -> bool:
    return _is_ascending(cdf, CDF_SIZE) and (int(cdf[0]), int(cdf[-1])) == (0, 1 << MASS_BITS)


def _is_ascending(array: np.ndarray, size: int) -> bool:
    is_list = array.dtype == np.int32 and array.shape == (size,)
    return is_list and bool((np.diff(array.astype(np.int64)) >= 0).all())


def _is_linear(codebook: np.ndarray) -> bool:
    if codebook.dtype != np.int16 or codebook.ndim != 2 or codebook.shape[1] != ORDER:
        return False
    sums = np.abs(codebook.astype(int)).sum(1)
    return len(sums) > 0 and bool(sums.max() < GREATEST_WEIGHT_SUM)


_PURPOSES = {"converter": _is_converter, "density": _is_density, "linear": _is_linear}


def names(source: StrPath) -> list[str]:
    """The arrays that a weights folder lists; [] where it has no list."""
    path = os.path.join(source, MANIFEST)
    if not os.path.exists(path):
        return []
    return sorted(_listed(path)["arrays"])


def save(target: StrPath, name: str, array: np.ndarray, about: dict[str, Any]) -> None:
    """Write an array into a weights folder and enter it, with `about`, into the manifest.

    Raises
    ------
    OSError, with both files as they were; WeightsError where the manifest cannot be read
    """
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
    array_path = os.path.join(target, f"{name}.npy")
    # The array takes its place when the list is on the disk too, and the list right after it.
    files.write(
        path, f"{json.dumps(listed, indent=2)}\n".encode(), lambda _: files.write(array_path, data)
    )


def _listed(path: str) -> dict[str, Any]:
    """What a list of weights says; `WeightsError` where it is not one.

    An array's name becomes a file's, so none may lead anywhere else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            listed: dict[str, Any] = json.load(file)
        if not isinstance(listed["arrays"], dict):
            raise ValueError("its arrays have no names")
        for name in listed["arrays"]:
            if not re.fullmatch(r"[\w-][\w.-]*", name, re.ASCII):
                raise ValueError(f"{name!r} cannot be the name of an array")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"The list of weights {path} cannot be read: {error}.") from error
    return listed
