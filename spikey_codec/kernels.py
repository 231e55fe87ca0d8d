"""The inner loops: everything that runs once per sample or once per code table.

Written once, as plain functions over integers and NumPy arrays, and run by whichever engine
`engine.py` chose. They stand in one module so that one file's content tells which compiled code
is theirs. FORMAT.md is the specification; the names here are the names there.

Every intermediate value fits a signed 64-bit integer, products of two array elements fit 32 bits
(see FORMAT.md, "Limits of the arithmetic"), and `int()` around what comes out of an array keeps
the interpreter from NumPy's narrow scalars, so that all engines compute the same numbers.
"""

from .engine import bit_length, helper, index, kernel

ORDER = 16  # past samples a prediction looks at
MU_BITS = 5  # fraction bits of a prediction: 1/32 code
WEIGHT_BITS = 13  # fraction bits of a predictor's weights
FAST_SHIFT, SLOW_SHIFT = 3, 7  # the trackers of |error| forget 2^-3 and 2^-7 of it each sample
EDGE_BITS = 8  # fraction bits of code edges: 1/256 code
SCALE_BITS = SLOW_SHIFT + MU_BITS  # scale = 2^SCALE_BITS * (mean |error| in codes)
MASS_GRID_BITS = 5  # the density's cumulative mass is tabulated every 1/32 of the mean |error|
MAX_LENGTH = 15  # longest code word
FAST_BITS = 7  # code words up to this length are decoded by one look-up
LENGTH_BITS = 4  # an entry of the look-up is symbol << LENGTH_BITS | length
SLOW_LENGTHS = MAX_LENGTH - FAST_BITS  # lengths that need the search

# Columns of the table of scale classes (density.py makes it, FORMAT.md lists it).
STEP, LOW_BITS, HALF, COUNT, MASK, FIRST_KEY, FIRST_SYMBOL, CENTRE = range(8)
ESCAPE = 0xFFF  # stands for the escape where symbols are looked up
MADE = 1 << 20  # origins[key] is 0 until the key's code is made, then MADE plus its first bin
# What `decode` returns when the payload cannot be what an encoder wrote.
OVERRUN, BAD_SYMBOL = -1, -2


@helper
def scale_class(scale, first_class, last_class):
    """Quarter-octave class of a scale >= 1: 4 * floor(log2) + the next two bits, limited."""
    octave = bit_length(max(scale, 1)) - 1
    c = 4 * octave + (((scale << 2) >> octave) & 3)
    return min(max(c, first_class), last_class) - first_class


@helper
def cumulative(mass_table, x, scale):
    """Density's mass below x (1/256 code from the mean), for a given scale; see FORMAT.md."""
    # 2^SCALE_BITS scale is one code; x is in 2^-EDGE_BITS code; 8 bits are kept to interpolate
    u = (x << (SCALE_BITS - EDGE_BITS + MASS_GRID_BITS + 8)) // scale
    last = len(mass_table) - 1
    u += (last << 8) >> 1
    if u <= 0:
        return 0
    if u >= last << 8:
        return int(mass_table[last])
    i = u >> 8
    below = int(mass_table[i])
    return below + (((int(mass_table[i + 1]) - below) * (u & 255)) >> 8)


@helper
def code_lengths(masses, count, order, nodes, parents, lengths):
    """Huffman code lengths, at most MAX_LENGTH, of the symbols with mass > 0.

    Two queues (van Leeuwen 1976): leaves in order of (mass, symbol) and inner nodes in order of
    creation; on equal mass a leaf goes first. While a code word comes out longer than allowed,
    the smallest masses are raised to a floor and the floor doubled.
    """
    total = 0
    for i in range(count):
        total += int(masses[i])
    floor = max(1, total >> MAX_LENGTH)
    while True:
        n = 0
        for i in range(count):
            lengths[i] = 0
            if masses[i] > 0:
                order[n] = (max(int(masses[i]), floor) << 13) | i
                n += 1
        gap = 1
        while gap < n // 3:
            gap = 3 * gap + 1
        while gap > 0:
            for i in range(gap, n):
                x = int(order[i])
                j = i - gap
                while j >= 0 and int(order[j]) > x:
                    order[j + gap] = order[j]
                    j -= gap
                order[j + gap] = x
            gap //= 3
        for i in range(n):
            nodes[i] = int(order[i]) >> 13
        leaf = 0
        inner = n
        for made in range(n, 2 * n - 1):
            mass = 0
            for _ in range(2):
                if leaf < n and (inner >= made or int(nodes[leaf]) <= int(nodes[inner])):
                    take = leaf
                    leaf += 1
                else:
                    take = inner
                    inner += 1
                mass += int(nodes[take])
                parents[take] = made
            nodes[made] = mass
        longest = 0
        nodes[2 * n - 2] = 0  # from here on: depths
        for i in range(2 * n - 3, -1, -1):
            depth = int(nodes[int(parents[i])]) + 1
            nodes[i] = depth
            if i < n:
                lengths[int(order[i]) & 8191] = depth
                longest = max(longest, depth)
        if longest <= MAX_LENGTH:
            return
        floor *= 2


