"""Ways to a pass that are none: each is tried on a real lab, and none of them may end as a pass.

What an attack is and what stops it is listed in docs/red-team.md. The scenario `vault` keeps texts; its honest app
passes (the first test here: without it the rest would prove nothing), and `wrong/` has the apps that cheat. These come
after what is done to the lab of the honest app, for which nothing has to be deployed.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, Lab, kubectl, wait_for
from typer.testing import CliRunner

from faultline.api.app import EDGE_PORT_BASE
from faultline.cli import _labs, _publish, build
from faultline.cli._cluster import Cluster
from faultline.host.home import Home
from faultline.names import (
    CANARY_EDGE_PORT,
    INJECTOR_PORT,
    LOADGEN_PORT,
    PROMETHEUS_PORT,
    SYSTEM_NAMESPACE,
    TOXIPROXY_API_PORT_OFFSET,
)

VAULT = SCENARIOS / "vault"
NAME = "e2e-vault"
RUN_SECONDS = 150.0
ARRIVALS = 60
"""Fewer than any run of this scenario has."""
MACHINE = ("host noise", "the load generator dispatched", "the load generator used", "no scrape of")
"""How a doubt begins that is due to the machine of the test, of which other programs may ask much just then."""


@pytest.fixture(scope="module")
def vault(cluster: Cluster) -> Iterator[Lab]:
    """One lab for all attacks."""
    _publish.folders(cluster, SCENARIOS)
    lab = Lab(cluster, NAME)
    lab.delete()  # what an interrupted session may have left
    kubectl("apply", "-f", str(VAULT / "scenario.yaml"))
    lab.wait_ready()
    yield lab
    lab.remove()


@pytest.fixture
def deploy(vault: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Brings an app of the folder into the lab, as `faultline fix` does."""
    monkeypatch.setattr(_labs, "scenarios_root", lambda: SCENARIOS)

    def bring(variant: str) -> None:
        done = CliRunner().invoke(build(), ["fix", "vault", "--name", NAME, "--variant", variant, "-o", "json"])
        assert done.exit_code == 0, done.output

    return bring


def started(lab: Lab, name: str, phase: str = "") -> str:
    """Where the new run is, once it is in `phase`."""
    where = lab.start_run(name)
    if phase:
        wait_for(f"{phase} of {name}", lambda: lab.run_status(where).get("phase") in (phase, "Done"), RUN_SECONDS)
        assert lab.run_status(where)["phase"] == phase, lab.run_status(where).get("reasons")
    return where


def missed(status: dict[str, Any]) -> set[str]:
    """The measures and checks whose objectives were not met."""
    return {each["measure"] for each in status["objectives"] if "value" in each and not each.get("met")}


def noisy(status: dict[str, Any]) -> bool:
    """Whether the machine, not the attack, made the run inconclusive."""
    return status["verdict"] == "inconclusive" and any(each.startswith(MACHINE) for each in status["reasons"])


def convicted(status: dict[str, Any], caught_by: str) -> bool:
    """Whether the objective caught it, and the run failed, or would have on a quieter machine."""
    return caught_by in missed(status) and (status["verdict"] == "fail" or noisy(status))


def arrivals(run: str) -> list[tuple[int, str]]:
    """What the clients sent in a run: which arrival, which operation; without the final reads."""
    packed = Home.from_environment().data / "runs" / run / "history.jsonl.gz"
    lines = map(json.loads, gzip.decompress(packed.read_bytes()).splitlines())
    return [(each["i"], each["op"]) for each in lines if each["phase"] != "final_reads"]


def prometheus(lab: Lab, query: str) -> list[float]:
    """What Prometheus answers now."""
    found = lab.cluster.service(
        "GET", SYSTEM_NAMESPACE, "prometheus", PROMETHEUS_PORT, "/api/v1/query", query={"query": query}
    )
    answer = json.loads(found) if isinstance(found, str) else found
    return [float(each["value"][1]) for each in answer["data"]["result"]]


