"""The linear prediction that residuals, distributions and entropies are measured with."""

from __future__ import annotations

import numpy as np

from ...constants import WEIGHT_BITS
from ...fit import model
from ...prediction import linear

USUAL_STEP = 4  # levels between samples that the model's short-term scale starts from


def warm_up(samples: int) -> int:
    """Samples at a channel's start that do not count, because its scale is not known yet."""
    return min(model.WARM_UP, samples // 2)


def predict(x: np.ndarray, is_challenge: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each level, predicted from those before it.

    x : levels, float64, shape (samples,)
    is_challenge : whether they are codes of the challenge's converter

    The predictor is the channel's best linear one of order 16. Returns two float64 arrays of the
    same shape; the first samples have a mean of 0.
    """
    steps = model.LEVEL_STEPS if is_challenge else 1
    matrix = linear.covariance(np.rint(x * steps))
    best = linear.fitted(matrix) / (1 << WEIGHT_BITS)
    if is_challenge:
        mean, sigma = model.predictions(x, best)
        return mean, sigma
    # The model's scale starts at a few levels, and is not let fall much below one.
    size = float(np.abs(np.diff(x)).mean())
    usual = USUAL_STEP / size if size else 1.0
    mean, sigma = model.predictions(x * usual, best)
    return mean / usual, sigma / usual