@helper
def build_table(
    key, c, classes, edges, mass_table, first_code, scratch, origins, words, fast, slow,
    sorted_symbols,
):
    """Make the canonical code of one (prediction, scale) key; `words` or the others may be empty.

    Codes are even where `edges` is empty; their bins then count from the cell's own.
    """
    masses, lengths = scratch[0], scratch[4]
    step = int(classes[c, STEP])
    low_bits = int(classes[c, LOW_BITS])
    half = int(classes[c, HALF])
    count = int(classes[c, COUNT])
    scale = int(classes[c, CENTRE])
    cell = key - int(classes[c, FIRST_KEY])
    first_symbol = int(classes[c, FIRST_SYMBOL]) + cell * (count + 1)
    uneven = len(edges) > 0
    if uneven:
        cell += (first_code << MU_BITS) >> step
    mean = (((cell << 1) + 1) << step) << (EDGE_BITS - MU_BITS - 1)
    lowest, highest = first_code, first_code + len(edges) - 2
    nearest = 0
    if uneven:  # the code whose interval holds the mean need not bear the mean's number
        nearest = min(max((cell << step) >> MU_BITS, lowest), highest)
        while nearest > lowest and int(edges[nearest - lowest]) > mean:
            nearest -= 1
        while nearest < highest and int(edges[nearest + 1 - lowest]) <= mean:
            nearest += 1
    first_bin = nearest - half
    escape = int(mass_table[len(mass_table) - 1])
    for i in range(count):
        code = first_bin + i
        mass = 0
        if not uneven:
            # a bin of integers a .. b - 1 reaches from a - 1/2 to b - 1/2
            left = (code << (EDGE_BITS + low_bits)) - (1 << (EDGE_BITS - 1))
            right = left + (1 << (EDGE_BITS + low_bits))
            mass = cumulative(mass_table, right - mean, scale) - cumulative(
                mass_table, left - mean, scale
            )
            mass = max(mass, 1)
        elif lowest <= code <= highest:
            if code == lowest:
                below = 0
            else:
                below = cumulative(mass_table, int(edges[code - lowest]) - mean, scale)
            if code == highest:
                above = int(mass_table[len(mass_table) - 1])
            else:
                above = cumulative(mass_table, int(edges[code - lowest + 1]) - mean, scale)
            mass = max(above - below, 1)
        masses[i] = mass
        escape -= mass
    masses[count] = max(escape, 1)
    code_lengths(masses, count + 1, scratch[1], scratch[2], scratch[3], lengths)

    # Canonical code words: by length, then by symbol.
    word = 0
    rank = 0
    for length in range(1, MAX_LENGTH + 1):
        word <<= 1
        start = word
        start_rank = rank
        for i in range(count + 1):
            if int(lengths[i]) == length:
                if len(words) > 0:
                    words[first_symbol + i] = (word << LENGTH_BITS) | length
                if len(fast) > 0:
                    symbol = i if i < count else ESCAPE
                    sorted_symbols[first_symbol + rank] = symbol
                    if length <= FAST_BITS:
                        base = (key << FAST_BITS) + (word << (FAST_BITS - length))
                        for j in range(1 << (FAST_BITS - length)):
                            fast[base + j] = (symbol << LENGTH_BITS) | length
                word += 1
                rank += 1
        if len(fast) > 0 and length > FAST_BITS:
            at = 2 * (key * SLOW_LENGTHS + length - FAST_BITS - 1)
            slow[at] = word << (MAX_LENGTH - length)  # code words of this length lie below it
            slow[at + 1] = start_rank - start
    origins[key] = first_bin + MADE  # last: from here on the code is there


@helper
def level_of(value, levels, first_code):
    """A code's level, as the lane remembers it, and in 1/32 code, as an error is measured."""
    if len(levels) > 0:
        level = int(levels[index(value - first_code)])
        return level, level
    return value, value << MU_BITS


