"""The closed set of errors: what the package raises, what it says, and what is documented."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import spikey_codec
from spikey_codec import errors

PACKAGE = Path(spikey_codec.__file__).parent
DOCUMENTED = Path(__file__).parents[1] / "docs" / "cli.md"
OURS = {
    name: found
    for name, found in vars(errors).items()
    if inspect.isclass(found) and found is not errors.SpikeyError
}
OF_THE_SYSTEM = {
    "BlockingIOError",
    "ConnectionError",
    "FileNotFoundError",
    "IsADirectoryError",
    "KeyboardInterrupt",
    "OSError",
}
# of modules that only others of the package call, who catch them, or as Python's protocols want it
WITHIN = {
    "recording.py": {"IndexError", "ValueError"},
    "wav.py": {"ValueError"},
    "load.py": {"TypeError", "RuntimeError"},
    "document.py": {"_InvalidError"},
    "_aliases.py": {"AttributeError"},
    "bind.py": {"AttributeError"},
    "weights.py": {"ValueError"},
    "options.py": {"type(error)"},  # the same error, with the name of the file before it
}


def raised() -> list[tuple[str, ast.Call]]:
    """Every `raise Error(...)` of the package: file and call."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found.append((path.name, node.exc))
    return found


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ast.unparse(call.func)


def test_nothing_else_is_raised():
    known = OURS.keys() | OF_THE_SYSTEM
    others = {(file, name_of(call)) for file, call in raised() if name_of(call) not in known}
    within = {(file, name) for file, names in WITHIN.items() for name in names}
    assert others == within


def test_messages_are_sentences():
    """That is what can be read in the source: messages that are put together end with a stop."""
    checked = 0
    for file, call in raised():
        if name_of(call) in OURS and isinstance(call.args[0], (ast.Constant, ast.JoinedStr)):
            parts = getattr(call.args[0], "values", [call.args[0]])
            end = getattr(parts[-1], "value", None)
            if isinstance(end, str):
                assert end[-1] in ".?" and "\n" not in end, f"{file}: {end}"
                checked += 1
    assert checked > 100


@pytest.mark.parametrize("name", OURS)
def test_every_error_has_a_meaning_and_a_status(name):
    assert issubclass(OURS[name], errors.SpikeyError) and OURS[name].__doc__
    assert 1 <= OURS[name].exit_code < 126  # from there on they mean something to shells


def test_the_statuses_are_those_that_are_documented():
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", DOCUMENTED.read_text("utf-8"), re.MULTILINE)
    documented = {
        name: int(status) for status, names in rows for name in re.findall(r"`(\w+)`", names)
    }
    of_python = {"OSError": 1, "MemoryError": 1, "KeyboardInterrupt": 130}
    assert documented == {name: found.exit_code for name, found in OURS.items()} | of_python
