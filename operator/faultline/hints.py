"""HINTS.md: `## Rung N: title` and what stands below it, from symptom to solution.

A rung whose first line is `<!-- when: PROMQL -->` comes before its turn while that has a result, such as `sum(…) > 44`.
`LAB` and `HARNESS` in it stand for the namespaces, `RUN` for the length of the run that is looked at, up to now or to
its end: `max_over_time(sum(app_pool_waiting{namespace="LAB"})[RUN:1s]) > 10`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from faultline.errors import Conflict, InvalidInput, NotFound
from faultline.names import harness_namespace, lab_namespace
from faultline.progress import ScenarioProgress

_HEADING = re.compile(r"^##\s+Rung\s+(\d+)\s*:\s*(.+?)\s*$", re.M)
_WHEN = re.compile(r"\A<!--\s*when:(.*?)-->\s*", re.S)
AFTER_AN_ATTEMPT = "sprinting"
"""The tier whose hints open after an attempt."""


@dataclass(frozen=True)
class Rung:
    """One hint."""

    title: str
    text: str
    when: str = ""
    """PromQL as it is written in the file; empty without a condition."""

    def query(self, scenario: str, seconds: float) -> str:
        """The condition for a lab and a run of so many seconds. It holds when there is a result."""
        filled = self.when.replace("LAB", lab_namespace(scenario)).replace("HARNESS", harness_namespace(scenario))
        return re.sub(r"\bRUN\b", f"{max(1, round(seconds))}s", filled)


def waiting(rungs: Sequence[Rung], shown: Collection[int]) -> list[int]:
    """The numbers of the rungs with a condition that were not shown yet."""
    return [number for number, rung in enumerate(rungs, start=1) if rung.when and number not in shown]


def check_open(slug: str, tier: str, record: ScenarioProgress) -> None:
    """Raises Conflict (FL412) where hints open after an attempt and there was none."""
    if tier == AFTER_AN_ATTEMPT and not record.own:
        raise Conflict(
            "FL412",
            f"hints of the tier {tier} open after an attempt of your own",
            f"edit workspace/{slug}/, then make fix",
        )


def rungs(folder: Path) -> list[Rung]:
    """The hints of a scenario in their order.

    Raises NotFound (FL211) without HINTS.md, InvalidInput (FL119) when its rungs are not numbered 1, 2, 3, ...
    """
    path = folder / "HINTS.md"
    if not path.is_file():
        raise NotFound(
            "FL211", f"{folder.name} has no hints: {path} is missing", f"read scenarios/{folder.name}/SCENARIO.md"
        )
    return parse(path.read_text(encoding="utf-8"), str(path))


def parse(text: str, where: str) -> list[Rung]:
    """The rungs of a HINTS.md. Raises InvalidInput (FL119) naming the rung that is out of order."""
    headings = list(_HEADING.finditer(text))
    ends = [each.start() for each in headings[1:]] + [len(text)]
    for index, heading in enumerate(headings, start=1):
        if int(heading[1]) != index:
            raise InvalidInput("FL119", f"{where}: rung {index} must be `## Rung {index}: title`, got {heading[1]}")
    if not headings:
        raise InvalidInput("FL119", f"{where} has no `## Rung 1: title`", "write the first rung")
    return [_rung(heading[2], text[heading.end() : end].strip()) for heading, end in zip(headings, ends, strict=True)]


def _rung(title: str, text: str) -> Rung:
    found = _WHEN.match(text)
    return Rung(title, text[found.end() :], " ".join(found[1].split())) if found else Rung(title, text)
