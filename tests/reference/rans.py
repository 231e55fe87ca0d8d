"""FORMAT.md, "rANS": slots out of a payload."""

from __future__ import annotations

import struct


class Slots:
    """rANS: slots out of words of four bytes."""

    def __init__(self, payload: bytes):
        if len(payload) < 8 or len(payload) % 4:
            raise ValueError("the payload is no state and words")
        (self.x,) = struct.unpack("<Q", payload[:8])
        if not 1 << 31 <= self.x < 1 << 63:
            raise ValueError("the state is out of its range")
        self.words = list(struct.unpack(f"<{len(payload) // 4 - 2}I", payload[8:]))
        self.words.reverse()

    @property
    def slot(self) -> int:
        """The next one; `leave` its interval then."""
        return self.x % (1 << 28)

    def leave(self, start: int, width: int) -> None:
        """Go on behind a code of this interval."""
        self.x = width * (self.x >> 28) + self.slot - start
        if self.x < 1 << 31:
            if not self.words:
                raise ValueError("the payload ends before its last sample")
            self.x = (self.x << 32) + self.words.pop()

    def take(self, count: int) -> int:
        """A number of so many bits."""
        number, width = self.slot >> (28 - count), 1 << (28 - count)
        self.leave(number * width, width)
        return number

    def end(self) -> None:
        """Refuse anything but the state that a writer begins with."""
        if self.words or self.x != 1 << 31:
            raise ValueError("the last sample leaves another state")
