import base64
import json
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import FOLDER

from faultline import catalogue, sources, workspace
from faultline.catalogue import CodeVersion
from faultline.cli import _deploy, _experiment, _labs, _ship, _syntax
from faultline.cli._show import Line
from faultline.errors import InvalidInput, NotReady
from faultline.manifests import LAST_APPLIED
from faultline.names import ANNOTATION_CODE
from faultline.sources import read_folder

SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
RUNS = "/apis/faultline.dev/v1alpha1/runs"
PODS = "/api/v1/namespaces/lab-shop/pods"


def pod(cluster, name, digest, *, ready=True, **status):
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    cluster.put(f"{PODS}/{name}", status={"conditions": conditions, **status})
    cluster.objects[f"{PODS}/{name}"]["metadata"] |= {
        "labels": {"app": "web", "faultline.dev/part": "app"},
        "annotations": {"faultline.dev/digest": digest},
    }


@pytest.fixture
def operator(cluster, monkeypatch):
    """What the operator does with a new version of the code, in no time; `broken` has a pod that ends instead."""

    class Operator:
        broken = False

        def roll_out(self, where, body):
            result = type(cluster).patch(cluster, where, body)
            name = (body.get("metadata", {}).get("annotations") or {}).get(ANNOTATION_CODE)
            if name:
                digest = cluster.objects[f"{catalogue.CONFIGMAPS}/{name}"]["metadata"]["annotations"][
                    "faultline.dev/digest"
                ]
                if self.broken:
                    ended = {"name": "app", "restartCount": 0, "state": {"terminated": {"exitCode": 1}}}
                    pod(cluster, "web-new", digest, ready=False, containerStatuses=[ended])
                else:
                    cluster.delete(f"{PODS}/web-old")
                    pod(cluster, "web-new", digest)
            return result

    found = Operator()
    monkeypatch.setattr(cluster, "patch", found.roll_out)
    return found


@pytest.fixture
def running(cluster, scenarios, lab):
    """A lab that runs the flawed code, and a workspace."""
    flawed = catalogue.version(scenarios / "shop")
    lab(digest=flawed.digest, codeConfigMap=flawed.configmap)
    catalogue.publish_folder(cluster, scenarios / "shop")
    pod(cluster, "web-old", flawed.digest)
    workspace.create("shop", scenarios / "shop" / "app")
    return flawed


def test_apply_makes_the_lab_and_the_workspace(run_json, cluster, scenarios):
    code, answer = run_json("apply", "shop", "--no-wait")
    assert (code, answer["next"]) == (0, "make chaos S=shop")
    made = cluster.objects[f"{SCENARIOS}/shop"]
    assert json.loads(made["metadata"]["annotations"][LAST_APPLIED])["spec"] == made["spec"]
    assert workspace.read("shop") == {"web.py": "app = 1\n"}
    assert f"{catalogue.CONFIGMAPS}/catalogue-shop" in cluster.objects


def test_apply_under_another_name_keeps_the_progress_of_the_slug_alone(run, home, cluster, scenarios):
    assert run("apply", "shop", "--name", "mine", "--no-wait").exit_code == 0
    assert f"{SCENARIOS}/mine" in cluster.objects
    assert not (home / "progress.json").exists()


def test_apply_of_a_broken_scenario_changes_nothing(run, cluster, scenarios):
    path = scenarios / "shop" / "scenario.yaml"
    path.write_text(path.read_text().replace("for: 2s", "for: 0s"))
    result = run("apply", "shop")
    assert result.exit_code == 2
    assert "spec.faults[0].for must be above 0, got 0s" in result.stderr
    assert cluster.objects == {}


def test_apply_again_keeps_the_learners_code_and_drops_what_left_the_file(cluster, scenarios):
    _deploy.apply(cluster, "shop", "shop")
    cluster.patch(f"{SCENARIOS}/shop", {"metadata": {"annotations": {ANNOTATION_CODE: "code-1"}}})
    cluster.patch(f"{SCENARIOS}/shop", {"spec": {"suspend": True}})
    path = scenarios / "shop" / "scenario.yaml"
    path.write_text(path.read_text().replace("  phases: {baseline: 2s, fault: 3s, recovery: 2s, drain: 1s}\n", ""))
    lab = _deploy.apply(cluster, "shop", "shop")
    assert lab.code == "code-1"
    assert "phases" not in lab.raw["spec"]
    assert lab.raw["spec"]["suspend"] is True  # set by somebody else: kubectl apply would leave it, too


