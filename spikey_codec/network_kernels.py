"""The inner loops of the presets with a network, and of prediction from peers.

Like kernels.py, whose parts they use: written once, run by whichever engine `engine.py` chose, and
specified by FORMAT.md ("Peers", "Networks"), where the names are explained. Everything is
integers; sums of a layer fit 32 bits because `predictors.network.parse` refuses other weights.
"""

from .engine import bit_length, helper, index, kernel
from .kernels import (
    BAD_SYMBOL,
    COUNT,
    ESCAPE,
    FIRST_KEY,
    FIRST_SYMBOL,
    MADE,
    MAX_LENGTH,
    MU_BITS,
    ORDER,
    OVERRUN,
    WEIGHT_BITS,
    build_table,
    code_word,
    level_of,
    place_in_class,
    read_symbol,
)  # fmt: skip

VALUE_BITS = 10  # fraction bits of numbers between layers
LARGEST = 16383  # and their limit
LOG_BITS = 6  # a pseudo-logarithm counts 1/64 octaves
SMALLEST_SCALE, LARGEST_SCALE = 1 << 9, (1 << 29) - 1
CLASS_BITS = 3  # eight scale classes an octave
USUAL_LOG = 917  # of the scale of a usual lead of the challenge
REACH = 15  # differences are limited to so many units
TRACKERS = 4  # of |error|: fast, mid, slow, long
FAST, MID, SLOW, LONG = 3, 5, 7, 10  # each forgets 2^-this of itself a sample
LATENT_AHEAD = 5  # a peer's latent is that of so many frames later
NEWEST_TAP, TAPS = 4, 13  # a peer's errors from 4 frames ahead to 8 back

# Columns of the table of layers (predictors/network.py makes it).
INPUTS, OUTPUTS, ACTIVATION, SHIFT, WEIGHTS, BIASES, WIDTH = range(7)
IDENTITY, RELU, SILU, TANH, SIGMOID = range(5)
# Items of a network's shape.
LEVELS, ERRORS, BANK, RECURRENT, PROJECTOR, MESSAGE, RESIDUAL, PREDICTOR, LATENT, REGION = range(10)
# Where things stand in the working memory of a network, each with room for the largest layer.
INPUT, FIRST, SECOND, THIRD, FOURTH, GATES = 0, 2048, 4096, 6144, 8192, 10240
MEMORY = 12288  # size of it
# Columns of a lane's table of peers: how many, then of each which latents are its own, correlation.
PEER_COLUMNS = 2
# What a lane knows before the network is asked.
MEAN, SIZE, LOG, OWN = range(4)


@helper
def limited(x, most):
    return min(max(x, -most), most)


@helper
def pseudo_log(x):
    """64 * log2(x) with the fraction bits of x in place of the logarithm's: monotone, exact."""
    x = min(max(x, SMALLEST_SCALE), LARGEST_SCALE)
    octave = bit_length(x) - 1
    return (octave << LOG_BITS) + (((x << LOG_BITS) >> octave) & ((1 << LOG_BITS) - 1))


@helper
def scale_of(log):
    """The scale behind a pseudo-logarithm: its inverse, up to what it drops."""
    mantissa = (1 << LOG_BITS) + (log & ((1 << LOG_BITS) - 1))
    return (mantissa << (log >> LOG_BITS)) >> LOG_BITS


@helper
def norm(x, unit, reciprocal):
    """A difference (1/32 code) in units of the scale, limited, with VALUE_BITS fraction bits."""
    return (limited(x, REACH * unit) * reciprocal) >> 16


@helper
def logistic(table, k):
    return int(table[index(min(max(k, -1024), 1023) + 1024)])


