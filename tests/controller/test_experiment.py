import asyncio
import base64
import json
import math
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.controller.conftest import IMAGES, deployment, run, scenario

from faultline import heldout
from faultline.api.run import RunStatus
from faultline.api.status import LabPhase
from faultline.catalogue import CONFIGMAPS, CodeVersion, heldout_digest
from faultline.clients.kube import path
from faultline.controller import api as controller_api
from faultline.controller import experiment as module
from faultline.controller import prepare, speed, watch
from faultline.controller.experiment import Experiment
from faultline.controller.labs import Labs
from faultline.controller.settings import Settings
from faultline.errors import NotReady, Unreachable
from faultline.scenario import ScenarioSpec


@pytest.fixture
async def prometheus():
    """Answers every query with nothing: what the grader makes of that is its own tests' business."""

    async def answer(request):
        kind = "matrix" if request.path.endswith("query_range") else "vector"
        return web.json_response({"status": "success", "data": {"resultType": kind, "result": []}})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}"
    await server.close()


@pytest.fixture
async def ground(api, helm, harness, prometheus, tmp_path, monkeypatch):
    """A Ready lab `shop`; gives a function that makes the Experiment of a new Run."""
    monkeypatch.setattr(module, "LEAD_SECONDS", 0.1)
    monkeypatch.setattr(speed, "measure", lambda: 1.0)
    monkeypatch.setattr(watch, "CHANGES_SECONDS", 0.1)
    monkeypatch.setattr(watch, "MIRROR_SECONDS", 0.1)
    monkeypatch.setattr(watch, "RENEW_SECONDS", 0.1)

    async def quick(client, name, patience=0.0):
        return time.time()

    monkeypatch.setattr(module.grading, "wait_complete", quick)
    api.put("Scenario", scenario())
    labs = Labs(api, helm, IMAGES)
    labs.see(scenario())
    await labs.known["shop"].reconcile()
    settings = Settings(prometheus_url=prometheus, data=tmp_path, images=IMAGES)

    def make(name="r1", **spec):
        body = run(name)
        body["spec"] |= spec
        api.put("Run", body)
        return Experiment(api, settings, labs, body)

    make.labs = labs
    return make


def status_of(api, name="r1"):
    return api.objects[path("Run", name)]["status"]


async def test_a_run_goes_through_every_phase_and_leaves_its_record(api, harness, ground, tmp_path):
    await ground().perform()
    status = status_of(api)
    assert [each["name"] for each in status["phases"]] == [
        "Reset",
        "Settle",
        "Baseline",
        "Fault",
        "Recovery",
        "Drain",
        "FinalReads",
        "Grading",
    ]
    assert all("end" in each for each in status["phases"])
    assert status["phase"] == "Done"
    assert status["code"]["variant"] == "flawed"
    (fault,) = status["faults"]
    assert fault["plannedStart"] == pytest.approx(status["mark"] + 0.4)
    assert fault["plannedEnd"] == pytest.approx(status["mark"] + 0.6)
    assert (fault["applied"], fault["reverted"]) == (1.0, 2.0)
    folder = tmp_path / "runs/r1"
    assert sorted(each.name for each in folder.iterdir()) == ["history.jsonl.gz", "run.json", "series.json"]
    assert json.loads((folder / "run.json").read_text())["status"]["verdict"] == status["verdict"]


async def test_no_data_is_inconclusive_and_the_scenario_shows_it(api, harness, ground):
    await ground().perform()
    assert status_of(api)["verdict"] == "inconclusive"
    last = api.objects[path("Scenario", "shop")]["status"]
    assert (last["lastRun"], last["lastVerdict"]) == ("r1", "inconclusive")
    assert ("r1", "Done") in [(name, reason) for name, reason, _ in api.told]
    assert ("shop", "RunDone") in [(name, reason) for name, reason, _ in api.told]


