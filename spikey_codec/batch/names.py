"""What the files of a batch are called: decoding gives back the name that was encoded.

NAME.wav becomes NAME.brainwire. Any other name keeps its ending: A1.WAV becomes A1.WAV.brainwire.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError

ENCODE, DECODE = "encode", "decode"
WAV, PACKED = ".wav", ".brainwire"
ENDINGS = {ENCODE: WAV, DECODE: PACKED}  # of the inputs, in any case


def output_name(name: str, direction: str) -> str:
    """The name of a file's output; DECODE is the inverse of ENCODE.

    >>> [output_name(name, ENCODE) for name in ("a.wav", "A1.WAV", "a.wav.wav")]
    ['a.brainwire', 'A1.WAV.brainwire', 'a.wav.wav.brainwire']
    >>> [output_name(name, DECODE) for name in ("a.brainwire", "A1.WAV.brainwire")]
    ['a.wav', 'A1.WAV']
    """
    path = Path(name)
    if direction == DECODE:
        return path.stem if _is_wav(path.stem) else path.stem + WAV
    return path.stem + PACKED if path.suffix == WAV and not _is_wav(path.stem) else name + PACKED


def outputs(paths: Iterable[Path], direction: str) -> dict[str, Path]:
    """The name of every file's output, and the file.

    UsageError where two outputs would have the same name, or names that are the same to a file
    system that does not tell capital letters from small ones. So it is where the inputs have such
    names, because decoding would bring them back.
    """
    made: dict[str, Path] = {}
    seen: dict[str, tuple[str, Path]] = {}
    for path in paths:
        output = output_name(path.name, direction)
        for name in dict.fromkeys((output, path.name if direction == ENCODE else output)):
            other = seen.setdefault(_folded(name), (output, path))
            if other[1] is path:
                continue
            if other[0] == output:
                raise UsageError(f"{other[1]} and {path} would have the same output, {output}.")
            raise UsageError(
                f"The names of {other[1]} and {path} differ only in case; put their outputs into "
                "different folders."
            )
        made[output] = path
    return made


def _is_wav(name: str) -> bool:
    return Path(name).suffix.lower() == WAV


def _folded(name: str) -> str:
    """The name as file systems see it that ignore case and how letters are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
