"""Offline only: what produces `weights/`. Nothing here is needed to encode or decode."""
