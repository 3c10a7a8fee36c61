"""The history of a run as the checks see it: operations with a start, an end and what is known of their effect."""

from __future__ import annotations

import gzip
import json
import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FINAL_READS = "final_reads"

Effect = Literal["yes", "no", "maybe"]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One request as the client saw it; times in Unix seconds. Two operations are the same only when they are one."""

    op: str
    start: float
    end: float
    outcome: Literal["ok", "failed", "unknown"] = "ok"
    key: str | None = None
    value: Any = None
    result: Any = None
    session: str = ""
    token: float | None = None
    site: str | None = None
    phase: str = ""
    status: int | None = None
    sent: bool = True

    @property
    def effect(self) -> Effect:
        """Whether it took effect. Refused (4xx) or never sent: no. An error of the server may come after the effect."""
        if self.outcome == "ok":
            return "yes"
        if self.outcome == "failed" and (not self.sent or 400 <= (self.status or 0) < 500):
            return "no"
        return "maybe"

    @property
    def done(self) -> float:
        """When its effect was there at the latest: what was not acknowledged may still take effect at any time."""
        return self.end if self.outcome == "ok" else math.inf


class History:
    """All operations of a run in the order of their start. `healed` is when the last fault was gone (Unix seconds)."""

    def __init__(self, operations: Iterable[Operation], healed: float | None = None) -> None:
        self.operations = sorted(operations, key=lambda each: (each.start, each.end))
        self.healed = healed

    def named(self, names: Collection[str]) -> list[Operation]:
        """Those of these operations, by start."""
        return [each for each in self.operations if each.op in names]

    def answered(self, names: Collection[str]) -> list[Operation]:
        """Those of them that were answered well."""
        return [each for each in self.named(names) if each.outcome == "ok"]

    def final(self, names: Collection[str]) -> list[Operation]:
        """Those of them that were answered in the final reads."""
        return [each for each in self.answered(names) if each.phase == FINAL_READS]


def by_key(operations: Iterable[Operation]) -> dict[str | None, list[Operation]]:
    """Grouped by key, each group in the order given."""
    groups: dict[str | None, list[Operation]] = defaultdict(list)
    for each in operations:
        groups[each.key].append(each)
    return groups


def by_session(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Grouped by session, each group in the order given."""
    groups: dict[str, list[Operation]] = defaultdict(list)
    for each in operations:
        groups[each.session].append(each)
    return groups


def identity(value: Any) -> Hashable:
    """Something hashable that is equal exactly when two JSON values are."""
    if value is None or isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return ("json", json.dumps(value, sort_keys=True))


TEXT = 60


def shown(value: Any) -> str:
    """A JSON value, or what `identity` made of it, as a sentence has it: JSON, cut where it is long."""
    if isinstance(value, tuple):
        text = str(value[1])
    else:
        text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"


def read(path: Path) -> list[Operation]:
    """The operations of history.jsonl.gz. Raises OSError, ValueError or KeyError for a file that is not one."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [operation(json.loads(line)) for line in file]


def operation(line: Mapping[str, Any]) -> Operation:
    """One line of a history. Whoever names no session is one of its own for each arrival."""
    status = line.get("status")
    return Operation(
        op=line["op"],
        start=line["sent"],
        end=line["end"],
        outcome=line["outcome"],
        key=line.get("key"),
        value=line.get("value"),
        result=line.get("result"),
        session=line.get("session") or f"arrival {line['i']}",
        token=line.get("token"),
        site=line.get("site"),
        phase=line.get("phase", ""),
        status=status,
        sent=line["outcome"] != "failed" or status is not None,
    )
