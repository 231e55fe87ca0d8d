"""Bits into and out of words of 32 bits, most significant bit first: the two directions."""

from __future__ import annotations

from typing import NamedTuple

from ..engine.marks import helper, index

WORD = 32


class Bits(NamedTuple):
    """A bit buffer.

    buffer : its last `count` bits are waiting; decoding leaves used ones above them
    count : bits waiting; at least WORD of them before a sample is decoded, fewer after encoding one
    position : the payload's word that is written or read next
    """

    buffer: int
    count: int
    position: int


@helper
def put(bits, value, length):
    """Append `length` bits."""
    return Bits((bits.buffer << length) | value, bits.count + length, bits.position)


@helper
def get(bits, length):
    """The next `length` bits, and the rest."""
    rest = skip(bits, length)
    return (bits.buffer >> rest.count) & ((1 << length) - 1), rest


@helper
def skip(bits, length):
    return Bits(bits.buffer, bits.count - length, bits.position)


@helper
def drain(bits, out):
    """Write a word out if there is a whole one."""
    if bits.count < WORD:
        return bits
    count = bits.count - WORD
    out[index(bits.position)] = bits.buffer >> count
    return Bits(bits.buffer & ((1 << count) - 1), count, bits.position + 1)


@helper
def refill(bits, payload):
    """Read a word in if fewer bits than a word's are waiting."""
    if bits.count >= WORD:
        return bits
    buffer = ((bits.buffer & ((1 << bits.count) - 1)) << WORD) | int(payload[index(bits.position)])
    return Bits(buffer, bits.count + WORD, bits.position + 1)


@helper
def finish(bits, out):
    """Write out what is left; returns how many bits `out` holds."""
    out[index(bits.position)] = bits.buffer << (WORD - bits.count)
    return bits.position * WORD + bits.count


@helper
def taken(bits):
    """How many bits of the payload have been used."""
    return bits.position * WORD - bits.count
