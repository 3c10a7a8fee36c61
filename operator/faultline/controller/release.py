"""What Helm installed in a lab, by which a run puts back what somebody has changed by hand since.

A lab is graded as its Scenario says: a Deployment with more CPU, a Service that leads elsewhere or a pod of one's own
behind it would be another system.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import gzip
import json
import logging
from collections.abc import Collection
from typing import Any

from faultline import documents
from faultline.clients.kube import Json, path
from faultline.controller.api import Api
from faultline.errors import NotReady
from faultline.lab.helm import RELEASE
from faultline.names import LABEL_PART, harness_namespace, lab_namespace

log = logging.getLogger(__name__)

ANNOTATION_RUN = "faultline.dev/run"
"""On a pod template: the run for which the pods were made afresh."""
WORKLOADS = ("Deployment", "StatefulSet")
RENEWED = ("app", "shared")
"""The parts whose pods each run makes afresh."""


class Release:
    """The objects of a lab and its harness as they were installed. Raises NotReady (FL326) when there are none."""

    def __init__(self, api: Api, scenario: str, manifests: list[Json]) -> None:
        self._api = api
        self._scenario = scenario
        self._manifests = manifests

    @classmethod
    async def of(cls, api: Api, scenario: str) -> Release:
        """As the newest Secret of Helm's has it."""
        labels = f"owner=helm,name={RELEASE},status=deployed"
        found = await api.items(path("Secret", namespace=harness_namespace(scenario)), labels)
        if not found:
            raise NotReady("FL326", f"nothing is installed in the lab {scenario}", f"faultline apply --name {scenario}")
        newest = max(found, key=lambda each: int(each["metadata"]["labels"]["version"]))
        return cls(api, scenario, manifests(newest["data"]["release"]))

    async def put_back(self) -> bool:
        """Undo what was changed by hand, but for what `renew` brings; whether anything was."""
        changed = await asyncio.gather(*(self._replace(each) for each in self._manifests if not _renewed(each)))
        return any(changed)

    async def renew(self, run: str) -> None:
        """Fresh pods of app and shared services for `run`, as they were installed."""
        await asyncio.gather(*(self._replace(_of_run(each, run)) for each in self._manifests if _renewed(each)))

    async def strangers(self) -> list[str]:
        """Pods in the lab that nothing installed has made."""
        own = {each["metadata"]["name"] for each in self._manifests if each["kind"] in WORKLOADS}
        pods = await self._api.items(path("Pod", namespace=lab_namespace(self._scenario)))
        return sorted(each["metadata"]["name"] for each in pods if not _made_by(each, own))

    async def _replace(self, wanted: Json) -> bool:
        """Whether what is there differed."""
        if wanted["kind"] not in (*WORKLOADS, "Service"):
            return False
        name = wanted["metadata"]["name"]
        where = path(wanted["kind"], name, wanted["metadata"].get("namespace") or harness_namespace(self._scenario))
        there = await self._api.get(where)
        if there is None:
            raise NotReady("FL326", f"{wanted['kind']} {name} of the lab {self._scenario} is gone",
                           f"faultline apply --name {self._scenario}")  # fmt: skip
        # A Service has its address from the API server; all else of a specification is the chart's.
        kept = there["spec"] if wanted["kind"] == "Service" else {}
        labels = {**(there["metadata"].get("labels") or {}), **(wanted["metadata"].get("labels") or {})}
        # Without its version it is replaced whatever controllers write to it meanwhile.
        metadata = {**there["metadata"], "labels": labels, "resourceVersion": None}
        body = {**there, "metadata": metadata, "spec": {**kept, **wanted["spec"]}}
        after = await self._api.replace(where, body)
        changed = bool(after["metadata"].get("generation") != there["metadata"].get("generation"))
        if changed and not _renewed(wanted):
            log.warning("%s %s was changed by hand, and is as it was installed again", wanted["kind"], name)
        return changed


def manifests(release: str) -> list[Json]:
    """The objects in the field `release` of a Secret of Helm's: gzip in its base64, in that of Kubernetes."""
    text = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(release))))["manifest"]
    return [each for each in documents.read_all(text) if each]


def _renewed(manifest: Json) -> bool:
    return manifest["kind"] == "Deployment" and manifest["metadata"].get("labels", {}).get(LABEL_PART) in RENEWED


def _of_run(manifest: Json, run: str) -> Json:
    found = copy.deepcopy(manifest)
    found["spec"]["template"]["metadata"].setdefault("annotations", {})[ANNOTATION_RUN] = run
    return found


def _made_by(pod: Json, workloads: Collection[str]) -> bool:
    owners: list[dict[str, Any]] = pod["metadata"].get("ownerReferences") or []
    for each in owners:
        if each["kind"] == "StatefulSet" and each["name"] in workloads:
            return True
        if each["kind"] == "ReplicaSet" and each["name"].rpartition("-")[0] in workloads:
            return True
    return False
