"""What all pictures share: colours, formats, and how a picture becomes bytes.

matplotlib is imported only when a picture is asked for.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("png", "svg", "pdf")
INK, FAINT, PALE = "#1d2b3a", "#6b7785", "#c3cad3"
POSITIVE, NEGATIVE = "#2b5b8a", "#c0392b"
DOTS = 160  # of a .png, per inch
# Names are no formulas; the identifiers in an .svg stay the same from run to run.
PLAIN: dict[str, Any] = {"text.parse_math": False, "svg.hashsalt": "spikey"}
EDITABLE = {**PLAIN, "svg.fonttype": "none"}  # the text of an .svg stays text


def kind_of(path: str) -> str:
    """A picture's format by its name's ending; UsageError for others, or without matplotlib."""
    try:
        import matplotlib  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise UsageError(
            "Drawing needs matplotlib, which is not installed: pip install 'spikey-codec[plot]'."
        ) from error
    kind = os.path.splitext(path)[1][1:].lower()
    if kind not in KINDS:
        raise UsageError(f"A picture's name ends in {', '.join(f'.{k}' for k in KINDS)}: {path!r}.")
    return kind


@contextmanager
def styled(settings: dict[Any, Any]) -> Iterator[None]:
    """Draw with these settings of matplotlib, and silently with letters that the font lacks."""
    from matplotlib import rc_context

    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def picture(figure: Figure, kind: str, dots: int = DOTS) -> bytes:
    """The bytes of a file of that kind, one of KINDS; they hold no date."""
    out = io.BytesIO()
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    figure.savefig(out, format=kind, dpi=dots, metadata=undated)
    return out.getvalue()
