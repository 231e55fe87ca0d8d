"""The inner loops of preset `max`: what a lead teaches as it goes, a mixture of densities, rANS.

Like kernels.py and network_kernels.py, whose parts they use, and specified by FORMAT.md ("Mixing").
The gains are moved by normalised least mean squares (Widrow and Hoff 1960; Nagumo and Noda 1967),
the shares by one step of expectation maximisation a sample (Titterington 1984) with a part of them
kept equal (Herbster and Warmuth 1998); rANS is that of Duda (2013) with words of 32 bits.
"""

from .engine import helper, index, kernel
from .kernels import (
    EDGE_BITS,
    MU_BITS,
    ORDER,
    OVERRUN,
    WEIGHT_BITS,
    level_of,
    predict,
    remember,
    track,
    tracked_scale,
)
from .network_kernels import VALUE_BITS, begin, expect, learn, limited, norm, scale_of

PAST_REMAINDERS, PAST_LEVELS = 16, 32
GAINS = PAST_REMAINDERS + PAST_LEVELS
GAIN_BITS, LARGEST_GAIN = 24, 1 << 26
LARGEST_ERROR = 4096
POWER_SHIFT, LEAST_POWER = 8, 1 << 14
SHARE_BITS, SHARE_SHIFT, EQUAL_SHIFT, EQUAL_SHARE = 16, 6, 8, 21845
FIRST_SHARES, FIRST_POWER = (32768, 26214, 6554), GAINS << 20
SMALLEST_LOG, LARGEST_LOG, SMALLEST_SCALE = 576, 1855, 512
BEYOND = 512 << MU_BITS  # so far a mean may lie beyond the last codes, where a lead is railed
DENSITIES = 3  # with the gains, without, and of the linear prediction alone
MASS_BITS = 24  # of the density's table
START_BITS = 28  # intervals are parts of 2^28
LEAST_WIDTH_BITS = 14  # all codes together have at least so much of that for certain
STATE_BITS, WORD_BITS = 31, 32
# Columns of a lane's adaptive state; then its gains.
SHARE_1, SHARE_2, SHARE_3, POWER, FIRST_GAIN = range(5)
# What a sample's densities are: mean in 1/256 code and reciprocal scale of each, in turn.
MEAN, RECIPROCAL = range(2)


@helper
def set_regressors(
    regressors, remainders, window, lane, row, room, mean, level_shift, unit, reciprocal
):
    """The 48 numbers that the gains are for, in 2^-10 of the scale."""
    run = remainders[lane]
    newest = PAST_REMAINDERS + ((row - 1) % PAST_REMAINDERS)
    for k in range(PAST_REMAINDERS):
        regressors[k] = norm(int(run[index(newest - k)]), unit, reciprocal)
    run = window[lane]
    newest = room + ((row - 1) % room)
    for k in range(PAST_LEVELS):
        level = int(run[index(newest - k)]) << level_shift
        regressors[PAST_REMAINDERS + k] = norm(level - mean, unit, reciprocal) >> 2


@helper
def correction(regressors, adaptive, lane):
    gains = adaptive[lane, FIRST_GAIN:]
    total = 0
    for k in range(GAINS):
        total += int(gains[k]) * int(regressors[k])
    return total >> GAIN_BITS


