"""rANS (Duda 2013): a state in and out of which words of 32 bits go; the two directions.

What is pushed last is popped first, so the encoder goes from the last code to the first and writes
from the end of its room towards the beginning.
"""

from __future__ import annotations

from typing import NamedTuple

from ..constants import INTERVAL_BITS, STATE_BITS, WORD_BITS
from ..engine.marks import helper, index


class Rans(NamedTuple):
    """x : the state, at least 2^31 and below 2^63; position : the word written last or read next"""

    x: int
    position: int


@helper
def push(rans, start, width, out):
    """Take in an interval: `width` parts of 2^28 from `start` on."""
    x, at = rans.x, rans.position
    if x >> (STATE_BITS + WORD_BITS - INTERVAL_BITS) >= width:
        at -= 1
        out[index(at)] = x & ((1 << WORD_BITS) - 1)
        x >>= WORD_BITS
    return Rans(((x // width) << INTERVAL_BITS) + x % width + start, at)


@helper
def pop(rans, start, width, payload):
    """Inverse of `push`, for the interval that holds `slot_at`; one that overruns the payload comes
    to stand beyond its end."""
    x, at = rans.x, rans.position
    x = width * (x >> INTERVAL_BITS) + slot_at(rans) - start
    if x >> STATE_BITS == 0:
        if at < len(payload):
            x = (x << WORD_BITS) | int(payload[index(at)])
        at += 1
    return Rans(x, at)


@helper
def slot_at(rans):
    """A number below 2^28, in the interval of what is popped next."""
    return rans.x & ((1 << INTERVAL_BITS) - 1)


@helper
def write_state(rans, out):
    """The state's two words before the others, low word first; returns where they begin."""
    out[index(rans.position - 1)] = rans.x >> WORD_BITS
    out[index(rans.position - 2)] = rans.x & ((1 << WORD_BITS) - 1)
    return rans.position - 2


@helper
def read_state(payload):
    """Inverse of `write_state`, from the beginning of a payload."""
    return Rans((int(payload[1]) << WORD_BITS) | int(payload[0]), 2)
