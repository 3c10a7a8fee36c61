"""Reads a scenario's load.py: its operations from the source, its user classes by running it."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Sequence
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadgen.plan import Traffic
    from loadgen.user import ArrivalUser

FILE = "load.py"
OVERRIDABLE = frozenset({"wait_time"})
"""Locust's, for a class to set; arrivals are planned, so that nothing asks for it."""


class LoadFileError(Exception):
    """load.py runs, but is not what the load generator can use."""


def named_ops(source: str) -> tuple[set[str], list[int]]:
    """The operations that `….call("name", …)` spells out, and the lines where the name is computed."""
    ops: set[str] = set()
    computed: list[int] = []
    for node in ast.walk(ast.parse(source, FILE)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call":
            names = [arg.value for arg in node.keywords if arg.arg == "op"] + node.args[:1]
            for name in names:
                options = [name.body, name.orelse] if isinstance(name, ast.IfExp) else [name]
                for option in options:
                    if isinstance(option, ast.Constant) and isinstance(option.value, str):
                        ops.add(option.value)
                    else:
                        computed.append(node.lineno)
    return ops, computed


def load(source: str) -> tuple[list[type[ArrivalUser]], list[str]]:
    """The user classes in the order of their definition, and all operations, sorted.

    Raises what running the source raises, or LoadFileError.
    """
    from loadgen.user import ArrivalUser

    module = ModuleType("load")
    module.__file__ = FILE
    sys.modules["load"] = module
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)  # So tracebacks show lines.
    exec(compile(source, FILE, "exec"), module.__dict__)  # noqa: S102 (that is what the scenario's load.py is for)
    users = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, ArrivalUser) and not each.abstract and each.weight > 0
    ]
    if not users:
        raise LoadFileError("load.py must define a class derived from loadgen.ArrivalUser with a weight above 0")
    for user in users:
        _check(user, ArrivalUser)
    ops, computed = named_ops(source)
    ops |= {op for user in users for op in user.ops}
    if computed and not any(user.ops for user in users):
        raise LoadFileError(f"load.py:{computed[0]}: the operation is not a plain string; list its names in `ops`")
    return users, sorted(ops)


def check_hooks(source: str, users: Sequence[type[ArrivalUser]], faults: Sequence[Traffic]) -> None:
    """Raises LoadFileError where load.py does not say what a fault made of traffic means for this API."""
    calls = (node.func for node in ast.walk(ast.parse(source, FILE)) if isinstance(node, ast.Call))
    keyed = any(isinstance(each, ast.Attribute) and each.attr == "key" for each in calls)
    for fault in faults:
        if fault.hook and not any(hasattr(user, fault.hook) for user in users):
            raise LoadFileError(
                f"load.py must have a method `{fault.hook}` for the fault {fault.name}, no user has one"
            )
        if fault.hot and not keyed:
            raise LoadFileError(f"load.py must call self.key(usual, hot) for the fault {fault.name}, it never does")


def _check(user: type[ArrivalUser], base: type[ArrivalUser]) -> None:
    if not user.tasks:
        raise LoadFileError(f"{user.__name__} must have a method with @task")
    for hook in ("on_start", "on_stop"):
        if getattr(user, hook) is not getattr(base, hook):
            raise LoadFileError(f"{user.__name__}.{hook} would never run: an ArrivalUser has no life before its task")
    for name in _own_methods(base):
        where = next(each for each in user.__mro__ if name in vars(each))
        if where not in base.__mro__:
            raise LoadFileError(
                f"{where.__name__}.{name} must not be named like a method of ArrivalUser, "
                "which would call it instead of its own: rename it"
            )


def _own_methods(base: type[ArrivalUser]) -> list[str]:
    """What `base` and Locust's classes below it may call on themselves."""
    return sorted({
        name
        for each in base.__mro__[:-1]
        for name, what in vars(each).items()
        if isinstance(what, FunctionType | classmethod | staticmethod | property)
        and not name.startswith("__")
        and name not in OVERRIDABLE
    })  # fmt: skip