async def test_the_lab_is_reset_then_settled_then_loaded_then_disturbed(api, harness, ground):
    await ground().perform()
    order = [
        "edges POST /reset",
        "edges GET /ready",
        "loadgen PUT /runs/r1",
        "edges PUT /plan",
        "loadgen POST /runs/r1/start",
        "edges POST /lease",
        "edges DELETE /plan/r1",
        "loadgen GET /runs/r1/history",
    ]
    firsts = [harness.calls.index(each) for each in order]
    assert firsts == sorted(firsts)


async def test_services_are_asked_past_their_edges_before_the_way_in(api, harness, ground):
    await ground().perform()
    assert harness.calls.index("web GET /healthz") < harness.calls.index("edges GET /healthz")


async def test_both_plans_stand_on_one_mark(api, harness, ground):
    await ground(seed=7).perform()
    load, faults = harness.bodies["PUT /runs/r1"], harness.bodies["PUT /plan"]
    mark = harness.bodies["POST /runs/r1/start"]["mark"]
    assert (load["seed"], load["load_py"], load["deadline"]) == (7, "LOAD", 1.0)
    assert load["windows"] == {
        "baseline": [0.0, 0.3],
        "fault": [0.3, 0.7],
        "recovery": [0.7, 1.0],
        "drain": [1.0, 1.2],
    }
    assert load["fault_end"] == pytest.approx(0.6)
    assert faults["faults"][0]["start"] == pytest.approx(mark + 0.4)
    assert faults["faults"][0]["params"] == {"direction": "both"}
    assert faults["lease_seconds"] == watch.LEASE_SECONDS


async def test_the_plan_is_on_record_before_the_injector_has_it(api, harness, ground):
    seen = []
    original = harness._do

    async def spy(call, request):
        if call == "PUT /plan":
            seen.append(status_of(api)["faults"][0]["plannedStart"])
        return await original(call, request)

    harness._do = spy
    await ground().perform()
    assert seen == [pytest.approx(harness.bodies["PUT /plan"]["faults"][0]["start"])]


async def test_app_pods_are_made_afresh_for_each_run(api, harness, ground):
    await ground().perform()
    template = api.objects[path("Deployment", "web", "lab-shop")]["spec"]["template"]
    assert template["metadata"]["annotations"] == {"faultline.dev/run": "r1"}


async def test_a_lab_that_does_not_settle_is_inconclusive_with_the_reason(api, harness, ground, monkeypatch):
    monkeypatch.setattr(prepare, "SETTLE_SECONDS", 0.3)
    harness.problems = ["edge web->redis is down"]
    await ground().perform()
    assert status_of(api)["reasons"] == ["FL321: the lab did not settle within 0.3 s: edge web->redis is down"]
    assert "edges PUT /plan" not in harness.calls


async def test_a_reset_that_failed_is_asked_for_once_more(api, harness, ground, monkeypatch):
    monkeypatch.setattr(prepare, "AGAIN_SECONDS", 0)
    harness.silent = {"POST /reset"}
    await ground().perform()
    assert harness.calls.count("edges POST /reset") == 2
    assert "POST" in status_of(api)["reasons"][0]
    assert "/reset answered 500" in status_of(api)["reasons"][0]


LONG = {"baseline": "300ms", "fault": "60s", "recovery": "60s", "drain": "60s"}
"""For runs that end before their time, and before a busy machine has come to it."""


