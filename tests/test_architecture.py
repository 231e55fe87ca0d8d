"""The rules of docs/architecture.md, read off the source: who imports whom, and how large it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spikey_codec"
REFERENCE = ROOT / "tests" / "reference"

# Lowest first: a room imports rooms of its own layer and of those before it.
LAYERS = (
    ("errors", "constants", "version", "_aliases"),
    ("system",),
    ("engine",),
    ("kernels",),
    ("weights",),
    ("readers", "quantizer"),
    ("prediction",),
    ("entropy",),
    ("presets",),
    ("bitstream",),
    ("coders",),
    ("chunk",),
    ("topology", "events"),
    ("codec", "calibration", "stream", "recording", "arrays"),
    ("salvage", "excerpt", "archive", "archive_group", "archive_files", "info"),
    ("plugins", "batch", "fit", "lab"),
    ("",),  # the package itself: what users import
    ("cli",),
    ("__main__",),
)
LAYER = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
ALIASES: set[str] = set()  # modules that only give old names, for one release

# Imports upwards which are meant: (module, imported room).
MEANT = {("engine.marks", "")}  # the compiled kernels, which lie beside it

# Who may import a package of others, and who may not.
ONLY_IN = {
    "torch": ("fit",),
    "click": ("cli",),
    "numba": ("engine", "fit", "lab"),  # the latter two for loops of their own, offline
    "llvmlite": ("engine",),
}
NOT_IN = {"click": ("cli.challenge",)}

MOST_LINES, MOST_KERNEL_LINES, MOST_FUNCTION_LINES = 300, 250, 80
LONG: set[str] = set()  # generated tables, and pages: may have more lines


# The source


def name_of(path: Path) -> str:
    """A module's name within the package, '' for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
NAMES = sorted(MODULES.keys() - ALIASES)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text("utf-8"))


def room_of(name: str) -> str:
    return name.split(".")[0]


def statements(node: ast.AST, late: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """All statements, each with whether it is run after the import, or never (for types alone)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            if isinstance(child, ast.stmt):
                yield child, late
            typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from statements(child, late or typing or isinstance(child, FUNCTIONS))


@cache
def imported(name: str) -> list[tuple[str, bool]]:
    """Full names of what a module imports, each with whether it does so late."""
    found = []
    package = MODULES[name].name == "__init__.py"
    for node, late in statements(tree(name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = ["spikey_codec", *name.split(".")] if name else ["spikey_codec"]
                here = here[: len(here) - node.level + package]
                base = ".".join([*here, *([base] if base else [])])
            found += [(f"{base}.{alias.name}", late) for alias in node.names]
    return found


def modules_imported(name: str) -> Iterator[tuple[str, bool]]:
    """Modules of the package that a module imports; not itself."""
    for full, late in imported(name):
        if full.split(".")[0] != "spikey_codec":
            continue
        inner = full.removeprefix("spikey_codec").lstrip(".")
        while inner not in MODULES:
            inner = inner.rpartition(".")[0]
        if inner != name:
            yield inner, late


# Who imports whom


def test_every_module_has_a_room():
    assert {name for name in NAMES if room_of(name) not in LAYER} == set()


@pytest.mark.parametrize("name", NAMES)
def test_imports_lead_downwards(name):
    """Those within functions too: a late import hides a wrong one, and does not mend it."""
    layer = LAYER[room_of(name)]
    upwards = {
        module or "spikey_codec"
        for module, _ in modules_imported(name)
        if module not in ALIASES
        and LAYER[room_of(module)] > layer
        and (name, room_of(module)) not in MEANT
    }
    assert upwards == set()


def test_no_imports_go_in_circles():
    graph = {
        name: {module for module, late in modules_imported(name) if not late} for name in NAMES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_rooms_of_the_package_need_each_other_in_one_direction():
    graph: dict[str, set[str]] = {}
    for name in NAMES:
        rooms = {room_of(module) for module, late in modules_imported(name) if not late}
        graph.setdefault(room_of(name), set()).update(rooms - {room_of(name)})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("package", ONLY_IN)
def test_packages_of_others_are_imported_in_their_room_alone(package):
    using = {name for name in NAMES for full, _ in imported(name) if full.split(".")[0] == package}
    assert {name for name in using if room_of(name) not in ONLY_IN[package]} == set()
    assert using & set(NOT_IN.get(package, ())) == set()


# How large it is


@pytest.mark.parametrize("name", NAMES)
def test_modules_and_functions_are_short(name):
    most = MOST_KERNEL_LINES if room_of(name) == "kernels" else MOST_LINES
    lines = MODULES[name].read_text("utf-8").count("\n")
    assert lines <= most or name in LONG
    functions = [node for node, _ in statements(tree(name)) if isinstance(node, FUNCTIONS)]
    sizes = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert {key: size for key, size in sizes.items() if size > MOST_FUNCTION_LINES} == {}


# The second decoder


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.py")), ids=lambda path: path.stem)
def test_the_second_decoder_shares_nothing_with_the_package(path):
    text = path.read_text("utf-8")
    assert "spikey_codec" not in text
    if path.name != "__init__.py":
        (section,) = re.findall(r'^"""FORMAT\.md, "(.+?)"', text)
        headings = re.findall(r"^#+ (.+)$", (ROOT / "FORMAT.md").read_text("utf-8"), re.MULTILINE)
        assert section in headings
