"""Every example in the pages of docs/ runs.

The blocks of a page that begin with ```python run in order, in one process, in an empty folder. So
do those that begin with ```sh, in bash. A block may name the modules that it needs after ```python,
as in ```python zarr.abc. Blocks that need the same modules form one script, which is skipped if one
of the modules is missing.
"""

import importlib
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from patience import PATIENCE

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(python|sh) *(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS = {"plot": ["matplotlib", "scipy"]}  # modules of an extra that shell commands need


def scripts() -> list:
    """The modules that every script needs, and its source."""
    found = {}
    for page in sorted(DOCS.rglob("*.md")):
        for language, needs, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "python":
                found.setdefault((page.relative_to(DOCS).as_posix(), needs), []).append(block)
    return [
        pytest.param(needs.split(), "\n".join(blocks), id=f"{page} {needs}".strip())
        for (page, needs), blocks in found.items()
    ]


def is_there(module: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of other packages
        try:
            importlib.import_module(module)
        except ImportError:
            return False
    return True


@pytest.mark.parametrize("needs, source", scripts())
def test_the_examples_of_a_page_run(tmp_path, needs, source):
    if missing := [module for module in needs if not is_there(module)]:
        pytest.skip(f"{', '.join(missing)} cannot be imported")
    # Libraries may give warnings of their own; in examples without one, warnings are errors.
    options = [] if needs else ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *options, "-c", source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr


def shell_pages() -> list[Path]:
    return [page for page in sorted(DOCS.rglob("*.md")) if "\n```sh" in page.read_text("utf-8")]


@pytest.mark.long
@pytest.mark.parametrize("page", shell_pages(), ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(tmp_path, page):
    """One after another; those that need an extra that is not installed are left out."""
    blocks = [
        block for language, extra, block in BLOCK.findall(page.read_text("utf-8"))
        if language == "sh" and all(map(is_there, NEEDS[extra] if extra else []))
    ]  # fmt: skip
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "spikey"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m spikey_codec.cli.main "$@"\n')
    command.chmod(0o755)
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
        cwd=tmp_path / "work", capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
