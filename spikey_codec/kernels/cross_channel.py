"""Inter-channel prediction: own residuals, and what they add to another prediction."""

from __future__ import annotations

from ..constants import ORDER, PREDICTION_BITS, TAPS, WEIGHT_BITS
from ..engine.marks import kernel


@kernel("i8(i4[::1],i4[::1],i8,i4[::1])")
def own_residuals(levels, predictor, level_bits, residuals):
    """Residuals of a channel's own linear prediction, without limits; returns the samples.

    levels : int32, shape (samples > 0,), with `level_bits` fraction bits
    predictor : int32, shape (16,), weights in 2^-13, that of the oldest level first
    residuals : int32, shape (samples,), 1/32 code; the first is 0
    """
    shift = WEIGHT_BITS + level_bits - PREDICTION_BITS
    level_shift = PREDICTION_BITS - level_bits
    n = len(levels)
    residuals[0] = 0
    for t in range(1, min(n, ORDER)):  # as if the first level had always been there
        total = 0
        for k in range(ORDER):
            total += int(predictor[k]) * int(levels[max(t - ORDER + k, 0)])
        residuals[t] = (int(levels[t]) << level_shift) - (total >> shift)
    for t in range(ORDER, n):
        past = levels[t - ORDER : t]
        total = 0
        for k in range(ORDER):
            total += int(predictor[k]) * int(past[k])
        residuals[t] = (int(levels[t]) << level_shift) - (total >> shift)
    return n


@kernel("i8(i4[::1],i4[::1],i8,i4[::1])")
def add_offsets(residuals, taps, shift, offsets):
    """Add what one reference channel contributes; returns the frames.

    residuals : int32, 1/32 code, of the reference, with OLDEST_TAP zeros before its first frame and
        NEWEST_TAP after its last
    taps : int32, shape (13,), in 2^-shift, that of the oldest frame first
    offsets : int32, shape (frames,), 1/32 code; added to
    """
    n = len(offsets)
    for t in range(n):
        stretch = residuals[t : t + TAPS]
        total = 0
        for k in range(TAPS):
            total += int(taps[k]) * int(stretch[k])
        offsets[t] = int(offsets[t]) + (total >> shift)
    return n