async def test_a_generator_that_fails_ends_the_run_and_its_faults(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    original = harness._do

    async def fails_later(call, request):
        answer = await original(call, request)
        if call == "POST /runs/r1/start":
            harness.load = "failed"
        return answer

    harness._do = fails_later
    await ground().perform()
    assert status_of(api)["reasons"] == ["the load generator failed: no memory"]
    assert "edges DELETE /plan/r1" in harness.calls
    assert "Recovery" not in [each["name"] for each in status_of(api)["phases"]]


async def test_other_code_during_the_run_ends_it(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    api.objects[path("Scenario", "shop")]["metadata"]["annotations"] = {"faultline.dev/code": "code-2"}
    await task
    assert status_of(api)["reasons"] == ["other code was sent into shop during the run"]
    assert harness.run is None


@pytest.mark.parametrize(("swaps", "reasons"), [(0, 0), (1, 1)])
async def test_code_that_went_past_the_operator_is_seen_at_the_end(api, harness, ground, monkeypatch, swaps, reasons):
    async def code(request):
        return web.json_response({"digest": "d", "swaps": swaps})

    app = web.Application()
    app.router.add_get("/code", code)
    server = TestServer(app)
    await server.start_server()
    monkeypatch.setattr(watch, "CODE_PORT", server.port)
    owner = {"kind": "ReplicaSet", "name": "web-5d4f"}
    pod = {"metadata": {"name": "web-1", "ownerReferences": [owner]}, "status": {"podIP": "127.0.0.1"}}
    experiment = ground()

    async def fresh(*args, **options):
        api.put("Pod", pod, "lab-shop")

    monkeypatch.setattr(module.prepare, "settle", fresh)
    await experiment.perform()
    await server.close()
    found = [each for each in status_of(api)["reasons"] if each.startswith("other code was sent into web-1 during")]
    assert len(found) == reasons


async def test_a_changed_deployment_ends_it(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    api.put("Deployment", deployment("web", generation=2), "lab-shop")
    await task
    assert status_of(api)["reasons"] == ["what is deployed changed during the run: deployment/web (generation 1)"]


async def test_a_pod_of_ones_own_ends_it(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    api.put("Pod", {"metadata": {"name": "faster", "labels": {"app": "web"}}}, "lab-shop")
    await task
    assert status_of(api)["reasons"] == ["pods that are not the Scenario's came during the run: faster"]


async def test_a_pod_of_ones_own_that_is_there_already_lets_no_run_begin(api, harness, ground):
    api.put("Pod", {"metadata": {"name": "faster", "labels": {"app": "web"}}}, "lab-shop")
    await ground().perform()
    assert status_of(api)["reasons"] == ["FL326: lab-shop has pods that are not its Scenario's: faster"]
    assert "edges PUT /plan" not in harness.calls


async def test_what_changes_while_everything_is_read_back_counts_too(api, harness, ground):
    original = harness._do

    async def changes(call, request):
        answer = await original(call, request)
        if call == "DELETE /plan/r1":
            api.objects[path("Scenario", "shop")]["metadata"]["generation"] = 2
        return answer

    harness._do = changes
    await ground().perform()
    status = status_of(api)
    assert status["phases"][-1]["name"] == "Grading"
    assert any("the Scenario shop was changed during the run" in each for each in status["reasons"])


async def test_a_lost_plan_ends_it(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    harness.lease = 404
    await task
    assert status_of(api)["reasons"] == ["the injector has lost the plan of this run: its faults were ended early"]


async def test_a_stop_on_request_is_told_as_one(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    harness.stopped, harness.lease = True, 404
    await task
    status = RunStatus.model_validate(status_of(api))
    assert status.reasons == ["stopped on request: `make stop`, or an interrupted command, ended its faults early"]
    assert (status.verdict, status.stopped) == ("inconclusive", True)


async def test_a_run_that_is_cancelled_ends_its_faults_first(api, harness, ground):
    api.put("Scenario", scenario(phases=LONG))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Fault")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert harness.run is None
    assert harness.calls[-1] == "loadgen DELETE /runs/r1"


async def test_a_run_without_a_scenario(api, harness, ground):
    await ground(scenario="nowhere").perform()
    assert status_of(api)["reasons"] == ["FL209: spec.scenario: there is no Scenario nowhere"]
    assert status_of(api)["verdict"] == "inconclusive"


@pytest.mark.timeout(60)
async def test_a_run_of_a_lab_that_failed_says_why_at_once(api, helm, harness, ground, monkeypatch):
    monkeypatch.setattr(module, "LAB_SECONDS", math.inf)
    lab = ground.labs.known["shop"]
    lab.status = lab.status.model_copy(update={"phase": LabPhase.FAILED, "message": "pod/web: no", "conditions": []})
    await ground().perform()
    assert status_of(api)["reasons"] == ["FL323: the lab shop is not Ready: pod/web: no"]


async def test_what_nobody_expected_is_inconclusive_with_its_name(api, harness, ground, monkeypatch):
    monkeypatch.setattr(module.plan, "load_plan", lambda *_: 1 / 0)
    await ground().perform()
    assert status_of(api)["reasons"] == ["in Settle: ZeroDivisionError: division by zero"]


async def test_a_lab_is_told_that_it_is_busy(api, harness, ground):
    api.put("Scenario", scenario(phases={"baseline": "5s", "fault": "400ms", "recovery": "300ms", "drain": "200ms"}))
    task = asyncio.create_task(ground().perform())
    await in_phase(api, "Baseline")
    assert ground.labs.known["shop"].busy
    await task
    assert not ground.labs.known["shop"].busy


async def in_phase(api, phase):
    deadline = time.monotonic() + 60
    while (api.objects[path("Run", "r1")].get("status") or {}).get("phase") != phase:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_run_waits_until_the_code_that_was_sent_is_deployed(api, helm, harness, ground, monkeypatch):
    """The lab's task may not have seen it yet when the run begins: Ready then speaks of the code before."""
    monkeypatch.setattr(module, "LAB_SECONDS", 0.2)
    mine = CodeVersion("shop", "learner", {"main.py": "app = 2"})
    api.objects[f"{CONFIGMAPS}/{mine.configmap}"] = mine.manifest()
    api.objects[path("Scenario", "shop")]["metadata"]["annotations"] = {"faultline.dev/code": mine.configmap}
    await ground().perform()
    assert "FL323: the lab shop is not Ready" in status_of(api)["reasons"][0]
    lab = ground.labs.known["shop"]
    lab.see(api.objects[path("Scenario", "shop")])
    await lab.reconcile()
    await ground(name="r2").perform()
    assert status_of(api, "r2")["code"]["variant"] == "learner"


HELD_OUT = """
choose: 1
faults:
  - {name: left, at: 50ms, for: 100ms, edge: web->redis, latency: {delay: 90ms}}
  - {name: right, at: 50ms, for: 100ms, edge: client->web, latency: {delay: 70ms}}
"""


@pytest.fixture
def held_out(api, monkeypatch):
    """`shop` holds two faults out and chooses one; gives the file's text."""
    monkeypatch.setattr(heldout, "CLEAR_SECONDS", 0.1)
    entry = api.objects[path("ConfigMap", "catalogue-shop", "faultline-system")]
    entry["data"]["heldout"] = heldout_digest(HELD_OUT)
    data = {"heldout.yaml": base64.b64encode(HELD_OUT.encode()).decode()}
    api.put("Secret", {"metadata": {"name": "heldout-shop"}, "data": data}, "faultline-system")
    return HELD_OUT


def chosen_of(text, seed):
    return heldout.parsed(text, ScenarioSpec.model_validate(scenario()["spec"])).chosen(seed)


async def test_what_is_held_out_goes_to_the_injector_and_into_the_run_with_its_end(api, harness, ground, held_out):
    await ground(seed=7).perform()
    (surprise,) = chosen_of(held_out, 7)
    sent = {each["name"]: each["held_out"] for each in harness.bodies["PUT /plan"]["faults"]}
    assert sent == {"cut": False, surprise.name: True}
    written = [body for verb, where, body in api.log if verb == "status" and where == path("Run", "r1")]
    before = [each for each in written if each["phase"] != "Done" and "heldOut" in each]
    assert {each["phase"] for each in before} >= {"Reset", "Baseline", "Fault", "Recovery", "Grading"}
    assert all(each["heldOut"] == {"faults": 1, "sha256": heldout.digest([surprise])} for each in before)
    assert {fault["name"] for each in before for fault in each["faults"]} == {"cut"}
    assert not [each for each in before if "left" in json.dumps(each) or "right" in json.dumps(each)]
    told = {each["name"]: each["heldOut"] for each in status_of(api)["faults"]}
    assert told == {"cut": False, surprise.name: True}


async def test_events_before_the_end_do_not_tell_what_is_held_out(api, harness, ground, held_out):
    harness.load = "failed"
    await ground(seed=7).perform()
    assert not [text for _, _, text in api.told if "left" in text or "right" in text]


async def test_the_seed_chooses_what_is_held_out(api, harness, ground, held_out):
    found = {}
    for seed in (1, 2, 3, 4, 5, 6):
        await ground(f"r{seed}", seed=seed).perform()
        harness.load = "ready"
        found[seed] = {each["name"] for each in harness.bodies["PUT /plan"]["faults"]} - {"cut"}
    assert found == {seed: {each.name for each in chosen_of(held_out, seed)} for seed in found}
    assert {name for names in found.values() for name in names} == {"left", "right"}


async def test_a_run_without_what_its_catalogue_holds_out_does_not_begin(api, harness, ground, held_out):
    del api.objects[path("Secret", "heldout-shop", "faultline-system")]
    await ground().perform()
    (reason,) = status_of(api)["reasons"]
    assert reason.startswith("FL226: the cluster lacks the held-out faults of shop")
    assert not harness.calls


async def test_what_is_held_out_of_another_version_is_not_taken(api, harness, ground, held_out):
    secret = api.objects[path("Secret", "heldout-shop", "faultline-system")]
    secret["data"]["heldout.yaml"] = base64.b64encode(b"choose: 2").decode()
    await ground().perform()
    assert status_of(api)["reasons"][0].startswith("FL226")


async def test_runs_with_other_faults_held_out_are_not_compared(api, harness, ground, held_out):
    await ground("r1").perform()
    harness.load = "ready"
    entry = api.objects[path("ConfigMap", "catalogue-shop", "faultline-system")]
    changed = held_out.replace("90ms", "80ms")
    entry["data"]["heldout"] = heldout_digest(changed)
    secret = api.objects[path("Secret", "heldout-shop", "faultline-system")]
    secret["data"]["heldout.yaml"] = base64.b64encode(changed.encode()).decode()
    await ground("r2").perform()
    assert status_of(api, "r1")["code"]["digest"] != status_of(api, "r2")["code"]["digest"]


async def test_the_end_is_written_when_the_api_server_is_back(api, harness, ground, monkeypatch):
    refused = [
        NotReady("FL305", "it does not know its rules yet"),
        Unreachable("FL603", "away"),
        Unreachable("FL603", "away"),
    ]
    written, patched = api.set_status, api.patch

    async def set_status(where, status):
        if status["phase"] == "Done" and refused:
            raise refused.pop()
        return await written(where, status)

    async def patch(where, body):
        if where.endswith("/shop/status") and not told:
            told.append(where)
            raise Unreachable("FL603", "away again")
        return await patched(where, body)

    told: list[str] = []
    monkeypatch.setattr(api, "set_status", set_status)
    monkeypatch.setattr(api, "patch", patch)
    monkeypatch.setattr(controller_api, "AGAIN_SECONDS", 0.01)
    await ground().perform()
    status = status_of(api)
    assert (status["phase"], refused, len(told)) == ("Done", [], 1)
    assert not [each for each in status["reasons"] if "FL603" in each or "FL305" in each]
    assert api.objects[path("Scenario", "shop")]["status"]["lastRun"] == "r1"


async def test_an_end_that_the_api_server_refuses_for_good_is_not_tried_for_ever(api, harness, ground, monkeypatch):
    async def set_status(where, status):
        if status["phase"] == "Done":
            raise Unreachable("FL603", "away")

    monkeypatch.setattr(api, "set_status", set_status)
    monkeypatch.setattr(controller_api, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(controller_api, "AWAY_SECONDS", 0.05)
    with pytest.raises(Unreachable):
        await ground().perform()
