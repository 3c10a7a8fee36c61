"""`hints`: the rungs of HINTS.md, as many as the tier has, each with something on it."""

from __future__ import annotations

from collections.abc import Iterator

from faultline import hints
from faultline.errors import InvalidInput
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

_NAME = "HINTS.md"


class Hints(Rule):
    """Rungs numbered 1, 2, 3, ...: five for crawling, four for walking, three for running, one for sprinting."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Rungs that are misnumbered, too many, too few, empty or twice there."""
        document = folder.documents.get(_NAME)
        if document is None:
            return
        try:
            rungs = hints.parse(document.text, _NAME)
        except InvalidInput as error:
            yield self.problem(_NAME, 0, error.message, error.next_step or "number the rungs 1, 2, 3, ...")
            return
        tier = folder.spec.tier
        if len(rungs) != folder.tier.rungs:
            message = f"the tier {tier} has {folder.tier.rungs} rungs, got {len(rungs)}"
            yield self.problem(_NAME, 0, message, "from symptom to the difference, in steps of one size")
        lines = [each for each in document.headings if each.level == 2]
        for each in lines:
            if not each.text.startswith("Rung "):
                message = f"`## {each.text}` is no rung, and would be shown as part of the one before"
                yield self.problem(_NAME, each.line, message, "make it a `###` within a rung")
        places = [each.line for each in lines if each.text.startswith("Rung ")]
        seen: set[str] = set()
        for number, (rung, line) in enumerate(zip(rungs, places, strict=False), start=1):
            if not rung.text:
                yield self.problem(_NAME, line, f"rung {number} is empty", "write what it reveals")
            if rung.title.lower() in seen:
                message = f"rung {number} has the title of an earlier one: {rung.title}"
                yield self.problem(_NAME, line, message, "say what is new on it")
            seen.add(rung.title.lower())