@helper
def adapt(regressors, adaptive, lane, error):
    """Move the gains against an error in 2^-10 of the scale."""
    gains = adaptive[lane, FIRST_GAIN:]
    energy = 0
    for k in range(GAINS):
        energy += int(regressors[k]) * int(regressors[k])
    power = int(adaptive[index(lane), POWER])
    power += (energy - power) >> POWER_SHIFT
    adaptive[index(lane), POWER] = power
    step = (limited(error, LARGEST_ERROR) * ((1 << 41) // (power + LEAST_POWER))) >> 14
    for k in range(GAINS):
        gains[k] = limited(
            int(gains[k]) + ((step * int(regressors[k]) + (1 << 13)) >> 14), LARGEST_GAIN
        )


@helper
def mass_below(mass_table, distance, reciprocal):
    """Mass of the density below a distance (1/256 code) from its mean, in 2^-24."""
    last = len(mass_table) - 1
    u = ((distance * reciprocal) >> 24) + (last << 7)
    if u <= 0:
        return 0
    if u >= last << 8:
        return int(mass_table[index(last)])
    i = u >> 8
    left = int(mass_table[index(i)])
    return left + (((int(mass_table[index(i + 1)]) - left) * (u & 255)) >> 8)


@helper
def edge_below(q, edges, first_code):
    """Where the code's interval begins, in 1/256 code."""
    if len(edges) > 0:
        return int(edges[index(q - first_code)])
    return (q << EDGE_BITS) - (1 << (EDGE_BITS - 1))


@helper
def start_of(q, first_code, last_code, edges, mass_table, adaptive, lane, densities, below):
    """Start of a code's interval; `below` gets each density's mass below the code."""
    if q <= first_code:
        for i in range(DENSITIES):
            below[i] = 0
        return 0
    if q > last_code:
        for i in range(DENSITIES):
            below[i] = int(mass_table[index(len(mass_table) - 1)])
        return 1 << START_BITS
    edge = edge_below(q, edges, first_code)
    total = 0
    for i in range(DENSITIES):
        mass = mass_below(
            mass_table, edge - int(densities[2 * i + MEAN]), int(densities[2 * i + RECIPROCAL])
        )
        below[i] = mass
        total += int(adaptive[index(lane), index(i)]) * mass
    codes = last_code - first_code + 1
    least = max(1, (1 << LEAST_WIDTH_BITS) // codes)
    total >>= SHARE_BITS + MASS_BITS - START_BITS
    return ((total * ((1 << START_BITS) - codes * least)) >> START_BITS) + least * (q - first_code)


@helper
def move_shares(adaptive, lane, below, above):
    """Move the shares towards what each density had of the code between the two."""
    first = int(adaptive[index(lane), SHARE_1]) * (int(above[0]) - int(below[0]) + 1)
    second = int(adaptive[index(lane), SHARE_2]) * (int(above[1]) - int(below[1]) + 1)
    third = int(adaptive[index(lane), SHARE_3]) * (int(above[2]) - int(below[2]) + 1)
    total = first + second + third
    share = int(adaptive[index(lane), SHARE_2])
    second = (second << SHARE_BITS) // total - share + ((EQUAL_SHARE - share) >> EQUAL_SHIFT)
    adaptive[index(lane), SHARE_2] = share + (second >> SHARE_SHIFT)
    share = int(adaptive[index(lane), SHARE_3])
    third = (third << SHARE_BITS) // total - share + ((EQUAL_SHARE - share) >> EQUAL_SHIFT)
    adaptive[index(lane), SHARE_3] = share + (third >> SHARE_SHIFT)
    adaptive[index(lane), SHARE_1] = (
        (1 << SHARE_BITS)
        - int(adaptive[index(lane), SHARE_2])
        - int(adaptive[index(lane), SHARE_3])
    )


@helper
def set_densities(densities, learnt, corrected, mean, log, linear_log):
    """Mean (1/256 code) and reciprocal scale of the three densities."""
    finer = EDGE_BITS - MU_BITS
    reciprocal = (1 << 41) // scale_of(min(max(log, SMALLEST_LOG), LARGEST_LOG))
    densities[0] = learnt << finer
    densities[1] = reciprocal
    densities[2] = corrected << finer
    densities[3] = reciprocal
    densities[4] = mean << finer
    densities[5] = (1 << 41) // scale_of(linear_log)


@helper
def expect_mixture(
    lane, row, room, shift, level_shift, lowest, highest, offset, predictors, window, past_errors,
    trackers, shape, layers, weights, biases, table, memory, sums, cells, outputs, peers, latents,
    remainders, adaptive, regressors, densities,
):
    """Set the densities of a row from 1 on, and the regressors that its gains are moved by.

    Returns the linear mean, the network's, that with the gains, and what `expect` says besides."""
    mean, corrected, log, linear_log, own, unit, reciprocal = expect(
        lane, row, room, shift, level_shift, lowest, highest, offset, predictors, window,
        past_errors, trackers, shape, layers, weights, biases, table, memory, sums, cells, outputs,
        peers, latents, BEYOND,
    )
    set_regressors(
        regressors, remainders, window, lane, row, room, corrected, level_shift, unit, reciprocal
    )
    learnt = corrected + ((correction(regressors, adaptive, lane) * unit) >> VALUE_BITS)
    learnt = min(max(learnt, lowest - BEYOND), highest + BEYOND)
    set_densities(densities, learnt, corrected, mean, log, linear_log)
    return mean, corrected, learnt, own, unit, reciprocal


@helper
def copy_masses(source, target):
    for i in range(DENSITIES):
        target[i] = source[i]


@helper
def find_code(
    slot, guess, first_code, last_code, edges, mass_table, adaptive, lane, densities, below, above,
    between,
):
    """The code whose interval holds a slot, and where that begins and ends.

    Steps of growing width lead from the guess to a stretch that holds it, halving to the code.
    """
    low = min(max(guess, first_code), last_code)
    high = low + 1
    start = start_of(
        low, first_code, last_code, edges, mass_table, adaptive, lane, densities, below
    )
    end = start_of(
        high, first_code, last_code, edges, mass_table, adaptive, lane, densities, above
    )
    step = 1
    while end <= slot:
        low = high
        start = end
        copy_masses(above, below)
        step *= 2
        high = min(low + step, last_code + 1)
        end = start_of(
            high, first_code, last_code, edges, mass_table, adaptive, lane, densities, above
        )
    while start > slot:
        high = low
        end = start
        copy_masses(below, above)
        step *= 2
        low = max(high - step, first_code)
        start = start_of(
            low, first_code, last_code, edges, mass_table, adaptive, lane, densities, below
        )
    while high - low > 1:
        middle = (low + high) >> 1
        at = start_of(
            middle, first_code, last_code, edges, mass_table, adaptive, lane, densities, between
        )
        if at <= slot:
            low = middle
            start = at
            copy_masses(between, below)
        else:
            high = middle
            end = at
            copy_masses(between, above)
    return low, start, end


@helper
def surprise(value, target, mean, first_code, last_code):
    """A code's level less its mean; none for a last code and a mean beyond, where the lead is."""
    if value == last_code:
        return max(target - mean, 0)
    if value == first_code:
        return min(target - mean, 0)
    return target - mean


@helper
def learn_remainder(
    lane, row, value, target, corrected, learnt, first_code, last_code, unit, reciprocal,
    remainders, adaptive, regressors, below, above,
):
    """What a lane's mixing remembers of its new sample."""
    at = row % PAST_REMAINDERS
    remainder = surprise(value, target, corrected, first_code, last_code)
    remainders[index(lane), index(at)] = remainder
    remainders[index(lane), index(at + PAST_REMAINDERS)] = remainder
    move_shares(adaptive, lane, below, above)
    error = surprise(value, target, learnt, first_code, last_code)
    adapt(regressors, adaptive, lane, norm(error, unit, reciprocal))


@helper
def push_codes(starts, widths, out):
    """rANS, from the last code to the first, into the end of `out`; returns where it begins."""
    at = len(out)
    x = 1 << STATE_BITS
    for i in range(len(starts) - 1, -1, -1):
        width = int(widths[index(i)])
        if x >> (STATE_BITS + WORD_BITS - START_BITS) >= width:
            at -= 1
            out[index(at)] = x & ((1 << WORD_BITS) - 1)
            x >>= WORD_BITS
        x = ((x // width) << START_BITS) + x % width + int(starts[index(i)])
    out[index(at - 1)] = x >> WORD_BITS
    out[index(at - 2)] = x & ((1 << WORD_BITS) - 1)
    return at - 2


@kernel(
    "i8(i2[::1],i8,i8,i4[::1],i4[::1],i4[::1],i4[:,::1],i4[:,::1],i4[:,::1],i8,i8,i8[::1],i8[::1],"
    "i4[::1])"
)
def weigh_codes(
    values, first_code, last_code, edges, levels, mass_table, predictors, history, trackers, begin,
    end, observed, expected, masses,
):
    """How often each code of one lead came, and with what mass it was expected, by rows.

    What is expected is what the linear preset expects. `predictors`, `history` and `trackers` are
    the state of one lane at its start. Rows from `begin` to `end` (not included) are counted:
    codes in `observed`, masses of all codes, in 2^-24, in `expected`; every row's own code has its
    mass written into `masses`. Returns the rows.
    """
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    whole = int(mass_table[len(mass_table) - 1])
    for row in range(len(values)):
        value = int(values[row])
        level = int(levels[index(value - first_code)])
        if row == 0:
            for k in range(ORDER):
                remember(history, k, 0, level)
            masses[0] = whole
            continue
        mean = predict(predictors, history, row & (ORDER - 1), 0) >> WEIGHT_BITS
        mean = min(max(mean, lowest), highest)
        centre = mean << (EDGE_BITS - MU_BITS)
        reciprocal = (1 << 41) // max(tracked_scale(trackers, 0), SMALLEST_SCALE)
        below, above = 0, whole
        if value > first_code:
            edge = int(edges[index(value - first_code)])
            below = mass_below(mass_table, edge - centre, reciprocal)
        if value < last_code:
            edge = int(edges[index(value + 1 - first_code)])
            above = mass_below(mass_table, edge - centre, reciprocal)
        masses[row] = max(above - below, 1)
        if begin <= row < end:
            observed[index(value - first_code)] += 1
            low, high = 0, last_code - first_code  # of the last edge that is not above the mean
            while low < high:
                middle = (low + high + 1) >> 1
                if int(edges[index(middle)]) <= centre:
                    low = middle
                else:
                    high = middle - 1
            at = mass_below(mass_table, int(edges[index(low)]) - centre, reciprocal)
            left = at if low > 0 else 0
            code = low
            while left < whole:
                right = whole
                if code < last_code - first_code:
                    right = mass_below(
                        mass_table, int(edges[index(code + 1)]) - centre, reciprocal
                    )
                expected[index(code)] += right - left
                left = right
                code += 1
            code = low - 1
            right = at
            while right > 0 and code >= 0:
                left = 0
                if code > 0:
                    left = mass_below(mass_table, int(edges[index(code)]) - centre, reciprocal)
                expected[index(code)] += right - left
                right = left
                code -= 1
        remember(history, row, 0, level)
        track(trackers, 0, level - mean)
    return len(values)


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i4[::1],i4[::1],i4[::1],i4[:,::1],i4[::1],"
    "i8[:,::1],i4[:,::1],i4[:,::1],i8[::1],i8[:,::1],i2[::1],i4[::1],i4[::1],i4[::1],i4[::1],"
    "i4[:,::1],i4[:,::1],i4[:,::1],i2[:,:,::1],"
    "i4[:,::1],i8[:,::1],i4[::1],i8[:,::1],i4[::1],i4[::1],u4[::1])"
)
def mixing_encode(
    values, lanes, level_bits, first_code, last_code, value_bits, edges, levels, mass_table,
    predictors, offsets,
    trackers, window, past_errors, shape, layers, weights, biases, table, memory, sums,
    cells, outputs, peers, latents,
    remainders, adaptive, regressors, masses, starts, widths, out,
):
    """Code a stage's `values`, frame by frame, into the end of `out`: returns where it begins.

    The arguments are those of network_encode, the state of the mixing, and room: `starts` and
    `widths` as long as `values`, `out` two words longer.
    """
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    room = window.shape[1] >> 1
    densities, below, above = masses[0], masses[1], masses[2]
    done = 0
    row = 0
    while done < len(values):
        for lane in range(lanes):
            value = int(values[index(done)])
            level, target = level_of(value, levels, first_code)
            if row == 0:
                starts[index(done)] = (value - first_code) << (START_BITS - value_bits)
                widths[index(done)] = 1 << (START_BITS - value_bits)
                begin(lane, level, room, window)
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                mean, corrected, learnt, own, unit, reciprocal = expect_mixture(
                    lane, row, room, shift, level_shift, lowest, highest, offset, predictors,
                    window, past_errors, trackers, shape, layers, weights, biases, table, memory,
                    sums, cells, outputs, peers, latents, remainders, adaptive, regressors,
                    densities,
                )
                start = start_of(
                    value, first_code, last_code, edges, mass_table, adaptive, lane, densities,
                    below,
                )
                end = start_of(
                    value + 1, first_code, last_code, edges, mass_table, adaptive, lane, densities,
                    above,
                )
                starts[index(done)] = start
                widths[index(done)] = end - start
                learn_remainder(
                    lane, row, value, target, corrected, learnt, first_code, last_code, unit,
                    reciprocal, remainders, adaptive, regressors, below, above,
                )
                learn(
                    lane, row, room, level, target, mean, own, unit, reciprocal, window,
                    past_errors, trackers, shape, peers, latents,
                )
            done += 1
        row += 1
    return push_codes(starts, widths, out)


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i4[::1],i4[::1],i4[::1],i4[:,::1],i4[::1],"
    "i8[:,::1],i4[:,::1],i4[:,::1],i8[::1],i8[:,::1],i2[::1],i4[::1],i4[::1],i4[::1],i4[::1],"
    "i4[:,::1],i4[:,::1],i4[:,::1],i2[:,:,::1],"
    "i4[:,::1],i8[:,::1],i4[::1],i8[:,::1],i8[::1])"
)
def mixing_decode(
    values, lanes, level_bits, first_code, last_code, value_bits, edges, levels, mass_table,
    predictors, offsets,
    trackers, window, past_errors, shape, layers, weights, biases, table, memory, sums,
    cells, outputs, peers, latents,
    remainders, adaptive, regressors, masses, payload,
):
    """Inverse of `mixing_encode`: fills `values`; returns 0, or OVERRUN where `payload`, which has
    at least two words, is not what ends with the last value."""
    shift = WEIGHT_BITS + level_bits - MU_BITS
    level_shift = MU_BITS - level_bits
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    room = window.shape[1] >> 1
    densities, below, above, between = masses[0], masses[1], masses[2], masses[3]
    if int(payload[1]) >> STATE_BITS > 0:
        return OVERRUN
    x = (int(payload[1]) << WORD_BITS) | int(payload[0])
    at = 2
    done = 0
    row = 0
    while done < len(values):
        for lane in range(lanes):
            slot = x & ((1 << START_BITS) - 1)
            mean = corrected = learnt = own = unit = reciprocal = 0
            if row == 0:
                value = (slot >> (START_BITS - value_bits)) + first_code
                start = (value - first_code) << (START_BITS - value_bits)
                end = start + (1 << (START_BITS - value_bits))
                if value > last_code:
                    return OVERRUN
            else:
                offset = int(offsets[index(done)]) if len(offsets) > 0 else 0
                mean, corrected, learnt, own, unit, reciprocal = expect_mixture(
                    lane, row, room, shift, level_shift, lowest, highest, offset, predictors,
                    window, past_errors, trackers, shape, layers, weights, biases, table, memory,
                    sums, cells, outputs, peers, latents, remainders, adaptive, regressors,
                    densities,
                )
                value, start, end = find_code(
                    slot, learnt >> MU_BITS, first_code, last_code, edges, mass_table, adaptive,
                    lane, densities, below, above, between,
                )
            x = (end - start) * (x >> START_BITS) + slot - start
            if x >> STATE_BITS == 0:
                if at == len(payload):
                    return OVERRUN
                x = (x << WORD_BITS) | int(payload[index(at)])
                at += 1
            level, target = level_of(value, levels, first_code)
            if row == 0:
                begin(lane, level, room, window)
            else:
                learn_remainder(
                    lane, row, value, target, corrected, learnt, first_code, last_code, unit,
                    reciprocal, remainders, adaptive, regressors, below, above,
                )
                learn(
                    lane, row, room, level, target, mean, own, unit, reciprocal, window,
                    past_errors, trackers, shape, peers, latents,
                )
            values[index(done)] = value
            done += 1
        row += 1
    return 0 if at == len(payload) and x == 1 << STATE_BITS else OVERRUN
