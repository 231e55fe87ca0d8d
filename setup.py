"""What setup.cfg cannot say: the kernels compiled ahead of time, and the weights in the wheel.

Both are for speed of start-up and for installing away from the source tree; the package works
from a checkout without either. Where the kernels cannot be compiled (no C compiler, or no C++
compiler, which numba asks for too), the package is installed without them and compiles them at
first use.
"""

import os
import platform
import shutil
import sys
import warnings
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent


class BuildPackage(build_py):
    """Takes the top-level folder `weights/` along as `spikey_codec/weights_data/`."""

    def run(self):
        super().run()
        if not getattr(self, "editable_mode", False):
            target = Path(self.build_lib) / "spikey_codec" / "weights_data"
            shutil.copytree(ROOT / "weights", target, dirs_exist_ok=True)


def compiled_kernels():
    """The extension module with all kernels, optional: a failure to build it is no failure."""
    sys.path.insert(0, str(ROOT))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numba announces the module's future replacement
            from numba.pycc import CC

        from spikey_codec.engine import build, target

        module, exports = build.marked_for_numba()
        compiler = CC("_kernels", source_module=module)
    except (ImportError, RuntimeError) as error:  # no numba, or no compiler
        print(f"The kernels are not compiled ahead of time: {error}", file=sys.stderr)
        return []
    baseline = platform.machine().lower() in ("x86_64", "amd64")
    if baseline:
        compiler.target_cpu = target.CPU_BASELINE
    compiler.use_nrt = False  # they allocate nothing; without it, no references are counted
    stamp = target.source_stamp()
    compiler.export("source_stamp", "i8()")(lambda: stamp)
    compiler.export("needs_baseline", "b1()")(lambda: baseline)
    for name, (function, signature) in exports.items():
        compiler.export(name, signature)(function)
    extension = compiler.distutils_extension()
    extension.name = "spikey_codec._kernels"
    extension.optional = True
    extension.depends += [os.path.relpath(path, ROOT) for path in target.sources()]
    return [extension]


setup(cmdclass={"build_py": BuildPackage}, ext_modules=compiled_kernels())
