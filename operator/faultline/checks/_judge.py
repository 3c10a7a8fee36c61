"""`python -m faultline.checks._judge`: all checks of one run, in a process of their own.

Reads an `Order` from standard input, writes a list of CheckStatus to standard output, both as JSON. It imports little
and is there at once, and a history that is too much for it costs this process and no other.
"""

from __future__ import annotations

import json
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from faultline.api.base import Model
from faultline.api.run import EXAMPLES, SHOWN, CheckStatus, CounterExample, SeenOperation
from faultline.checks import CHECKS
from faultline.checks import base as checks
from faultline.checks._history import History, Operation, read

MEMORY_BYTES = 448 * 1024 * 1024
"""Address space, of which a history of 100,000 requests takes about a third."""
VALUE_LENGTH = 80
NOTE_LENGTH = 200
STATUS_BYTES = 24 * 1024
"""For all counter-examples of a run: a Run's whole status has 64 KiB."""

STATUSES = TypeAdapter(list[CheckStatus])


class Asked(Model):
    """One check with its parameters; `name` is its objective's."""

    name: str
    check: str
    parameters: dict[str, Any]


class Order(Model):
    """What is to be judged: the history's file, and when the last fault was gone (Unix seconds)."""

    history: Path
    healed: float | None
    asked: list[Asked]


def judge(order: Order) -> list[CheckStatus]:
    """The verdict of each check. One that raises is undecided, and says with what."""
    try:
        history = History(read(order.history), order.healed)
    except (OSError, EOFError, ValueError, KeyError, TypeError, MemoryError) as error:
        return [undecided(each, f"the history cannot be read: {error!r}") for each in order.asked]
    return _fitting([_status(each, history) for each in order.asked])


def undecided(asked: Asked, problem: str) -> CheckStatus:
    """The status of a check of which nothing is known."""
    return CheckStatus(name=asked.name, check=asked.check, result="undecided", problem=problem[:1000])


def _status(asked: Asked, history: History) -> CheckStatus:
    try:
        check = CHECKS[asked.check].model_validate(asked.parameters)
        found = check.judge(history)
    except Exception as error:  # What one check stumbles over must not hide what the others prove.
        traceback.print_exc()
        return undecided(asked, f"the check failed: {error!r}")
    smallest = sorted(found.violations, key=lambda each: each.size)[:EXAMPLES]
    return CheckStatus(
        name=asked.name,
        check=asked.check,
        result=found.result,
        examined=found.examined,
        unit=check.unit,
        violations=len(found.violations),
        problem="; ".join(found.undecided)[:1000],
        examples=[_example(each) for each in smallest],
    )


def _example(example: checks.CounterExample) -> CounterExample:
    seen = [SeenOperation.model_validate(_seen(each.operation, each.note)) for each in example.seen]
    # The last ones are where it shows; of many before them the first are told.
    kept = seen if len(seen) <= SHOWN else [*seen[: SHOWN // 2], *seen[-SHOWN // 2 :]]
    return CounterExample(text=example.text[:1000], operations=kept, omitted=len(seen) - len(kept))


def _seen(each: Operation, note: str) -> dict[str, Any]:
    return {
        "op": each.op,
        "start": each.start,
        "end": None if each.outcome == "unknown" else each.end,
        "outcome": each.outcome,
        "key": _cut(each.key or ""),
        "value": "" if each.value is None else _cut(json.dumps(each.value, ensure_ascii=False)),
        "result": "" if each.outcome != "ok" else _cut(json.dumps(each.result, ensure_ascii=False)),
        "status": each.status,
        "session": _cut(each.session),
        "token": each.token,
        "site": _cut(each.site or ""),
        "phase": each.phase,
        "note": note[:NOTE_LENGTH],
    }


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"


def _fitting(statuses: Sequence[CheckStatus]) -> list[CheckStatus]:
    """With as many counter-examples of each as fit a Run's status together; the smallest of each comes first."""
    for count in (*range(EXAMPLES, 0, -1), 0):
        kept = [each.model_copy(update={"examples": each.examples[:count]}) for each in statuses]
        if len(STATUSES.dump_json(kept, by_alias=True, exclude_none=True)) <= STATUS_BYTES:
            break
    return kept


def main() -> None:
    """One order."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    order = Order.model_validate_json(sys.stdin.buffer.read())
    sys.stdout.buffer.write(STATUSES.dump_json(judge(order), by_alias=True))


if __name__ == "__main__":
    main()
