"""charts/lab as Helm renders it: what a pod may do, where it may go, and which values are refused."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.rendered import objects

from faultline.errors import InvalidInput
from faultline.lab import Helm, values
from faultline.names import CODE_PORT
from faultline.scenario import ScenarioSpec

from .conftest import CODE, REFERENCES, TOKEN

Manifests = dict[tuple[str, str, str], dict[str, Any]]
WORKLOADS = ("Deployment", "StatefulSet")


async def render(chosen: dict[str, Any]) -> Manifests:
    """Objects by kind, namespace and name."""
    found: Manifests = {}
    for each in await objects(Helm(), chosen, "harness-demo"):
        key = (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"])
        assert key not in found, key
        found[key] = each
    return found


@pytest.fixture
def chosen(everything: ScenarioSpec) -> dict[str, Any]:
    return values("demo", everything, REFERENCES, CODE, token=TOKEN, run_stamp="r1", seed="0123456789ab")


@pytest.fixture
async def rendered(chosen: dict[str, Any]) -> Manifests:
    return await render(chosen)


def pods(rendered: Manifests) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Namespace, name and template of each workload."""
    for (kind, namespace, name), manifest in rendered.items():
        if kind in WORKLOADS:
            yield namespace, name, manifest["spec"]["template"]


def template(rendered: Manifests, name: str, namespace: str = "lab-demo") -> dict[str, Any]:
    return next(found for where, each, found in pods(rendered) if (where, each) == (namespace, name))


def container(found: dict[str, Any], name: str) -> dict[str, Any]:
    spec = found["spec"]
    return next(each for each in [*spec.get("initContainers", []), *spec["containers"]] if each["name"] == name)


def environment(found: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in found.get("env", [])}


def test_the_whole_lab_is_there(rendered: Manifests) -> None:
    names = {(namespace, name) for namespace, name, _ in pods(rendered)}
    lab = {"web", "payments", "postgres", "postgres-replica", "redis", "pgbouncer", "rabbitmq"}
    assert names == {("lab-demo", each) for each in lab} | {
        ("harness-demo", each) for each in ("edges", "loadgen", "canary")
    }
    for namespace, name in names:
        assert ("Service", namespace, name) in rendered


def test_every_pod_is_found_by_scenario_and_part(rendered: Manifests) -> None:
    parts = {}
    for _, name, found in pods(rendered):
        labels = found["metadata"]["labels"]
        assert (labels["app"], labels["faultline.dev/scenario"]) == (name, "demo")
        # RabbitMQ's numbers are asked for by the injector: a second time would be paid from its CPU for nobody.
        port = found["metadata"]["annotations"].get("faultline.dev/scrape")
        assert port is None if name == "rabbitmq" else int(port) > 0
        parts[name] = labels["faultline.dev/part"]
    assert parts == {
        "web": "app",
        "payments": "shared",
        "postgres": "store",
        "postgres-replica": "store",
        "redis": "store",
        "pgbouncer": "store",
        "rabbitmq": "store",
        "edges": "harness",
        "loadgen": "harness",
        "canary": "harness",
    }


