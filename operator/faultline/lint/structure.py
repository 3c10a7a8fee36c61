"""`structure`: the lesson goes from reading to what breaks next, and each part has what makes it one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from faultline.lint._document import Document
from faultline.lint._folder import TEXTS, Folder
from faultline.lint.base import Problem, Rule

BREAKS = "What breaks at 10x, 100x, 1000x"
SECTIONS = ("Read", "Diagnose", "Fix", "Reflect", BREAKS, "Stuck?")
FACTORS = ("10x", "100x", "1000x")
QUESTIONS = 3
ADVICE = 3
"""Rows of the table "Stuck?"."""
DESIGN = {
    "Teaches": "what a learner can do afterwards",
    "The flaw": "which defensible decisions it is made of",
    "Fault": "what exposes it, and why in this order",
    "Objectives": "why each is there",
    "Left out, on purpose": "what the lesson does not go into, and where it is taught",
    "Why these numbers": "where rates, limits and targets come from",
}
_NAME = "SCENARIO.md"


class Structure(Rule):
    """The three texts are there, with their headings in order; tables and commands where the tier needs them."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each part that is missing, out of place or empty."""
        for name in TEXTS:
            document = folder.documents.get(name)
            if document is None:
                yield self.problem(name, 0, "the file is missing", "copy it from another scenario of the tier")
            elif [each.level for each in document.headings[:1]] != [1]:
                yield self.problem(name, 1, "must begin with one heading `# Title`", "write it in line 1")
        if _NAME in folder.documents:
            yield from self._lesson(folder)
        if "DESIGN.md" in folder.documents:
            yield from self._design(folder.documents["DESIGN.md"])

    def _lesson(self, folder: Folder) -> Iterator[Problem]:
        lesson, tier = folder.lesson, folder.spec.tier
        if not any(f"*{tier.capitalize()}." in each for each in lesson.text.splitlines()[:6]):
            told = f"*{tier.capitalize()}. What the reader is told, in a sentence.*"
            yield self.problem(_NAME, 3, f"must say its tier below the title, as in `{told}`", "write that line")
        yield from self._order(lesson)
        for title in SECTIONS:
            part = lesson.section(title)
            if part is not None and not part.text.strip():
                yield self.problem(_NAME, _line(lesson, title), f"`## {title}` is empty", "write it")
        yield from self._breaks(lesson)
        yield from self._reflect(lesson)
        yield from self._stuck(lesson)
        if folder.tier.shows_commands:
            yield from self._shown(lesson)

    def _order(self, lesson: Document) -> Iterator[Problem]:
        there = [each for each in lesson.headings if each.level == 2]
        for title in SECTIONS:
            count = sum(each.text == title for each in there)
            if count != 1:
                yield self.problem(_NAME, 0, f"must have one heading `## {title}`, has {count}", "write that part")
        for each in there:
            if each.text not in SECTIONS:
                titles = ", ".join(SECTIONS)
                message = f"`## {each.text}` is no part of a lesson; those are {titles}"
                yield self.problem(_NAME, each.line, message, "make it a `###` within one of them")
        found = [each for each in there if each.text in SECTIONS]
        for before, after in pairwise(found):
            if SECTIONS.index(before.text) > SECTIONS.index(after.text):
                message = f"`## {after.text}` must stand before `## {before.text}`"
                yield self.problem(_NAME, after.line, message, f"the order is {', '.join(SECTIONS)}")

    def _breaks(self, lesson: Document) -> Iterator[Problem]:
        part = lesson.section(BREAKS)
        if part is None:
            return
        rows = [row[0] for table in part.tables for row in table.rows]
        for factor in FACTORS:
            if not any(row.startswith(factor) for row in rows):
                message = f"the table must have a row that begins with {factor}, got {', '.join(rows) or 'none'}"
                yield self.problem(_NAME, _line(lesson, BREAKS), message, "say what breaks first at that load")

    def _reflect(self, lesson: Document) -> Iterator[Problem]:
        part = lesson.section("Reflect")
        if part is None:
            return
        asked = sum("?" in each.text for each in part.items)
        if asked < QUESTIONS:
            message = f"must ask at least {QUESTIONS} questions, as items of a list, got {asked}"
            yield self.problem(
                _NAME, _line(lesson, "Reflect"), message, "ask what the fix costs and what it depends on"
            )

    def _stuck(self, lesson: Document) -> Iterator[Problem]:
        part = lesson.section("Stuck?")
        if part is None:
            return
        rows = [row for table in part.tables for row in table.rows]
        if len(rows) < ADVICE:
            message = f"must be a table of at least {ADVICE} things that are seen and what each means, got {len(rows)}"
            yield self.problem(_NAME, _line(lesson, "Stuck?"), message, "begin with what each wrong fix looks like")

    def _shown(self, lesson: Document) -> Iterator[Problem]:
        part = lesson.section("Diagnose")
        if part is None:
            return
        line = _line(lesson, "Diagnose")
        if not [each for each in part.blocks if each.label != "mermaid"]:
            yield self.problem(_NAME, line, "must have a block of commands in this tier", "show what to type")
        heads = [" ".join(table.head) for table in part.tables]
        if not any("now" in head and "done" in head for head in heads):
            message = "must have a table of what is to be seen now and when you are done, in this tier"
            yield self.problem(_NAME, line, message, "head its columns `now` and `done`, and say where to look")

    def _design(self, design: Document) -> Iterator[Problem]:
        for begin, what in DESIGN.items():
            if f"\n**{begin}" not in design.text:
                yield self.problem("DESIGN.md", 0, f"must have a paragraph that begins with **{begin}**", f"say {what}")


def _line(document: Document, title: str) -> int:
    return next(each.line for each in document.headings if each.level == 2 and each.text == title)
