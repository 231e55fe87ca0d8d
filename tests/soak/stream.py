"""A long stream of leads through a bad channel: what comes is right, what does not is reported."""

import math
import time
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice

import numpy as np

from spikey_codec.bitstream.header import CHALLENGE_RATE
from spikey_codec.bitstream.packet import SYNCHRONISES
from spikey_codec.stream import Calibration, StreamDecoder, StreamEncoder
from spikey_codec.system import progress

from .channel import Arrival, Channel, Pieces
from .figures import advance
from .leads import Leads
from .memory import MEGABYTE, Watch

FRAMES = 20  # of a packet
BLOCK = 25 * FRAMES  # frames of signal that are made at once
SYNC = 1000  # frames between synchronisation points
CALIBRATED_ON = 200  # frames
NEW_CALIBRATION = 20 * CHALLENGE_RATE // BLOCK  # blocks
# Streams of one run: their shares of its length, and whether all samples are on the challenge's
# map. The first is short: it makes the code tables that the others need.
STREAMS = (0.04, False), (0.66, True), (0.30, False)
MOST_GROWTH = 16 * MEGABYTE
MOST_FAILURES = 20


class Expected:
    """What FORMAT.md says must come of the packets that arrive whole.

    It shares nothing with the decoder but that text. `waiting` are the first frames of packets that
    are to be delivered, in order; `lost` is what is not.
    """

    def __init__(self):
        self.position = self.dropped = 0
        self.waiting: deque[int] = deque()
        self.lost: list[tuple[int, int]] = []
        self._in_step = False

    def arrives(self, first: int, frames: int, synchronises: bool) -> None:
        """A whole packet."""
        if first < self.position:
            self.dropped += 1
            return
        if first > self.position:
            self._lose(self.position, first)
            self._in_step = False
        self._in_step = self._in_step or synchronises
        self.position = first + frames
        if self._in_step:
            self.waiting.append(first)
        else:
            self._lose(first, self.position)

    def _lose(self, start: int, stop: int) -> None:
        if self.lost and sum(self.lost[-1]) == start:
            start = self.lost.pop()[0]
        self.lost.append((start, stop - start))