def prometheus_pod(lab: Lab) -> tuple[str, int]:
    """Which pod it is, and how often it was restarted."""
    [pod] = lab.pods(SYSTEM_NAMESPACE, "app=prometheus")
    return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]


def test_the_honest_app_passes(vault: Lab) -> None:
    run, status = vault.graded_run("e2e-red-honest")
    assert missed(status) == set(), status["objectives"]
    assert len(arrivals(run)) > ARRIVALS
    assert (status["verdict"], status.get("score")) == ("pass", 100), status.get("reasons")


HOGS = [
    ("during", 2),
    *(pytest.param(*each, marks=pytest.mark.long) for each in (("during", 1), ("before", 2), ("before", 4))),
]
EASIER = 1.5
"""No run that counts has its latency targets scaled by this many times what the honest app's run had."""
BURN = f"import signal\nsignal.alarm({RUN_SECONDS:.0f})\nwhile True: pass"


@contextmanager
def hog(processes: int) -> Iterator[None]:
    """Programs on this machine that want a core each; they end by themselves too."""
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for each in burning:
            each.kill()
            each.wait()


def honest() -> dict[str, Any]:
    """The status of the honest app's run, during which nothing else was asked of the machine."""
    record = json.loads((Home.from_environment().data / "runs" / "e2e-red-honest" / "run.json").read_text())
    return dict(record["status"])


def under_a_hog_before_it(lab: Lab, name: str, processes: int) -> dict[str, Any]:
    """The final status of a run with programs that want the machine until its baseline, so while the canary looks."""
    with hog(processes):
        where = started(lab, name, "Baseline")
    return lab.wait_done(where, RUN_SECONDS)


@pytest.mark.parametrize(("when", "processes"), HOGS)
def test_under_a_hog_on_the_host_a_run_is_not_wrong(
    vault: Lab, deploy: Callable[[str], None], when: str, processes: int
) -> None:
    deploy("flawed")
    name = f"e2e-red-hog-{when}-{processes}"
    if when == "during":
        where = started(vault, name, "Baseline")
        with hog(processes):
            status = vault.wait_done(where, RUN_SECONDS)
        assert status["verdict"] == "inconclusive", status["objectives"]
        assert [each for each in status["reasons"] if each.startswith("host noise: other programs used")]
    else:
        # While the canary says how fast the machine is: targets are scaled by that, and must not be by much.
        status = under_a_hog_before_it(vault, name, processes)
        assert status["verdict"] in ("pass", "inconclusive"), (status["reasons"], status["objectives"])
        assert status["verdict"] == "inconclusive" or status["canaryScale"] < EASIER * honest()["canaryScale"]


def test_an_app_that_is_scaled_to_zero_gets_no_verdict(vault: Lab, deploy: Callable[[str], None]) -> None:
    deploy("flawed")
    where = started(vault, "e2e-red-scaled", "Fault")
    kubectl("-n", vault.namespace, "scale", "deploy/web", "--replicas=0")
    status = vault.wait_done(where, RUN_SECONDS)
    assert status["verdict"] == "inconclusive"
    assert "what is deployed changed during the run: deployment/web" in status["reasons"][0]


def test_a_pod_of_ones_own_behind_the_service_gets_no_verdict(vault: Lab) -> None:
    [like] = vault.pods(vault.namespace, "app=postgres")
    image = like["spec"]["containers"][0]["image"]
    spec = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "app", "image": image, "command": ["sleep", "600"]}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "faster", "labels": {"app": "web"}}, "spec": spec}
    kubectl("-n", vault.namespace, "apply", "-f", "-", stdin=yaml.safe_dump(pod))
    try:
        status = vault.wait_done(started(vault, "e2e-red-own-pod"), RUN_SECONDS)
    finally:
        kubectl("-n", vault.namespace, "delete", "pod", "faster", "--wait=false")
    assert status["verdict"] == "inconclusive"
    assert status["reasons"] == [f"FL326: {vault.namespace} has pods that are not its Scenario's: faster"]


