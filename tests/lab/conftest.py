"""Scenarios that are as small as a lab can be, and the lab chart's values of them."""

from collections.abc import Callable
from typing import Any

import pytest

from faultline.lab import CodeVersion
from faultline.lab.values import IMAGES
from faultline.scenario import ScenarioSpec

REFERENCES = {image: f"faultline/{image}:0123456789ab" for image in IMAGES}
CODE = CodeVersion("d" * 64, "code-dddddddddddd", {"main.py": "main.py", "shop..cart.py": "shop/cart.py"})
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def scenario() -> Callable[..., ScenarioSpec]:
    """Makes a spec; keyword arguments go into `app`."""

    def make(**app: Any) -> ScenarioSpec:
        return ScenarioSpec.model_validate(
            {
                "slug": "shop",
                "title": "A shop",
                "tier": "crawling",
                "app": {"entry": "web", "services": [{"name": "web", "module": "main:app"}], **app},
                "load": {"stages": [{"rate": 10}]},
                "faults": [{"for": "5s", "none": {}}],
                "objectives": [
                    {"name": "up", "weight": 1, "target": 0.9, "worst": 0.5, "availability": {}, "reason": "it serves"}
                ],
            }
        )

    return make


@pytest.fixture
def everything(scenario: Callable[..., ScenarioSpec]) -> ScenarioSpec:
    """A spec with one of each component."""
    return scenario(
        services=[
            {
                "name": "web",
                "module": "web.main:app",
                "dependencies": ["payments", "redis", "postgres", "postgres-replica", "pgbouncer", "rabbitmq"],
                "env": {"RETRIES": "3", "POSTGRES_URL": "postgresql://elsewhere/lab"},
                "replicas": 2,
            },
            {"name": "payments", "module": "payments.main:app", "shared": True, "cpu": "100m"},
        ],
        postgres={"replicas": 1, "maxConnections": 20, "cpu": "150m"},
        redis={"policy": "allkeys-lru"},
        pgbouncer={"poolSize": 5, "cpu": "50m"},
        rabbitmq={"cpu": "150m", "memory": "200Mi"},
    )
