"""The kernels' arguments, in named groups.

An exported kernel takes the fields of its groups one after another, `kernel(*quantizer, *contexts,
...)`, because neither the extension module nor ctypes takes a tuple; its first lines pack them
again, which costs nothing, and helpers take whole groups. All arrays are C-contiguous. `typed`
gives the fields' types in numba's notation. Fixed-point units are those of constants.py: a
prediction counts 1/32 code, a transition level 1/256 code, a scale 1/4096 code, an average of
|residual| as many 1/32 codes as its shift says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Rows of HuffmanTables.scratch.
MASSES, QUEUE, NODES, PARENTS, LENGTHS = range(5)

# Columns of Network.layers.
INPUTS, OUTPUTS, ACTIVATION, SHIFT, WEIGHTS, BIASES, WIDTH = range(7)
# Items of Network.shape.
LEVELS, ERRORS, BANK, RECURRENT, PROJECTOR, MESSAGE, RESIDUAL, PREDICTOR, LATENT, REGION = range(10)
# Where vectors start in Network.memory, each with room for the largest layer; the size of it all.
INPUT, FIRST, SECOND, THIRD, FOURTH, GATES, MEMORY = range(0, 7 * 2048, 2048)

# Columns of NetworkLanes.references: their number, then of each these two; last the own slot.
SLOT, CORRELATION = 0, 1
REFERENCE_COLUMNS = 2

# Columns of Mixer.adaptive: three mixture weights, energy, then the NLMS weights.
SHARE_1, SHARE_2, SHARE_3, ENERGY, FIRST_GAIN = range(5)
# Rows of Mixer.masses.
DENSITY, BELOW, ABOVE, BETWEEN = range(4)
# Columns of its first row, in turns: each density's mean (1/256 code) and reciprocal scale.
MEAN, RECIPROCAL = range(2)


_types: dict[type, str] = {}  # of the fields of each group


def typed(types: str) -> Callable[[type], type]:
    """Give a group the types of its fields, in turn."""

    def mark(group: type) -> type:
        _types[group] = types
        return group

    return mark


def taking(*parts: type | str) -> str:
    """The signature of a kernel that takes these groups, and arrays of these types, in turn."""
    types = ",".join(part if isinstance(part, str) else _types[part] for part in parts)
    return f"i8({types})"


@typed("i2[::1],i8,i8")
class Coded(NamedTuple):
    """What is coded.

    codes : int16, shape (samples,), in coding order: row by row, in a row lane by lane
    lanes : how many lanes a row has; the last row may have fewer
    row : the row that the first code stands in; row 0 has no past
    """

    codes: np.ndarray
    lanes: int
    row: int


@typed("i8,i8,i8,i8,i4[::1],i4[::1]")
class Quantizer(NamedTuple):
    """Which codes there are, and what they stand for.

    level_bits : fraction bits of levels: 5 where `levels` lists them, 0 where they are the codes
    first_code, last_code : the range of codes
    code_bits : bits of a code that is written as it is
    transitions : int32, shape (codes + 1,), code transition levels, 1/256 code; empty where codes
        are uniform, each from its number - 1/2 to its number + 1/2
    levels : int32, shape (codes,), reconstruction levels, 1/32 code; empty where they are the codes
    """

    level_bits: int
    first_code: int
    last_code: int
    code_bits: int
    transitions: np.ndarray
    levels: np.ndarray


@typed("i8,i4[:,::1],i4[::1]")
class Contexts(NamedTuple):
    """The (scale bin, quantised mean) pairs that have a code each, and the density behind them.

    first_bin : number of the scale bin in row 0
    bins : int32, shape (bins, 8), a scale bin a row, columns as named in constants.py
    cdf : int32, shape (769,), the density's cumulative mass in 2^-24, every 1/32 of the scale
    """

    first_bin: int
    bins: np.ndarray
    cdf: np.ndarray


@typed("i4[:,::1],i4[:,::1],i4[:,::1]")
class LinearLanes(NamedTuple):
    """The state of lanes that are predicted linearly.

    predictors : int32, shape (lanes, 16), weights in 2^-13, that of the oldest level first
    history : int32, shape (lanes, 32), ring of past levels, kept twice (see state.py)
    scales : int32, shape (lanes, 2), short-term and long-term average of |residual|
    """

    predictors: np.ndarray
    history: np.ndarray
    scales: np.ndarray


@typed("i4[:,::1],i8[:,::1],i4[:,::1],i4[:,::1],i4[:,::1],i4[:,::1],i4[:,::1],i2[:,:,::1]")
class NetworkLanes(NamedTuple):
    """The state of lanes whose prediction a network corrects.

    predictors : int32, shape (lanes, 16), as of LinearLanes
    scales : int64, shape (lanes, 4), averages of |residual|: short, medium, long and longest term
    window : int32, shape (lanes, 2 * room), ring of past levels; room is at least 32
    residuals : int32, shape (lanes, 2 * residuals), ring of past residuals, 1/32 code
    cells, outputs : int32, shape (lanes, cells), of the recurrent layers, in 2^-10
    references : int32, shape (lanes, 18): number of references; slot and correlation (1/128) of
        each; last the slot that the lane's own latents are kept in, or -1
    latents : int16, shape (slots, frames, size + 1): a channel's latents in 2^-10 and, last, its
        residual in 2^-10 of its scale
    """

    predictors: np.ndarray
    scales: np.ndarray
    window: np.ndarray
    residuals: np.ndarray
    cells: np.ndarray
    outputs: np.ndarray
    references: np.ndarray
    latents: np.ndarray


@typed("i8[::1],i8[:,::1],i2[::1],i4[::1],i4[::1],i4[::1],i4[::1]")
class Network(NamedTuple):
    """A network, and room to run it in.

    shape : int64, shape (10,), items as named above
    layers : int64, shape (layers, 7), columns as named above
    weights : int16, 1-D, of all layers, by inputs, in 2^-shift of their layer
    biases : int32, 1-D, of all layers, in 2^-(10 + shift), with half a unit for rounding
    logistic : int32, shape (2048,), logistic function in 2^-15, every 2^-7 from -8 on
    memory : int32, shape (12288,), what passes between layers, in 2^-10
    sums : int32, shape (widest layer,)
    """

    shape: np.ndarray
    layers: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    logistic: np.ndarray
    memory: np.ndarray
    sums: np.ndarray


@typed("i4[:,::1],i8[:,::1],i4[::1],i8[:,::1]")
class Mixer(NamedTuple):
    """What lanes learn as they go, for preset `max`, and room for one sample's numbers.

    remainders : int32, shape (lanes, 32), ring of second-stage residuals, 1/32 code
    adaptive : int64, shape (lanes, 52), columns as named above: mixture weights in 2^-16, energy
        in 2^-20, NLMS weights in 2^-24
    regressors : int32, shape (48,), what the NLMS weights are for, in 2^-10 of the scale
    masses : int64, shape (4, 6), rows as named above: the three densities, and their masses in
        2^-24 below a code
    """

    remainders: np.ndarray
    adaptive: np.ndarray
    regressors: np.ndarray
    masses: np.ndarray


@typed("i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1]")
class HuffmanTables(NamedTuple):
    """The canonical Huffman codes built so far; codes of one direction may be left out (empty).

    scratch : int64, shape (5, room), rows as named above
    first_symbols : int32, shape (contexts,): BUILT + first symbol, or 0 until the code is built
    codewords : int32, shape (codewords,), for encoding: codeword << 4 | length
    primary : uint16, shape (contexts << 7,), by the next 7 bits: symbol << 4 | length, or 0
    secondary : int32, shape (contexts * 16,): for each length from 8 to 15 the 15-bit prefix below
        which its codewords lie, and what turns a codeword of it into a rank
    sorted_symbols : uint16, shape (codewords,), a context's symbols by rank
    """

    scratch: np.ndarray
    first_symbols: np.ndarray
    codewords: np.ndarray
    primary: np.ndarray
    secondary: np.ndarray
    sorted_symbols: np.ndarray


class Sample(NamedTuple):
    """Which sample is predicted, and what its reference channels add to that, in 1/32 code."""

    lane: int
    row: int
    offset: int


class Limits(NamedTuple):
    """What follows from a Quantizer: shifts from a sum of products, and from a level, to 1/32 code;
    and the lowest and the highest mean, 1/32 code."""

    shift: int
    level_shift: int
    lowest: int
    highest: int
