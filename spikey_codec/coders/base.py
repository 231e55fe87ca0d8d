"""What all coders share: a predictor and an entropy coder, joined over the lanes of one State.

A coder turns codes in coding order into a payload and back. It is made for one kind of codes and
one direction, and keeps what it computes from the weights for later chunks and streams.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import weights
from ..bitstream.channel_header import MOST_PREDICTORS, ChannelHeader
from ..constants import BAD_SYMBOL, OVERRUN, PREDICTION_BITS
from ..entropy.contexts import ScaleBins, scale_bins
from ..errors import CorruptError, WeightsError
from ..kernels.groups import Coded, Contexts, Quantizer
from ..quantizer.nonuniform import reconstruction_levels
from ..system import forks
from .table import coder_of

NO_OFFSETS = np.zeros(0, np.int32)
TOO_SHORT = "The file is cut short or damaged."


@dataclass
class State:
    """Where lanes stand; `Coder.encode` and `Coder.decode` move it on.

    lanes : number of lanes
    row : rows that have been coded
    groups : the kernels' arrays, which they change in place
    """

    lanes: int
    groups: tuple[Any, ...]
    row: int = 0


class Coder(ABC):
    """Codes of one kind <-> payload.

    Parameters
    ----------
    lowest, highest : range of the codes
    transitions : of non-uniform codes, the bytes of an int32 array, in 1/256 code; b"" of even ones
    encoding : the direction
    network : the predictor's network; None for the linear predictor
    """

    with_network = False  # whether channel headers hold the references' correlations
    finer = 0  # bits by which scale bins and quantised means are finer

    def __init__(
        self, lowest: int, highest: int, transitions: bytes, encoding: bool, network: Any = None
    ) -> None:
        self.lowest, self.highest = lowest, highest
        self.transitions, self.encoding = transitions, encoding
        nonuniform = len(transitions) > 0
        self.of_challenge = nonuniform and transitions == weights.load("converter").tobytes()
        self.level_bits = PREDICTION_BITS if nonuniform else 0
        edges = np.frombuffer(transitions, np.int32).copy()
        self.levels = np.zeros(0, np.int32)
        if nonuniform:
            self.levels = reconstruction_levels(edges)
        self.codebook = weights.load("linear")
        if len(self.codebook) > MOST_PREDICTORS:
            raise WeightsError("The codebook has more predictors than a byte can number.")
        self.bins: ScaleBins = scale_bins(lowest, highest, even=not nonuniform, finer=self.finer)
        code_bits = (highest - lowest).bit_length()
        self.quantizer = Quantizer(self.level_bits, lowest, highest, code_bits, edges, self.levels)
        cdf = weights.load("density").copy()
        self.contexts = Contexts(self.bins.first, self.bins.table, cdf)
        self._made_of = lowest, highest, transitions, encoding, network
        self.lock = threading.Lock()  # kernels share the tables, and build them as they go
        self.clear()
        forks.renew_in_children(self)

    def clear(self) -> None:  # noqa: B027 (most coders keep nothing)
        """Forget what was built from the weights so far."""

    def renew(self) -> None:
        """See `forks.Renewed`."""
        if self.lock.locked():  # another thread was at work
            self.lock = threading.Lock()
            self.clear()

    def __reduce__(self) -> tuple[Any, ...]:
        return coder_of, (type(self), *self._made_of)

    def segments(self, frames: int, channels: int) -> int:
        """Into how many segments each channel of a coding pass is cut."""
        return 1

    def fewest_bits(self, count: int) -> int:
        """The fewest bits that `count` codes can take."""
        return count

    @property
    def alternative(self) -> Coder | None:
        """The coder to fall back on where this one does not pay; None without one."""
        return None

    def shared(self, headers: Sequence[ChannelHeader], frames: int) -> Any:
        """What the coding passes of one chunk share; `start` takes it."""
        return None

    @abstractmethod
    def start(
        self,
        headers: Sequence[ChannelHeader],
        segments: int = 1,
        channels: Sequence[int] = (),
        shared: Any = None,
    ) -> State:
        """The lanes at their start.

        Parameters
        ----------
        headers : of the channels that are coded together, with their predictors looked up
        segments : into which each of them is cut
        channels : their numbers; a stream leaves them out
        shared : from `shared`, the same for all coding passes of a chunk
        """

    @abstractmethod
    def encode(self, codes: np.ndarray, state: State, offsets: np.ndarray = NO_OFFSETS) -> bytes:
        """The payload of codes; moves the state on.

        Parameters
        ----------
        codes : int16, shape (n,), in coding order
        state : from `start`, or as the last call left it
        offsets : inter-channel prediction of each code, in 1/32 code: int32, shape (n,); or empty
        """

    @abstractmethod
    def decode(
        self, payload: bytes, count: int, state: State, offsets: np.ndarray = NO_OFFSETS
    ) -> np.ndarray:
        """Inverse of `encode`: int16, shape (count,).

        Raises
        ------
        CorruptError where the payload holds anything else than so many codes
        """

    def prepare(self) -> None:  # noqa: B027 (most coders have nothing to prepare)
        """Build all common tables now, so that no sample has to wait for one."""

    def levels_of(self, codes: np.ndarray) -> np.ndarray:
        """Reconstruction levels of codes (any shape), with `level_bits` fraction bits."""
        return self.levels[codes.astype(np.intp) - self.lowest] if len(self.levels) else codes

    @abstractmethod
    def arguments(self, codes: np.ndarray, state: State, offsets: np.ndarray) -> tuple[Any, ...]:
        """The kernels' arguments up to what is the entropy coder's own."""

    def coded(self, codes: np.ndarray, state: State) -> Coded:
        """The kernels' first group of arguments."""
        return Coded(codes, state.lanes, state.row)


def to_words(payload: bytes, lanes: int) -> np.ndarray:
    """A payload as the Huffman kernels read it: uint32, with room to read on; from bytes."""
    room = -len(payload) % 4 + 4 * (lanes + 4)  # a row reads at most a word a lane
    return np.frombuffer(b"".join([payload, bytes(room)]), ">u4").astype(np.uint32)


def to_payload(words: np.ndarray, bits: int) -> bytes:
    """Inverse of `to_words`: the first bits of what the Huffman kernels wrote."""
    return words.astype(">u4").tobytes()[: (bits + 7) // 8]


def check_end(payload: bytes, bits: int) -> None:
    """CorruptError unless a kernel that returned `bits` reached the payload's very end."""
    if bits == BAD_SYMBOL:
        raise CorruptError("The file is damaged: it holds a code outside its range.")
    unused = 8 * len(payload) - bits
    if bits == OVERRUN or unused < 0:
        raise CorruptError(TOO_SHORT)
    if unused > 7 or payload[-1] & ((1 << unused) - 1):
        raise CorruptError("The file is damaged: there is something after its last sample.")
