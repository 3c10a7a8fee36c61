"""A real lab on the lab's own kind cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl, wait_for

from faultline.cli import _labs, _publish
from faultline.cli._cluster import Cluster
from faultline.errors import FaultlineError

LEAVE_ANOTHER_LAB = ("test_run", "test_fix")
"""They delete the lab `tiny`, or deploy to it, so that nobody after them could go on with it."""
FIRST_PAGES = ["home"]
"""What the smallest scenario's seed.sql has."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that share the lab `tiny` come last, one after the other, since it stays up from the first on."""
    sharing = {each.path for each in items if "tiny" in getattr(each, "fixturenames", ())}
    items.sort(key=lambda each: (each.path in sharing, each.path in sharing and _turn(each.path.stem)))


def _turn(module: str) -> int:
    return LEAVE_ANOTHER_LAB.index(module) + 1 if module in LEAVE_ANOTHER_LAB else 0


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The lab's own kind cluster, never another."""
    return Cluster.open(None)


@pytest.fixture(scope="session")
def tiny_manifest(worker_id: str) -> dict[str, Any]:
    """The smallest scenario's object; each worker has its own."""
    found: dict[str, Any] = yaml.safe_load((TINY / "scenario.yaml").read_text())
    if worker_id != "master":
        found["metadata"]["name"] += f"-{worker_id}"
    return found


class Shared:
    """The lab of the smallest scenario. Each module finds it as new: put back, or made anew where that is not enough.

    It is up and gone again within 20 s, and nine modules use one.
    """

    def __init__(self, lab: Lab, manifest: dict[str, Any]) -> None:
        self.lab = lab
        self._manifest = manifest
        self._made: dict[str, Any] = {}
        self._pods = 0

    def bring(self) -> None:
        """As new, applied by kubectl as a person would."""
        _publish.folders(self.lab.cluster, SCENARIOS)
        if self._made and self._object() == self._made and self._put_back():
            return
        self.lab.delete()  # what a module before, or an interrupted session, may have left
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(self._manifest))
        self.lab.wait_ready()
        self._made, self._pods = self._object(), len(self._all_pods())

    def _object(self) -> dict[str, Any]:
        """Which Scenario it is and what it asks for: its spec, and by annotations the code."""
        found = self.lab.cluster.get(self.lab.where) or {"metadata": {}}
        meta = found["metadata"]
        ours = [each for each in (meta.get("annotations") or {}).items() if each[0].startswith("faultline.dev/")]
        return {"uid": meta.get("uid"), "spec": found.get("spec"), "annotations": sorted(ours)}

    def _put_back(self) -> bool:
        """No run, no fault, first data; whether that was enough."""
        runs = "/apis/faultline.dev/v1alpha1/runs"
        with suppress(AssertionError, FaultlineError):
            for each in self.lab.cluster.items(runs):
                if each["spec"]["scenario"] == self.lab.name:
                    self.lab.cluster.delete(f"{runs}/{each['metadata']['name']}")
            # A run that was under way may have been in the middle of a reset: not two at once.
            wait_for("a settled lab", self._settled, 60)
            self.lab.injector("POST", "/stop")
            self.lab.injector("POST", "/reset", seconds=60)
            wait_for("first data", lambda: self._settled() and self.lab.visit("/pages") == FIRST_PAGES, 30)
            return True
        return False

    def _settled(self) -> bool:
        """Whether every pod is up and none is on its way, and edges and data stores answer, to the app as well."""
        pods = self._all_pods()
        if len(pods) != self._pods or not all(map(_labs.is_ready, pods)) or not self.lab.ready():
            return False
        with suppress(FaultlineError):
            return self.lab.injector("GET", "/ready") == {"problems": []} and "home" in self.lab.visit("/pages")
        return False

    def _all_pods(self) -> list[dict[str, Any]]:
        """Those that are going away too."""
        namespaces = self.lab.namespace, self.lab.harness
        return [pod for each in namespaces for pod in self.lab.cluster.items(f"/api/v1/namespaces/{each}/pods")]


@pytest.fixture(scope="session")
def shared(cluster: Cluster, tiny_manifest: dict[str, Any]) -> Iterator[Shared]:
    """For `tiny` alone."""
    one = Shared(Lab(cluster, tiny_manifest["metadata"]["name"]), tiny_manifest)
    yield one
    one.lab.remove()


@pytest.fixture(scope="module")
def tiny(shared: Shared) -> Lab:
    """A lab of the smallest scenario, as new for each module."""
    shared.bring()
    return shared.lab
