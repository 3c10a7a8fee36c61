"""`safety`: what safety.yaml names can be taken away from the solution, and an objective is there to miss it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faultline import catalogue, safety_lines
from faultline.errors import FaultlineError, InvalidInput
from faultline.lint._folder import Folder
from faultline.lint.base import Problem, Rule


class Safety(Rule):
    """A safety.yaml, where there is one, whose lines are in the solution once each and leave a program behind."""

    def check(self, folder: Folder) -> Iterator[Problem]:
        """A file that cannot be read, and each line of safety that cannot be proven to be one."""
        try:
            lines = safety_lines.of_folder(folder.path)
        except InvalidInput as error:
            yield self.problem(safety_lines.FILE, 0, error.message, error.next_step)
            return
        try:
            files = catalogue.version(folder.path, safety_lines.SOLUTION).files if lines else {}
        except FaultlineError:
            return  # the rule `variants` says so
        objectives = [each.name for each in folder.spec.objectives]
        for each in lines:
            try:
                safety_lines.taken_away(files, each)
                safety_lines.check_objective(each, objectives)
            except InvalidInput as error:
                place = _line(folder.path / safety_lines.FILE, each.name)
                yield self.problem(safety_lines.FILE, place, error.message, error.next_step)


def _line(path: Path, name: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.rstrip().endswith(f"name: {name}")), 0)