def test_wait_ready_gives_the_operators_reason(run, cluster, scenarios, monkeypatch):
    status = {"phase": "Failed", "observedGeneration": 1, "conditions": []}
    status["conditions"] = [{"type": "Ready", "status": "False", "message": "pod/web-1: CrashLoopBackOff"}]
    create = cluster.create

    def with_status(where, body):
        return create(where, body | ({"status": status} if where == SCENARIOS else {}))

    monkeypatch.setattr(cluster, "create", with_status)
    monkeypatch.setattr(_deploy, "FAILED_SECONDS", 0.0)
    result = run("apply", "shop")
    assert result.exit_code == 2
    assert "FL311 the lab shop did not come up: pod/web-1: CrashLoopBackOff" in result.stderr


def test_fix_ships_the_workspace(run_json, cluster, running, operator):
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    code, answer = run_json("fix")
    mine = CodeVersion("shop", "learner", {"web.py": "app = 'mine'\n"})
    assert (code, answer["changed"], answer["digest"]) == (0, True, mine.digest)
    assert cluster.objects[f"{SCENARIOS}/shop"]["metadata"]["annotations"][ANNOTATION_CODE] == mine.configmap


def test_fix_shows_what_changed(run, running, operator):
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    out = run("fix").stdout
    assert "-app = 1" in out
    assert "+app = 'mine'" in out


def write_migration(text):
    folder = workspace.folder("shop") / "migrations"
    folder.mkdir(exist_ok=True)
    (folder / "001_x.sql").write_text(text)


def resets(cluster):
    return [call for call in cluster.calls if call[1] == "edges.harness-shop/reset"]


def test_fix_begins_the_data_anew_when_a_migration_that_was_run_is_changed(run, cluster, running, operator):
    cluster.put("/api/v1/namespaces/harness-shop/secrets/harness", data={"token": "dG9rZW4="})
    cluster.services["edges.harness-shop", "/reset"] = {"seconds": 1.0}
    write_migration("SELECT 1;")
    assert "has been run" not in run("fix").stdout
    assert resets(cluster) == []
    write_migration("SELECT 2;")
    assert "migrations/001_x.sql has been run, and is changed now: the data begin anew" in run("fix").stdout
    assert resets(cluster) == [("POST", "edges.harness-shop/reset", "token")]


def test_data_begin_anew_for_other_code_than_the_lab_had_when_it_was_read(cluster, run, running, operator):
    cluster.put("/api/v1/namespaces/harness-shop/secrets/harness", data={"token": "dG9rZW4="})
    cluster.services["edges.harness-shop", "/reset"] = {"seconds": 1.0}
    before = _labs.find(cluster, "shop", None)
    write_migration("SELECT 1;")
    run("fix")
    _experiment.deploy(cluster, before, "flawed")
    assert len(resets(cluster)) == 1


def test_fix_leaves_a_run_its_data(run, cluster, running, operator):
    write_migration("SELECT 1;")
    run("fix")
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    write_migration("SELECT 2;")
    assert "the database keeps what it did for the run that is under way" in run("fix").stdout
    assert resets(cluster) == []


def test_fix_sends_nothing_when_the_data_cannot_begin_anew(run, cluster, running, operator):
    write_migration("SELECT 1;")
    run("fix")
    before = cluster.objects[f"{SCENARIOS}/shop"]
    write_migration("SELECT 2;")
    result = run("fix")
    assert (result.exit_code, "FL601" in result.stderr) == (2, True)
    assert cluster.objects[f"{SCENARIOS}/shop"] == before


def test_fix_of_unchanged_code_does_nothing(run_json, running, operator):
    assert run_json("fix")[1]["changed"] is False


def test_fix_refuses_what_does_not_compile(run, cluster, running, operator, monkeypatch):
    monkeypatch.setattr(_syntax, "LAB_PYTHON", (3, 11))
    (workspace.folder("shop") / "web.py").write_text("def app(:\n")
    before = dict(cluster.objects)
    result = run("fix")
    assert result.exit_code == 2
    assert "web.py:1: " in result.stderr
    assert "nothing was sent" in result.stderr
    assert cluster.objects == before


def test_the_labs_python_has_the_last_word_over_an_older_one(run, cluster, running, operator, monkeypatch):
    monkeypatch.setattr(_syntax, "LAB_PYTHON", (99, 0))
    monkeypatch.setattr(sources, "syntax_problem", lambda files: "web.py:1: f-string: expecting '}'")
    (workspace.folder("shop") / "web.py").write_text("app = f'{d['key']}'\n")
    asked = []

    def execute(namespace, pod, command):
        asked.append((namespace, pod))
        return ""

    monkeypatch.setattr(cluster, "execute", execute)
    assert run("fix").exit_code == 0
    assert asked == [("lab-shop", "web-old")]