def test_only_netguard_and_injector_are_root_and_only_the_injector_has_a_token(rendered: Manifests) -> None:
    for namespace, name, found in pods(rendered):
        spec = found["spec"]
        assert spec["automountServiceAccountToken"] is ((namespace, name) == ("harness-demo", "edges"))
        assert spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for each in [*spec.get("initContainers", []), *spec["containers"]]:
            security = each["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert each["imagePullPolicy"] == "IfNotPresent"
            assert "limits" in each["resources"]
            network = each["name"] in ("netguard", "injector")
            assert security["capabilities"].get("add", []) == (["NET_ADMIN"] if network else [])
            assert security.get("runAsUser", 10001) == (0 if network else 10001)
            assert "tmp" in [mount["name"] for mount in each["volumeMounts"]]


def test_pods_may_dial_their_own_edges_and_nothing_else(rendered: Manifests, chosen: dict[str, Any]) -> None:
    host = "edges.harness-demo.svc.cluster.local"
    edges = {each["name"]: each["port"] for each in chosen["edges"]}
    allowed = {
        "web": [f"{host}:{port}" for name, port in edges.items() if name.startswith("web->")],
        "payments": [],
        "postgres-replica": [f"{host}:{edges['primary->replica']}"],
        "pgbouncer": [f"{host}:{edges['pgbouncer->postgres']}"],
    }
    for name, targets in allowed.items():
        guard = container(template(rendered, name), "netguard")
        assert (guard["command"], guard["args"]) == (["netguard"], targets), name


def test_the_service_edges_has_every_port(rendered: Manifests, chosen: dict[str, Any]) -> None:
    service = rendered["Service", "harness-demo", "edges"]
    assert {each["port"] for each in service["spec"]["ports"]} == {8090} | {each["port"] for each in chosen["edges"]}


def test_the_injector_is_told_its_edges_and_stores(rendered: Manifests) -> None:
    config = json.loads(rendered["ConfigMap", "harness-demo", "edges"]["data"]["edges.json"])
    assert config[0] == {
        "name": "client->web",
        "listen": "0.0.0.0:21000",
        "api": 22000,
        "upstream": "web.lab-demo.svc.cluster.local.:8000",
    }
    given = environment(container(template(rendered, "edges", "harness-demo"), "injector"))
    assert given["FAULTLINE_POSTGRES"] == "postgres.lab-demo.svc.cluster.local:5432"
    assert given["FAULTLINE_POSTGRES_REPLICAS"] == "1"
    assert given["FAULTLINE_REDIS"] == "redis.lab-demo.svc.cluster.local:6379"
    assert given["FAULTLINE_RABBITMQ"] == "rabbitmq.lab-demo.svc.cluster.local:5672"
    assert given["FAULTLINE_RABBITMQ_METRICS"] == "rabbitmq.lab-demo.svc.cluster.local:15692"
    assert given["FAULTLINE_TOKEN"] == {"secretKeyRef": {"name": "harness", "key": "token"}}


def test_the_superuser_s_password_is_the_same_on_both_sides_and_not_the_token(rendered: Manifests) -> None:
    lab = rendered["Secret", "lab-demo", "postgres"]["stringData"]["adminPassword"]
    harness = rendered["Secret", "harness-demo", "harness"]["stringData"]
    assert harness == {"token": TOKEN, "postgresAdminPassword": lab}
    assert TOKEN not in lab


def test_the_injector_s_rights_end_with_its_lab(rendered: Manifests) -> None:
    kinds = {kind for kind, _, _ in rendered}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
    assert {key for key in rendered if key[0] in ("Role", "RoleBinding")} == {
        (kind, namespace, "injector") for kind in ("Role", "RoleBinding") for namespace in ("lab-demo", "harness-demo")
    }
    for namespace in ("lab-demo", "harness-demo"):
        (subject,) = rendered["RoleBinding", namespace, "injector"]["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "edges", "namespace": "harness-demo"}


def test_code_is_mounted_where_it_is_the_learner_s(rendered: Manifests) -> None:
    web = template(rendered, "web")
    (code,) = [each for each in web["spec"]["volumes"] if each["name"] == "code"]
    assert code["configMap"] == {
        "name": "code-dddddddddddd",
        "items": [{"key": "main.py", "path": "main.py"}, {"key": "shop..cart.py", "path": "shop/cart.py"}],
    }
    app = container(web, "app")
    assert app["args"] == ["python", "-m", "labkit.serve", "web.main:app", "--control", str(CODE_PORT)]
    assert {"name": "code", "mountPath": "/app", "readOnly": True} in app["volumeMounts"]
    assert environment(app)["CODE_DIGEST"] == CODE.digest


async def test_new_code_rolls_out_the_app_and_nothing_else(chosen: dict[str, Any], rendered: Manifests) -> None:
    changed = copy.deepcopy(chosen)
    changed["code"] = {"digest": "e" * 64, "configMap": "code-eeeeeeeeeeee", "files": {"main.py": "main.py"}}
    after = await render(changed)
    assert [key[2] for key, manifest in rendered.items() if manifest != after[key]] == ["web"]


async def test_another_seed_brings_new_databases_and_nothing_else(chosen: dict[str, Any], rendered: Manifests) -> None:
    changed = {**chosen, "seed": {"configMap": "seed", "digest": "ba9876543210"}}
    after = await render(changed)
    assert [key[2] for key, manifest in rendered.items() if manifest != after[key]] == ["postgres", "postgres-replica"]


def test_roll_outs_keep_the_old_pods_until_the_new_ones_serve(rendered: Manifests) -> None:
    spec = rendered["Deployment", "lab-demo", "web"]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert (spec["minReadySeconds"], spec["progressDeadlineSeconds"], spec["replicas"]) == (0, 60, 2)
    app = container(spec["template"], "app")
    assert app["readinessProbe"]["periodSeconds"] == 1
    assert "livenessProbe" not in app
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 5


def test_each_part_starts_with_a_core_and_names_its_limit(rendered: Manifests) -> None:
    for name, component, limit in (
        ("web", "app", "200m"),
        ("postgres",) * 2 + ("150m",),
        ("rabbitmq",) * 2 + ("150m",),
        ("redis",) * 2 + ("100m",),
        ("pgbouncer",) * 2 + ("50m",),
    ):
        found = template(rendered, name)
        assert container(found, component)["resources"]["limits"]["cpu"] == "1000m"
        assert found["metadata"]["annotations"]["faultline.dev/cpu"] == f"{component}={limit}"


def test_rabbitmq_refuses_messages_before_its_limit_ends_it(rendered: Manifests) -> None:
    given = environment(container(template(rendered, "rabbitmq"), "rabbitmq"))
    [words] = given.values()
    assert words == f"-rabbit vm_memory_high_watermark {{absolute,{200 * 2**20 * 6 // 10}}}"


async def test_a_limit_above_a_core_holds_from_the_start(scenario: Callable[..., ScenarioSpec]) -> None:
    spec = scenario(services=[{"name": "web", "module": "main:app", "cpu": "1200m"}])
    found = template(await render(values("demo", spec, REFERENCES, CODE, token=TOKEN)), "web")
    assert container(found, "app")["resources"]["limits"]["cpu"] == "1200m"


async def test_a_second_postgres_is_a_primary_of_its_own(scenario: Callable[..., ScenarioSpec]) -> None:
    services = [{"name": "web", "module": "main:app", "dependencies": ["postgres", "postgres-second"]}]
    spec = scenario(services=services, postgres={"second": True, "replicas": 1})
    chosen = values("demo", spec, REFERENCES, CODE, token=TOKEN, seed="0123456789ab")
    assert chosen["services"][0]["env"]["POSTGRES_SECOND_URL"].startswith("postgresql://app:app@edges.harness-demo")
    assert any(each["upstream"] == "postgres-second.lab-demo.svc.cluster.local.:5432" for each in chosen["edges"])
    found = await render(chosen)
    given = environment(container(template(found, "postgres-second"), "postgres"))
    assert (given["ROLE"], given["SEED"], given.get("PRIMARY_HOST")) == ("primary", "/seed/seed.sql", None)
    assert ("Service", "lab-demo", "postgres-second") in found
    told = environment(container(template(found, "edges", "harness-demo"), "injector"))
    assert told["FAULTLINE_POSTGRES_SECOND"] == "postgres-second.lab-demo.svc.cluster.local:5432"


def test_a_replica_replicates_through_its_edge(rendered: Manifests, chosen: dict[str, Any]) -> None:
    found = rendered["StatefulSet", "lab-demo", "postgres-replica"]
    assert found["spec"]["replicas"] == 1
    given = environment(container(found["spec"]["template"], "postgres"))
    assert given["ROLE"] == "replica"
    assert given["PRIMARY_HOST"] == "edges.harness-demo.svc.cluster.local"
    assert int(given["PRIMARY_PORT"]) == chosen["postgres"]["replicationPort"]
    assert "POSTGRES_ADMIN_PASSWORD" not in given


async def test_a_lab_of_one_service_has_no_stores(scenario: Callable[..., ScenarioSpec]) -> None:
    found = await render(values("demo", scenario(), REFERENCES, CODE, token=TOKEN))
    assert {name for _, name, _ in pods(found)} == {"web", "edges", "loadgen", "canary"}
    assert set(found["Secret", "harness-demo", "harness"]["stringData"]) == {"token"}


async def test_a_service_may_start_with_no_pods(scenario: Callable[..., ScenarioSpec]) -> None:
    spec = scenario(services=[{"name": "web", "module": "main:app", "replicas": 0}])
    found = await render(values("demo", spec, REFERENCES, CODE, token=TOKEN))
    assert found["Deployment", "lab-demo", "web"]["spec"]["replicas"] == 0


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "/replicas": lambda found: found.update(replicas=3),
    "/labNamespace": lambda found: found.update(labNamespace="kube-system"),
    "/token": lambda found: found.update(token=""),
    "/services/0/cpu": lambda found: found["services"][0].update(cpu="a lot"),
    "/services/0": lambda found: found["services"][0].update(privileged=True),
    "/services/0/module": lambda found: found["services"][0].update(module="os; rm -rf /"),
    "/services/0/env": lambda found: found["services"][0]["env"].update({"lower-case": "x"}),
    "/services/0/egress/0": lambda found: found["services"][0].update(egress=[5432]),
    "/code/files/main.py": lambda found: found["code"].update(files={"main.py": "../etc/passwd"}),
    "/edges/0/name": lambda found: found["edges"][0].update(name="nowhere"),
    "/postgres": lambda found: found["postgres"].pop("replicationPort"),
    "/redis": lambda found: found["redis"].update(persistence=True),
    "/images/runtime": lambda found: found["images"].update(runtime=""),
}


@pytest.mark.parametrize("where", WRONG)
async def test_wrong_values_are_refused(chosen: dict[str, Any], where: str) -> None:
    WRONG[where](chosen)
    with pytest.raises(InvalidInput) as caught:
        await Helm().template(chosen)
    named = where if where != "/replicas" else "additional properties 'replicas' not allowed"
    assert f"at '{where}" in caught.value.message or named in caught.value.message
