"""Takes what a target needs to know from the front of an input, and leaves it the rest."""


class Input:
    """Walks through bytes; behind their end there are zeros."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int = 1, signed: bool = False) -> int:
        """The next little-endian integer."""
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "little", signed=signed)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


def field(data: bytes) -> bytes:
    """What `Input` reads by `take(number(2))`."""
    return len(data).to_bytes(2, "little") + data
