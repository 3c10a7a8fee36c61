"""Single lines of safety: `safety.yaml` names lines of the reference solution, each of which it fails without.

Each is a variant `without/NAME` of the scenario that has no folder: the files of `solution` less that line. Like a
wrong fix it must fail, and miss the objective that is there to catch it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, Field, RootModel, StringConstraints, model_validator

from faultline import documents
from faultline.api.base import Line, Model, Slug
from faultline.errors import InvalidInput
from faultline.sources import syntax_problem
from faultline.validation import parse

FILE = "safety.yaml"
PREFIX = "without/"
SOLUTION = "solution"
"""The variant that the lines are taken from."""


def _one_line(text: str) -> str:
    if text != text.strip() or len(text.splitlines()) != 1:
        raise ValueError(f"must be one line without the space around it, got {text!r}")
    return text


Code = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_one_line)]
"""A line of code without its indent."""


class SafetyLine(Model):
    """A line of the reference solution that must not be missing. `instead` stands where it stood, with its indent."""

    name: Slug
    file: Line
    line: Code
    instead: Code | None = None
    caught_by: Line

    @property
    def variant(self) -> str:
        """The solution without it, by name."""
        return PREFIX + self.name


class SafetyLines(RootModel[list[SafetyLine]]):
    """The content of safety.yaml."""

    root: list[SafetyLine] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        for what, found in (
            ("name", [each.name for each in self.root]),
            ("line", [f"{each.line} of {each.file}" for each in self.root if each.instead is None]),
        ):
            twice = sorted({each for each in found if found.count(each) > 1})
            if twice:
                raise ValueError(f"must not have one {what} twice, got {', '.join(twice)}")
        return self


def of_folder(folder: Path) -> list[SafetyLine]:
    """What a folder's safety.yaml names; nothing without one.

    Raises InvalidInput: FL104 when it is not YAML, FL105 when a field breaks a rule.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        said = documents.read(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidInput("FL104", f"{FILE} is not YAML: {error}", "mend the line that is named") from error
    return parse(SafetyLines, said, "safety").root


def taken_away(files: Mapping[str, str], one: SafetyLine) -> dict[str, str]:
    """The solution's files less that line.

    Raises InvalidInput (FL127) when it is not there exactly once, or when what is left does not compile.
    """
    if one.file not in files:
        raise _problem(one, f"file must be in the solution, got {one.file}", f"one of: {', '.join(sorted(files))}")
    lines = files[one.file].splitlines(keepends=True)
    places = [number for number, each in enumerate(lines) if each.strip() == one.line]
    if len(places) != 1:
        rule = f"line must be in {one.file} exactly once, and is there {len(places)} times"
        raise _problem(one, f"{rule}: {one.line}", "copy it from the file, or take another line")
    (place,) = places
    if one.instead is None:
        del lines[place]
    else:
        lines[place] = lines[place].replace(one.line, one.instead)
    text = "".join(lines)
    problem = syntax_problem({one.file: text})
    # An older Python than the lab's may not know the solution's own syntax: that is no fault of the line.
    if problem and not syntax_problem({one.file: files[one.file]}):
        raise _problem(one, f"what is left must compile: {problem}", "say with `instead` what stands in its place")
    return {**files, one.file: text}


def check_objective(one: SafetyLine, objectives: Sequence[str]) -> None:
    """Raises InvalidInput (FL127) for one that is not the scenario's."""
    if one.caught_by not in objectives:
        rule = f"caught_by must be one of scenario.yaml's objectives, got {one.caught_by}"
        raise _problem(one, rule, f"one of: {'; '.join(objectives)}")


def _problem(one: SafetyLine, rule: str, next_step: str) -> InvalidInput:
    return InvalidInput("FL127", f"{FILE}, {one.name}: {rule}", next_step)
