"""The steps from a Scenario to a lab on the cluster; each may be done again at any time."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from croniter import croniter

from faultline.api.base import API_VERSION
from faultline.clients.kube import Json, path
from faultline.controller import code as code_in_lab
from faultline.controller.api import Api
from faultline.controller.code import Code
from faultline.errors import InvalidInput
from faultline.lab import Helm, values
from faultline.names import LABEL_PART, LABEL_SCENARIO, harness_namespace, lab_namespace
from faultline.scenario import ScenarioSpec
from faultline.validation import parse

HARNESS_SECRET = "harness"  # noqa: S105  # the name of a Secret, not one


@dataclass(frozen=True)
class Desired:
    """What a lab should be: the chart's values, and their digest, by which a needless Helm is left out."""

    code: Code
    values: Mapping[str, Any]
    digest: str


def validated(scenario: Json) -> ScenarioSpec:
    """The spec. Raises InvalidInput (FL105) naming field, rule and value."""
    spec = parse(ScenarioSpec, scenario.get("spec"))
    if spec.schedule is not None and not croniter.is_valid(spec.schedule):
        raise InvalidInput(
            "FL105", f"spec.schedule must be a cron expression, got {spec.schedule}", "as in */30 * * * *"
        )
    return spec


async def namespaces_ready(api: Api, scenario: Json) -> bool:
    """Make both namespaces, owned by the Scenario; False while those of an earlier one of that name go away."""
    meta = scenario["metadata"]
    for namespace, part in ((lab_namespace(meta["name"]), "lab"), (harness_namespace(meta["name"]), "harness")):
        there = await api.get(path("Namespace", namespace))
        if there is None:
            await api.apply(path("Namespace", namespace), _namespace(namespace, part, scenario))
            continue
        owners = [each["uid"] for each in there["metadata"].get("ownerReferences") or []]
        if meta["uid"] not in owners or there["metadata"].get("deletionTimestamp"):
            return False
    return True


def _namespace(name: str, part: str, scenario: Json) -> Json:
    meta = scenario["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {LABEL_SCENARIO: meta["name"], LABEL_PART: part},
            "ownerReferences": [owner(scenario)],
        },
    }


def owner(scenario: Json) -> Json:
    """The reference by which deleting the Scenario deletes what carries it, with or without an operator."""
    meta = scenario["metadata"]
    return {"apiVersion": API_VERSION, "kind": "Scenario", "name": meta["name"], "uid": meta["uid"]}


async def token(api: Api, scenario: str) -> str:
    """The harness' token: the one that is deployed, else a new one."""
    import base64

    found = await api.get(path("Secret", HARNESS_SECRET, harness_namespace(scenario)))
    if found is None:
        return secrets.token_urlsafe(24)
    return base64.b64decode(found["data"]["token"]).decode()


async def desired(api: Api, scenario: Json, spec: ScenarioSpec, images: Mapping[str, str], chart: str) -> Desired:
    """What the lab should be now. `chart` is the chart's digest: another chart is another lab."""
    name = scenario["metadata"]["name"]
    code = await code_in_lab.in_force(api, scenario)
    found = values(name, spec, images, code.version, token=await token(api, name), seed=code.seed_digest)
    text = json.dumps([chart, found], sort_keys=True)
    return Desired(code, found, hashlib.sha256(text.encode()).hexdigest()[:16])


async def install(api: Api, helm: Helm, scenario: str, wanted: Desired) -> None:
    """Code and seed into the lab, then Helm."""
    await code_in_lab.copy_into(api, lab_namespace(scenario), wanted.code)
    await helm.install(harness_namespace(scenario), wanted.values)


def chart_digest(chart: Path) -> str:
    """Of all its files."""
    found = hashlib.sha256()
    for file in sorted(each for each in chart.rglob("*") if each.is_file()):
        found.update(str(file.relative_to(chart)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]