@helper
def sums_of_layer(memory, source, layers, layer, weights, biases, sums):
    """Biases and weighted sums of a layer over inputs that stand from `source` on."""
    inputs = int(layers[index(layer), INPUTS])
    width = int(layers[index(layer), WIDTH])
    at = int(layers[index(layer), WEIGHTS])
    first_bias = int(layers[index(layer), BIASES])
    out = sums[:width]
    bias = biases[first_bias : first_bias + width]
    for j in range(width):
        out[j] = bias[j]
    i = 0
    while i + 4 <= inputs:  # four rows in one pass: the sums are loaded and stored less often
        a = int(memory[index(source + i)])
        b = int(memory[index(source + i + 1)])
        c = int(memory[index(source + i + 2)])
        d = int(memory[index(source + i + 3)])
        rows = weights[at : at + 4 * width]
        row_a, row_b = rows[:width], rows[width : 2 * width]
        row_c, row_d = rows[2 * width : 3 * width], rows[3 * width :]
        for j in range(width):
            out[j] += (
                a * int(row_a[j]) + b * int(row_b[j]) + c * int(row_c[j]) + d * int(row_d[j])
            )
        at += 4 * width
        i += 4
    while i < inputs:
        a = int(memory[index(source + i)])
        row = weights[at : at + width]
        for j in range(width):
            out[j] += a * int(row[j])
        at += width
        i += 1


@helper
def run_layer(memory, source, target, layers, layer, weights, biases, sums, table):
    """Outputs of a layer, from `target` on."""
    sums_of_layer(memory, source, layers, layer, weights, biases, sums)
    activation = int(layers[index(layer), ACTIVATION])
    shift = int(layers[index(layer), SHIFT])
    outputs = int(layers[index(layer), OUTPUTS])
    out = memory[target : target + outputs]
    for j in range(outputs):
        out[j] = limited(int(sums[index(j)]) >> shift, LARGEST)
    if activation == RELU:
        for j in range(outputs):
            out[j] = max(int(out[j]), 0)
    elif activation == SILU:
        for j in range(outputs):
            x = int(out[j])
            out[j] = (x * logistic(table, x >> 3)) >> 15
    elif activation == TANH:
        for j in range(outputs):
            out[j] = (logistic(table, int(out[j]) >> 2) - 16384) >> 4
    elif activation == SIGMOID:
        for j in range(outputs):
            out[j] = logistic(table, int(out[j]) >> 3) >> 5


@helper
def run_recurrent(
    memory, source, target, layers, layer, weights, biases, sums, table, cells, outputs, lane, first
):
    """Outputs of a recurrent layer (Hochreiter and Schmidhuber 1997, with a forget gate) whose
    cells and past outputs stand from `first` on; its inputs stand from `source` on, with room
    for its past outputs behind them."""
    size = int(layers[index(layer), OUTPUTS]) >> 2
    own = source + int(layers[index(layer), INPUTS]) - size
    for j in range(size):
        memory[index(own + j)] = outputs[index(lane), index(first + j)]
    run_layer(memory, source, GATES, layers, layer, weights, biases, sums, table)
    for j in range(size):
        admit = logistic(table, int(memory[index(GATES + j)]) >> 3)
        keep = logistic(table, int(memory[index(GATES + size + j)]) >> 3)
        offered = 2 * logistic(table, int(memory[index(GATES + 2 * size + j)]) >> 2) - 32768
        show = logistic(table, int(memory[index(GATES + 3 * size + j)]) >> 3)
        cell = int(cells[index(lane), index(first + j)])
        cell = limited((keep * cell + admit * (offered >> 3)) >> 15, 32767)
        cells[index(lane), index(first + j)] = cell
        y = (show * (2 * logistic(table, cell >> 4) - 32768)) >> 20
        outputs[index(lane), index(first + j)] = y
        memory[index(target + j)] = y


@helper
def linear_prediction(predictors, window, lane, newest):
    """Sum of weights times levels; `newest` is where the newest level stands in the window."""
    total = 0
    for k in range(ORDER):
        total += int(predictors[index(lane), index(k)]) * int(
            window[index(lane), index(newest - k)]
        )
    return total


@helper
def scale_from(fast, slow):
    """As kernels.tracked_scale, of the same two trackers."""
    return max(slow - (slow >> 4) + fast, 12 * fast)


@helper
def move_trackers(trackers, lane, error):
    size = abs(error)
    trackers[index(lane), 0] += size - (int(trackers[index(lane), 0]) >> FAST)
    trackers[index(lane), 1] += size - (int(trackers[index(lane), 1]) >> MID)
    trackers[index(lane), 2] += size - (int(trackers[index(lane), 2]) >> SLOW)
    trackers[index(lane), 3] += size - (int(trackers[index(lane), 3]) >> LONG)