REMOVE = """
import json, sys, time
from urllib.request import Request, urlopen
until = time.monotonic() + 20
while not (toxics := json.load(urlopen(sys.argv[1]))["toxics"]):
    assert time.monotonic() < until, "no toxic came"
    time.sleep(0.05)
for toxic in toxics:
    urlopen(Request(sys.argv[1] + "/toxics/" + toxic["name"], method="DELETE"))
"""


def test_a_toxic_that_is_removed_by_hand_gets_no_verdict(vault: Lab) -> None:
    where = started(vault, "e2e-red-toxic", "Baseline")
    proxy = f"http://127.0.0.1:{EDGE_PORT_BASE + 1 + TOXIPROXY_API_PORT_OFFSET}/proxies/web-%3Epostgres"
    kubectl("-n", vault.harness, "exec", "deploy/edges", "--", "python3", "-c", REMOVE, proxy)
    status = vault.wait_done(where, RUN_SECONDS)
    assert status["verdict"] == "inconclusive"
    assert "was removed by somebody else while it was on" in " ".join(status["reasons"])


def test_the_objects_of_a_run_are_nobody_else_s_to_write(vault: Lab) -> None:
    manifest = yaml.safe_load((VAULT / "scenario.yaml").read_text())
    where = started(vault, "e2e-red-objects", "Baseline")
    passed = '{"status": {"verdict": "pass", "score": 100, "phase": "Done"}}'
    run = ("patch", "run", "e2e-red-objects", "--type=merge", "-p")
    refused = kubectl(*run, passed, "--subresource=status", check=False)
    assert "the status of runs and scenarios is written by the operator only" in refused.stderr
    refused = kubectl(*run, '{"spec": {"seed": 2}}', check=False)
    assert "a Run is never edited" in refused.stderr
    easier = [{**each, "required": False} for each in manifest["spec"]["objectives"]]
    kubectl("patch", "scenario", NAME, "--type=merge", "-p", json.dumps({"spec": {"objectives": easier}}))
    status = vault.wait_done(where, RUN_SECONDS)
    kubectl("apply", "-f", str(VAULT / "scenario.yaml"))
    assert (status["verdict"], status.get("score")) == ("inconclusive", None)
    assert status["reasons"][0] == f"the Scenario {NAME} was changed during the run"


DIAL = """
import json, socket, sys
def dial(host, port, kind):
    try:
        with socket.socket(socket.AF_INET, kind) as one:
            one.settimeout(3)
            one.connect((host, port))
            if kind == socket.SOCK_DGRAM:
                one.send(b"?")
                one.recv(1)
            return "connected"
    except OSError as error:
        return type(error).__name__
for host, port, kind in json.loads(sys.argv[1]):
    print(dial(host, port, getattr(socket, kind)))
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    print("raw")
except OSError as error:
    print(type(error).__name__)
"""


