"""Messages that were sent, and where they arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import Literal

from pydantic import Field

from faultline.checks._history import Operation, identity
from faultline.checks.base import Check, Operations

Receiver = Literal["all", "key", "session"]


class Deliveries(Check):
    """A check over messages; each has a `value` of its own."""

    sends: Operations = Field(description="operations that send the message in their `value`")
    receives: Operations = Field(description="operations whose `result` is the messages that arrived, one or a list")
    receiver: Receiver = Field(
        "all",
        description="who gets a message: `all` together (a work queue), each `key`, or each `session` that receives on "
        "the key that it was sent to",
    )

    def whose(self, operation: Operation) -> str:
        """The receiver that an operation belongs to."""
        match self.receiver:
            case "key":
                return str(operation.key)
            case "session":
                return f"{operation.session} on {operation.key}"
        return "all"


def values(operation: Operation) -> list[Hashable]:
    """The messages in an answer."""
    if operation.result is None:
        return []
    return [identity(each) for each in operation.result] if isinstance(operation.result, list) else [
        identity(operation.result)
    ]  # fmt: skip


def arrivals(received: Iterable[Operation]) -> Iterator[tuple[Hashable, Operation]]:
    """Every message that arrived, as often as it did."""
    for each in received:
        for value in values(each):
            yield value, each


def sends_by_value(sends: Iterable[Operation]) -> dict[Hashable, list[Operation]]:
    """All attempts to send each message."""
    found: dict[Hashable, list[Operation]] = defaultdict(list)
    for each in sends:
        found[identity(each.value)].append(each)
    return found
