"""A lab on the real cluster, and the few things that every end-to-end test asks of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from faultline.api.base import API_VERSION
from faultline.cli import _injector
from faultline.cli._cluster import Cluster
from faultline.cli._crash import NOISE
from faultline.clients.kube import ANSWER_SECONDS
from faultline.host.home import Home
from faultline.names import harness_namespace, lab_namespace

SCENARIOS = Path(__file__).parent / "scenarios"
TINY = SCENARIOS / "tiny"
T = TypeVar("T")
RUN_SECONDS = 180.0
"""Deadline for a short run, and for one of another lab that is under way when it is asked for."""
LAB_SECONDS = 90.0
"""Deadline for a lab to come up on a busy machine; how long it takes is for `make bench-setup` to say."""

GONE_SECONDS = 5.0
"""The promise: no fault is left this long after the operator is killed or a run is deleted."""


def wait_for(
    what: str, probe: Callable[[], T], seconds: float, every: float = 0.2, until: Callable[[T], object] = bool
) -> T:
    """The first answer of `probe` that is `until`; fails with its last answer when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if until(answer):
            return answer
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s: last seen {answer!r}"
        time.sleep(every)


class Lab:
    """One Scenario object made by a test, and its two namespaces."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.where = f"/apis/{API_VERSION}/scenarios/{name}"
        self.namespace = lab_namespace(name)
        self.harness = harness_namespace(name)

    def status(self) -> dict[str, Any]:
        """As the operator wrote it."""
        return dict((self.cluster.get(self.where) or {}).get("status") or {})

    def condition(self, kind: str) -> dict[str, Any]:
        """One of its conditions."""
        return next((each for each in self.status().get("conditions") or [] if each["type"] == kind), {})

    def ready(self) -> bool:
        """Whether this version of the object is up."""
        found = self.cluster.get(self.where) or {}
        seen = found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]
        return seen and self.condition("Ready").get("status") == "True"

    def wait_ready(self) -> None:
        """Until it is up."""
        wait_for(f"{self.name} Ready", self.ready, LAB_SECONDS)

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Pods that are not going away."""
        found = self.cluster.items(f"/api/v1/namespaces/{namespace}/pods", selector)
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def injector(self, method: str, path: str, body: Any = None, seconds: float = ANSWER_SECONDS) -> Any:
        """Call the injector."""
        return _injector.call(self.cluster, self.name, method, path, body, timeout=seconds)

    def toxics(self) -> list[str]:
        """Every toxic that is on, by its edge."""
        edges = self.injector("GET", "/state")["edges"]
        return [f"{edge}: {toxic}" for edge, state in edges.items() for toxic in state["toxics"]]

    def visit(self, path: str, method: str = "GET") -> Any:
        """A request to the lab's entry, by the client's own edge."""
        return self.cluster.service(method, self.harness, "edges", 21000, path)

    def start_run(self, name: str) -> str:
        """Create a Run; gives where it is."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "Run",
            "metadata": {"name": name},
            "spec": {"scenario": self.name, "seed": 1},
        }
        self.cluster.create(f"/apis/{API_VERSION}/runs", body)
        return f"/apis/{API_VERSION}/runs/{name}"

    def graded_run(self, name: str, tries: int = 3) -> tuple[str, dict[str, Any]]:
        """Start a Run and wait for its end; its name and final status.

        One that the machine alone made inconclusive is run again, as `faultline verify` does: a shared one may lose its
        CPU at any time.
        """
        for attempt in range(1, tries + 1):
            run = name if attempt == 1 else f"{name}-{attempt}"
            status = self.wait_done(self.start_run(run))
            noisy = status["verdict"] == "inconclusive" and all(each.startswith(NOISE) for each in status["reasons"])
            if not noisy:
                break
        return run, status

    def wait_fault(self, where: str) -> None:
        """Until a run's fault is on; another lab's run may come first."""
        wait_for("the fault", lambda: self.run_status(where).get("phase") == "Fault" and self.toxics(), RUN_SECONDS)

    def wait_done(self, where: str, seconds: float = RUN_SECONDS) -> dict[str, Any]:
        """Until a run has ended; its final status."""
        wait_for(f"the end of {where}", lambda: self.run_status(where).get("phase") == "Done", seconds)
        return self.run_status(where)

    def run_status(self, where: str) -> dict[str, Any]:
        """A run's status."""
        return dict((self.cluster.get(where) or {}).get("status") or {})

    def kill_injector_pod(self) -> None:
        """The injector's whole pod goes without a word, its journal with it."""
        kubectl("-n", self.harness, "delete", "pod", "-l", "app=edges", "--grace-period=0", "--force", "--wait=false")

    def remove(self) -> None:
        """Remove it. Its pods end while the next lab comes up, long before a run of that one is measured."""
        self.cluster.delete(self.where)

    def delete(self) -> None:
        """Remove it, and wait until its namespaces are gone."""
        self.remove()
        wait_for(f"{self.name} gone", self.gone, 60)

    def gone(self) -> bool:
        """Whether nothing is left."""
        return all(self.cluster.get(f"/api/v1/namespaces/{each}") is None for each in (self.namespace, self.harness))


def kubectl(*arguments: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The kubectl that `make up` brought, on the lab's own cluster."""
    home = Home.from_environment()
    command = [str(home.bin / "kubectl"), "--kubeconfig", str(home.kubeconfig), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
    return done