def test_an_app_reaches_nothing_but_its_edges(vault: Lab) -> None:
    """Beside tests/e2e/test_lab.py, which tries the data stores, the injector's API and the API server's Service."""

    def ip(namespace: str, app: str) -> str:
        return str(vault.pods(namespace, f"app={app}")[0]["status"]["podIP"])

    def service(namespace: str, name: str) -> str:
        return str((vault.cluster.get(f"/api/v1/namespaces/{namespace}/services/{name}") or {})["spec"]["clusterIP"])

    edges, address = ip(vault.harness, "edges"), service(vault.harness, "edges")
    [node] = [each["status"]["hostIP"] for each in vault.pods(vault.namespace, "app=web")]
    redis, watcher = ip(vault.namespace, "redis"), ip(SYSTEM_NAMESPACE, "prometheus")
    tcp = [
        (ip(vault.namespace, "postgres"), 5432),
        (redis, 6379),
        *((edges, EDGE_PORT_BASE + TOXIPROXY_API_PORT_OFFSET + number) for number in range(3)),  # Toxiproxy's API
        (edges, EDGE_PORT_BASE + 1),  # its own edge, past the Service
        (edges, INJECTOR_PORT),
        (address, INJECTOR_PORT),
        (address, EDGE_PORT_BASE),  # the clients' way in
        (address, CANARY_EDGE_PORT),
        (ip(vault.harness, "loadgen"), LOADGEN_PORT),
        (ip(vault.harness, "canary"), 8000),
        (watcher, PROMETHEUS_PORT),
        (service(SYSTEM_NAMESPACE, "prometheus"), PROMETHEUS_PORT),
        (node, 6443),
        (node, 10250),
        (service("default", "kubernetes"), 443),
        ("169.254.169.254", 80),
        (watcher, 53),
        (node, 53),
        (redis, 53),
    ]
    udp = [(redis, 53), (node, 53), (watcher, 53), (redis, 6379), ("192.0.2.1", 53)]
    targets = [(*each, "SOCK_STREAM") for each in tcp] + [(*each, "SOCK_DGRAM") for each in udp]
    done = kubectl(
        "-n", vault.namespace, "exec", "deploy/web", "-c", "app", "--", "python3", "-c", DIAL, json.dumps(targets)
    )
    *answers, raw = done.stdout.split()
    refused = {"ConnectionRefusedError", "PermissionError"}
    assert {target: answer for target, answer in zip(targets, answers, strict=True) if answer not in refused} == {}
    assert raw == "PermissionError"
    allowed = [(address, EDGE_PORT_BASE + 1, "SOCK_STREAM"), (address, EDGE_PORT_BASE + 2, "SOCK_STREAM")]
    done = kubectl(
        "-n", vault.namespace, "exec", "deploy/web", "-c", "app", "--", "python3", "-c", DIAL, json.dumps(allowed)
    )
    assert done.stdout.split()[:2] == ["connected"] * 2


@pytest.mark.parametrize(
    ("attack", "caught_by"),
    [
        ("answers-200", "availability"),
        ("drops-writes", "lost_writes"),
        ("constant", "lost_writes"),
        ("disabled", "availability"),
        ("slows-down", "latency_quantile"),
    ],
)
def test_an_app_that_cheats_fails(vault: Lab, deploy: Callable[[str], None], attack: str, caught_by: str) -> None:
    deploy(f"wrong/{attack}")
    status = vault.wait_done(started(vault, f"e2e-red-{attack}"), RUN_SECONDS)
    assert convicted(status, caught_by), (status.get("reasons"), status["objectives"])
    # Whatever the app does, the same clients come.
    assert {i for i, _ in arrivals(f"e2e-red-{attack}")} == {i for i, _ in arrivals("e2e-red-honest")}


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 4])
def test_an_app_that_is_too_slow_does_not_pass_by_a_hog_before_the_run(
    vault: Lab, deploy: Callable[[str], None], processes: int
) -> None:
    """However slow the machine seemed: a target takes no more of its scale than the objective's cap allows."""
    deploy("wrong/slows-down")
    status = under_a_hog_before_it(vault, f"e2e-red-slow-hog-{processes}", processes)
    assert status["verdict"] in ("fail", "inconclusive"), (status.get("reasons"), status["objectives"])
    assert status["verdict"] == "inconclusive" or "latency_quantile" in missed(status), status["objectives"]


def limits(lab: Lab) -> list[dict[str, str]]:
    """The limits of each pod of the app."""
    return [each["spec"]["containers"][0]["resources"]["limits"] for each in lab.pods(lab.namespace, "app=web")]


