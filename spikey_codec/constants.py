"""The numbers of the format, each once, with the formula or the derivation that made it.

FORMAT.md is the specification. Fixed-point numbers name their fraction bits: a value with n
fraction bits counts units of 2^-n. This module imports nothing, so that kernels, coders and the
bitstream can all build on it.
"""

# Samples and codes

LOWEST_CODE, HIGHEST_CODE = -512, 511  # of the challenge's 10-bit converter
# pcm = round((code * GAIN + OFFSET) / UNIT): 64.061577 code + 31.034184, as all recordings have it.
GAIN, OFFSET, UNIT = 64_061_577, 31_034_184, 1_000_000
PCM_SHIFT = 6  # code = pcm >> 6, for GAIN / UNIT is close to 2^6
CHALLENGE, PLAIN, PALETTE, NONUNIFORM = range(4)  # the mapping's number in a file
LISTED = PALETTE, NONUNIFORM  # whose values in use are written down
CHALLENGE_CHANNELS, CHALLENGE_RATE = 1, 19531  # of its recordings; Hz

# Presets: what predicts, and what codes the residual

LINEAR, NETWORK, MIXED = range(3)  # the preset's number in a file
WITH_NETWORK = NETWORK, MIXED  # whose files name a network

# Chunks, in frames and samples

LONGEST_CHUNK = 1 << 17  # frames
LARGEST_CHUNK = 1 << 22  # samples
# So many samples, unless that makes fewer frames than SHORTEST_CHUNK: a second out of the middle
# of many channels is then read at once, and what a chunk says of every channel weighs little.
USUAL_CHUNK, SHORTEST_CHUNK = 3 << 18, 1 << 13
LANES = 8  # of a chunk of few channels, where it is long enough to be cut into segments
SHORTEST_SEGMENT = 512  # frames: every segment starts without a past, which costs some bytes

# Linear prediction

ORDER = 16  # past samples that a prediction looks at
WEIGHT_BITS = 13  # fraction bits of a predictor's weights
# Weights' magnitudes sum to less than 8, so that a prediction from 16-bit levels needs at most
# 16 + 3 bits and their sum of products 16 + 3 + 13 = 32.
GREATEST_WEIGHT_SUM = 8 << WEIGHT_BITS
PREDICTION_BITS = 5  # fraction bits of predictions, reconstruction levels and residuals

# Scale: the mean magnitude of recent residuals

# Each sample, the averages forget 2^-3 (8 samples) and 2^-7 (128 samples) of themselves.
SHORT_TERM_SHIFT, LONG_TERM_SHIFT = 3, 7
# The long-term average is kept times 2^LONG_TERM_SHIFT; residuals have PREDICTION_BITS.
SCALE_BITS = LONG_TERM_SHIFT + PREDICTION_BITS

# Code transition levels and the density

TRANSITION_BITS = 8  # fraction bits of code transition levels
GREATEST_TRANSITION = 1 << 21  # and the limit of their magnitude: 2^13 codes
MOST_NONUNIFORM = 1 << 12  # values that a non-uniform quantiser may list
MOST_WIDTH = 1 << 21  # and the limit of all its code widths together
# A written width has 4 fraction bits and 4 of the octave, as a floating-point number has:
# 0 stands for 1/256 code and 255 for 31 * 2^11 / 256 = 248 codes.
WIDTH_FRACTION_BITS = 4
CDF_GRID_BITS = 5  # the density's cumulative mass is tabulated every 2^-5 of the scale
CDF_INTERPOLATION_BITS = 8  # and interpolated linearly between, in 2^-8 of the grid
MASS_BITS = 24  # the whole mass is 2^24
CDF_REACH = 12  # scales to either side of the mean that the table covers
CDF_SIZE = 2 * (CDF_REACH << CDF_GRID_BITS) + 1  # 769 items

# Contexts: scale bins and quantised means

UNEVEN_OCTAVES = (-2, 8)  # scale bins from 2^-2 codes to 2^8, beyond which all codes are alike
EVEN_OCTAVES = (-4, 16)  # from 2^-4, which is cheap to tabulate for even codes, to 2^16
BIN_BITS = 2  # 2^2 scale bins an octave
MEAN_BITS = 2  # a mean is quantised to 2^-2 of its scale bin's octave
FINER = 1  # a network's scale bins and quantised means are finer by so many bits
COARSEST_SYMBOL = 3  # even codes share symbols until the scale is below 2^(3 + 1) symbols
HALF_WINDOW, HALF_WINDOW_BITS = 25, 2  # symbols reach 25 / 2^2 = 6.25 scales to either side

# Canonical Huffman codes

MAX_LENGTH = 15  # bits of the longest codeword
PRIMARY_BITS = 7  # codewords up to this length are decoded by one look-up
SECONDARY_LENGTHS = MAX_LENGTH - PRIMARY_BITS  # the lengths that need the search
LENGTH_BITS = 4  # MAX_LENGTH fits; a table entry is symbol << LENGTH_BITS | length
ESCAPE = 0xFFF  # stands for the escape where symbols are looked up: 16 - LENGTH_BITS ones
BUILT = 1 << 20  # first_symbols[context] is 0 until its code is built, then BUILT + first symbol

# Columns of the table of scale bins: log2 of a quantised mean's width, low bits of a symbol, half
# and whole number of symbols, mask of quantised means, first context, first codeword, centre.
STEP, LOW_BITS, HALF, COUNT, MASK, FIRST_CONTEXT, FIRST_CODEWORD, CENTRE = range(8)

