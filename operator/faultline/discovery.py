"""Finds extensions by walking a package: one file, one extension, and a broken file stops the start with its name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

from faultline.errors import InvalidInput

T = TypeVar("T")


def modules(package: ModuleType) -> dict[str, ModuleType]:
    """Every module of `package` that does not start with an underscore, by name, sorted.

    Raises InvalidInput (FL101) naming the module that fails to import.
    """
    found: dict[str, ModuleType] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        if info.name.startswith("_") or info.name == "base":
            continue
        name = f"{package.__name__}.{info.name}"
        try:
            found[info.name] = importlib.import_module(name)
        except Exception as error:
            raise InvalidInput("FL101", f"{name} does not load: {error!r}", "mend or remove that file") from error
    return found


def extensions(package: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The one subclass of `base` that each module of `package` defines, by the module's name.

    Raises InvalidInput (FL102) naming a module that defines none or several.
    """
    found: dict[str, type[T]] = {}
    for name, module in modules(package).items():
        classes = [
            each
            for each in vars(module).values()
            if inspect.isclass(each) and issubclass(each, base) and each.__module__ == module.__name__
        ]
        if len(classes) != 1:
            raise InvalidInput(
                "FL102", f"{module.__name__} must define exactly one {base.__name__}, has {len(classes)}"
            )
        found[name] = classes[0]
    return found
