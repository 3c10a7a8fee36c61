"""What a learner may set besides code: the values that a scenario's `app.tunable` names, in `values.yaml`.

The file is a part of the code's version, so that a run grades it, and it is checked twice: before it is sent, and by
the operator, which puts the values into the scenario's spec.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from faultline.errors import InvalidInput

if TYPE_CHECKING:
    from faultline.api.app import Tunable, Value
    from faultline.scenario import ScenarioSpec

FILE = "values.yaml"
NOT_YOURS = {
    "seed.sql": "the data is what everybody is measured with; change the schema by a migration",
    "load.py": "the load is what everybody is measured with",
    "scenario.yaml": f"faults, objectives and limits are what you are measured by; your own values are in {FILE}",
}
"""Files of a scenario's folder that are no part of the code, and why."""


def check_files(files: Mapping[str, str]) -> None:
    """Raises InvalidInput (FL138) naming a file that is no part of the code, with its reason."""
    for name, why in NOT_YOURS.items():
        if name in files:
            raise InvalidInput("FL138", f"{name} cannot be changed: {why}", f"remove {name} from your workspace")


def applied(spec: ScenarioSpec, files: Mapping[str, str]) -> ScenarioSpec:
    """The spec with the values of `files`, which is the spec itself without any.

    Raises InvalidInput: FL137 naming value, rule and what was given; FL105 when the spec does not hang together then.
    """
    found = values(files)
    if not found:
        return spec
    # Every fault and measure comes with it; `faultline fix` without such values has no time for that.
    from faultline.scenario import ScenarioSpec
    from faultline.validation import parse

    known = {each.value: each for each in spec.app.tunable}
    data = spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
    app = copy.deepcopy(data["app"])
    for name, value in found.items():
        if name not in known:
            allowed = f"it lets you set {', '.join(known)}" if known else "it lets you set none"
            raise InvalidInput("FL137", f"{FILE}: {name} is not yours to set in this scenario: {allowed}", "remove it")
        _check(known[name], value)
        _put(app, name, value)
    return parse(ScenarioSpec, {**data, "app": app})


def values(files: Mapping[str, str]) -> dict[str, Value]:
    """What `values.yaml` says; nothing without the file. Raises InvalidInput (FL137) for one that cannot be read."""
    try:
        found = yaml.safe_load(files.get(FILE, "")) or {}
    except yaml.YAMLError as error:
        raise InvalidInput("FL137", f"{FILE} is not YAML: {error}", "mend the line that is named") from error
    if not isinstance(found, dict):
        raise InvalidInput("FL137", f"{FILE} must be lines like `services.web.replicas: 2`, got {found}", "mend it")
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidInput("FL137", f"{FILE}: {name} must be a number or a text, got {value}", "mend it")
    return {str(name): value for name, value in found.items()}


def switched(app: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The data stores of `app`, as a Scenario has it, that run with one version's values and not with the other's."""
    from faultline.api.app import OPTIONAL_STORES

    old, new = values(before), values(after)
    own = {store: (app[store].get("replicas", 1), f"{store}.replicas") for store in OPTIONAL_STORES if store in app}
    return [store for store, (count, name) in own.items() if old.get(name, count) != new.get(name, count)]


def _check(rule: Tunable, value: Value) -> None:
    problem = rule.problem(value)
    if problem:
        raise InvalidInput("FL137", f"{FILE}: {rule.value} {problem}, got {value}: {rule.reason}", "change the value")


def _put(app: dict[str, Any], name: str, value: Value) -> None:
    part, *rest = name.split(".")
    if part != "services":
        app[part][rest[0]] = value
        return
    service = next(each for each in app["services"] if each["name"] == rest[0])
    if rest[1] == "env":
        service["env"] = {**service.get("env", {}), rest[2]: str(value)}
    else:
        service[rest[1]] = value
