"""`heldout`: what a lesson of the last tier does not tell is there, fits the scenario, and is not told after all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from faultline import heldout
from faultline.errors import InvalidInput
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

TEXTS = ("SCENARIO.md", "HINTS.md", "scenario.yaml", "diagnosis.yaml")
"""What the learner reads, or is asked from."""


class Heldout(Rule):
    """A heldout.yaml in the tier sprinting and in no other, whose faults fit and are named in no text."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """A file that is missing, out of place or breaks a rule; each line that names one of its faults."""
        path, tier = folder.path / heldout.FILE, folder.spec.tier
        if tier != heldout.TIER:
            if path.exists():
                message = f"only the tier {heldout.TIER} holds faults out, got {tier}"
                yield self.problem(heldout.FILE, 0, message, "remove the file, or move its faults to scenario.yaml")
            return
        try:
            found = heldout.of_folder(folder.path, folder.spec)
        except InvalidInput as error:
            yield self.problem(heldout.FILE, 0, error.message, error.next_step)
            return
        if found is None:
            message = f"is missing, and the tier {tier} holds faults out"
            yield self.problem(heldout.FILE, 0, message, "copy it from another scenario of the tier")
            return
        for name in TEXTS:
            text = folder.path / name
            if text.is_file():
                yield from self._named(name, text.read_text(encoding="utf-8"), found)

    def _named(self, file: str, text: str, found: heldout.HeldOut) -> Iterator[Problem]:
        for number, line in enumerate(text.splitlines(), start=1):
            for each in found.faults:
                if re.search(rf"\b{each.name.replace('-', '[- ]')}\b", line, re.I):
                    message = f"names the held-out fault {each.name}"
                    yield self.problem(file, number, message, "say it otherwise, or give the fault another name")