def test_a_solution_that_is_deployed_is_on_record_as_seen(run, run_json, running, operator):
    assert run("fix", "--variant", "solution").exit_code == 0
    assert run_json("progress")[1]["scenarios"][0]["solution"] == "seen before an attempt"


def test_the_check_that_runs_in_the_lab_names_the_line():
    packed = _syntax.base64.b64encode(_syntax.zlib.compress(json.dumps({"a.py": "x = 1\ny = (\n"}).encode())).decode()
    command = [sys.executable, "-I", "-c", _syntax._CHECK, packed]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out == "a.py:2: '(' was never closed\n    y = (\n"


def test_code_that_does_not_start_is_taken_back_with_its_traceback(run, cluster, running, operator):
    operator.broken = True
    cluster.services[("lab-shop", "web-new")] = (
        'starting\nTraceback (most recent call last):\n  File "/app/web.py", line 1\n'
        "NameError: name 'y' is not defined\n"
    )
    (workspace.folder("shop") / "web.py").write_text("x = y\n")
    result = run("fix")
    assert result.exit_code == 2
    assert "FL117 web does not start with this code" in result.stderr
    assert "NameError: name 'y' is not defined" in result.stderr
    assert ANNOTATION_CODE not in cluster.objects[f"{SCENARIOS}/shop"]["metadata"].get("annotations", {})
    assert f"{PODS}/web-old" in cluster.objects


def test_the_code_that_serves_further_on_is_not_the_one_that_was_rejected(cluster, lab):
    lab()
    bad, good = (CodeVersion("shop", "learner", {"web.py": text}) for text in ("x = y", "x = 1"))
    text = f"{bad.configmap} does not start: pod/web-1\nThe pods of {good.configmap} keep serving."
    rejected = {"type": "CodeRejected", "status": "True", "message": text}
    cluster.objects[f"{SCENARIOS}/shop"]["status"]["conditions"] = [rejected]
    found = _labs.find(cluster, None, "shop")
    _ship._refuse_broken(cluster, found, [], good)
    with pytest.raises(InvalidInput, match="does not start"):
        _ship._refuse_broken(cluster, found, [], bad)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            "redis.replicas: 0\nrabbitmq.replicas: 1\n",
            "values.yaml switched redis and rabbitmq: the code before serves again once that is undone",
        ),
        ("redis.replicas: 1\n", "the code before goes on serving"),
    ],
)
def test_a_broken_version_that_switches_stores_says_what_that_does_to_the_code_before(
    run, cluster, running, operator, values, said
):
    allow(cluster)
    app = cluster.objects[f"{SCENARIOS}/shop"]["spec"]["app"]
    app |= {"redis": {}, "rabbitmq": {"replicas": 0}}
    app["tunable"] += [
        {"value": f"{store}.replicas", "min": 0, "max": 1, "reason": "one or none"} for store in ("redis", "rabbitmq")
    ]
    operator.broken = True
    cluster.services[("lab-shop", "web-new")] = "Traceback (most recent call last):\nSettingsError: REDIS_URL\n"
    (workspace.folder("shop") / "values.yaml").write_text(values)
    result = run("fix")
    assert result.exit_code == 2
    assert f"mend it, then `make fix` again; {said}" in " ".join(result.stderr.split())


def test_running_pods_take_new_code_at_once(run_json, cluster, running):
    cluster.swaps["web-old"] = (200, {"digest": "-"})
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    code, answer = run_json("fix")
    mine = CodeVersion("shop", "learner", {"web.py": "app = 'mine'\n"})
    assert (code, answer["changed"]) == (0, True)
    assert cluster.calls == [("POST", "web-old", mine.digest)]
    # New pods with it follow, for which nobody waited: no operator is there in this test.
    assert cluster.objects[f"{SCENARIOS}/shop"]["metadata"]["annotations"][ANNOTATION_CODE] == mine.configmap
    assert f"{PODS}/web-old" in cluster.objects


