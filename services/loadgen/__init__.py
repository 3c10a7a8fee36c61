"""The load generator: Locust driven by a seeded schedule of open arrivals.

A scenario's load.py says `from loadgen import ArrivalUser, task`. Both come with Locust, whose import patches the
process, so they load only when they are asked for: the control API's process never is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust import task

    from loadgen.user import ArrivalUser

__all__ = ["ArrivalUser", "task"]


def __getattr__(name: str) -> Any:
    if name == "task":
        from locust import task

        return task
    if name == "ArrivalUser":
        from loadgen.user import ArrivalUser

        return ArrivalUser
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
