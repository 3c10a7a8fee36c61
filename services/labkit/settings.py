"""Typed values from the environment. What is missing or malformed raises SettingsError with name, rule and value.

Dependencies' URLs come from the chart: `<DEPENDENCY>_URL`, upper case, dashes as underscores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class SettingsError(ValueError):
    """An environment variable is missing or breaks its rule."""


def url(dependency: str) -> str:
    """Where `dependency` is reached, without a trailing slash: `url("postgres-replica")` is POSTGRES_REPLICA_URL."""
    return text(f"{dependency.upper().replace('-', '_')}_URL").rstrip("/")


def text(name: str, default: str | None = None) -> str:
    """The variable as it is."""
    return _read(name, default, str, "must be set")


def integer(name: str, default: int | None = None) -> int:
    """The variable as a whole number."""
    return _read(name, default, int, "must be a whole number")


def number(name: str, default: float | None = None) -> float:
    """The variable as a number, such as seconds."""
    return _read(name, default, float, "must be a number")


def flag(name: str, default: bool | None = None) -> bool:
    """The variable as a yes or no: 1, true, yes, on or 0, false, no, off."""
    return _read(name, default, lambda value: _FLAGS[value.lower()], f"must be one of {', '.join(_FLAGS)}")


def _read(name: str, default: T | None, convert: Callable[[str], T], rule: str) -> T:
    value = os.environ.get(name)
    if value is None:
        if default is None:
            raise SettingsError(f"{name} must be set, it is not in the environment")
        return default
    try:
        return convert(value)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{name} {rule}, got {value!r}") from error
