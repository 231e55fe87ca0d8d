"""FORMAT.md, "Lanes": the codes of a payload, interleaved from the lanes of all segments."""

from __future__ import annotations

from reference.bits import Bits
from reference.channel_header import Channel
from reference.lane import Lane
from reference.mapping import Coding
from reference.mixing import MixedLane
from reference.network_lane import NetworkLane
from reference.rans import Slots


def check_room(payload: bytes, codes: int, coding: Coding) -> None:
    """Refuse a part that cannot hold so many codes."""
    if 8 * len(payload) < codes // (32768 if coding.mixed else 1):
        raise ValueError("the payload is too short for its samples")


def segment_lengths(coded: int, frames: int, coding: Coding) -> list[int]:
    """Frames of each segment of a channel."""
    segments = 1 if coding.network else max(1, min(8 // coded, frames // 512))
    shortest, longer = divmod(frames, segments)
    return [shortest + (segment < longer) for segment in range(segments)]


def read_lanes(
    payload: bytes, frames: int, coded: list[Channel], coding: Coding
) -> list[list[int]]:
    """The codes of each coded channel."""
    bits = Slots(payload) if coding.mixed else Bits(payload)
    kind = MixedLane if coding.mixed else NetworkLane if coding.network else Lane
    lengths = segment_lengths(len(coded), frames, coding)
    starts = [sum(lengths[:segment]) for segment in range(len(lengths))]
    segments = [[kind(channel, coding, start) for channel in coded] for start in starts]
    for row in range(max(lengths)):
        for length, lanes in zip(lengths, segments, strict=True):
            if row < length:
                for lane in lanes:
                    lane.read(bits)
    bits.end()
    return [
        [code for lanes in segments for code in lanes[channel].codes]
        for channel in range(len(coded))
    ]