@helper
def predict(weights, history, first, lane):
    """Sum of weights times levels, oldest first; `first` is where the run of levels starts."""
    total = 0
    for k in range(ORDER):
        total += int(weights[index(lane), index(k)]) * int(history[index(lane), index(first + k)])
    return total


@helper
def place_in_class(classes, c, mean, lowest, uneven):
    """Where a prediction falls in a scale class: its key, the first being 0; the bin that keys
    count from; and the low bits of a bin."""
    step = int(classes[index(c), STEP])
    cell = mean >> step
    if uneven:
        return cell - (lowest >> step), 0, 0
    low_bits = int(classes[index(c), LOW_BITS])
    nearest = (cell << step) >> (MU_BITS + low_bits)
    return cell & int(classes[index(c), MASK]), nearest, low_bits


@helper
def code_word(value, symbol, count, first_symbol, low_bits, words, first_code, value_bits):
    """What stands for a value, and in how many bits: its code word and low bits, or the escape
    and the value itself. `read_symbol` finds the code word again."""
    if 0 <= symbol < count:
        word = int(words[index(first_symbol + symbol)])
        if low_bits == 0:
            return word >> LENGTH_BITS, word & 15
        bits = ((word >> LENGTH_BITS) << low_bits) | (value & ((1 << low_bits) - 1))
        return bits, (word & 15) + low_bits
    word = int(words[index(first_symbol + count)])
    return ((word >> LENGTH_BITS) << value_bits) | (value - first_code), (word & 15) + value_bits


@helper
def read_symbol(head, key, c, place, classes, fast, slow, sorted_symbols):
    """The symbol of the code word that the next MAX_LENGTH bits, `head`, begin with; its length."""
    entry = int(fast[index((key << FAST_BITS) + (head >> SLOW_LENGTHS))])
    if entry > 0:
        return entry >> LENGTH_BITS, entry & 15
    where = 2 * key * SLOW_LENGTHS
    length = FAST_BITS + 1
    while head >= int(slow[index(where)]):
        where += 2
        length += 1
    rank = (head >> (MAX_LENGTH - length)) + int(slow[index(where + 1)])
    rank += int(classes[index(c), FIRST_SYMBOL])
    rank += place * (int(classes[index(c), COUNT]) + 1)
    return int(sorted_symbols[index(rank)]), length


@helper
def remember(history, row, lane, level):
    """The ring of past levels is kept twice over, so that ORDER rows always lie in a run."""
    at = row & (ORDER - 1)
    history[index(lane), index(at)] = level
    history[index(lane), index(at + ORDER)] = level


@helper
def tracked_scale(trackers, lane):
    """The lead's present scale: the slow tracker with 1/16 of the fast one mixed in, but at least
    3/4 of the fast one, which alone follows a spike."""
    fast = int(trackers[index(lane), 0])  # is 2^(SLOW_SHIFT - FAST_SHIFT) = 16 times coarser
    slow = int(trackers[index(lane), 1])
    return max(slow - (slow >> 4) + fast, 12 * fast)


@helper
def track(trackers, lane, error):
    """Move the fast and the slow tracker of |error| (1/32 code) towards it."""
    size = abs(error)
    trackers[index(lane), 0] += size - (int(trackers[index(lane), 0]) >> FAST_SHIFT)
    trackers[index(lane), 1] += size - (int(trackers[index(lane), 1]) >> SLOW_SHIFT)


@kernel(
    "i8(i8,i8,i8,i4[:,::1],i4[::1],i4[::1],i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1])"
)
def prepare(
    first_row, last_row, first_code, classes, edges, mass_table,
    scratch, origins, words, fast, slow, sorted_symbols,
):
    """Make all codes of some rows of the scale classes now; returns how many are new."""
    made = 0
    for c in range(first_row, last_row + 1):
        first_key = int(classes[index(c), FIRST_KEY])
        for key in range(first_key, first_key + int(classes[index(c), MASK]) + 1):
            if origins[index(key)] == 0:
                build_table(
                    key, c, classes, edges, mass_table, first_code, scratch, origins, words, fast,
                    slow, sorted_symbols,
                )
                made += 1
    return made


