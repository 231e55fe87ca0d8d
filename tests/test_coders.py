"""Lanes: the order of FORMAT.md, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikey_codec.coders import interleave


def rows_of(frames: int, channels: int) -> list[tuple[int, int]]:
    """(frame, channel) in the order of FORMAT.md: row by row, run by run, channel by channel."""
    runs = max(1, min(8 // channels, frames // 512))
    s, rest = divmod(frames, runs)
    begins = [i * s + min(i, rest) for i in range(runs)]
    sizes = [s + (i < rest) for i in range(runs)]
    return [
        (begin + t, channel)
        for t in range(max(sizes))
        for begin, size in zip(begins, sizes)
        for channel in range(channels)
        if t < size
    ]


@given(st.integers(1, 6000), st.integers(1, 12), st.sampled_from([np.int16, np.int64]))
def test_unfold_inverts_fold(frames, channels, dtype):
    codes = np.arange(frames * channels).reshape(frames, channels).astype(dtype)
    folded = interleave.interleave(codes)
    assert folded.dtype == dtype and folded.shape == (codes.size,)
    assert folded.flags.c_contiguous
    back = interleave.deinterleave(folded, frames, channels)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, codes)


@given(st.integers(1, 6000), st.integers(1, 12))
def test_the_order_is_that_of_the_format(frames, channels):
    codes = np.arange(frames * channels).reshape(frames, channels)
    expected = [frame * channels + channel for frame, channel in rows_of(frames, channels)]
    assert interleave.interleave(codes).tolist() == expected


@given(st.integers(1, 3000), st.integers(1, 5))
def test_codes_may_lie_in_memory_in_any_order(frames, channels):
    codes = np.asfortranarray(np.arange(frames * channels).reshape(frames, channels))
    np.testing.assert_array_equal(
        interleave.deinterleave(interleave.interleave(codes), frames, channels), codes
    )


@pytest.mark.parametrize(
    ("frames", "channels", "runs"),
    [
        (1, 1, 1),
        (1023, 1, 1),
        (1024, 1, 2),
        (4095, 1, 7),
        (4096, 1, 8),
        (131_072, 1, 8),
        (131_072, 2, 4),
        (131_072, 3, 2),
        (131_072, 4, 2),
        (131_072, 5, 1),
        (131_072, 9, 1),
        (128, 32_767, 1),
    ],
)
def test_channels_are_cut_into_up_to_eight_lanes_of_at_least_512_frames(frames, channels, runs):
    assert interleave.segments(frames, channels) == runs


@given(st.integers(1, 200_000), st.integers(1, 8))
def test_runs_cover_all_frames_and_the_first_are_longer(frames, count):
    starts = interleave.starts(frames, count)
    lengths = np.diff(starts).tolist()
    assert starts[0] == 0 and starts[-1] == frames
    assert lengths == sorted(lengths, reverse=True)
    assert max(lengths) - min(lengths) <= 1
    s, rest = divmod(frames, count)
    assert starts[:-1] == [i * s + min(i, rest) for i in range(count)]
