"""The inner loops: whatever runs once per sample, or once per code table.

Written once, as plain functions over integers and NumPy arrays, and run by whichever engine
`engine/marks.py` chose. FORMAT.md is the specification. `groups.py` describes the arguments; the
kernels that code stand in files named after the predictor and the entropy coder that they join.

Every intermediate value fits a signed 64-bit integer, products of two array elements fit 32 bits
(FORMAT.md, "Limits of the arithmetic"), and `int()` around what comes out of an array keeps the
interpreter from NumPy's narrow scalars. So all engines compute the same numbers.
"""