@kernel("i8(i4[::1],i8[::1])")
def lagged_products(levels, sums):
    """sums[lag] = sum of level[t] * level[t - lag] over t >= len(sums) - 1; exact in 64 bits."""
    order = len(sums) - 1
    now = levels[order:]
    for lag in range(order + 1):
        past = levels[order - lag :]
        total = 0
        for t in range(len(now)):
            total += int(now[t]) * int(past[t])
        sums[lag] = total
    return order


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i8,i8,i4[:,::1],i4[::1],i4[::1],i4[::1],i4[:,::1],i4[:,::1],"
    "i4[:,::1],i4[::1],i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1],u4[::1])"
)
def encode(
    values, lanes, row, level_bits, first_code, last_code, value_bits, first_class,
    classes, edges, levels, mass_table, weights, history, trackers, offsets,
    scratch, origins, words, fast, slow, sorted_symbols, out,
):
    """Code words of `values`, in coding order, from `row` on; returns how many bits `out` holds.

    offsets : what peers add to each value's prediction, in 1/32 code; empty without peers
    """
    last_class = first_class + len(classes) - 1
    shift = WEIGHT_BITS + level_bits - MU_BITS
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    uneven = len(levels) > 0
    pending = 0
    held = 0
    at = 0
    done = 0
    while done < len(values):
        first = row & (ORDER - 1)  # where the oldest level stands and the next one will
        for lane in range(min(lanes, len(values) - done)):
            value = int(values[index(done)])
            done += 1
            level, target = level_of(value, levels, first_code)
            if row == 0:
                pending = (pending << value_bits) | (value - first_code)
                held += value_bits
                for k in range(2 * ORDER):
                    history[lane, k] = level
            else:
                mean = predict(weights, history, first, lane) >> shift
                if len(offsets) > 0:
                    mean += int(offsets[index(done - 1)])
                mean = min(max(mean, lowest), highest)
                c = scale_class(tracked_scale(trackers, lane), first_class, last_class)
                place, nearest, low_bits = place_in_class(classes, c, mean, lowest, uneven)
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
                track(trackers, lane, target - mean)
                remember(history, row, lane, level)
            if held >= 32:
                held -= 32
                out[index(at)] = pending >> held
                at += 1
                pending &= (1 << held) - 1
        row += 1
    out[index(at)] = pending << (32 - held)
    return at * 32 + held


@kernel(
    "i8(i2[::1],i8,i8,i8,i8,i8,i8,i8,i4[:,::1],i4[::1],i4[::1],i4[::1],i4[:,::1],i4[:,::1],"
    "i4[:,::1],i4[::1],i8[:,::1],i4[::1],i4[::1],u2[::1],i4[::1],u2[::1],u4[::1])"
)
def decode(
    values, lanes, row, level_bits, first_code, last_code, value_bits, first_class,
    classes, edges, levels, mass_table, weights, history, trackers, offsets,
    scratch, origins, words, fast, slow, sorted_symbols, payload,
):
    """Inverse of `encode`: fills `values`; returns how many bits of `payload` it took.

    OVERRUN if the payload ends too early: it must be followed by at least `lanes` + 2 words of
    any content. BAD_SYMBOL if a code lies outside first_code .. last_code.
    """
    last_class = first_class + len(classes) - 1
    shift = WEIGHT_BITS + level_bits - MU_BITS
    lowest, highest = first_code << MU_BITS, ((last_code + 1) << MU_BITS) - 1
    uneven = len(levels) > 0
    pending = 0
    held = 0
    at = 0
    done = 0
    while done < len(values):
        first = row & (ORDER - 1)
        if at + lanes + 2 > len(payload):
            return OVERRUN
        for lane in range(min(lanes, len(values) - done)):
            if held < 32:
                pending = ((pending & ((1 << held) - 1)) << 32) | int(payload[index(at)])
                at += 1
                held += 32
            mean = 0
            if row == 0:
                held -= value_bits
                value = ((pending >> held) & ((1 << value_bits) - 1)) + first_code
            else:
                mean = predict(weights, history, first, lane) >> shift
                if len(offsets) > 0:
                    mean += int(offsets[index(done)])
                mean = min(max(mean, lowest), highest)
                c = scale_class(tracked_scale(trackers, lane), first_class, last_class)
                place, nearest, low_bits = place_in_class(classes, c, mean, lowest, uneven)
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
                    value = nearest + symbol
                    if low_bits > 0:
                        held -= low_bits
                        value = (value << low_bits) | ((pending >> held) & ((1 << low_bits) - 1))
                else:
                    held -= value_bits
                    value = ((pending >> held) & ((1 << value_bits) - 1)) + first_code
            if value < first_code or value > last_code:
                return BAD_SYMBOL
            level, target = level_of(value, levels, first_code)
            if row == 0:
                for k in range(2 * ORDER):
                    history[lane, k] = level
            else:
                track(trackers, lane, target - mean)
                remember(history, row, lane, level)
            values[index(done)] = value
            done += 1
        row += 1
    return at * 32 - held
