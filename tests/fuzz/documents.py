"""A target of texts in JSON, in each of which one thing is another than it was.

Bytes that are changed at random seldom leave a text that can be parsed, and what its reader makes
of values that it does not expect is never seen.
"""

import json

from . import decoding
from .inputs import Input, field

CALIBRATION = {"spikey_calibration": 1, "predictors": [3, 9], "scales": [4, 5]}
TOPOLOGY = {
    "format": "spikey topology", "version": 1, "measure": "differences", "most": 8,
    "leads": [
        {"file": "a.wav", "channel": i, "samples": 120, "weight": 119.0, "deviation": 800.0,
         "peers": [[1 - i, 0.9]]} for i in range(2)
    ],
    "groups": [[0, 1]],
}  # fmt: skip
CONFIGURATION = {"name": "spikey", "configuration": {"preset": "short"}}
STAMP = {"size": 1, "mtime_ns": 2, "crc": 3}
ENTRY = {
    "output": "a", "source": "b", "direction": "encode", "preset": None, "of_source": STAMP,
    "of_output": STAMP,
}  # fmt: skip
LISTED = {
    "arrays": {
        name: {"crc32": decoding.STAND_IN.decode(), "dtype": "int16", "shape": [2, 16]}
        for name in ("linear", "other")
    }
}
DOCUMENTS = (
    (decoding.calibration, CALIBRATION),
    (decoding.graph, TOPOLOGY),
    (decoding.configuration, CONFIGURATION),
    (decoding.journal, ENTRY),
    (decoding.folder, LISTED),
)
REMOVED, REPEATED = object(), object()
ODD = (
    REMOVED, REPEATED, None, True, False, 0, 1, -1, 2, 10**30, -(10**30), 1.5, 1e308, float("inf"),
    float("nan"), "", "a", "12", "\ud800", [], [1], [[1]], [[]], [None], {}, {"a": 1},
)  # fmt: skip
HERE = 0xFF  # in the way to what is replaced: it is this


def document(content: bytes) -> str:
    """A text whose bytes tell which one it is, the way to what is replaced, and by what."""
    choice = Input(content)
    read, text = DOCUMENTS[choice.number() % len(DOCUMENTS)]
    text = _changed(text, choice)
    if text in (REMOVED, REPEATED):
        text = None
    data = json.dumps(text).encode()
    return read(field(choice.rest()) + data if read is decoding.folder else data)


def _changed(value, choice: Input):
    """The value, in which one thing is replaced."""
    step = choice.number()
    if step == HERE or not isinstance(value, dict | list) or not value:
        return ODD[choice.number() % len(ODD)]
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[step % len(keys)]
    changed = _changed(value[key], choice)
    copy = value.copy()
    if changed is REMOVED:
        del copy[key]
    elif changed is REPEATED and isinstance(value, list):
        copy.append(value[key])
    else:
        copy[key] = None if changed is REPEATED else changed
    return copy
