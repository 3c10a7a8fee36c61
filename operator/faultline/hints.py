"""HINTS.md: `## Rung N: title` and what stands below it, from symptom to solution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from faultline.errors import InvalidInput, NotFound

_HEADING = re.compile(r"^##\s+Rung\s+(\d+)\s*:\s*(.+?)\s*$", re.M)


@dataclass(frozen=True)
class Rung:
    """One hint."""

    title: str
    text: str


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
    return [Rung(heading[2], text[heading.end() : end].strip()) for heading, end in zip(headings, ends, strict=True)]