@helper
def set_inputs(
    memory, shape, window, past_errors, trackers, lane, row, room, mean, log, unit, reciprocal,
    offset, level_shift,
):
    """The network's inputs (FORMAT.md, "Networks", step 3)."""
    newest = room + ((row - 1) % room)
    at = INPUT
    levels = int(shape[LEVELS])
    run = window[lane]
    for k in range(levels):
        memory[index(at + k)] = norm(
            (int(run[index(newest - k)]) << level_shift) - mean, unit, reciprocal
        )
    at += levels
    errors = int(shape[ERRORS])
    if errors > 0:
        newest = errors + ((row - 1) % errors)
        run = past_errors[lane]
        for k in range(errors):
            memory[index(at + k)] = norm(int(run[index(newest - k)]), unit, reciprocal)
        at += errors
    memory[at] = limited((pseudo_log(int(trackers[index(lane), 0]) << 4) - log) << 4, LARGEST)
    memory[at + 1] = limited((pseudo_log(int(trackers[index(lane), 1]) << 2) - log) << 4, LARGEST)
    memory[at + 2] = limited((pseudo_log(int(trackers[index(lane), 2])) - log) << 4, LARGEST)
    memory[at + 3] = limited((pseudo_log(int(trackers[index(lane), 3]) >> 3) - log) << 4, LARGEST)
    memory[at + 4] = limited((log - USUAL_LOG) << 3, LARGEST)
    memory[at + 5] = limited(mean >> 2, LARGEST)
    memory[at + 6] = norm(offset, unit, reciprocal)


@helper
def run_network(
    memory, shape, layers, weights, biases, sums, table, cells, outputs, lane, row, peers, latents,
):
    """From the inputs to the two outputs; returns where the latent and where the outputs stand."""
    layer = 0
    source = INPUT
    own_inputs = int(shape[ERRORS]) + 7
    if int(shape[BANK]) > 0:
        run_layer(memory, source, FIRST, layers, layer, weights, biases, sums, table)
        made = int(layers[index(layer), OUTPUTS])
        for k in range(own_inputs):
            memory[index(FIRST + made + k)] = memory[index(INPUT + int(shape[LEVELS]) + k)]
        source = FIRST
        layer += 1
    first = 0
    for _ in range(int(shape[RECURRENT])):
        target = SECOND if source != SECOND else THIRD
        run_recurrent(
            memory, source, target, layers, layer, weights, biases, sums, table, cells, outputs,
            lane, first,
        )
        first += int(layers[index(layer), OUTPUTS]) >> 2
        source = target
        layer += 1
    for _ in range(int(shape[PROJECTOR])):
        target = SECOND if source != SECOND else THIRD
        run_layer(memory, source, target, layers, layer, weights, biases, sums, table)
        source = target
        layer += 1
    latent = source
    size = int(shape[LATENT])
    if int(shape[MESSAGE]) > 0:
        region = int(shape[REGION])
        for j in range(size):
            memory[index(FOURTH + j)] = memory[index(latent + j)]
        for j in range(region):
            memory[index(INPUT + j)] = 0
        count = int(peers[index(lane), 0])
        for p in range(count):
            peer = latents[index(int(peers[index(lane), index(1 + PEER_COLUMNS * p)]))]
            ahead = row + LATENT_AHEAD
            there = ahead < len(peer)
            for j in range(size):
                memory[index(FOURTH + size + j)] = (
                    int(peer[index(ahead), index(j)]) if there else 0
                )
            correlation = int(peers[index(lane), index(2 + PEER_COLUMNS * p)])
            memory[index(FOURTH + 2 * size)] = correlation << 3
            memory[index(FOURTH + 2 * size + 1)] = peer[index(row), index(size)]
            run_layer(memory, FOURTH, FIRST, layers, layer, weights, biases, sums, table)
            for j in range(region):
                memory[index(INPUT + j)] = int(memory[index(INPUT + j)]) + int(
                    memory[index(FIRST + j)]
                )
        if count > 1:
            for j in range(region):
                memory[index(INPUT + j)] = int(memory[index(INPUT + j)]) // count
        layer += 1
        if int(shape[RESIDUAL]) > 0:
            for j in range(size):
                memory[index(FOURTH + j)] = limited(
                    int(memory[index(FOURTH + j)]) + int(memory[index(INPUT + j)]), LARGEST
                )
        else:
            for j in range(region):
                memory[index(FOURTH + size + j)] = memory[index(INPUT + j)]
        source = FOURTH
    for _ in range(int(shape[PREDICTOR])):
        target = FIRST if source != FIRST else GATES
        run_layer(memory, source, target, layers, layer, weights, biases, sums, table)
        source = target
        layer += 1
    return latent, source


