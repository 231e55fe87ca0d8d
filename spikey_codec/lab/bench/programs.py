"""Other lossless codecs that are programs, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess

from .measure import Program


def flac() -> Program | None:
    """The `flac` program at its best, None where it is not installed."""
    if not shutil.which("flac"):
        return None
    command = ("flac", "--totally-silent", "-f")
    # --lax allows high rates; a plain WAV does not say which loudspeaker a channel is for.
    how = ("-8", "--no-padding", "--lax", "--channel-map=none")
    return Program("flac -8", _program_version("flac"), (*command, *how), (*command, "-d"), ".flac")


def wavpack() -> Program | None:
    """The `wavpack` program in high quality, None where it or `wvunpack` is not installed."""
    if not (shutil.which("wavpack") and shutil.which("wvunpack")):
        return None
    encode, decode = ("wavpack", "-q", "-y", "-hh"), ("wvunpack", "-q", "-y")
    return Program("wavpack -hh", _program_version("wavpack"), encode, decode, ".wv")


def _program_version(name: str) -> str:
    said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else "?"
