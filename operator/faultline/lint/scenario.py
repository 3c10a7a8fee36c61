"""`scenario`: scenario.yaml beyond its schema: named like its folder, in the budget of a lab, weights that add up."""

from __future__ import annotations

from collections.abc import Iterator

from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

WEIGHTS = 100
_NAME = "scenario.yaml"


class Scenario(Rule):
    """The object, its slug and the folder have one name, objectives have different ones and weights of 100 together."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """What `faultline verify` could not tell apart, or would count wrongly."""
        for field, value in (("metadata.name", folder.name), ("spec.slug", folder.spec.slug)):
            if value != folder.slug:
                message = f"{field} must be the folder's name {folder.slug}, got {value}"
                yield self.problem(_NAME, 0, message, f"write {field}: {folder.slug}")
        total = sum(each.weight for each in folder.spec.objectives)
        if total != WEIGHTS:
            message = f"spec.objectives: the weights must add up to {WEIGHTS}, got {total:g}"
            yield self.problem(_NAME, 0, message, "share them out anew")
        names = [each.name for each in folder.spec.objectives]
        for each in sorted({name for name in names if names.count(name) > 1}):
            message = f"spec.objectives: each needs a name of its own, got {each} twice"
            yield self.problem(_NAME, 0, message, "name what each of them promises")
        if not folder.spec.concepts:
            yield self.problem(_NAME, 0, "spec.concepts is empty", "name what is taught, for the catalogue")
        for name in ("load.py", "app"):
            if not (folder.path / name).exists():
                yield self.problem(name, 0, "is missing", "copy it from another scenario")
