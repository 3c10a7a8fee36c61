"""A scenario's folder as the rules see it: its spec, and its texts taken apart once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from faultline.errors import FaultlineError
from faultline.lint._document import Document
from faultline.lint.base import TIERS, Problem, Tier
from faultline.scenario import ScenarioSpec
from faultline.validation import parse, scenario_object

TEXTS = ("SCENARIO.md", "HINTS.md", "DESIGN.md")


class Folder:
    """`scenarios/SLUG/`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def slug(self) -> str:
        """The folder's name."""
        return self.path.name

    @cached_property
    def _object(self) -> dict[str, Any]:
        return scenario_object(self.path / "scenario.yaml")

    @cached_property
    def unreadable(self) -> Problem | None:
        """Why scenario.yaml is no Scenario; None when it is one."""
        try:
            self.spec  # noqa: B018 - whether it can be read is the question
        except FaultlineError as error:
            return Problem("scenario.yaml", 0, "schema", error.message, error.next_step)
        return None

    @property
    def name(self) -> str:
        """Of the Scenario object."""
        return str(self._object["metadata"]["name"])

    @cached_property
    def spec(self) -> ScenarioSpec:
        """What scenario.yaml says. Raises InvalidInput (FL104, FL105) and NotFound (FL201)."""
        return parse(ScenarioSpec, self._object["spec"])

    @property
    def tier(self) -> Tier:
        """What its tier asks of the lesson."""
        return TIERS[self.spec.tier]

    @cached_property
    def documents(self) -> dict[str, Document]:
        """The Markdown files that are there, by name."""
        found = {name: self.path / name for name in TEXTS}
        found |= {f"{each.parent.name}/README.md": each for each in sorted(self.path.glob("solution*/README.md"))}
        return {name: Document(path.read_text(encoding="utf-8")) for name, path in found.items() if path.is_file()}

    @property
    def lesson(self) -> Document:
        """SCENARIO.md; empty where there is none."""
        return self.documents.get("SCENARIO.md", Document(""))
