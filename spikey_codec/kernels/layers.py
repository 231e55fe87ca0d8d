"""Layers of networks, in integers: sums fit 32 bits, for network_array.py refuses others."""

from __future__ import annotations

from ..constants import LARGEST_VALUE, RELU, SIGMOID, SILU, TANH
from ..engine.marks import helper, index
from .groups import ACTIVATION, BIASES, GATES, INPUTS, OUTPUTS, SHIFT, WEIGHTS, WIDTH
from .state import limited


@helper
def logistic(table, k):
    """The logistic function (2^-15) of k / 2^7."""
    return int(table[index(min(max(k, -1024), 1023) + 1024)])


@helper
def weighted_sums(network, layer, source):
    """Biases and weighted sums of a layer over inputs that stand from `source` on."""
    memory = network.memory
    inputs = int(network.layers[index(layer), INPUTS])
    width = int(network.layers[index(layer), WIDTH])
    at = int(network.layers[index(layer), WEIGHTS])
    first_bias = int(network.layers[index(layer), BIASES])
    out = network.sums[:width]
    bias = network.biases[first_bias : first_bias + width]
    for j in range(width):
        out[j] = bias[j]
    i = 0
    while i + 4 <= inputs:  # four rows in one pass: the sums are loaded and stored less often
        a = int(memory[index(source + i)])
        b = int(memory[index(source + i + 1)])
        c = int(memory[index(source + i + 2)])
        d = int(memory[index(source + i + 3)])
        rows = network.weights[at : at + 4 * width]
        row_a, row_b = rows[:width], rows[width : 2 * width]
        row_c, row_d = rows[2 * width : 3 * width], rows[3 * width :]
        for j in range(width):
            out[j] += a * int(row_a[j]) + b * int(row_b[j]) + c * int(row_c[j]) + d * int(row_d[j])
        at += 4 * width
        i += 4
    while i < inputs:
        a = int(memory[index(source + i)])
        row = network.weights[at : at + width]
        for j in range(width):
            out[j] += a * int(row[j])
        at += width
        i += 1


@helper
def run_layer(network, layer, source, target):
    """Outputs of a layer, from `target` on."""
    weighted_sums(network, layer, source)
    table = network.logistic
    activation = int(network.layers[index(layer), ACTIVATION])
    shift = int(network.layers[index(layer), SHIFT])
    outputs = int(network.layers[index(layer), OUTPUTS])
    out = network.memory[target : target + outputs]
    for j in range(outputs):
        out[j] = limited(int(network.sums[index(j)]) >> shift, LARGEST_VALUE)
    if activation == RELU:
        for j in range(outputs):
            out[j] = max(int(out[j]), 0)
    elif activation == SILU:
        for j in range(outputs):
            x = int(out[j])
            out[j] = (x * logistic(table, x >> 3)) >> 15
    elif activation == TANH:  # 2 * logistic(2 x) - 1
        for j in range(outputs):
            out[j] = (logistic(table, int(out[j]) >> 2) - 16384) >> 4
    elif activation == SIGMOID:
        for j in range(outputs):
            out[j] = logistic(table, int(out[j]) >> 3) >> 5


@helper
def run_recurrent(network, layer, source, target, cells, outputs):
    """Outputs of a recurrent layer (Hochreiter and Schmidhuber 1997, with a forget gate), from
    `target` on; `cells` and past `outputs` are the lane's, of this layer.

    There is room for the past outputs after the layer's inputs, of which they are the last."""
    memory, table = network.memory, network.logistic
    size = len(cells)
    own = source + int(network.layers[index(layer), INPUTS]) - size
    for j in range(size):
        memory[index(own + j)] = outputs[j]
    run_layer(network, layer, source, GATES)
    for j in range(size):
        admit = logistic(table, int(memory[index(GATES + j)]) >> 3)
        keep = logistic(table, int(memory[index(GATES + size + j)]) >> 3)
        offered = 2 * logistic(table, int(memory[index(GATES + 2 * size + j)]) >> 2) - 32768
        show = logistic(table, int(memory[index(GATES + 3 * size + j)]) >> 3)
        cell = limited((keep * int(cells[j]) + admit * (offered >> 3)) >> 15, 32767)
        cells[j] = cell
        y = (show * (2 * logistic(table, cell >> 4) - 32768)) >> 20
        outputs[j] = y
        memory[index(target + j)] = y
