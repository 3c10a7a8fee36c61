"""The catalogue as it was published: each scenario's object, lesson and hints, read from its ConfigMap once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from faultline import documents, hints
from faultline.catalogue import LABEL_LESSON
from faultline.clients.kube_objects import Json
from faultline.dashboard import markdown
from faultline.dashboard.mirror import Mirror
from faultline.errors import NotFound
from faultline.hints import Rung
from faultline.learning import Lesson
from faultline.scenario import ScenarioSpec
from faultline.validation import parse


@dataclass(frozen=True)
class Entry:
    """One scenario. What costs time is made when it is first asked for."""

    slug: str
    files: dict[str, str]

    @cached_property
    def manifest(self) -> Json:
        """The Scenario object."""
        found: Any = documents.read(self.files.get("scenario.yaml", ""))
        return dict(found)

    @cached_property
    def spec(self) -> ScenarioSpec:
        """The Scenario object's spec. Raises InvalidInput (FL105) where it is of another version."""
        return parse(ScenarioSpec, self.manifest.get("spec"))

    @cached_property
    def lesson(self) -> Lesson:
        """Where it stands in the catalogue."""
        return Lesson.of(self.slug, self.manifest.get("spec") or {})

    @cached_property
    def page(self) -> markdown.Page:
        """SCENARIO.md, rendered."""
        return markdown.render(self.files.get("SCENARIO.md", ""))

    @cached_property
    def rungs(self) -> list[Rung]:
        """The hints; none where there is no HINTS.md. Raises InvalidInput (FL119) when they are out of order."""
        text = self.files.get("HINTS.md")
        return hints.parse(text, f"HINTS.md of {self.slug}") if text else []


class Lessons:
    """The catalogue by slug, as the mirror has it."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._entries: dict[str, tuple[str, Entry]] = {}

    def all(self) -> list[Entry]:
        """Every scenario in the recommended order."""
        found = {}
        for each in self._mirror.lessons:
            slug = str(each["metadata"]["labels"][LABEL_LESSON])
            version = str(each["metadata"].get("resourceVersion"))
            known = self._entries.get(slug)
            found[slug] = (
                known if known and known[0] == version else (version, Entry(slug, dict(each.get("data") or {})))
            )
        self._entries = found
        return sorted((entry for _, entry in found.values()), key=lambda entry: entry.lesson.place)

    def get(self, slug: str) -> Entry:
        """One scenario. Raises NotFound (FL201)."""
        for entry in self.all():
            if entry.slug == slug:
                return entry
        raise NotFound("FL201", f"there is no scenario {slug!r}", "`make up` publishes the folders under scenarios/")
