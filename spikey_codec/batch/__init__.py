"""Converts many files: `spikey batch`."""
