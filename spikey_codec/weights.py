"""Finds, checks and loads the integer arrays of `weights/`.

The folder stands at the top of a source tree and inside the installed package (`setup.cfg` maps
it to `spikey_codec/weights_data`). `manifest.json` lists each array's SHA-256; an array
that differs from it is refused, since a codec with other weights writes files nobody can read.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from pathlib import Path

import numpy as np

from .errors import WeightsError

_HERE = Path(__file__).resolve().parent
FOLDERS = (_HERE.parent / "weights", _HERE / "weights_data")
MANIFEST = "manifest.json"


_chosen: list[Path] = []


def use(path: Path) -> None:
    """Take the weights from another folder; to be called before anything is coded."""
    _chosen[:] = [path]
    folder.cache_clear()
    load.cache_clear()


@functools.cache
def folder() -> Path:
    """The folder with the manifest; `WeightsError` if there is none."""
    for path in _chosen or FOLDERS:
        if (path / MANIFEST).is_file():
            return path
    raise WeightsError(f"The weights are missing: there is no {MANIFEST} in {(_chosen or FOLDERS)[0]}.")


@functools.cache
def load(name: str) -> np.ndarray:
    """The shipped array `name`, read-only; `WeightsError` as in `read`."""
    array = read(folder(), name)
    array.flags.writeable = False
    return array


def read(source: Path, name: str) -> np.ndarray:
    """The array `name` of a weights folder.

    Raises `WeightsError` where it is not listed, is missing, or does not have the listed checksum.
    """
    path = source / MANIFEST
    try:
        entry = json.loads(path.read_text("utf-8"))["arrays"].get(name)
        checksum = entry["sha256"] if entry else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"The list of weights {path} cannot be read: {error}.") from error
    if checksum is None:
        raise WeightsError(f"The weights {name!r} are not listed in {path}.")
    path = source / f"{name}.npy"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights {path} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(data).hexdigest() != checksum:
        raise WeightsError(f"The weights {path} are damaged: their checksum is not the listed one.")
    try:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except ValueError as error:  # an array of objects would have to be unpickled: never
        raise WeightsError(f"The weights {path} are not an array of numbers.") from error


def save(target: Path, name: str, array: np.ndarray, about: dict) -> None:
    """Write an array into a weights folder and enter it, with `about`, into the manifest."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    target.mkdir(parents=True, exist_ok=True)
    path = target / MANIFEST
    listed = json.loads(path.read_text("utf-8")) if path.exists() else {"arrays": {}}
    listed["arrays"][name] = {
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        **about,
    }
    listed["arrays"] = dict(sorted(listed["arrays"].items()))
    (target / f"{name}.npy").write_bytes(buffer.getvalue())
    path.write_text(json.dumps(listed, indent=2) + "\n", "utf-8")
