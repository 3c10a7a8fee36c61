"""What the dashboard's Deployment tells it, by environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from faultline.names import PROMETHEUS_PORT, SYSTEM_NAMESPACE


@dataclass(frozen=True)
class Settings:
    """`data` is the folder with `runs/`, which the operator writes; `health` is where the kubelet asks."""

    prometheus_url: str = f"http://prometheus.{SYSTEM_NAMESPACE}:{PROMETHEUS_PORT}"
    data: Path = Path("/var/lib/faultline")
    host: str = "127.0.0.1"
    port: int = 8080
    health_host: str = "0.0.0.0"  # noqa: S104 - a pod's address is not known before it runs, and it says "ok", no more
    health_port: int = 8081

    @classmethod
    def from_environment(cls) -> Self:
        """As the chart sets them."""
        given = os.environ
        return cls(
            prometheus_url=given.get("FAULTLINE_PROMETHEUS_URL", cls.prometheus_url),
            data=Path(given.get("FAULTLINE_DATA", str(cls.data))),
        )
