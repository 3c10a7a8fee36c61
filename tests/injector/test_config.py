"""What the injector is told, and how it says that it was told wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultline.errors import InvalidInput
from faultline.injector.config import Config, EdgeConfig

EDGE = {
    "name": "web->redis",
    "listen": "0.0.0.0:21001",
    "api": 22001,
    "upstream": "redis.lab-x.svc.cluster.local.:6379",
}


def environment(folder: Path, edges: Any, **more: str) -> dict[str, str]:
    path = folder / "edges.json"
    path.write_text(json.dumps(edges))
    return {"FAULTLINE_EDGES": str(path), "FAULTLINE_TOKEN": "long-enough", **more}


def test_reads_edges_and_stores(tmp_path: Path) -> None:
    given = environment(tmp_path, [EDGE], FAULTLINE_POSTGRES="postgres:5432", FAULTLINE_POSTGRES_REPLICAS="2")
    config = Config.from_environment(given)
    assert config.edges == [EdgeConfig.model_validate(EDGE)]
    assert (config.postgres, config.postgres_replicas, config.redis) == ("postgres:5432", 2, None)
    assert not config.own_network


@pytest.mark.parametrize(
    ("edges", "more", "message"),
    [
        ([], {}, "at least 1 item"),
        ([EDGE | {"upstream": "redis"}], {}, "upstream"),
        ([EDGE | {"lisen": "x"}], {}, "lisen"),
        ([EDGE], {"FAULTLINE_TOKEN": "short"}, "token"),
        ([EDGE], {"FAULTLINE_POSTGRES": "postgres"}, "postgres"),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, edges: Any, more: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Config.from_environment(environment(tmp_path, edges, **more))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"edges\.json"):
        Config.from_environment({"FAULTLINE_EDGES": str(tmp_path / "edges.json"), "FAULTLINE_TOKEN": "long-enough"})


@pytest.mark.parametrize(
    ("edge", "protocol"),
    [
        ("a->b", "http"),
        ("a->postgres-replica", "postgres"),
        ("primary->replica", "postgres"),
        ("a->redis", "redis"),
        ("a->rabbitmq", "amqp"),
    ],
)
def test_protocol_follows_from_the_target(edge: str, protocol: str) -> None:
    assert EdgeConfig.model_validate(EDGE | {"name": edge}).protocol == protocol
