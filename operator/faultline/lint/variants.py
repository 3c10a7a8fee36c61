"""`variants`: the reference solution says why it differs, and each wrong fix which objective must catch it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from faultline import catalogue
from faultline.errors import FaultlineError
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

WRONG = 2
KEYS = {"objective", "reason"}


class Variants(Rule):
    """A solution with a README.md, at least two wrong fixes with a wrong.yaml, and only files that differ."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each variant that is missing, unexplained or the same as the flawed app."""
        variants = catalogue.variants(folder.path)
        if "solution" not in variants:
            yield self.problem("solution/", 0, "there is no reference solution", "put the files that differ into it")
        wrong = [each for each in variants if each.startswith("wrong/")]
        if len(wrong) < WRONG:
            message = f"there must be at least {WRONG} wrong fixes, got {len(wrong)}"
            yield self.problem("wrong/", 0, message, "add what a learner would try first as wrong/NAME/")
        for variant in variants:
            if variant.startswith("solution") and f"{variant}/README.md" not in folder.documents:
                yield self.problem(f"{variant}/README.md", 0, "the file is missing", "say why each file differs")
        for variant in wrong:
            yield from self._wrong(folder, variant)
        yield from self._same(folder, variants)

    def _wrong(self, folder: Folder, variant: str) -> Iterator[Problem]:
        name = f"{variant}/wrong.yaml"
        path = folder.path / name
        if not path.is_file():
            yield self.problem(name, 0, "the file is missing", "name the objective that must catch this fix, and why")
            return
        try:
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            yield self.problem(name, 0, f"is not YAML: {error}", "mend the line that is named")
            return
        if not isinstance(said, dict) or set(said) != KEYS:
            got = ", ".join(map(str, said)) if isinstance(said, dict) else said
            yield self.problem(name, 1, f"must have objective and reason, got {got}", "write these two")
            return
        names = [each.name for each in folder.spec.objectives]
        if said["objective"] not in names:
            message = f"objective must be one of scenario.yaml's, got {said['objective']}"
            yield self.problem(name, _line(path, "objective"), message, f"one of: {'; '.join(names)}")
        if not str(said["reason"] or "").strip():
            yield self.problem(name, _line(path, "reason"), "reason is empty", "say why this fix is none")

    def _same(self, folder: Folder, variants: list[str]) -> Iterator[Problem]:
        try:
            flawed = catalogue.version(folder.path).files
            for variant in variants[1:]:
                changed: dict[str, Any] = dict(catalogue.version(folder.path, variant).files)
                over = [each for each in changed if (folder.path / variant / each).is_file()]
                for each in [path for path in over if flawed.get(path) == changed[path]]:
                    message = "is the same as in app/"
                    yield self.problem(f"{variant}/{each}", 0, message, "keep only the files that differ")
                if not over:
                    yield self.problem(f"{variant}/", 0, "has no file that differs from app/", "put them into it")
        except FaultlineError as error:
            yield self.problem("app/", 0, error.message, error.next_step)


def _line(path: Path, key: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(f"{key}:")), 0)
