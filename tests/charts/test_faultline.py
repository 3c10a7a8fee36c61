"""charts/faultline as Helm renders it: rights, what is scraped, and which values are refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.rendered import objects

from faultline import documents
from faultline.errors import InvalidInput
from faultline.host.home import REPO
from faultline.host.images import CHART_IMAGES
from faultline.lab import Helm

NAMESPACE = "faultline-system"
IMAGES = {name: f"faultline/{name}:0123456789ab" for name in CHART_IMAGES}
Manifests = dict[tuple[str, str], dict[str, Any]]


async def render(**chosen: Any) -> Manifests:
    helm = Helm(REPO / "charts" / "faultline")
    found = await objects(helm, {"images": IMAGES, **chosen}, NAMESPACE, "faultline")
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def pod(found: Manifests, kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = found[kind, name]["spec"]["template"]["spec"]
    return spec


def environment(found: Manifests) -> Mapping[str, Any]:
    (operator,) = pod(found, "Deployment", "operator")["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in operator["env"]}


async def test_nothing_is_privileged() -> None:
    found = await render()
    for kind, name in (
        ("Deployment", "operator"),
        ("Deployment", "prometheus"),
        ("Deployment", "dashboard"),
        ("DaemonSet", "meter"),
    ):
        spec = pod(found, kind, name)
        assert spec["securityContext"]["runAsNonRoot"] is True
        for each in spec["containers"]:
            assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert each["securityContext"]["readOnlyRootFilesystem"] is True
    (cgroup,) = [
        each for each in pod(found, "DaemonSet", "meter")["containers"][0]["volumeMounts"] if "readOnly" in each
    ]
    assert cgroup["readOnly"] is True


async def test_there_is_one_operator_at_a_time() -> None:
    spec = (await render())["Deployment", "operator"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


async def test_no_role_has_everything() -> None:
    for (kind, name), manifest in (await render()).items():
        if kind in ("ClusterRole", "Role"):
            for rule in manifest["rules"]:
                assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]], name
                assert not {"escalate", "impersonate"} & set(rule["verbs"]), name
                assert "bind" not in rule["verbs"] or rule["resourceNames"] == ["faultline-lab"], name


async def test_outside_of_labs_the_operator_reads_no_secrets_and_starts_nothing() -> None:
    found = await render()
    rules = found["ClusterRole", "faultline-operator"]["rules"]
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert not resources & {"secrets", "configmaps", "pods", "pods/exec", "deployments", "roles", "serviceaccounts"}
    bound = {each["roleRef"]["name"] for (kind, _), each in found.items() if kind == "ClusterRoleBinding"}
    assert bound == {"faultline-operator", "faultline-prometheus", "faultline-meter", "faultline-dashboard"}


async def test_secrets_of_the_system_are_the_operator_s_to_get_and_nobody_else_s() -> None:
    found = {
        name: rule["verbs"]
        for (kind, name), each in (await render()).items()
        if kind == "Role"
        for rule in each["rules"]
        if "secrets" in rule["resources"]
    }
    assert found == {"operator": ["get"]}


async def test_the_operator_may_give_the_injector_what_the_lab_s_chart_wants() -> None:
    held = {
        (group, resource, verb)
        for rule in (await render())["ClusterRole", "faultline-lab"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    lab = await objects(Helm(REPO / "charts" / "lab"), {}, "harness")
    roles = [each for each in lab if each["kind"] == "Role"]
    for rule in [rule for role in roles for rule in role["rules"]]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                assert (rule["apiGroups"][0], resource, verb) in held


async def test_the_dashboard_reads_much_and_writes_little() -> None:
    found = await render()
    held = [*found["ClusterRole", "faultline-dashboard"]["rules"], *found["Role", "dashboard"]["rules"]]
    writes = {
        (resource, verb, *rule.get("resourceNames", []))
        for rule in held
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in ("get", "list", "watch")
    }
    assert writes == {
        ("scenarios", "create"),
        ("scenarios", "patch"),
        ("runs", "create"),
        ("runs", "delete"),
        ("configmaps", "update", "progress"),
    }
    assert {resource for rule in held for resource in rule["resources"]} == {"scenarios", "runs", "pods", "configmaps"}
    spec = pod(found, "Deployment", "dashboard")
    (data,) = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "data"]
    assert data["readOnly"] is True
    assert ("Service", "dashboard") not in found, "it is reached by a port-forward only"
    assert "data" not in found["ConfigMap", "progress"], "an upgrade must not overwrite what was recorded"
    assert ("Deployment", "dashboard") not in await render(dashboard={"enabled": False})


async def test_a_volume_for_one_node_brings_the_dashboard_to_the_operator_s() -> None:
    assert "podAffinity" not in pod(await render(), "Deployment", "dashboard")["affinity"]
    assert "podAffinity" in pod(await render(data={"hostPath": ""}), "Deployment", "dashboard")["affinity"]


@pytest.mark.parametrize("path", ["/var/lib/faultline", ""])
async def test_the_platform_prefers_the_control_plane_for_labs_may_lose_the_other_nodes(path: str) -> None:
    found = await render(data={"hostPath": path})
    deployments = [name for kind, name in found if kind == "Deployment"]
    assert {"operator", "prometheus", "dashboard"} <= set(deployments)
    for name in deployments:
        nodes = pod(found, "Deployment", name)["affinity"]["nodeAffinity"]
        [wish] = nodes["preferredDuringSchedulingIgnoredDuringExecution"]
        assert wish["preference"]["matchExpressions"][0]["key"] == "node-role.kubernetes.io/control-plane"


async def test_runs_stay_on_the_node_or_in_a_claim() -> None:
    (data, _) = pod(await render(), "Deployment", "operator")["volumes"]
    assert data["hostPath"] == {"path": "/var/lib/faultline", "type": "Directory"}
    found = await render(data={"hostPath": ""})
    (data, _) = pod(found, "Deployment", "operator")["volumes"]
    assert data["persistentVolumeClaim"] == {"claimName": "data"}
    assert found["PersistentVolumeClaim", "data"]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


async def test_another_prometheus_takes_the_place_of_ours() -> None:
    found = await render()
    assert environment(found)["FAULTLINE_PROMETHEUS_URL"] == f"http://prometheus.{NAMESPACE}.svc.cluster.local:9090"
    found = await render(prometheus={"url": "https://metrics.example.org"})
    assert environment(found)["FAULTLINE_PROMETHEUS_URL"] == "https://metrics.example.org"
    assert ("Deployment", "prometheus") not in found


async def test_each_part_is_a_job_and_the_learner_s_is_bounded() -> None:
    config = documents.read((await render())["ConfigMap", "prometheus"]["data"]["prometheus.yml"])
    assert config["global"] == {"scrape_interval": "1s", "scrape_timeout": "1s"}
    jobs = {each["job_name"]: each for each in config["scrape_configs"]}
    assert set(jobs) == {"app", "shared", "store", "harness", "platform"}
    assert (jobs["app"]["sample_limit"], jobs["app"]["body_size_limit"]) == (3000, "200KB")
    # A learner's app cannot export a series that an objective looks at: all of its names begin with app_.
    assert [(each["regex"], each.get("replacement")) for each in jobs["app"]["metric_relabel_configs"]] == [
        ("faultline_.*", None),
        ("(.*)", "app_$1"),
        ("app_(app_.*)", "$1"),
    ]
    assert [name for name, job in jobs.items() if job.get("honor_labels")] == ["platform"]
    for name, job in jobs.items():
        assert job["relabel_configs"][0]["regex"] == name
        labels = {each.get("target_label") for each in job["relabel_configs"]} - {None, "__address__"}
        assert labels == {"scenario", "part", "app", "pod", "namespace"}


async def test_prometheus_begins_anew_after_it_ran_out_of_memory() -> None:
    [container] = pod(await render(), "Deployment", "prometheus")["containers"]
    assert container["args"][:5] == ["sh", "-c", 'rm -rf /prometheus/* && exec "$@"', "sh", "prometheus"]
    assert "--storage.tsdb.path=/prometheus" in container["args"]


async def test_a_pod_is_scraped_in_the_namespaces_of_its_part_only() -> None:
    config = documents.read((await render())["ConfigMap", "prometheus"]["data"]["prometheus.yml"])
    kept = {
        job["job_name"]: rule["regex"]
        for job in config["scrape_configs"]
        for rule in job["relabel_configs"]
        if rule.get("source_labels") == ["__meta_kubernetes_namespace"] and rule.get("action") == "keep"
    }
    labs = dict.fromkeys(("app", "shared", "store"), "lab-.+")
    assert kept == labs | {"harness": "harness-.+", "platform": NAMESPACE}


async def test_only_the_operator_writes_a_status() -> None:
    found = await render()
    policy = found["ValidatingAdmissionPolicy", "faultline-status-is-a-record"]["spec"]
    [rule] = policy["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["runs/status", "scenarios/status"]
    assert policy["validations"][0]["expression"] == (
        f'request.userInfo.username == "system:serviceaccount:{NAMESPACE}:operator"'
    )
    assert policy["failurePolicy"] == "Fail"
    assert found["ValidatingAdmissionPolicyBinding", "faultline-status-is-a-record"]["spec"]["validationActions"] == [
        "Deny"
    ]


async def test_new_images_bring_a_new_operator() -> None:
    def digest(found: Manifests) -> str:
        annotations = found["Deployment", "operator"]["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["faultline.dev/config"])

    changed = {**IMAGES, "runtime": "faultline/runtime:ba9876543210"}
    assert digest(await render()) != digest(await render(images=changed))


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("/data/hostPath", {"data": {"hostPath": "relative"}}),
        ("/operator/logLevel", {"operator": {"logLevel": "chatty"}}),
        ("/prometheus/url", {"prometheus": {"url": "metrics.example.org"}}),
        ("/prometheus/retention", {"prometheus": {"retention": "for ever"}}),
        ("/dashboard/memory", {"dashboard": {"memory": "plenty"}}),
        ("/images/operator", {"images": {**IMAGES, "operator": ""}}),
        ("/replicas", {"replicas": 2}),
    ],
)
async def test_wrong_values_are_refused(where: str, chosen: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await render(**chosen)
    assert f"at '{where}'" in caught.value.message or f"'{where[1:]}' not allowed" in caught.value.message


@pytest.mark.parametrize("chart", ["faultline", "lab"])
async def test_lint_has_nothing_to_say(chart: str) -> None:
    said = await Helm(REPO / "charts" / chart).lint()
    assert "1 chart(s) linted, 0 chart(s) failed" in said


async def test_a_learner_reads_no_answer() -> None:
    found = await render()
    learners = [found["ClusterRole", "faultline-learner"], found["ClusterRole", "faultline-learner-runs"]]
    rules = [rule for each in [*learners, found["Role", "learner"]] for rule in each["rules"]]
    read = {resource for rule in rules if {"get", "list", "watch"} & {*rule["verbs"]} for resource in rule["resources"]}
    assert not read & {"scenarios", "runs", "configmaps", "secrets", "nodes/proxy", "pods/proxy", "serviceaccounts"}
    written = {(verb, each) for rule in rules for verb in rule["verbs"] for each in rule["resources"]}
    written = {each for each in written if each[0] not in ("get", "list", "watch")}
    assert written == {("create", "runs"), ("create", "pods/exec"), ("create", "pods/portforward")}
    (proxy,) = [rule for rule in rules if "services/proxy" in rule["resources"]]
    assert (proxy["verbs"], proxy["resourceNames"]) == (["get"], ["prometheus:9090"])