def test_pods_on_their_way_out_hold_up_nobody(run_json, cluster, running):
    cluster.swaps["web-old"] = (200, {"digest": "-"})
    pod(cluster, "web-before", "d0")
    cluster.objects[f"{PODS}/web-before"]["metadata"]["deletionTimestamp"] = "2026-11-22T06:00:00Z"
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    assert run_json("fix")[1]["changed"] is True
    assert [each[:2] for each in cluster.calls] == [("POST", "web-old")]


def test_code_that_running_pods_refuse_is_not_shipped(run, cluster, running):
    pod(cluster, "web-two", running.digest)
    cluster.swaps = {"web-old": (200, {}), "web-two": (422, {"traceback": "NameError: name 'y' is not defined"})}
    (workspace.folder("shop") / "web.py").write_text("x = y\n")
    result = run("fix")
    assert result.exit_code == 2
    assert "FL117 web does not start with this code" in result.stderr
    assert "NameError: name 'y' is not defined" in result.stderr
    assert {each[:2] for each in cluster.calls} == {
        (method, name) for method in ("POST", "DELETE") for name in ("web-old", "web-two")
    }
    assert ANNOTATION_CODE not in cluster.objects[f"{SCENARIOS}/shop"]["metadata"].get("annotations", {})


def allow(cluster, **service):
    """Let the lab's Scenario be the one of the folder, with two values to set."""
    spec = yaml.safe_load(FOLDER["scenario.yaml"])["spec"]
    spec["app"]["services"][0] |= {"cpu": "500m", **service}
    spec["app"]["tunable"] = [
        {"value": "services.web.replicas", "min": 1, "max": 3, "reason": "each one takes connections"},
        {"value": "services.web.env.POOL_SIZE", "min": 1, "max": 20, "reason": "Postgres has 47 for all"},
    ]
    cluster.objects[f"{SCENARIOS}/shop"]["spec"] = spec


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("values.yaml", "services.web.env.POOL_SIZE: 200\n", "must be from 1 to 20, got 200: Postgres has 47 for all"),
        (
            "values.yaml",
            "services.web.cpu: 900m\n",
            "services.web.cpu is not yours to set in this scenario: it lets you set",
        ),
        ("values.yaml", "services.web.replicas: 3\n", "FL120 app: the CPU limits must sum to at most 1200m, got 1500m"),
        ("values.yaml", "services.web.replicas: [2]\n", "services.web.replicas must be a number or a text, got [2]"),
        ("values.yaml", "replicas\n", "must be lines like `services.web.replicas: 2`"),
        ("values.yaml", "a: [\n", "values.yaml is not YAML"),
        ("seed.sql", "SELECT 1;\n", "FL138 seed.sql cannot be changed: the data is what everybody is measured with"),
        ("load.py", "", "FL138 load.py cannot be changed"),
        ("scenario.yaml", "", "FL138 scenario.yaml cannot be changed"),
    ],
)
def test_what_may_not_be_changed_is_refused_with_its_reason(run, cluster, running, operator, name, text, said):
    allow(cluster)
    (workspace.folder("shop") / name).write_text(text)
    before = dict(cluster.objects)
    result = run("fix")
    assert result.exit_code == 2
    assert said in result.stderr
    assert cluster.objects == before


def test_a_value_of_a_scenario_that_lets_none_be_set_is_refused(run, cluster, running, operator):
    allow(cluster)
    cluster.objects[f"{SCENARIOS}/shop"]["spec"]["app"]["tunable"] = []
    (workspace.folder("shop") / "values.yaml").write_text("services.web.replicas: 2\n")
    assert "FL137 values.yaml: services.web.replicas is not yours" in run("fix").stderr


def test_replicas_that_the_learner_sets_are_waited_for(cluster, running, lab):
    code = CodeVersion("shop", "learner", {"web.py": "", "values.yaml": "services.web.replicas: 2\n"})
    pod(cluster, "web-one", code.digest)
    cluster.delete(f"{PODS}/web-old")
    found = _labs.find(cluster, "shop", None)
    with pytest.raises(NotReady, match="FL313"):
        _ship.wait_serving(cluster, found, code, Line(), seconds=0)
    pod(cluster, "web-two", code.digest)
    _ship.wait_serving(cluster, found, code, Line(), seconds=0)


@pytest.mark.parametrize("why", ["other values", "a pod that is not ready", "a lab that is not ready"])
def test_a_roll_out_brings_what_running_pods_cannot_take(run_json, cluster, running, operator, why):
    cluster.swaps["web-old"] = (200, {})
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    if why == "other values":
        allow(cluster)
        (workspace.folder("shop") / "values.yaml").write_text("services.web.env.POOL_SIZE: 5\n")
    elif why == "a pod that is not ready":
        pod(cluster, "web-old", running.digest, ready=False)
    else:
        cluster.objects[f"{SCENARIOS}/shop"]["status"]["observedGeneration"] = 0
    assert run_json("fix")[1]["changed"] is True
    assert cluster.calls == []
    assert f"{PODS}/web-new" in cluster.objects


