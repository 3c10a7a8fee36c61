from dataclasses import replace

import pytest
from tests.controller.conftest import IMAGES, deployment, scenario

from faultline.catalogue import CONFIGMAPS, CodeVersion
from faultline.clients.kube import path
from faultline.controller import labs as module
from faultline.controller import prepare
from faultline.controller.labs import Lab, Labs
from faultline.controller.speed import Speed
from faultline.errors import HostProblem, NotReady
from faultline.lab import Problem


def lab_of(api, helm, body, status=None) -> Lab:
    api.put("Scenario", {**body, **({"status": status} if status else {})})
    return Lab(api, helm, IMAGES, "chart", Speed(), {**body, **({"status": status} if status else {})})


def status_of(api, name="shop"):
    return api.objects[path("Scenario", name)]["status"]


def condition(api, kind):
    return next(each for each in status_of(api)["conditions"] if each["type"] == kind)


async def test_a_new_scenario_becomes_a_ready_lab(api, helm):
    lab = lab_of(api, helm, scenario())
    assert await lab.reconcile() == module.CHECK_SECONDS
    assert status_of(api)["phase"] == "Ready"
    assert status_of(api)["code"]["variant"] == "flawed"
    assert status_of(api)["namespaces"] == {"lab": "lab-shop", "harness": "harness-shop"}
    assert [(kind, condition(api, kind)["status"]) for kind in ("Valid", "Deployed", "Ready", "CodeRejected")] == [
        ("Valid", "True"),
        ("Deployed", "True"),
        ("Ready", "True"),
        ("CodeRejected", "False"),
    ]
    assert [reason for _, reason, _ in api.told] == ["Deployed", "Ready"]


async def test_both_namespaces_belong_to_the_scenario(api, helm):
    await lab_of(api, helm, scenario()).reconcile()
    for namespace in ("lab-shop", "harness-shop"):
        (owner,) = api.objects[path("Namespace", namespace)]["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Scenario", "shop", "uid-shop")


async def test_the_code_is_copied_into_the_lab_before_helm(api, helm):
    await lab_of(api, helm, scenario()).reconcile()
    name = status_of(api)["codeConfigMap"]
    copied = api.objects[path("ConfigMap", name, "lab-shop")]
    assert (copied["data"], copied["immutable"]) == ({"main.py": "app = 1"}, True)
    assert helm.installed[0]["code"]["configMap"] == name


async def test_a_restarted_operator_does_not_deploy_again(api, helm):
    await lab_of(api, helm, scenario()).reconcile()
    again = lab_of(api, helm, scenario(), status_of(api))
    await again.reconcile()
    assert len(helm.installed) == 1


