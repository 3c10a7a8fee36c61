"""The steps from a Scenario to a lab on the cluster; each may be done again at any time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from croniter import croniter

from faultline import tuning
from faultline.api.base import API_VERSION
from faultline.api.run import CodeRef
from faultline.clients.kube import Json, path
from faultline.controller import code as code_in_lab
from faultline.controller.api import Api
from faultline.controller.code import Code
from faultline.errors import InvalidInput, NotReady
from faultline.lab import Helm, values
from faultline.names import LABEL_PART, LABEL_SCENARIO, SYSTEM_NAMESPACE, harness_namespace, lab_namespace
from faultline.scenario import ScenarioSpec
from faultline.validation import parse

SERVICE_ACCOUNT = "operator"
LAB_ROLE = "faultline-lab"
"""The ClusterRole with what the operator does in a lab's namespaces; it is bound in each of them and nowhere else."""
ROLE_BINDING = "operator"
BINDING_SECONDS = 5.0
HARNESS_SECRET = "harness"  # noqa: S105  # the name of a Secret, not one


NOT_GRADED = {"title", "tier", "concepts", "order", "schedule", "suspend"}
"""Fields of a spec that change nothing about a run."""


@dataclass(frozen=True)
class Desired:
    """What a lab should be: the chart's values, and their digest, by which a needless Helm is left out."""

    code: Code
    graded: CodeRef
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
    """Make both namespaces, owned by the Scenario, with the operator's rights in them.

    False while those of an earlier one of that name go away.
    """
    meta = scenario["metadata"]
    for namespace, part in ((lab_namespace(meta["name"]), "lab"), (harness_namespace(meta["name"]), "harness")):
        there = await api.get(path("Namespace", namespace))
        if there is None:
            await api.apply(path("Namespace", namespace), _namespace(namespace, part, scenario))
        else:
            owners = [each["uid"] for each in there["metadata"].get("ownerReferences") or []]
            if meta["uid"] not in owners or there["metadata"].get("deletionTimestamp"):
                return False
        await _bind(api, namespace)
    return True


async def _bind(api: Api, namespace: str) -> None:
    """Give the operator its rights in a lab's namespace: it has none in those that are no lab's."""
    where = path("RoleBinding", ROLE_BINDING, namespace)
    if await api.get(where) is not None:
        return
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": ROLE_BINDING, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": LAB_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": SYSTEM_NAMESPACE}],
    }
    await api.apply(where, binding)
    # The API server's authorizer hears of it a few milliseconds later.
    deadline = time.monotonic() + BINDING_SECONDS
    while not await api.allowed("get", "secrets", namespace):
        if time.monotonic() > deadline:
            raise NotReady("FL305", f"the operator has no rights in {namespace}", "make up (it brings the rights)")
        await asyncio.sleep(0.05)


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
    found = await api.get(path("Secret", HARNESS_SECRET, harness_namespace(scenario)))
    if found is None:
        return secrets.token_urlsafe(24)
    return base64.b64decode(found["data"]["token"]).decode()


async def desired(api: Api, scenario: Json, spec: ScenarioSpec, images: Mapping[str, str], chart: str) -> Desired:
    """What the lab should be now. `chart` is the chart's digest: another chart is another lab.

    Raises what `in_force` does, and InvalidInput (FL137) for values that the scenario does not allow.
    """
    name = scenario["metadata"]["name"]
    code = await code_in_lab.in_force(api, scenario)
    found = values(
        name,
        tuning.applied(spec, code.files),
        images,
        code.version,
        token=await token(api, name),
        seed=code.seed_digest,
    )
    text = json.dumps([chart, found], sort_keys=True)
    return Desired(code, graded(code, spec), found, hashlib.sha256(text.encode()).hexdigest()[:16])


def graded(code: Code, spec: ScenarioSpec) -> CodeRef:
    """What a run grades: the code, the spec's fields that matter to it, and what it is chosen from that is held out.

    Runs of one digest can be compared.
    """
    text = code.digest + spec.model_dump_json(by_alias=True, exclude=NOT_GRADED) + (code.held_out or "")
    return CodeRef(digest=hashlib.sha256(text.encode()).hexdigest(), variant=code.variant)


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
