"""Spikey as a codec of other packages, which find it by its entry points."""
