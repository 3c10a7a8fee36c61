"""A real lab on the lab's own kind cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl

from faultline import catalogue
from faultline.cli._cluster import Cluster


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
