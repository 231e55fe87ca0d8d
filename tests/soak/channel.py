"""A bad radio link: loses packets, alone and in bursts, damages, repeats and delays them."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

# How often, of all packets, something happens to one.
LOST, BURST, FLIPPED, CUT = 1 / 800, 1 / 4000, 1 / 800, 1 / 1500
REPEATED, LATE, NOISE = 1 / 1000, 1 / 1500, 1 / 2000
LONGEST_BURST = 40  # packets
LONGEST_DELAY = 5  # packets that overtake one
MOST_BITS = 8  # that are flipped in a packet
HEAD = 12  # bytes of a packet that are flipped more often than the others
MOST_NOISE = 2000  # bytes
MARKERS = 3  # in noise, which make it look like packets
MOST_BYTES = 50_000  # of a piece in which bytes arrive
MARKER = b"\xb5\x53"


class Arrival(NamedTuple):
    """Bytes that come out of the channel: a whole packet and its number, or None and rubbish."""

    number: int | None
    data: bytes


class Channel:
    """Takes packets one after the other and says what arrives instead; `counts` has the events."""

    def __init__(self, seed: int = 0):
        self._random = np.random.default_rng([seed, 2])
        self._burst = 0
        self._delayed: list[list] = []  # [packets to wait for, arrival]
        self.counts: Counter = Counter()

    def carry(self, number: int, packet: bytes) -> list[Arrival]:
        """What arrives while a packet is sent: nothing, it, others, rubbish."""
        arrivals = list(self._fate(Arrival(number, packet)))
        for item in self._delayed:
            item[0] -= 1
        arrivals += [arrival for wait, arrival in self._delayed if wait <= 0]
        self._delayed = [item for item in self._delayed if item[0] > 0]
        return arrivals

    def rest(self) -> list[Arrival]:
        """What was still on its way."""
        arrivals = [arrival for _, arrival in self._delayed]
        self._delayed = []
        return arrivals

    def _fate(self, whole: Arrival) -> Iterator[Arrival]:
        if self._happens(NOISE):
            self.counts["noise"] += 1
            yield Arrival(None, self._noise())
        if self._burst:
            self._burst -= 1
            self.counts["dropped"] += 1
        elif self._happens(LOST):
            self.counts["dropped"] += 1
        elif self._happens(BURST):
            self._burst = int(self._random.integers(1, LONGEST_BURST))
            self.counts["dropped"] += 1
        elif self._happens(FLIPPED):
            self.counts["damaged"] += 1
            yield Arrival(None, self._flipped(whole.data))
        elif self._happens(CUT):
            self.counts["damaged"] += 1
            yield Arrival(None, self._cut(whole.data))
        elif self._happens(LATE):
            self.counts["late"] += 1
            self._delay(whole, 1)
        else:
            yield whole
            if self._happens(REPEATED):
                self.counts["repeated"] += 1
                self._delay(whole, 0)

    def _happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def _delay(self, arrival: Arrival, least: int) -> None:
        """Let it be overtaken by `least` packets or more."""
        # one more: the packet itself is counted down for as well
        self._delayed.append([int(self._random.integers(least, LONGEST_DELAY + 1)) + 1, arrival])

    def _flipped(self, packet: bytes) -> bytes:
        """With some bits flipped, half of the time in its head."""
        end = len(packet) if self._random.random() < 0.5 else HEAD
        count = int(self._random.integers(1, MOST_BITS + 1))
        bits = self._random.choice(8 * end, count, replace=False)
        damaged = bytearray(packet)
        for bit in bits.tolist():
            damaged[bit >> 3] ^= 1 << (bit & 7)
        return bytes(damaged)

    def _cut(self, packet: bytes) -> bytes:
        """Without its end, its beginning or something between."""
        start, stop = np.sort(self._random.choice(len(packet) + 1, 2, replace=False)).tolist()
        start, stop = [(start, len(packet)), (0, stop), (start, stop)][self._random.integers(3)]
        if start == 0 and stop == len(packet):
            stop -= 1  # the whole packet would only be lost
        return packet[:start] + packet[stop:]

    def _noise(self) -> bytes:
        noise = self._random.bytes(int(self._random.integers(1, MOST_NOISE)))
        for place in self._random.integers(len(noise) + 1, size=MARKERS).tolist():
            noise = noise[:place] + MARKER + noise[place:]
        return noise


class Pieces:
    """Cuts a run of bytes anew: pieces of 1 byte to MOST_BYTES, small ones as often as large."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng([seed, 4])
        self._held = bytearray()
        self._next = 1

    def of(self, data: bytes) -> Iterator[bytes]:
        """The pieces that are whole with these bytes."""
        self._held += data
        while len(self._held) >= self._next:
            yield bytes(self._held[: self._next])
            del self._held[: self._next]
            self._next = int(MOST_BYTES ** self._random.random())

    def rest(self) -> bytes:
        """What is left, as the last piece."""
        held, self._held = bytes(self._held), bytearray()
        return held
