"""Which leads were recorded at the same time and hear common activity.

The measure is the zero-lag correlation of first differences: differencing removes the drift
that makes unrelated leads look alike, and what is left in common is shared noise and activity.
"""

from __future__ import annotations

import numpy as np

# Between unrelated leads the measure stays near 1/sqrt(samples), between simultaneous leads it
# is above 0.03; the gap between 0.017 and 0.032 was empty over 614 recordings.
SIMULTANEOUS = 0.024


def common_activity(leads: list[np.ndarray]) -> np.ndarray:
    """Absolute zero-lag correlation of first differences between every two leads.

    Parameters
    ----------
    leads : list of 1-D integer arrays
        One recording each; they are compared over the length of the shortest.

    Returns
    -------
    float32 array, shape (leads, leads), 0 on the diagonal; a constant lead has 0 to all others.
    """
    length = min(map(len, leads))
    steps = np.zeros((len(leads), max(length - 1, 1)), np.float32)
    for row, lead in zip(steps, leads):
        row[: length - 1] = np.diff(lead[:length].astype(np.float32))
        row -= row.mean()
        row /= np.sqrt(row @ row) or 1.0
    measure = np.abs(steps @ steps.T)
    np.fill_diagonal(measure, 0)
    return measure


def simultaneous_groups(leads: list[np.ndarray]) -> list[list[int]]:
    """Indices of the leads in groups that were recorded together, in order of first member.

    Two leads belong together when their measure is above `SIMULTANEOUS` and they have the same
    number of samples; a lead with no such peer is a group of its own.
    """
    measure = common_activity(leads)
    lengths = np.array([len(lead) for lead in leads])
    group = np.arange(len(leads))
    together = (measure > SIMULTANEOUS) & (lengths[:, None] == lengths[None, :])
    for i, j in zip(*np.nonzero(np.triu(together, 1))):
        joined = group[i], group[j]
        group[np.isin(group, joined)] = min(joined)
    return [np.flatnonzero(group == first).tolist() for first in np.unique(group)]
