"""A part of a recording as a file of its own: some frames, some channels."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from .bitstream import index
from .errors import UsageError
from .readers import wav
from .recording import Recording

SECONDS = "s"  # after a number of `--range`
LONGEST_NUMBER = 40  # characters; Python takes none of more than 4,300 digits


def part_of(recording: Recording, span: str | None, channels: str | None) -> Iterator[bytes]:
    """A part of a recording, in pieces: a WAV with a plain header, or raw where the original was.

    Parameters
    ----------
    recording : Recording
    span : "START:STOP" in frames, or in seconds where an `s` follows; either may be left out.
        It holds a frame at least, unless START is STOP as given
    channels : "0,2,8-15"; the file holds them in this order

    Raises
    ------
    UsageError for another form, for frames or channels that do not exist, for a range that holds
    nothing, for seconds where the rate is unknown, and where no WAV can hold the part.
    """
    if not len(recording) and span is None:
        raise UsageError("The recording has no frames, so there is no part of it to restore.")
    start, stop = (0, len(recording)) if span is None else frames_of(span, recording)
    chosen = list(range(recording.shape[1]))
    if channels is not None:
        chosen = channels_of(channels, recording)
    if recording.head:
        try:
            yield wav.plain_header(stop - start, len(chosen), recording.rate)
        except ValueError as error:
            raise UsageError(f"No WAV can hold this part: {error}.") from error
    step = index.chunk_frames(recording.shape[1])
    for first in range(start - start % step, stop, step):
        samples = recording[max(first, start) : min(first + step, stop), chosen]
        yield samples.astype("<i2", copy=False).tobytes()


def frames_of(span: str, recording: Recording) -> tuple[int, int]:
    """The first frame of a range and the one after its last; see `part_of`."""
    if span.count(":") != 1:
        raise UsageError(f"A range is START:STOP, not {span!r}.")
    given = [_frame_of(text, recording) for text in span.split(":")]
    start, stop = (0 if given[0] is None else round(given[0])), len(recording)
    if given[1] is not None:
        stop = round(given[1])
    if not 0 <= start <= stop <= len(recording):
        raise UsageError(
            f"There are no frames {start} to {stop}: the recording has {len(recording)}."
        )
    if start == stop and (given[0] != given[1] or span == ":"):  # 5:5 asks for nothing
        raise UsageError(
            f"The range {span} holds no frame of the recording, which has {len(recording)}."
        )
    return start, stop


def _frame_of(text: str, recording: Recording) -> Fraction | None:
    """The frame that a limit of a range stands for, not rounded; None where it is left out."""
    if not text:
        return None
    try:
        if len(text) > LONGEST_NUMBER or "e" in text.lower():  # 1e999999999 has no room
            raise ValueError
        in_seconds = text.endswith(SECONDS)
        number = Fraction(text.removesuffix(SECONDS) if in_seconds else int(text))
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"{text!r} is neither a number of frames nor of seconds (as in 2.5s)."
        ) from error
    if in_seconds and not recording.rate:
        raise UsageError(
            f"The recording's sampling rate is unknown, so {text} is no frame; give the range in "
            "frames, or encode again with --rate."
        )
    return number * recording.rate if in_seconds else number


def channels_of(text: str, recording: Recording) -> list[int]:
    """The numbers of the channels that a list names; see `part_of`."""
    chosen: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers = first.isdecimal() and (last or first).isdecimal()
        if not numbers or len(part) > LONGEST_NUMBER:
            raise UsageError(f"Channels are numbers like 3 or 8-15, not {part!r}.")
        low, high = int(first), int(last or first)
        if not low <= high < recording.shape[1]:
            count = recording.shape[1]
            raise UsageError(f"There is no channel {part}: there are {count}, from 0 on.")
        chosen += range(low, high + 1)
    return chosen