async def test_the_token_stays_the_same(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    lab.scenario = scenario(app={**scenario()["spec"]["app"], "redis": {"maxmemory": "32Mi"}})
    await lab.reconcile()
    assert helm.installed[1]["token"] == helm.installed[0]["token"]


async def test_an_annotation_with_other_code_upgrades_the_lab_and_clears_the_old_code(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    old = status_of(api)["codeConfigMap"]
    mine = CodeVersion("shop", "learner", {"main.py": "app = 2"})
    api.objects[f"{CONFIGMAPS}/{mine.configmap}"] = mine.manifest()
    body = scenario()
    body["metadata"]["annotations"] = {"faultline.dev/code": mine.configmap}
    lab.see(body)
    await lab.reconcile()
    assert (status_of(api)["code"]["variant"], status_of(api)["codeConfigMap"]) == ("learner", mine.configmap)
    assert path("ConfigMap", old, "lab-shop") not in api.objects
    assert [reason for _, reason, _ in api.told] == ["Deployed", "Ready", "Upgraded", "Ready"]


async def test_what_is_graded_is_the_code_and_the_spec_but_not_its_title(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    digests = [status_of(api)["code"]["digest"]]
    for change in ({"title": "Another"}, {"phases": {"fault": "20s"}}):
        body = scenario(**change)
        body["metadata"]["generation"] = len(digests) + 1
        lab.see(body)
        await lab.reconcile()
        digests.append(status_of(api)["code"]["digest"])
    assert digests[0] == digests[1] != digests[2]
    assert len(helm.installed) == 1


async def test_a_bad_spec_says_field_rule_and_value_and_changes_nothing(api, helm):
    lab = lab_of(api, helm, scenario(phases={"fault": "0s"}))
    assert await lab._look() is None
    assert condition(api, "Valid")["message"] == "spec.phases.fault must be above 0, got 0s"
    assert status_of(api)["phase"] == "Failed"
    assert helm.installed == []
    await lab._look()
    assert [reason for _, reason, _ in api.told] == ["Invalid"]


async def test_a_schedule_that_is_no_cron_expression(api, helm):
    await lab_of(api, helm, scenario(schedule="every day"))._look()
    assert condition(api, "Valid")["message"] == "spec.schedule must be a cron expression, got every day"


async def test_a_folder_that_nobody_published_is_retried(api, helm):
    lab = lab_of(api, helm, scenario(slug="other"))
    assert await lab._look() == module.RETRY_SECONDS
    assert condition(api, "Ready")["message"] == "spec.slug: the catalogue in the cluster has no other"


async def test_code_that_is_not_there(api, helm):
    body = scenario()
    body["metadata"]["annotations"] = {"faultline.dev/code": "code-0"}
    await lab_of(api, helm, body)._look()
    assert condition(api, "Ready")["message"] == "faultline.dev/code: there is no code code-0 in the cluster"


async def test_helm_that_fails_is_told_and_tried_again(api, helm):
    async def fail(namespace, values):
        raise HostProblem("FL521", "helm upgrade: no")

    good, helm.install = helm.install, fail
    lab = lab_of(api, helm, scenario())
    assert await lab._look() == module.RETRY_SECONDS
    assert condition(api, "Deployed") | {"lastTransitionTime": ""} == {
        "type": "Deployed",
        "status": "False",
        "reason": "Trouble",
        "message": "helm upgrade: no",
        "lastTransitionTime": "",
        "observedGeneration": 1,
    }
    helm.install = good
    await lab._look()
    assert status_of(api)["phase"] == "Ready"


async def test_a_pod_that_does_not_come_up_is_named(api, helm, monkeypatch):
    helm.ready = False
    api.problems = [Problem("pod/redis-1 container redis", "ImagePullBackOff", "no such image", fatal=True)]
    lab = lab_of(api, helm, scenario())
    assert await lab.reconcile() == module.POLL_SECONDS
    assert status_of(api)["phase"] == "Deploying"
    wanted = "pod/redis-1 container redis: ImagePullBackOff: no such image (waiting for deployment/web: 0 of 1 updated)"
    assert condition(api, "Ready")["message"] == wanted
    monkeypatch.setattr(module, "FATAL_SECONDS", -1)
    await lab.reconcile()
    assert status_of(api)["phase"] == "Failed"
    assert api.told[-1][1:] == ("NotReady", wanted)


async def test_a_lab_that_comes_up_is_only_looked_at_until_the_wish_changes(api, helm):
    helm.ready = False
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    del api.objects[path("Namespace", "lab-shop")]
    await lab.reconcile()
    assert path("Namespace", "lab-shop") not in api.objects
    lab.see({**scenario(), "metadata": {**scenario()["metadata"], "generation": 2}})
    await lab.reconcile()
    assert path("Namespace", "lab-shop") in api.objects


async def sent(api, helm, source):
    """A lab that was Ready, into which code of a learner's was sent that does not serve yet; and that code."""
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    mine = CodeVersion("shop", "learner", {"main.py": source})
    api.objects[f"{CONFIGMAPS}/{mine.configmap}"] = mine.manifest()
    body = scenario()
    body["metadata"]["annotations"] = {"faultline.dev/code": mine.configmap}
    lab.see(body)
    helm.ready = False
    return lab, mine


async def test_code_that_does_not_import_is_rejected_while_the_old_pods_serve(api, helm):
    lab, mine = await sent(api, helm, "import nothing")
    old = status_of(api)["codeConfigMap"]
    log = "ModuleNotFoundError: No module named 'nothing'"
    crash = Problem("pod/web-7-x container app", "CrashLoopBackOff", "exit code 1", log, fatal=True)
    api.problems = [replace(crash, digest=mine.digest)]
    await lab.reconcile()
    rejected = condition(api, "CodeRejected")
    assert rejected["status"] == "True"
    assert rejected["message"] == (
        f"{mine.configmap} does not start: pod/web-7-x container app\n{log}\nThe pods of {old} keep serving."
    )
    assert path("ConfigMap", old, "lab-shop") in api.objects


async def test_code_is_not_rejected_for_a_pod_of_the_code_before(api, helm):
    lab, _ = await sent(api, helm, "import json")
    crash = Problem("pod/web-6-x container app", "CrashLoopBackOff", "exit code 1", "ZeroDivisionError", fatal=True)
    api.problems = [replace(crash, digest="broken")]
    await lab.reconcile()
    assert condition(api, "CodeRejected")["status"] == "False"
    assert status_of(api)["phase"] == "Deploying"


async def test_an_app_that_waits_for_its_first_database_is_not_rejected(api, helm):
    helm.ready = False
    api.problems = [Problem("pod/web-7-x container app", "Error", "exit code 3", "refused", fatal=True)]
    await lab_of(api, helm, scenario()).reconcile()
    assert condition(api, "CodeRejected")["status"] == "False"


async def test_suspending_uninstalls_once(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    body = scenario(suspend=True)
    body["metadata"]["generation"] = 2
    lab.see(body)
    assert await lab.reconcile() is None
    await lab.reconcile()
    assert helm.uninstalled == ["harness-shop"]
    assert status_of(api)["phase"] == "Suspended"
    assert "deployed" not in status_of(api)


async def test_a_suspended_scenario_that_never_ran_gets_no_namespaces(api, helm):
    await lab_of(api, helm, scenario(suspend=True)).reconcile()
    assert helm.uninstalled == []
    assert not any("namespaces" in where for _, where, _ in api.log)


async def test_namespaces_of_an_earlier_lab_of_that_name_are_waited_for(api, helm):
    old = {"metadata": {"name": "lab-shop", "uid": "1", "ownerReferences": [{"uid": "other"}]}}
    api.put("Namespace", old)
    lab = lab_of(api, helm, scenario())
    assert await lab.reconcile() == 1.0
    assert status_of(api)["message"] == "the namespaces of an earlier lab of this name are going"
    assert helm.installed == []


async def test_pods_that_a_run_restarts_are_no_news(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    api.put("Deployment", deployment("web", ready=False), "lab-shop")
    lab.busy = True
    await lab.reconcile()
    assert status_of(api)["phase"] == "Ready"
    lab.busy = False
    await lab.reconcile()
    assert condition(api, "Ready")["status"] == "False"


async def test_a_lab_is_ready_only_with_its_own_cpu_limits(api, helm):
    api.late = ["pod/web-1: its CPU limit is not in force yet"]
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    assert condition(api, "Ready")["message"] == "waiting for pod/web-1: its CPU limit is not in force yet"
    api.late = []
    await lab.reconcile()
    assert status_of(api)["phase"] == "Ready"


async def test_a_run_begins_only_when_the_nodes_have_put_the_limits_in_force(api, helm, monkeypatch):
    await lab_of(api, helm, scenario()).reconcile()
    monkeypatch.setattr(prepare, "ROLLOUT_SECONDS", 0.1)
    await prepare.rolled_out(api, "shop", 1)
    api.late = ["pod/web-1: its CPU limit is not in force yet"]
    with pytest.raises(NotReady, match="pod/web-1: its CPU limit is not in force yet"):
        await prepare.rolled_out(api, "shop", 1)


async def test_a_lab_that_somebody_uninstalled_is_deployed_again(api, helm):
    lab = lab_of(api, helm, scenario())
    await lab.reconcile()
    for where in [each for each in api.objects if "/deployments/" in each]:
        del api.objects[where]
    await lab.reconcile()
    await lab.reconcile()
    assert len(helm.installed) == 2


async def test_the_result_of_a_run_is_never_overwritten(api, helm):
    lab = lab_of(api, helm, scenario(), {"lastScore": 42, "lastVerdict": "fail", "lastRun": "r"})
    await lab.reconcile()
    assert status_of(api)["lastScore"] == 42


@pytest.mark.parametrize("change", [{"status": {"phase": "Ready"}}, {}])
async def test_what_the_operator_wrote_itself_wakes_nobody(api, helm, change):
    lab = lab_of(api, helm, scenario())
    lab.see({**scenario(), **change})
    assert not lab._wake.is_set()


async def test_labs_wait_for_the_lease_and_go_with_their_scenario(api, helm):
    labs = Labs(api, helm, IMAGES)
    api.put("Scenario", scenario())
    labs.see(scenario())
    assert labs._tasks == {}
    labs.start()
    (task,) = labs._tasks.values()
    labs.gone("shop")
    assert labs.known == {}
    assert task.cancelling()


async def test_the_operator_gets_its_rights_in_the_lab_s_namespaces_and_nowhere_else(api, helm):
    await lab_of(api, helm, scenario()).reconcile()
    bound = [where for verb, where, body in api.log if verb == "apply" and body["kind"] == "RoleBinding"]
    prefix = "/apis/rbac.authorization.k8s.io/v1/namespaces"
    assert bound == [f"{prefix}/lab-shop/rolebindings/operator", f"{prefix}/harness-shop/rolebindings/operator"]


def with_code(api, files, **spec):
    """A Scenario that names a learner's code with these files."""
    mine = CodeVersion("shop", "learner", {"main.py": "app = 1", **files})
    api.objects[f"{CONFIGMAPS}/{mine.configmap}"] = mine.manifest()
    body = scenario(**spec)
    body["metadata"]["annotations"] = {"faultline.dev/code": mine.configmap}
    return body


TUNABLE = [{"value": "services.web.replicas", "min": 1, "max": 2, "reason": "each takes memory"}]


async def test_values_that_the_scenario_allows_are_deployed(api, helm):
    app = {**scenario()["spec"]["app"], "tunable": TUNABLE}
    await lab_of(api, helm, with_code(api, {"values.yaml": "services.web.replicas: 2\n"}, app=app)).reconcile()
    assert [each["replicas"] for each in helm.installed[0]["services"]] == [2]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"values.yaml": "services.web.replicas: 3\n"}, "must be from 1 to 2, got 3: each takes memory"),
        ({"values.yaml": "services.web.cpu: 900m\n"}, "services.web.cpu is not yours to set"),
        ({"seed.sql": "SELECT 1;\n"}, "seed.sql cannot be changed"),
    ],
)
async def test_code_that_takes_what_is_not_its_own_is_not_deployed(api, helm, files, said):
    """However it came into the cluster: the command line checks the same before."""
    app = {**scenario()["spec"]["app"], "tunable": TUNABLE}
    await lab_of(api, helm, with_code(api, files, app=app))._look()
    assert helm.installed == []
    assert said in status_of(api)["message"]
