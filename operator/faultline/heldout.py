"""Held-out faults: `heldout.yaml` of a folder of the last tier has more faults than its lesson shows.

The seed of a run chooses some of them, and until the run ends nothing but their SHA-256 is shown. In the cluster the
file is the Secret `heldout-SLUG`, which the operator alone reads there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, model_validator

from faultline import documents
from faultline.api.base import Model, Slug, seconds
from faultline.errors import InvalidInput
from faultline.scenario import FaultSpec, ScenarioSpec, fault_name, fault_seed
from faultline.validation import parse

FILE = "heldout.yaml"
TIER = "sprinting"
"""The one that has held-out faults: a lesson of any other tier tells what will happen."""
CLEAR_SECONDS = 3.0
"""Between the end of a held-out fault and the recovery: what is measured there is the lesson's, whatever was chosen."""


class HeldOutFault(FaultSpec):
    """A fault as in scenario.yaml, with a name: by it the seed chooses, and the report tells what it was."""

    name: Slug

    @model_validator(mode="after")
    def _in_silence(self) -> Self:
        if self.fault.family == "traffic":
            raise ValueError(f"{self.type} must not be a fault made of traffic: its requests are counted by its name")
        return self


class HeldOut(Model):
    """The content of heldout.yaml: the faults that there are, and how many of them a run gets."""

    choose: int = Field(1, ge=1, le=5)
    faults: list[HeldOutFault] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _something_to_choose(self) -> Self:
        if self.choose >= len(self.faults):
            raise ValueError(f"choose must be below the number of faults {len(self.faults)}, got {self.choose}")
        return self

    def check(self, spec: ScenarioSpec) -> None:
        """Whether each fits the scenario, whichever are chosen. Raises ValueError with field, rule and value."""
        spec.check_faults(self.faults)
        taken = [fault_name(index, each) for index, each in enumerate(spec.faults)]
        latest = seconds(spec.phases.fault) - CLEAR_SECONDS
        for index, each in enumerate(self.faults):
            if each.name in taken:
                raise ValueError(f"faults[{index}].name must be none of {', '.join(taken)}, got {each.name}")
            taken.append(each.name)
            if each.window()[1] > latest:
                rule = f"must end {CLEAR_SECONDS:g}s before the recovery, at {latest:g}s of the fault phase"
                raise ValueError(f"faults[{index}] {rule}, got {each.window()[1]:g}s")

    def chosen(self, seed: int) -> list[HeldOutFault]:
        """Those of a run, in the order of the file. The same seed chooses the same, whatever the order is."""
        ranked = sorted(self.faults, key=lambda each: (fault_seed(seed, f"held-out:{each.name}"), each.name))
        return [each for each in self.faults if each in ranked[: self.choose]]


def parsed(text: str, spec: ScenarioSpec) -> HeldOut:
    """heldout.yaml for a scenario. Raises InvalidInput: FL104 when it is not YAML, FL105 when a field breaks a rule."""
    try:
        data = documents.read(text)
    except yaml.YAMLError as error:
        raise InvalidInput("FL104", f"{FILE} is not YAML: {error}", "mend the line that is named") from error
    found = parse(HeldOut, data, "heldout")
    try:
        found.check(spec)
    except ValueError as error:
        raise InvalidInput("FL105", f"heldout.{error}", "mend the field that is named") from error
    return found


def of_folder(folder: Path, spec: ScenarioSpec) -> HeldOut | None:
    """What a folder holds out; None when it has no such file. Raises InvalidInput as `parsed` does."""
    path = folder / FILE
    return parsed(path.read_text(encoding="utf-8"), spec) if path.is_file() else None


def added(spec: ScenarioSpec, faults: Sequence[HeldOutFault]) -> ScenarioSpec:
    """The scenario of one run: with the faults that were chosen for it behind its own."""
    return spec.model_copy(update={"faults": [*spec.faults, *faults]})


def digest(faults: Sequence[HeldOutFault]) -> str:
    """SHA-256 by which anyone can see after a run that these were chosen before it: of their JSON, keys sorted."""
    text = json.dumps([_plain(each) for each in faults], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(fault: HeldOutFault) -> dict[str, Any]:
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True)
