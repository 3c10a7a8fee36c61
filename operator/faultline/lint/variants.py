"""`variants`: the reference solution says why it differs, each wrong fix which objective must catch it; no copies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from faultline import catalogue
from faultline.errors import FaultlineError
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule

WRONG = 2
KEYS = {"objective", "reason"}


class Variants(Rule):
    """A solution with a README.md, two wrong fixes or more with a wrong.yaml, each with only the files that differ."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """Each variant that is missing or unexplained, and each file that needs not be there."""
        variants = catalogue.written(folder.path)
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
        for variant in variants[1:]:
            try:
                base = catalogue.base(folder.path, variant)
            except FaultlineError as error:
                yield self.problem(f"{variant}/{catalogue.VARIANT_FILE}", 0, error.message, error.next_step)
            else:
                yield from self._files(folder.path, variant, base)

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

    def _files(self, folder: Path, variant: str, base: str) -> Iterator[Problem]:
        try:
            below, own = catalogue.version(folder, base).files, catalogue.own_files(folder, variant)
            place = _place(base)
            for path in sorted(path for path, text in own.items() if below.get(path) == text):
                yield self.problem(f"{variant}/{path}", 0, f"is the same as in {place}", "remove it")
            if not own:
                yield self.problem(f"{variant}/", 0, f"has no file that differs from {place}", "put them into it")
            if variant.startswith("wrong/"):
                yield from self._nearer(folder, variant, base)
        except FaultlineError as error:
            yield self.problem("app/", 0, error.message, error.next_step)

    def _nearer(self, folder: Path, variant: str, base: str) -> Iterator[Problem]:
        files = catalogue.version(folder, variant).files
        bases = catalogue.bases(folder)
        needed = {each: _needed(files, catalogue.version(folder, each).files) for each in bases}
        best = min(bases, key=needed.__getitem__)
        if needed[best] < needed[base]:
            message = f"needs {needed[base]:g} files over {_place(base)} and {needed[best]:g} over {_place(best)}"
            file = f"{variant}/{catalogue.VARIANT_FILE}"
            step = "remove the file" if best == catalogue.FLAWED else f"write `over: {best}`"
            yield self.problem(file, 0, message, f"{step}, and keep only the files that differ")


def _place(base: str) -> str:
    return "app/" if base == catalogue.FLAWED else f"{base}/"


def _needed(files: Mapping[str, str], below: Mapping[str, str]) -> float:
    """How many files differ from those below; a file that is only there cannot be taken away."""
    return math.inf if below.keys() - files.keys() else sum(below.get(path) != text for path, text in files.items())


def _line(path: Path, key: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(f"{key}:")), 0)
