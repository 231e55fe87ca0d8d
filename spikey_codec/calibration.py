"""What a stream knows of its channels from the first sample on: their predictors and scales."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import chunk, presets
from .bitstream.channel_header import ChannelHeader
from .chunk import choose_from_codebook
from .coders.base import Coder
from .constants import CHALLENGE, PCM_SHIFT, PLAIN
from .errors import RecordingError, UsageError
from .quantizer.mapping import Mapping
from .system import files

VERSION = 1
# A code of the challenge is 64 = 2^6 of the even codes it becomes when the mapping is given up.
OCTAVES_TO_PLAIN = 6
BINS_AN_OCTAVE = 4


def coder_of_streams(kind: int, encoding: bool) -> Coder:
    """The coder of streams whose mapping is of this kind, CHALLENGE or PLAIN."""
    return chunk.coder_for(Mapping(kind), presets.Preset(), encoding)


class Calibration(NamedTuple):
    """What is measured once per implant.

    predictors : list of int, each channel's row of the codebook
    scales : list of int, each channel's row of the scale bins of the challenge's codes
    """

    predictors: list[int]
    scales: list[int]

    @classmethod
    def of(cls, samples: np.ndarray) -> Calibration:
        """The calibration for a signal.

        Parameters
        ----------
        samples : a few seconds of it, int16, shape (frames, channels)
            Channels that leave the challenge's map are calibrated to the nearest codes of it.

        Raises
        ------
        UsageError for any other array
        """
        codes = checked_frame(samples) >> PCM_SHIFT
        coder = coder_of_streams(CHALLENGE, encoding=True)
        headers = [choose_from_codebook(coder, codes[:, i]) for i in range(codes.shape[1])]
        return cls([header.number for header in headers], [header.scale for header in headers])

    @classmethod
    def unknown(cls, channels: int) -> Calibration:
        """For channels of which nothing is known yet: the commonest predictor, a middle scale."""
        bins = coder_of_streams(CHALLENGE, encoding=True).bins.table
        return cls([0] * channels, [len(bins) // 2] * channels)

    def is_possible(self) -> bool:
        """Whether every channel has a predictor and a scale, and all of these exist."""
        coder = coder_of_streams(CHALLENGE, encoding=True)
        numbers, rows = range(len(coder.codebook)), range(len(coder.bins.table))
        return (
            len(self.predictors) == len(self.scales)
            and all(number in numbers for number in self.predictors)
            and all(row in rows for row in self.scales)
        )

    def save(self, path: str | Path) -> None:
        """Write as JSON; `load` is the inverse."""
        text = json.dumps({"spikey_calibration": VERSION, **self._asdict()})
        files.write(str(path), text.encode() + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Inverse of `save`; RecordingError where it is no calibration, OSError of the file."""
        try:
            content = json.loads(Path(path).read_bytes())
            if content.pop("spikey_calibration") != VERSION:
                raise ValueError
            self = cls([*content["predictors"]], [*content["scales"]])
            whole = all(type(number) is int for numbers in self for number in numbers)
            if not (whole and self.is_possible()):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RecordingError(f"{path} is not a calibration of this release.") from error
        return self

    def headers(self, kind: int) -> list[ChannelHeader]:
        """The header of every channel, for a mapping of this kind, CHALLENGE or PLAIN."""
        coder = coder_of_streams(kind, encoding=True)
        scales = np.array(self.scales, np.int64)
        if kind == PLAIN:
            of_challenge = coder_of_streams(CHALLENGE, encoding=True).bins
            scales += of_challenge.first + BINS_AN_OCTAVE * OCTAVES_TO_PLAIN - coder.bins.first
            scales = scales.clip(0, len(coder.bins.table) - 1)
        return [
            chunk.checked(coder, ChannelHeader(number, None, scale))
            for number, scale in zip(self.predictors, scales.tolist(), strict=True)
        ]


def checked_frame(frame: np.ndarray) -> np.ndarray:
    """A frame as the coders take it; UsageError unless it is int16 of two dimensions."""
    frame = np.asarray(frame)
    if frame.ndim != 2 or frame.dtype != np.int16:
        raise UsageError(
            "A frame is an int16 array of shape (samples, channels), not "
            f"{frame.dtype} of shape {frame.shape}."
        )
    return np.ascontiguousarray(frame)