@helper
def expect(
    lane, row, room, shift, level_shift, lowest, highest, offset, predictors, window, past_errors,
    trackers, shape, layers, weights, biases, table, memory, sums, cells, outputs, peers, latents,
    beyond,
):
    """What is to be expected in a row from 1 on: the linear mean, the network's mean, its scale's
    pseudo-logarithm and that of the linear scale, the lane's own prediction without limits and
    offset, and the unit and reciprocal for `norm`.

    The linear mean lies within [lowest, highest], the network's not further than `beyond` off."""
    own = linear_prediction(predictors, window, lane, room + ((row - 1) % room)) >> shift
    mean = min(max(own + offset, lowest), highest)
    log = pseudo_log(
        scale_from(int(trackers[index(lane), 0]), int(trackers[index(lane), 2]))
    )
    scale = scale_of(log)
    unit = scale >> 7
    reciprocal = (1 << 33) // scale
    set_inputs(
        memory, shape, window, past_errors, trackers, lane, row, room, mean, log, unit,
        reciprocal, offset, level_shift,
    )
    latent, result = run_network(
        memory, shape, layers, weights, biases, sums, table, cells, outputs, lane, row, peers,
        latents,
    )
    mine = int(peers[index(lane), index(peers.shape[1] - 1)])
    if mine >= 0:  # others will want it
        keep = latents[index(mine)]
        for j in range(int(shape[LATENT])):
            keep[index(row), index(j)] = memory[index(latent + j)]
    corrected = mean + ((int(memory[index(result)]) * unit) >> VALUE_BITS)
    corrected = min(max(corrected, lowest - beyond), highest + beyond)
    return mean, corrected, log + (int(memory[index(result + 1)]) >> 4), log, own, unit, reciprocal


@helper
def learn(
    lane, row, room, level, target, mean, own, unit, reciprocal, window, past_errors, trackers,
    shape, peers, latents,
):
    """What a lane remembers of its new sample."""
    at = row % room
    window[index(lane), index(at)] = level
    window[index(lane), index(at + room)] = level
    error = target - mean
    errors = int(shape[ERRORS])
    if errors > 0:
        at = row % errors
        past_errors[index(lane), index(at)] = error
        past_errors[index(lane), index(at + errors)] = error
    move_trackers(trackers, lane, error)
    mine = int(peers[index(lane), index(peers.shape[1] - 1)])
    if mine >= 0:
        latents[index(mine), index(row), index(shape[LATENT])] = norm(
            target - own, unit, reciprocal
        )