def test_code_whose_database_is_slow_at_first_gets_another_try(cluster, running, lab):
    ended = {"name": "app", "restartCount": 0, "state": {"terminated": {"exitCode": 3}}}
    pod(cluster, "web-new", "d2", ready=False, containerStatuses=[ended])
    cluster.services[("lab-shop", "web-new")] = "Traceback (most recent call last):\n  in lifespan\nTimeoutError\n"
    code = CodeVersion("shop", "learner", {"web.py": "app = 2\n"})
    found = _labs.find(cluster, "shop", None)
    _ship._refuse_broken(cluster, found, cluster.items(PODS), code)
    ended["restartCount"] = 1
    pod(cluster, "web-new", "d2", ready=False, containerStatuses=[ended])
    with pytest.raises(InvalidInput, match=r"web does not start with this code:\n[^$]*TimeoutError"):
        _ship._refuse_broken(cluster, found, [cluster.get(f"{PODS}/web-new")], code)


def test_fix_with_a_variant_of_the_catalogue(run_json, running, operator):
    assert run_json("fix", "--variant", "wrong/slower")[1]["variant"] == "wrong/slower"


def test_fix_with_the_solution_less_a_line_of_safety(run_json, running, operator, scenarios):
    line = "- {name: two, file: web.py, line: app = 2, instead: app = 4, caught_by: answers}"
    (scenarios / "shop" / "safety.yaml").write_text(line)
    assert run_json("fix", "--variant", "without/two")[1]["variant"] == "without/two"


def test_fix_with_an_unknown_variant_names_those_there_are(run, running):
    result = run("fix", "--variant", "solved")
    assert "FL203 shop has no solved" in result.stderr
    assert "it has flawed, solution, wrong/slower" in result.stderr


def test_delete_waits_for_nothing_that_is_not_there(run, cluster, lab):
    lab()
    assert run("delete", "shop", "--yes").exit_code == 0
    assert f"{SCENARIOS}/shop" not in cluster.objects


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False), ("", False)])
def test_delete_says_what_is_kept_and_asks(run, cluster, lab, answer, gone):
    lab()
    result = run("delete", "shop", input=answer)
    assert "Delete the lab shop? Workspace, progress and the reports of its runs are kept" in result.stdout
    assert (f"{SCENARIOS}/shop" not in cluster.objects) is gone
    assert ("next: .venv/bin/faultline delete shop --yes" in result.stderr) is (answer == "")


@pytest.mark.parametrize("verb", ["delete", "reset"])
def test_a_question_that_nobody_answers_names_the_way_without(run, running, verb):
    result = run(verb, "shop")
    assert (result.exit_code, "FL140 nobody is there to answer: " in result.stderr) == (2, True)
    assert f"next: .venv/bin/faultline {verb} shop --yes" in result.stderr


def test_reset_asks_first(run, scenarios, running):
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    assert run("reset", "shop", input="n\n").exit_code == 1
    assert workspace.read("shop") == {"web.py": "app = 'mine'\n"}


def test_reset_keeps_a_backup(run_json, scenarios, running):
    (workspace.folder("shop") / "web.py").write_text("app = 'mine'\n")
    code, answer = run_json("reset", "shop", "--yes")
    assert code == 0
    assert workspace.read("shop") == {"web.py": "app = 1\n"}
    assert read_folder(Path(answer["backup"])) == {"web.py": "app = 'mine'\n"}


@pytest.fixture
def harness(cluster):
    """Puts the harness' token into the cluster; its injector answers with the faults that it ended."""

    def make(name, answer=None):
        token = base64.b64encode(f"token-of-{name}".encode()).decode()
        cluster.put(f"/api/v1/namespaces/harness-{name}/secrets/harness", data={"token": token})
        if answer is not None:
            cluster.services[(f"edges.harness-{name}", "/stop")] = answer

    return make


