"""The discrete wavelet transform of a window as a matrix."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from .limits import among, within


def wavelet_matrix(length: int, wavelet: str, level: int, mode: str) -> npt.NDArray[np.float64]:
    """The discrete wavelet transform of a window as a matrix: float64, (coefficients, length).

    It holds all coefficients of `pywt.wavedec`, coarsest first, of unit vectors. Times the
    window's levels, newest first, it gives the window's coefficients (Mallat 1989: a transform by
    filters is linear).

    Parameters
    ----------
    length : levels in the window
    wavelet, level, mode : as PyWavelets takes them

    Raises
    ------
    UsageError for a wavelet, level or mode that is not there, and without PyWavelets
    """
    try:
        import pywt
    except ImportError as error:
        raise UsageError("Wavelets need PyWavelets: pip install 'spikey-codec[train]'.") from error

    section = "feature_extractor"
    among(f"{section}.name", wavelet, tuple(pywt.wavelist(kind="discrete")))
    among(f"{section}.mode", mode, tuple(pywt.Modes.modes))
    within(f"{section}.level", level, 1, 8)
    with warnings.catch_warnings():
        # A wavelet longer than the window sees mostly its continued ends: harmless here.
        warnings.simplefilter("ignore", UserWarning)
        parts = pywt.wavedec(np.eye(length), wavelet, mode, level)
    return np.concatenate(parts, axis=1).T