@helper
def begin(lane, level, room, window):
    for k in range(2 * room):
        window[index(lane), index(k)] = level


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i8,i4[:,::1],i4[::1],i4[::1],i4[::1],i4[:,::1],i4[::1],"
    "i8[:,::1],i4[:,::1],i4[:,::1],i8[::1],i8[:,::1],i2[::1],i4[::1],i4[::1],i4[::1],i4[::1],"
    "i4[:,::1],i4[:,::1],i4[:,::1],i2[:,:,::1],"
    "i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1],u4[::1])"
)
def network_encode(
    values, lanes, level_bits, first_code, last_code, value_bits, first_class,
    classes, edges, levels, mass_table, predictors, offsets,
    trackers, window, past_errors, shape, layers, weights, biases, table, memory, sums,
    cells, outputs, peers, latents,
    scratch, origins, words, fast, slow, sorted_symbols, out,
):
    """Code words of a stage's `values`, frame by frame; returns how many bits `out` holds.

    The arguments are those of kernels.encode and the state of a network.
    """
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    uneven = len(levels) > 0
    room = window.shape[1] >> 1
    pending = 0
    held = 0
    at = 0
    done = 0
    row = 0
    while done < len(values):
        for lane in range(lanes):
            value = int(values[index(done)])
            level, target = level_of(value, levels, first_code)
            if row == 0:
                pending = (pending << value_bits) | (value - first_code)
                held += value_bits
                begin(lane, level, room, window)
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                mean, corrected, log, _, own, unit, reciprocal = expect(
                    lane, row, room, shift, level_shift, lowest, highest, offset, predictors,
                    window, past_errors, trackers, shape, layers, weights, biases, table, memory,
                    sums, cells, outputs, peers, latents, 0,
                )
                c = (log >> (LOG_BITS - CLASS_BITS)) - first_class
                c = min(max(c, 0), len(classes) - 1)
                place, nearest, low_bits = place_in_class(classes, c, corrected, lowest, uneven)
                count = int(classes[index(c), COUNT])
                key = int(classes[index(c), FIRST_KEY]) + place
                if origins[index(key)] == 0:
                    build_table(
                        key, c, classes, edges, mass_table, first_code, scratch, origins, words,
                        fast, slow, sorted_symbols,
                    )
                symbol = (value >> low_bits) - nearest - (int(origins[index(key)]) - MADE)
                first_symbol = int(classes[index(c), FIRST_SYMBOL]) + place * (count + 1)
                word, length = code_word(
                    value, symbol, count, first_symbol, low_bits, words, first_code, value_bits
                )
                pending = (pending << length) | word
                held += length
                learn(
                    lane, row, room, level, target, mean, own, unit, reciprocal, window,
                    past_errors, trackers, shape, peers, latents,
                )
            done += 1
            if held >= 32:
                held -= 32
                out[index(at)] = pending >> held
                at += 1
                pending &= (1 << held) - 1
        row += 1
    out[index(at)] = pending << (32 - held)
    return at * 32 + held


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i8,i4[:,::1],i4[::1],i4[::1],i4[::1],i4[:,::1],i4[::1],"
    "i8[:,::1],i4[:,::1],i4[:,::1],i8[::1],i8[:,::1],i2[::1],i4[::1],i4[::1],i4[::1],i4[::1],"
    "i4[:,::1],i4[:,::1],i4[:,::1],i2[:,:,::1],"
    "i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1],u4[::1])"
)
def network_decode(
    values, lanes, level_bits, first_code, last_code, value_bits, first_class,
    classes, edges, levels, mass_table, predictors, offsets,
    trackers, window, past_errors, shape, layers, weights, biases, table, memory, sums,
    cells, outputs, peers, latents,
    scratch, origins, words, fast, slow, sorted_symbols, payload,
):
    """Inverse of `network_encode`, as kernels.decode is that of kernels.encode."""
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    uneven = len(levels) > 0
    room = window.shape[1] >> 1
    pending = 0
    held = 0
    at = 0
    done = 0
    row = 0
    while done < len(values):
        if at + lanes + 2 > len(payload):
            return OVERRUN
        for lane in range(lanes):
            if held < 32:
                pending = ((pending & ((1 << held) - 1)) << 32) | int(payload[index(at)])
                at += 1
                held += 32
            mean = own = unit = reciprocal = 0
            if row == 0:
                held -= value_bits
                value = ((pending >> held) & ((1 << value_bits) - 1)) + first_code
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                mean, corrected, log, _, own, unit, reciprocal = expect(
                    lane, row, room, shift, level_shift, lowest, highest, offset, predictors,
                    window, past_errors, trackers, shape, layers, weights, biases, table, memory,
                    sums, cells, outputs, peers, latents, 0,
                )
                c = (log >> (LOG_BITS - CLASS_BITS)) - first_class
                c = min(max(c, 0), len(classes) - 1)
                place, nearest, low_bits = place_in_class(classes, c, corrected, lowest, uneven)
                key = int(classes[index(c), FIRST_KEY]) + place
                if origins[index(key)] == 0:
                    build_table(
                        key, c, classes, edges, mass_table, first_code, scratch, origins, words,
                        fast, slow, sorted_symbols,
                    )
                nearest += int(origins[index(key)]) - MADE
                head = (pending >> (held - MAX_LENGTH)) & ((1 << MAX_LENGTH) - 1)
                symbol, length = read_symbol(
                    head, key, c, place, classes, fast, slow, sorted_symbols
                )
                held -= length
                if symbol != ESCAPE:
                    held -= low_bits
                    value = nearest + symbol
                    value = (value << low_bits) | ((pending >> held) & ((1 << low_bits) - 1))
                else:
                    held -= value_bits
                    value = ((pending >> held) & ((1 << value_bits) - 1)) + first_code
            if value < first_code or value > last_code:
                return BAD_SYMBOL
            level, target = level_of(value, levels, first_code)
            if row == 0:
                begin(lane, level, room, window)
            else:
                learn(
                    lane, row, room, level, target, mean, own, unit, reciprocal, window,
                    past_errors, trackers, shape, peers, latents,
                )
            values[index(done)] = value
            done += 1
        row += 1
    return at * 32 - held


