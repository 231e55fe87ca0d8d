"""FORMAT.md, "Lanes": bits out of a payload."""

from __future__ import annotations


class Bits:
    """Bits out of bytes, the most significant of each byte first."""

    def __init__(self, payload: bytes):
        self.payload = payload
        self.position = 0

    def peek(self, count: int) -> int:
        """The next bits as a number; zeros behind the end. At most 25 bits."""
        start, skipped = divmod(self.position, 8)
        window = int.from_bytes(self.payload[start : start + 4].ljust(4, b"\0"), "big")
        return (window >> (32 - skipped - count)) & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        """Move on."""
        self.position += count
        if self.position > 8 * len(self.payload):
            raise ValueError("the payload ends before its last sample")

    def take(self, count: int) -> int:
        """The next bits as a number; there must be so many."""
        value = self.peek(count)
        self.skip(count)
        return value

    def end(self) -> None:
        """Refuse anything behind but less than eight zeros."""
        left = 8 * len(self.payload) - self.position
        if left >= 8 or self.peek(left):
            raise ValueError("something stands behind the last sample")