class Checked:
    """One stream, from samples to samples, with every frame accounted for."""

    def __init__(self, leads: int, seed: int, counts: Counter, failures: list[str]):
        self._random = np.random.default_rng([seed, 3])
        self._channel, self._pieces = Channel(seed), Pieces(seed)
        self._encoder = StreamEncoder(leads, sync_interval=SYNC)
        self._decoder = StreamDecoder()
        self._expected = Expected()
        self._sent: dict[int, tuple[np.ndarray, bool]] = {}  # first frame: samples, synchronises
        self._delivered = self._lost = self._rubbish = 0
        self._counts, self._failures = counts, failures

    def calibrate(self, samples: np.ndarray) -> None:
        """Give the encoder what fits these samples; now and then, what fits nothing."""
        calibration = Calibration.of(samples)
        if self._random.random() < 0.25:
            calibration = Calibration(*(self._random.permutation(x).tolist() for x in calibration))
        self._encoder.refresh(calibration)
        self._counts["calibrations"] += 1

    def send(self, samples: np.ndarray, unharmed: bool = False) -> None:
        """Encode a packet, let the channel carry it, and check what comes out."""
        number = self._encoder.position
        packet = self._encoder.push(samples)
        synchronises = bool(packet[2] & SYNCHRONISES)
        self._sent[number] = samples, synchronises
        self._counts.update({"packets sent": 1, "frames sent": len(samples), "bytes": len(packet)})
        self._counts["synchronisation points"] += synchronises
        if unharmed:
            arrivals = [*self._channel.rest(), Arrival(number, packet)]
        else:
            arrivals = self._channel.carry(number, packet)
        self._receive(arrivals)

    def account(self) -> None:
        """Compare what is known to be lost with what must be, and forget about it."""
        decoder, expected = self._decoder, self._expected
        known = len(decoder.lost) - 1  # the last may go on
        if known > 0:
            if decoder.lost[:known] != expected.lost[:known]:
                self._fail(f"{decoder.lost[:known]} were lost, not {expected.lost[:known]}")
            self._take_down(decoder.lost[:known])
            del decoder.lost[:known], expected.lost[:known]
        missing = sum(frames for _, frames in decoder.lost)
        if self._delivered + self._lost + missing != decoder.position:
            self._fail(f"not every frame before {decoder.position} is delivered or lost")
        for first in list(self._sent):
            if first >= decoder.position:
                break
            del self._sent[first]

    def close(self, blocks: Iterator[np.ndarray]) -> None:
        """End on a good channel, so that the decoder knows of everything, and compare it all."""
        for _ in range(SYNC // FRAMES + 2):
            self.send(next(blocks), unharmed=True)
        self._decode(self._pieces.rest())
        decoder, expected = self._decoder, self._expected
        for name, found, right in (
            ("frames before the decoder's position", decoder.position, self._encoder.position),
            ("losses", decoder.lost, expected.lost),
            ("dropped packets", decoder.dropped, expected.dropped),
            ("skipped bytes", decoder.skipped, self._rubbish),
            ("pending bytes", decoder.pending, 0),
            ("packets not delivered", list(expected.waiting), []),
        ):
            if found != right:
                self._fail(f"{name}: {found}, not {right}")
        self._take_down(decoder.lost)
        if self._delivered + self._lost != self._encoder.position:
            self._fail(
                f"{self._delivered} frames delivered and {self._lost} lost of "
                f"{self._encoder.position} sent"
            )
        self._counts["frames lost"] += self._lost
        self._counts["too late or again"] += decoder.dropped
        self._counts.update(self._channel.counts)

    def _receive(self, arrivals: list[Arrival]) -> None:
        for number, data in arrivals:
            if number is None:
                self._rubbish += len(data)
            else:
                # one that came long ago is too late whatever it is
                synchronises = number in self._sent and self._sent[number][1]
                self._expected.arrives(number, FRAMES, synchronises)
            for piece in self._pieces.of(data):
                self._decode(piece)

    def _decode(self, piece: bytes) -> None:
        for first, samples in self._decoder.blocks(piece):
            self._compare(first, samples)

    def _compare(self, first: int, samples: np.ndarray) -> None:
        waiting = self._expected.waiting
        self._delivered += len(samples)
        self._counts["frames delivered"] += len(samples)
        if not waiting or waiting.popleft() != first:
            self._fail(f"frame {first} was delivered and should not have been, or not yet")
        elif not np.array_equal(samples, self._sent[first][0]):
            self._counts["wrong frames"] += len(samples)
            self._fail(f"frames from {first} on are not what was sent")

    def _take_down(self, lost: list[tuple[int, int]]) -> None:
        frames = [frames for _, frames in lost]
        self._lost += sum(frames)
        self._counts["losses"] += len(lost)
        longest = max([self._counts["longest loss, frames"], *frames])
        self._counts["longest loss, frames"] = longest

    def _fail(self, what: str) -> None:
        if len(self._failures) < MOST_FAILURES:
            self._failures.append(f"stream {self._counts['streams']}: {what[:500]}")


def _packets(leads: Leads, on_the_map: bool) -> Iterator[np.ndarray]:
    """The samples of packet after packet; int16, shape (FRAMES, leads)."""
    while True:
        block = leads.block(BLOCK, on_the_map)
        yield from (block[start : start + FRAMES] for start in range(0, BLOCK, FRAMES))


def run(
    count: int = 1024,
    minutes: float = math.inf,
    packets: float = math.inf,
    seed: int = 0,
    interval: float = 2.0,
) -> dict:
    """Stream until the minutes (of wall time) are over or the packets are sent; the figures.

    count : leads; interval : seconds between looks at memory
    """
    counts: Counter = Counter({"wrong frames": 0})
    failures: list[str] = []
    watch = Watch(interval)
    leads = Leads(count, seed)
    begin, began = time.monotonic(), time.process_time()

    def done() -> float:
        """The share of the run that is over; 1 and more ends it."""
        given_up = len(failures) >= MOST_FAILURES
        passed = (time.monotonic() - begin) / 60
        return max(given_up, passed / minutes, counts["packets sent"] / packets)

    ends = np.cumsum([share for share, _ in STREAMS])
    with progress.shown("percent") as line:
        for number, (end, (_, on_the_map)) in enumerate(zip(ends, STREAMS, strict=True)):
            counts["streams"] += 1
            checked = Checked(count, seed + number, counts, failures)
            samples = _packets(leads, on_the_map)
            turn = 0
            while done() < end:
                for packet in islice(samples, BLOCK // FRAMES):
                    checked.send(packet)
                checked.account()
                if turn % NEW_CALIBRATION == 0:
                    checked.calibrate(leads.block(CALIBRATED_ON, on_the_map))
                turn += 1
                watch.look()
                counts["percent"] = advance(line, counts["percent"], done())
            checked.close(samples)
    seconds = time.monotonic() - begin
    signal = counts["frames sent"] / CHALLENGE_RATE
    failures += watch.complaints(MOST_GROWTH)
    size = counts.pop("bytes")
    del counts["percent"]
    return {
        "leads": count,
        "minutes": round(seconds / 60, 2),
        "minutes of processor time": round((time.process_time() - began) / 60, 2),
        "minutes of signal": round(signal / 60, 2),
        "real-time factor": round(signal / seconds, 3),
        **counts,
        "share lost": round(counts["frames lost"] / counts["frames sent"], 4),
        "ratio": round(2 * count * counts["frames sent"] / size, 3),
        **watch.figures(),
        "failures": failures,
    }
