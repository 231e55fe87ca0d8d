"""Old names: for one release they give what the new names give, and say so."""

import importlib
import subprocess
import sys

import pytest

import spikey_codec
from spikey_codec import _aliases, archive, archive_files, codec, excerpt, info, recording, salvage
from spikey_codec.topology import graph, groups


@pytest.mark.parametrize(("old", "new"), _aliases.MODULES.items())
def test_a_module_has_its_old_name_too(old, new):
    if old in ("numcodecs", "zarr"):
        pytest.importorskip(old)
    sys.modules.pop(f"spikey_codec.{old}", None)
    try:
        found = importlib.import_module(f"spikey_codec.{new}")
    except ImportError:
        pytest.skip(f"{old} is of another version")
    with pytest.warns(
        DeprecationWarning, match=rf"spikey_codec\.{old} is now spikey_codec\.{new}$"
    ):
        assert importlib.import_module(f"spikey_codec.{old}") is found
    assert getattr(spikey_codec, old) is found
    assert found.__name__ == found.__spec__.name == f"spikey_codec.{new}"


@pytest.mark.parametrize(
    ("module", "name", "found"),
    [
        (codec, "read_info", info.read_info),
        (codec, "salvaged", salvage.salvaged),
        (recording, "part_of", excerpt.part_of),
        (archive, "check", archive_files.check),
        (archive, "unpack", archive_files.unpack),
        (spikey_codec.topology, "Topology", graph.Topology),
        (spikey_codec.topology, "simultaneous_groups", groups.simultaneous_groups),
    ],
)
def test_a_function_has_its_old_place_too(module, name, found):
    with pytest.warns(DeprecationWarning, match=f"{name} is now spikey_codec"):
        assert getattr(module, name) is found


def test_other_names_are_not_there():
    for module in (codec, recording, archive, spikey_codec.topology):
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            module.nonsense  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        importlib.import_module("spikey_codec.nonsense")


def test_the_command_line_runs_by_its_old_name():
    done = subprocess.run(
        [sys.executable, "-m", "spikey_codec.cli", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"spikey")
