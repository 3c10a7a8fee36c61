"""Scenario folders into the cluster, by one command of this host at a time.

Two that create the same object at once would disturb each other: both find it missing, and the later one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faultline import catalogue
from faultline.cli._cluster import Cluster
from faultline.host.home import Home
from faultline.locks import locked


def folder(cluster: Cluster, path: Path) -> bool:
    """Bring one scenario folder into the cluster; whether anything had changed. Raises Conflict (FL402)."""
    with _alone():
        return catalogue.publish_folder(cluster, path)


def folders(cluster: Cluster, root: Path) -> list[str]:
    """Bring every folder under `root` into the cluster; the slugs that had changed. Raises Conflict (FL402)."""
    with _alone():
        return catalogue.publish(cluster, root)


@contextmanager
def _alone() -> Iterator[None]:
    with locked(Home.from_environment().root / "catalogue.lock", "the catalogue"):
        yield
