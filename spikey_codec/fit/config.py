"""Reads the YAML configuration of a network and of its training.

What is left out has its default; what is not known is refused, and so is what no network can be
(checks.py). A message names the section and the key.
"""

from __future__ import annotations

import contextlib
import types
import typing
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .checks import check
from .sections import Config


def load(path: Path) -> Config:
    """The configuration in a YAML file; `UsageError` for one that cannot be used."""
    try:
        import yaml
    except ImportError as error:
        raise UsageError("Training needs more packages: pip install 'spikey-codec[train]'.") from (
            error
        )
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} is not a YAML file: {reason}.") from error
    return parse(content)


def parse(content: object) -> Config:
    """The configuration that a mapping of sections to mappings of keys to values stands for.

    Raises `UsageError`, one sentence that names section and key, for what is unknown, of another
    type, or no network that FORMAT.md allows.

    >>> parse({"latent_projector": {"latent_size": 16}}).latent_projector.latent_size
    16
    """
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise UsageError("The configuration is not made of sections.")
    sections = typing.get_type_hints(Config)
    made = {}
    for name, keys in content.items():
        if name not in sections:
            raise UsageError(f"{name} is not a section; there are {', '.join(sections)}.")
        made[name] = _section(name, sections[name], {} if keys is None else keys)
    config = Config(**made)
    check(config)
    return config


def _section(name: str, kind: type, keys: object) -> Any:
    if not isinstance(keys, dict):
        raise UsageError(f"{name} is not made of keys and values.")
    hints = typing.get_type_hints(kind)
    made = {}
    for key, value in keys.items():
        if key not in hints:
            raise UsageError(f"{name}.{key} is not a key; there are {', '.join(hints)}.")
        made[key] = _value(f"{name}.{key}", hints[key], value)
    return kind(**made)


_NAMES = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}


def _value(where: str, kind: Any, value: Any) -> Any:
    """A value as its field has it; `kind` is the field's type."""
    if isinstance(kind, types.UnionType):  # with None
        if value is None:
            return None
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        if not isinstance(value, list):
            raise UsageError(f"{where} must be a list.")
        return tuple(_value(where, inner, item) for item in value)
    if kind is float and isinstance(value, str):  # YAML takes 1e-3 for a word
        with contextlib.suppress(ValueError):
            value = float(value)
    good = isinstance(value, (int, float) if kind is float else kind)
    if not good or (isinstance(value, bool) and kind is not bool) or value != value:
        raise UsageError(f"{where} must be {_NAMES[kind]}, not {value!r}.")
    return float(value) if kind is float else value
