"""`diagrams`: the system and the concepts are drawn, and said in words to those who do not see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from faultline.lint._document import Document, Span
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

KINDS = (
    *("flowchart", "graph", "sequenceDiagram", "stateDiagram", "stateDiagram-v2", "classDiagram", "erDiagram"),
    *("timeline", "gantt", "pie", "quadrantChart", "xychart-beta", "packet-beta", "journey"),
)
"""Mermaid's kinds of diagrams that the dashboard's own copy of Mermaid draws."""
_TITLE = re.compile(r"^\s*accTitle\s*:\s*(\S.*?)\s*$", re.M)
_NAME = "SCENARIO.md"


class Diagrams(Rule):
    """Diagrams in the number of the tier, each of a known kind with a title, every edge named, concepts drawn."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each diagram that is missing or cannot be drawn, each edge and concept that is in none."""
        lesson = folder.lesson
        pictures = [each for each in lesson.pictures if each.text.endswith(".svg")]
        found = len(lesson.diagrams) + len(pictures)
        if found < folder.tier.diagrams:
            message = (
                f"a lesson of the tier {folder.spec.tier} has at least {folder.tier.diagrams} diagrams, got {found}"
            )
            yield self.problem(_NAME, 0, message, "draw the system first, as ```mermaid or a linked .svg")
        for diagram in lesson.diagrams:
            yield from self._diagram(diagram)
        for picture in pictures:
            yield from self._picture(folder, picture)
        yield from self._edges(folder)
        if folder.tier.draws_concepts:
            yield from self._concepts(folder, lesson, pictures)

    def _diagram(self, diagram: Span) -> Iterator[Problem]:
        words = diagram.text.split()
        if not words or words[0] not in KINDS:
            got = words[0] if words else "nothing"
            message = f"the diagram must begin with its kind, one of {', '.join(KINDS)}, got {got}"
            yield self.problem(_NAME, diagram.line, message, "mend its first line")
        if not _TITLE.search(diagram.text):
            message = "the diagram has no title for those who do not see it"
            yield self.problem(_NAME, diagram.line, message, "write `accTitle: what it shows` below its first line")
        opened = len(re.findall(r"^\s*subgraph\b", diagram.text, re.M))
        closed = len(re.findall(r"^\s*end\s*$", diagram.text, re.M))
        if words[:1] in (["flowchart"], ["graph"]) and opened != closed:
            message = f"the diagram opens {opened} subgraphs and ends {closed}"
            yield self.problem(_NAME, diagram.line, message, "write `end` once for each `subgraph`")

    def _picture(self, folder: Folder, picture: Span) -> Iterator[Problem]:
        if not picture.label.strip():
            message = f"the picture {picture.text} has no words for those who do not see it"
            yield self.problem(_NAME, picture.line, message, "write them as ![words](FILE.svg)")
        path = folder.path / picture.text
        if not path.is_file():
            return  # the rule `links` says so
        try:
            root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - a file of the checkout
        except ElementTree.ParseError as error:
            yield self.problem(picture.text, error.position[0], f"is no SVG: {error}", "mend the line that is named")
            return
        if not root.tag.endswith("}svg"):
            message = f"the outermost element must be svg with its namespace, got {root.tag}"
            yield self.problem(picture.text, 1, message, 'begin with <svg xmlns="http://www.w3.org/2000/svg">')

    def _edges(self, folder: Folder) -> Iterator[Problem]:
        if not folder.lesson.diagrams:
            return
        first = folder.lesson.diagrams[0]
        missing = [name for name in folder.spec.app.edges(off=True) if f'"{name}"' not in first.text]
        if missing:
            message = f"the first diagram must name each edge of scenario.yaml, {', '.join(missing)} is not in it"
            yield self.problem(_NAME, first.line, message, f'label the arrow, as in -->|"{missing[0]}"|')

    def _concepts(self, folder: Folder, lesson: Document, pictures: list[Span]) -> Iterator[Problem]:
        titles = [title for each in lesson.diagrams for title in _TITLE.findall(each.text)]
        titles += [each.label for each in pictures]
        for concept in folder.spec.concepts:
            if not any(concept.lower() in title.lower() for title in titles):
                message = f"the concept {concept!r} of scenario.yaml has no diagram: no accTitle names it"
                yield self.problem(_NAME, 0, message, "draw it, or name it in the title of the one that shows it")
