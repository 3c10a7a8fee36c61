"""A real lab on the lab's own kind cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl

from faultline import catalogue
from faultline.cli._cluster import Cluster

HERE = Path(__file__).parent
LANES = {
    "faults": "tiny",
    "crds": "tiny",
    "dashboard": "tiny",
    "fix": "tiny",
    "lab": "tiny",
    "learner": "tiny",
    "run": "tiny",
    "store_faults": "tiny",
    "checks": "own",
    "pod_faults": "own",
    "red_team": "own",
    "traffic_faults": "own",
}
"""Which modules go one after the other; `make e2e` has both lanes at once: those that use the one lab `tiny`, and those
with labs of their own, most of whose time goes into graded runs. All others need the cluster for themselves."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each test into its lane, or mark it as `alone`."""
    for item in items:
        module = item.path.stem.removeprefix("test_")
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group(LANES[module]) if module in LANES else pytest.mark.alone)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The lab's own kind cluster, never another."""
    return Cluster.open(None)


@pytest.fixture(scope="session")
def tiny_manifest() -> dict[str, Any]:
    """The smallest scenario's object."""
    found: dict[str, Any] = yaml.safe_load((TINY / "scenario.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def tiny(cluster: Cluster, tiny_manifest: dict[str, Any]) -> Iterator[Lab]:
    """A lab of the smallest scenario, applied by kubectl as a person would."""
    catalogue.publish(cluster, SCENARIOS)
    lab = Lab(cluster, tiny_manifest["metadata"]["name"])
    lab.delete()  # what an interrupted session may have left
    kubectl("apply", "-f", str(TINY / "scenario.yaml"))
    lab.wait_ready()
    yield lab
    lab.delete()
