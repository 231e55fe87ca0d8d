"""How the kernels run: ahead of time, compiled at first use, or as plain Python.

marks   marks functions as kernels, and chooses the engine: `engine.name`
target  what is compiled for, from which source, and where it is kept
build   compiles the kernels with numba
load    runs kernels from an object file, without numba
"""

from .marks import name

__all__ = ["name"]