@kernel("i8(i4[::1],i4[:,::1],i8,i4[:,::1],i8[:,::1],i8,i8,i4[::1],i4[:,::1])")
def trace(levels, predictors, level_bits, window, trackers, lowest, highest, offsets, known):
    """What a network is told of each sample of a lead, but for the window: see
    predictors.network.trace. Returns the number of samples."""
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    room = window.shape[1] >> 1
    begin(0, int(levels[0]), room, window)
    for row in range(1, len(levels)):
        own = linear_prediction(predictors, window, 0, room + ((row - 1) % room)) >> shift
        offset = int(offsets[index(row)]) if len(offsets) > 0 else 0
        mean = min(max(own + offset, lowest), highest)
        level = int(levels[index(row)])
        target = level << level_shift
        known[row, 0] = mean
        known[row, 1] = target - mean
        known[row, 2] = pseudo_log(scale_from(int(trackers[0, 0]), int(trackers[0, 2])))
        known[row, 3] = pseudo_log(int(trackers[0, 0]) << 4)
        known[row, 4] = pseudo_log(int(trackers[0, 1]) << 2)
        known[row, 5] = pseudo_log(int(trackers[0, 2]))
        known[row, 6] = pseudo_log(int(trackers[0, 3]) >> 3)
        known[row, 7] = offset
        at = row % room
        window[0, index(at)] = level
        window[0, index(at + room)] = level
        move_trackers(trackers, 0, target - mean)
    return len(levels)


@kernel("i8(i4[::1],i4[::1],i8,i4[::1])")
def own_errors(levels, predictor, level_bits, errors):
    """A channel's errors as its peers' offsets use them; `predictor` has the oldest weight first.

    Returns the number of samples.
    """
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    n = len(levels)
    errors[0] = 0
    for t in range(1, min(n, ORDER)):
        total = 0
        for k in range(ORDER):
            total += int(predictor[k]) * int(levels[max(t - ORDER + k, 0)])
        errors[t] = (int(levels[t]) << level_shift) - (total >> shift)
    for t in range(ORDER, n):
        past = levels[t - ORDER : t]
        total = 0
        for k in range(ORDER):
            total += int(predictor[k]) * int(past[k])
        errors[t] = (int(levels[t]) << level_shift) - (total >> shift)
    return n


@kernel("i8(i4[::1],i4[::1],i8,i4[::1])")
def add_offsets(errors, taps, shift, offsets):
    """Add what one peer contributes. `errors` has TAPS - 1 - NEWEST_TAP zeros before its first
    frame and NEWEST_TAP behind its last; `taps` belongs to the oldest first. Returns the frames."""
    n = len(offsets)
    for t in range(n):
        run = errors[t : t + TAPS]
        total = 0
        for k in range(TAPS):
            total += int(taps[k]) * int(run[k])
        offsets[t] = int(offsets[t]) + (total >> shift)
    return n


@kernel("i8(i4[::1],i4[::1],i8[::1])")
def cross_products(own, other, sums):
    """sums[reach + d] = sum of own[t] * other[t - d], d from -reach to reach; exact in 64 bits."""
    reach = len(sums) >> 1
    for d in range(-reach, reach + 1):
        now = own[max(d, 0) :]
        past = other[max(-d, 0) :]
        total = 0
        for t in range(min(len(now), len(past))):
            total += int(now[t]) * int(past[t])
        sums[reach + d] = total
    return reach
