"""Networks: their layers one by one, and all of them from the inputs to the outputs.

In integers; sums fit 32 bits because `prediction/network.py` refuses other weights.
"""

from __future__ import annotations

from ..constants import (
    LARGEST_VALUE,
    LATENT_AHEAD,
    OTHER_INPUTS,
    RELU,
    SIGMOID,
    SILU,
    TANH,
)
from ..engine.marks import (
    helper,
    index,
    inlined,
)
from .groups import (
    ACTIVATION,
    BANK,
    BIASES,
    CORRELATION,
    ERRORS,
    FIRST,
    FOURTH,
    GATES,
    INPUT,
    INPUTS,
    LATENT,
    LEVELS,
    MESSAGE,
    OUTPUTS,
    PREDICTOR,
    PROJECTOR,
    RECURRENT,
    REFERENCE_COLUMNS,
    REGION,
    RESIDUAL,
    SECOND,
    SHIFT,
    SLOT,
    THIRD,
    WEIGHTS,
    WIDTH,
)
from .state import (
    limited,
)


@helper
def logistic(table, k):
    """The logistic function (2^-15) of k / 2^7."""
    return int(table[index(min(max(k, -1024), 1023) + 1024)])


@inlined
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


@inlined
def run_own(network, state, lane):
    """A lane's latents from its inputs; returns where they stand, and the next layer."""
    shape, memory = network.shape, network.memory
    layer = 0
    source = INPUT
    if int(shape[BANK]) > 0:
        run_layer(network, layer, source, FIRST)
        made = int(network.layers[index(layer), OUTPUTS])
        for k in range(int(shape[ERRORS]) + OTHER_INPUTS):
            memory[index(FIRST + made + k)] = memory[index(INPUT + int(shape[LEVELS]) + k)]
        source = FIRST
        layer += 1
    first = 0
    for _ in range(int(shape[RECURRENT])):
        target = SECOND if source != SECOND else THIRD
        end = first + (int(network.layers[index(layer), OUTPUTS]) >> 2)
        cells, outputs = state.cells[lane, first:end], state.outputs[lane, first:end]
        run_recurrent(network, layer, source, target, cells, outputs)
        first = end
        source = target
        layer += 1
    for _ in range(int(shape[PROJECTOR])):
        target = SECOND if source != SECOND else THIRD
        run_layer(network, layer, source, target)
        source = target
        layer += 1
    return source, layer


@inlined
def run_messages(network, state, sample, layer):
    """The mean of the messages of a lane's references, from INPUT on."""
    shape, memory = network.shape, network.memory
    size, region = int(shape[LATENT]), int(shape[REGION])
    for j in range(region):
        memory[index(INPUT + j)] = 0
    count = int(state.references[index(sample.lane), 0])
    for i in range(count):
        at = 1 + REFERENCE_COLUMNS * i
        reference = state.latents[
            index(int(state.references[index(sample.lane), index(at + SLOT)]))
        ]
        ahead = sample.row + LATENT_AHEAD
        there = ahead < len(reference)
        for j in range(size):
            memory[index(FOURTH + size + j)] = (
                int(reference[index(ahead), index(j)]) if there else 0
            )
        correlation = int(state.references[index(sample.lane), index(at + CORRELATION)])
        memory[index(FOURTH + 2 * size)] = correlation << 3
        memory[index(FOURTH + 2 * size + 1)] = reference[index(sample.row), index(size)]
        run_layer(network, layer, FOURTH, FIRST)
        for j in range(region):
            memory[index(INPUT + j)] = int(memory[index(INPUT + j)]) + int(memory[index(FIRST + j)])
    if count > 1:
        for j in range(region):
            memory[index(INPUT + j)] = int(memory[index(INPUT + j)]) // count


@inlined
def run_network(network, state, sample):
    """From the inputs to the two outputs; returns where the latents and where the outputs stand."""
    shape, memory = network.shape, network.memory
    latent, layer = run_own(network, state, sample.lane)
    source = latent
    if int(shape[MESSAGE]) > 0:
        size = int(shape[LATENT])
        for j in range(size):
            memory[index(FOURTH + j)] = memory[index(latent + j)]
        run_messages(network, state, sample, layer)
        layer += 1
        if int(shape[RESIDUAL]) > 0:
            for j in range(size):
                both = int(memory[index(FOURTH + j)]) + int(memory[index(INPUT + j)])
                memory[index(FOURTH + j)] = limited(both, LARGEST_VALUE)
        else:
            for j in range(int(shape[REGION])):
                memory[index(FOURTH + size + j)] = memory[index(INPUT + j)]
        source = FOURTH
    for _ in range(int(shape[PREDICTOR])):
        target = FIRST if source != FIRST else GATES
        run_layer(network, layer, source, target)
        source = target
        layer += 1
    return latent, source
