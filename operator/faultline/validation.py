"""From YAML or the API server's JSON to models; what is wrong is said with field, rule and value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from faultline import documents
from faultline.api.base import API_VERSION
from faultline.errors import InvalidInput, NotFound
from faultline.scenario import ScenarioSpec

T = TypeVar("T", bound=BaseModel)

_SHOWN = 8
"""Problems in one message; more are counted."""


def parse(model: type[T], data: Any, field: str = "spec") -> T:
    """`data` as `model`. Raises InvalidInput (FL105): every broken rule with the field and the value."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = problems(error, field)
        shown = "\n".join(lines[:_SHOWN]) + (f"\nand {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else "")
        raise InvalidInput("FL105", shown, "mend the field that is named") from error


def problems(error: ValidationError, field: str = "spec") -> list[str]:
    """One line for each broken rule, as in `spec.faults[0].for must be above 0, got 0s`."""
    return [_line(dict(each), field) for each in error.errors(include_url=False)]


def _line(problem: Mapping[str, Any], field: str) -> str:
    where = field + _place(problem["loc"])
    match problem["type"]:
        case "missing":
            return f"{where} is required"
        case "extra_forbidden":
            return f"{where} is not a known field, got {_short(problem['input'])}"
        case "value_error":
            message = str(problem["msg"]).removeprefix("Value error, ")
            # Rules over several fields begin with the one to mend.
            return f"{where}{' ' if message.startswith('must ') else '.'}{message}"
    rule = str(problem["msg"]).replace("Input should", "must", 1).replace("String should", "must", 1)
    return f"{where} {rule[0].lower()}{rule[1:]}, got {_short(problem['input'])}"


def _place(location: Sequence[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part.rstrip('_')}" for part in location)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def scenario_object(path: Path) -> dict[str, Any]:
    """The Scenario object in a file, its spec validated.

    Raises NotFound (FL201) without the file, InvalidInput: FL104 when it is not YAML or no Scenario, FL105 when a
    field breaks a rule.
    """
    if not path.is_file():
        raise NotFound("FL201", f"there is no scenario at {path}", "faultline status lists what there is")
    try:
        found = documents.read(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput("FL104", f"{path} is not YAML: {error}", "mend the line that is named") from error
    for key, wanted in (("apiVersion", API_VERSION), ("kind", "Scenario")):
        got = found.get(key) if isinstance(found, dict) else found
        if got != wanted:
            raise InvalidInput(
                "FL104", f"{path}: {key} must be {wanted}, got {_short(got)}", "start from another scenario"
            )
    if not (found.get("metadata") or {}).get("name"):
        raise InvalidInput("FL104", f"{path}: metadata.name is required", "name it like its folder")
    parse(ScenarioSpec, found.get("spec"))
    return dict(found)