def test_stop_ends_faults_and_runs(run_json, cluster, lab, harness):
    lab()
    harness("shop", {"ended": ["payments-slow"]})
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    cluster.put(f"{RUNS}/other-1", spec={"scenario": "other"}, status={"phase": "Queued"})
    code, answer = run_json("stop")
    assert code == 0
    assert answer["labs"] == [
        {"lab": "shop", "faults": ["payments-slow"], "runs": ["shop-1"], "problem": "", "by_node": False}
    ]
    assert cluster.calls == [("POST", "edges.harness-shop/stop", "token-of-shop")]
    assert f"{RUNS}/other-1" in cluster.objects


def test_stop_names_the_run_that_it_ended(run, cluster, lab, harness):
    lab()
    harness("shop", {"ended": []})
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    assert "shop: the run shop-1 is ended and deleted, without a score\n" in run("stop").stdout


def test_stop_by_the_nodes_alone_says_that_runs_go_on(run, cluster, monkeypatch):
    def items(where, labels=""):
        raise NotReady("FL303", "the cluster kind-faultline does not answer")

    monkeypatch.setattr(cluster, "items", items)
    on_nodes(monkeypatch, 'shop {"ended": ["cut"]}')
    result = run("stop", "--all")
    assert result.exit_code == 0
    assert "the API server does not answer: a run under way is not ended, make stop again does that" in result.stdout


def test_stop_says_when_an_injector_does_not_answer_and_still_ends_the_runs(run, cluster, lab, harness):
    lab()
    lab("other")
    harness("shop")
    harness("other", {"ended": []})
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    result = run("stop", "--all")
    assert result.exit_code == 2
    assert "FL605 not every injector answered: shop" in result.stderr
    assert f"{RUNS}/shop-1" not in cluster.objects


def test_stop_before_the_harness_is_up_has_nothing_to_end(run_json, lab):
    lab()
    assert run_json("stop")[1]["labs"][0]["faults"] == []


def on_nodes(monkeypatch, *lines):
    """What the nodes' injectors answer."""
    said = " ".join(shlex.quote(each) for each in lines)
    monkeypatch.setattr("faultline.cli._emergency._ON_HOST", f"printf '%s\\n' {said}")


def test_stop_all_goes_by_the_node_where_an_injector_does_not_answer(run_json, cluster, lab, harness, monkeypatch):
    lab()
    lab("other")
    harness("shop")
    harness("other", {"ended": ["late"]})
    on_nodes(monkeypatch, 'shop {"ended": ["cut"]}', 'other {"ended": []}')
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    code, answer = run_json("stop", "--all")
    assert code == 0
    found = {each["lab"]: (each["faults"], each["by_node"], each["runs"]) for each in answer["labs"]}
    assert found == {"shop": (["cut"], True, ["shop-1"]), "other": (["late"], False, [])}


@pytest.mark.parametrize("hangs", [False, True])
def test_stop_all_needs_no_api_server(run_json, cluster, monkeypatch, hangs):
    never = threading.Event()

    def items(where, labels=""):
        if hangs:
            never.wait(5)
        raise NotReady("FL303", "the cluster kind-faultline does not answer")

    monkeypatch.setattr(cluster, "items", items)
    monkeypatch.setattr("faultline.cli._stop.ANSWER_SECONDS", 0.1)
    on_nodes(monkeypatch, 'shop {"ended": ["cut"]}', 'other {"ended": [], "killed": true}')
    code, answer = run_json("stop", "--all")
    assert code == 0
    assert [(each["lab"], each["faults"]) for each in answer["labs"]] == [("shop", ["cut"]), ("other", [])]


def test_stop_all_without_any_way_says_so(run, cluster, monkeypatch):
    def items(where, labels=""):
        raise NotReady("FL303", "the cluster kind-faultline does not answer")

    monkeypatch.setattr(cluster, "items", items)
    result = run("stop", "--all")
    assert result.exit_code == 2
    assert "FL303" in result.stderr


def test_stop_all_of_a_cluster_of_ones_own_leaves_the_nodes_alone(run, cluster, lab, harness, monkeypatch):
    lab()
    harness("shop")
    on_nodes(monkeypatch, 'shop {"ended": []}')
    assert run("stop", "--all", "--context", "elsewhere").exit_code == 2


def test_a_stop_is_not_held_up_by_nodes_that_hang(run_json, cluster, lab, harness, monkeypatch):
    lab()
    harness("shop", {"ended": ["cut"]})
    monkeypatch.setattr("faultline.cli._emergency._ON_HOST", "exec sleep 30")
    monkeypatch.setattr("faultline.cli._emergency.SECONDS", 0.2)
    code, answer = run_json("stop", "--all")
    assert (code, answer["labs"][0]["faults"]) == (0, ["cut"])