# What decoding kernels return when the payload cannot be what an encoder wrote

OVERRUN, BAD_SYMBOL = -1, -2

# Reference channels

TAPS, NEWEST_TAP = 13, 4  # a reference's residuals from 4 frames ahead to 13 - 1 - 4 = 8 back
OLDEST_TAP = TAPS - 1 - NEWEST_TAP
TAP_BITS = 7  # of a tap's magnitude: int8
GREATEST_TAP_SHIFT = 24
MOST_REFERENCES = 8  # of a channel

# Networks

VALUE_BITS = 10  # fraction bits of what passes between layers
LARGEST_VALUE = (1 << 14) - 1  # and the limit of it: just below 16
REACH = 15  # normalised differences are limited to 15 scales, which fits LARGEST_VALUE
SMALLEST_SCALE, LARGEST_SCALE = 1 << 9, (1 << 29) - 1  # of networks: 2^-3 to 2^17 codes
LOG_BITS = 6  # logarithms count 1/64 octaves, by Mitchell's approximation (1962)
SMALLEST_LOG = 9 << LOG_BITS  # 576, the logarithm of SMALLEST_SCALE
LARGEST_LOG = (28 << LOG_BITS) + 63  # 1855, that of LARGEST_SCALE, whose mantissa is all ones
# A usual lead of the challenge has a mean |residual| of 5.3125 codes: a scale of 5.3125 * 2^12 =
# 2^14 * (1 + 21 / 64), and the logarithm 64 * 14 + 21 = 917.
USUAL_LOG = (14 << LOG_BITS) + 21
NETWORK_BIN_BITS = BIN_BITS + FINER  # 2^3 scale bins an octave
# The four averages of |residual| that a lane keeps forget 2^-3, 2^-5, 2^-7 and 2^-10 of
# themselves each sample.
SHORT, MEDIUM, LONG, LONGEST = SHORT_TERM_SHIFT, 5, LONG_TERM_SHIFT, 10
LATENT_AHEAD = 5  # a reference's latent is that of 5 frames later
OTHER_INPUTS = 7  # beside past levels and residuals: four scales, the log scale, mean, offset
MESSAGE_METRICS = 2  # a message's inputs beside the two latents: correlation and residual
NETWORK_OUTPUTS = 2  # corrections of the mean and of the scale's logarithm
WIDEST_LAYER = 512  # inputs, and outputs
LONGEST_WINDOW = 256  # past levels, and past residuals
MOST_LAYERS, MOST_RECURRENT = 8, 4
GREATEST_SHIFT = 16  # of a layer
ACTIVATIONS = IDENTITY, RELU, SILU, TANH, SIGMOID = range(5)
LOGISTIC_BITS = 15  # of the table of the logistic function: 2048 items, 2^-7 apart
# A difference (PREDICTION_BITS) times RECIPROCAL / scale, shifted, is in 2^-VALUE_BITS of the
# scale: 16 + SCALE_BITS + VALUE_BITS - PREDICTION_BITS = 33.
NORM_SHIFT = 16
NORM_BITS = NORM_SHIFT + SCALE_BITS + VALUE_BITS - PREDICTION_BITS

# Mixing, of preset `max`

PAST_REMAINDERS, PAST_LEVELS = 16, 32  # regressors: second-stage residuals, past levels
GAINS = PAST_REMAINDERS + PAST_LEVELS  # NLMS weights
GAIN_BITS, LARGEST_GAIN = 24, 4 << 24  # their fraction bits, and their limit: 4
LARGEST_ERROR = 4 << VALUE_BITS  # a step is for at most 4 scales
ENERGY_SHIFT, LEAST_ENERGY = 8, 1 << 14  # of the regressors' mean energy
FIRST_ENERGY = GAINS << 2 * VALUE_BITS  # as if every regressor were one scale
DENSITIES = 3  # by the network and the gains, by the network, and of the linear prediction
SHARE_BITS = 16  # fraction bits of mixture weights
SHARE_SHIFT, EQUAL_SHIFT = 6, 8  # they move by 2^-6, and towards equality by 2^-8 of that
EQUAL_SHARE = (1 << SHARE_BITS) // DENSITIES  # 21845
FIRST_SHARES = (32768, 26214, 6554)  # 1/2, 2/5 and 1/10, rounded
BEYOND = 512 << PREDICTION_BITS  # so far a mean may lie beyond the last codes, on the rails
# distance (TRANSITION_BITS) * 2^CDF_RECIPROCAL_BITS / scale >> CDF_RECIPROCAL_SHIFT is in units
# of the interpolated grid: 24 + SCALE_BITS + CDF_GRID_BITS + 8 - TRANSITION_BITS = 41.
CDF_RECIPROCAL_SHIFT = 24
CDF_RECIPROCAL_BITS = (
    CDF_RECIPROCAL_SHIFT
    + SCALE_BITS + CDF_GRID_BITS + CDF_INTERPOLATION_BITS - TRANSITION_BITS
)  # fmt: skip

# rANS

INTERVAL_BITS = 28  # intervals are parts of 2^28
LEAST_WIDTH_BITS = 14  # all codes together have at least 2^14 of that for certain
STATE_BITS, WORD_BITS = 31, 32  # a state is at least 2^31; words leave and enter it by 32 bits
