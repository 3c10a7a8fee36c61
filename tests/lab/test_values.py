"""The values of a lab's chart."""

from collections.abc import Callable

import pytest

from faultline.errors import InvalidInput
from faultline.lab import seed_digest, values
from faultline.scenario import ScenarioSpec

from .conftest import CODE, REFERENCES, TOKEN

Make = Callable[..., ScenarioSpec]


def test_every_dependency_leads_to_the_harness(everything: ScenarioSpec) -> None:
    found = values("demo", everything, REFERENCES, CODE, token=TOKEN)
    web = found["services"][0]
    assert web["env"] == {
        "RETRIES": "3",
        "SERVICE_NAME": "web",
        "PAYMENTS_URL": "http://edges.harness-demo.svc.cluster.local:21001",
        "REDIS_URL": "redis://edges.harness-demo.svc.cluster.local:21002/0",
        # What the scenario said about it does not count: nothing leads past an edge.
        "POSTGRES_URL": "postgresql://app:app@edges.harness-demo.svc.cluster.local:21003/lab",
        "POSTGRES_REPLICA_URL": "postgresql://app:app@edges.harness-demo.svc.cluster.local:21004/lab",
        "PGBOUNCER_URL": "postgresql://app:app@edges.harness-demo.svc.cluster.local:21005/lab",
        "RABBITMQ_URL": "amqp://app:app@edges.harness-demo.svc.cluster.local:21006",
    }
    assert web["egress"] == [21001, 21002, 21003, 21004, 21005, 21006]
    assert found["services"][1]["egress"] == []


def test_edges_lead_to_the_lab_and_the_last_one_to_the_canary(everything: ScenarioSpec) -> None:
    edges = {each["name"]: each for each in values("demo", everything, REFERENCES, CODE, token=TOKEN)["edges"]}
    assert edges["client->web"]["upstream"] == "web.lab-demo.svc.cluster.local.:8000"
    assert edges["primary->replica"]["upstream"] == "postgres.lab-demo.svc.cluster.local.:5432"
    assert edges["web->pgbouncer"]["upstream"] == "pgbouncer.lab-demo.svc.cluster.local.:6432"
    assert edges["web->rabbitmq"]["upstream"] == "rabbitmq.lab-demo.svc.cluster.local.:5672"
    assert edges["client->canary"] == {
        "name": "client->canary",
        "port": 20999,
        "api": 21999,
        "upstream": "canary.harness-demo.svc.cluster.local.:8000",
    }
    assert len({each["port"] for each in edges.values()} | {each["api"] for each in edges.values()}) == 2 * len(edges)


def test_stores_dial_their_own_edges_only(everything: ScenarioSpec) -> None:
    found = values("demo", everything, REFERENCES, CODE, token=TOKEN)
    edges = {each["name"]: each["port"] for each in found["edges"]}
    assert found["postgres"]["replicationPort"] == edges["primary->replica"]
    assert found["pgbouncer"]["upstreamPort"] == edges["pgbouncer->postgres"]


def test_a_lab_without_stores_has_none(scenario: Make) -> None:
    found = values("demo", scenario(), REFERENCES, CODE, token=TOKEN)
    assert [found[each] for each in ("postgres", "redis", "pgbouncer", "rabbitmq")] == [None] * 4
    assert found["seed"] == {"configMap": "", "digest": ""}


def test_a_store_that_is_left_out_takes_its_edges_along_and_no_other_port_changes(everything: ScenarioSpec) -> None:
    on = values("demo", everything, REFERENCES, CODE, token=TOKEN)
    app = everything.app.model_copy(update={"redis": everything.app.redis.model_copy(update={"replicas": 0})})
    off = values("demo", everything.model_copy(update={"app": app}), REFERENCES, CODE, token=TOKEN)
    assert off["redis"] is None
    assert off["edges"] == [each for each in on["edges"] if each["name"] != "web->redis"]
    given, before = off["services"][0], on["services"][0]
    assert given["env"] == {name: value for name, value in before["env"].items() if name != "REDIS_URL"}
    assert given["egress"] == [21001, 21003, 21004, 21005, 21006]


def test_a_store_that_is_left_out_needs_no_cpu(scenario: Make) -> None:
    spec = scenario(
        services=[{"name": "web", "module": "main:app", "cpu": "1200m", "dependencies": ["rabbitmq"]}],
        rabbitmq={"replicas": 0, "cpu": "100m"},
    )
    assert values("demo", spec, REFERENCES, CODE, token=TOKEN)["rabbitmq"] is None


def test_a_seed_is_named_by_its_text(scenario: Make) -> None:
    assert seed_digest("CREATE TABLE a()") != seed_digest("CREATE TABLE b()")
    found = values("demo", scenario(postgres={}), REFERENCES, CODE, token=TOKEN, seed=seed_digest(""))
    assert found["seed"] == {"configMap": "seed", "digest": seed_digest("")}


def test_limits_above_the_lab_s_share_of_the_machine_are_refused(scenario: Make) -> None:
    services = [{"name": "web", "module": "main:app", "cpu": "300m", "replicas": 3}]
    spec = scenario(services=services, postgres={"replicas": 1, "cpu": "200m"}, redis={"cpu": "100m"})
    with pytest.raises(InvalidInput) as caught:
        values("demo", spec, REFERENCES, CODE, token=TOKEN)
    assert caught.value.code == "FL120"
    assert caught.value.message == (
        "app: the CPU limits must sum to at most 1200m, got 1400m (web 900m, postgres 400m, redis 100m)"
    )


def test_limits_of_exactly_the_share_are_fine(scenario: Make) -> None:
    services = [{"name": "web", "module": "main:app", "cpu": "1200m"}]
    assert values("demo", scenario(services=services), REFERENCES, CODE, token=TOKEN)


def test_a_missing_image_is_named(scenario: Make) -> None:
    references = {**REFERENCES, "netguard": ""}
    with pytest.raises(InvalidInput, match="no image reference for netguard") as caught:
        values("demo", scenario(), references, CODE, token=TOKEN)
    assert caught.value.code == "FL121"


def test_a_service_cannot_take_a_store_s_name(scenario: Make) -> None:
    spec = scenario(entry="redis", services=[{"name": "redis", "module": "main:app"}])
    with pytest.raises(InvalidInput, match=r"app\.services\[0\]\.name must not be a data store's, got redis"):
        values("demo", spec, REFERENCES, CODE, token=TOKEN)