def test_limits_that_were_raised_are_as_they_were_and_raised_time_outs_fail(
    vault: Lab, deploy: Callable[[str], None]
) -> None:
    deploy("wrong/raises-limits")
    vault.wait_ready()
    more = {"name": "app", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}, "env": [{"name": "A", "value": "b"}]}
    template = {"metadata": {"annotations": {"faultline.dev/cpu": "app=2000m"}}, "spec": {"containers": [more]}}
    change = {"spec": {"replicas": 3, "template": template}}
    kubectl("-n", vault.namespace, "patch", "deploy", "web", "-p", json.dumps(change))
    # Not Postgres', without which the app does not start: a lab that is not Ready gets no run at all.
    kubectl("-n", vault.namespace, "patch", "service", "redis", "-p", '{"spec": {"selector": {"app": "other"}}}')
    where = started(vault, "e2e-red-raises-limits", "Baseline")
    held = limits(vault)
    [pod] = vault.pods(vault.namespace, "app=web")
    assert "A" not in [each["name"] for each in pod["spec"]["containers"][0]["env"]]
    service = vault.cluster.get(f"/api/v1/namespaces/{vault.namespace}/services/redis")
    assert service["spec"]["selector"]["app"] == "redis"
    status = vault.wait_done(where, RUN_SECONDS)
    assert held == [{"cpu": f"{round(300 * status['cpuScale'])}m", "memory": "128Mi"}]
    assert convicted(status, "availability"), (status.get("reasons"), status["objectives"])


@pytest.mark.long
def test_an_app_that_burns_cpu_while_it_is_idle_gets_no_easier_targets(
    vault: Lab, deploy: Callable[[str], None]
) -> None:
    deploy("wrong/burns-idle")
    status = vault.wait_done(started(vault, "e2e-red-burns-idle"), RUN_SECONDS)
    assert status["canaryScale"] < EASIER * honest()["canaryScale"]
    assert status["cpuScale"] <= 1.1 * honest()["cpuScale"]
    assert status["verdict"] in ("pass", "inconclusive"), (status["reasons"], status["objectives"])


def test_forged_metrics_count_for_nothing(vault: Lab, deploy: Callable[[str], None]) -> None:
    deploy("wrong/forges-metrics")
    status = vault.wait_done(started(vault, "e2e-red-forges-metrics"), RUN_SECONDS)
    assert 'run="e2e-red-forges-metrics"' in metrics_of_the_app(vault)
    assert convicted(status, "lost_writes"), (status.get("reasons"), status["objectives"])
    [offered] = prometheus(vault, 'sum(faultline_load_offered_total{run="e2e-red-forges-metrics"})')
    assert offered < 1000
    assert prometheus(vault, '{__name__=~"faultline_.+",job="app"}') == []
    assert prometheus(vault, '{pod=~"web-.+",namespace=~"harness-.+"}') == []


def test_a_flood_of_metrics_drowns_nobody(vault: Lab, deploy: Callable[[str], None]) -> None:
    before = prometheus_pod(vault)
    deploy("wrong/floods-metrics")
    status = vault.wait_done(started(vault, "e2e-red-floods-metrics"), RUN_SECONDS)
    assert metrics_of_the_app(vault).count("\n") > 10_000
    assert convicted(status, "lost_writes"), (status.get("reasons"), status["objectives"])
    assert prometheus_pod(vault) == before
    # One of 50,000 lines is not even parsed: of what Prometheus parses it would keep each series.
    assert prometheus(vault, f'max_over_time(up{{namespace="{vault.namespace}",job="app"}}[5s])') == [0]
    assert prometheus(vault, f'count({{namespace="{vault.namespace}",job="app",__name__=~"app_texts.*"}})') == []


def metrics_of_the_app(lab: Lab) -> str:
    """What its pod exports."""
    [pod] = lab.pods(lab.namespace, "app=web")
    return kubectl(
        "get", "--raw", f"/api/v1/namespaces/{lab.namespace}/pods/{pod['metadata']['name']}:8000/proxy/metrics"
    ).stdout
