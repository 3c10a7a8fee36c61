"""Leader, schedule, conditions, record, files, readiness, sweep, settings, and what kopf's handlers pass on."""

import datetime
import json
from types import SimpleNamespace

import kopf
import pytest
from tests.controller.conftest import deployment, run, scenario

from faultline.api.run import Phase
from faultline.api.status import ScenarioStatus
from faultline.clients.kube import path
from faultline.controller import files, handlers, leader, readiness, schedule, sweep, watch
from faultline.controller.conditions import condition, difference, with_condition
from faultline.controller.leader import Leader, LostLease
from faultline.controller.record import Record
from faultline.controller.settings import Settings
from faultline.errors import InvalidInput, Unreachable

UTC = datetime.UTC


async def test_a_second_operator_waits_until_the_first_gives_the_lease_back(api):
    first, second = Leader(api, "system", "one"), Leader(api, "system", "two")
    await first.acquire()
    assert not await second._try()
    await first.release()
    assert await second._try()
    assert not await first._try()


async def test_a_lease_that_was_not_renewed_is_free(api):
    await Leader(api, "system", "one").acquire()
    lease = api.objects[path("Lease", "operator", "system")]
    now = datetime.datetime.now(UTC)
    assert not leader.free(lease, "two", now)
    assert leader.free(lease, "two", now + datetime.timedelta(seconds=leader.DURATION_SECONDS + 1))
    assert leader.free(lease, "one", now)


async def test_losing_the_lease_ends_the_operator(api, monkeypatch):
    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.01)
    first = Leader(api, "system", "one")
    await first.acquire()
    api.objects[path("Lease", "operator", "system")]["spec"]["holderIdentity"] = "two"
    with pytest.raises(LostLease, match="another operator has taken it"):
        await first.hold()


async def test_an_api_server_that_is_away_for_longer_than_the_lease_ends_it_too(api, monkeypatch):
    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(leader, "DURATION_SECONDS", 0.05)

    async def away(where):
        raise Unreachable("FL603", "no answer")

    api.get = away
    with pytest.raises(LostLease, match="the API server does not answer"):
        await Leader(api, "system", "one").hold()


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_run_is_due_when_a_time_of_the_schedule_has_passed():
    body = scenario(schedule="*/10 * * * *")
    assert schedule.due(body, at("2026-01-01T00:00:01"), at("2026-01-01T00:09:59")) is None
    assert schedule.due(body, at("2026-01-01T00:09:58"), at("2026-01-01T00:10:00")) == at("2026-01-01T00:10:00")


def test_several_missed_times_are_one_run():
    body = scenario(schedule="*/10 * * * *")
    assert schedule.due(body, at("2026-01-01T00:00:01"), at("2026-01-01T01:05:00")) == at("2026-01-01T01:00:00")


@pytest.mark.parametrize("spec", [{}, {"schedule": "nonsense"}, {"schedule": "* * * * *", "suspend": True}])
def test_no_schedule_no_run(spec):
    assert schedule.due(scenario(**spec), at("2026-01-01T00:00:00"), at("2026-01-02T00:00:00")) is None


async def test_the_same_time_never_gives_two_runs(api):
    moment = at("2026-01-01T00:10:00")
    await schedule._create(api, scenario(), moment)
    await schedule._create(api, scenario(), moment)
    assert [each["metadata"]["name"] for each in await api.items(path("Run"))] == ["shop-20260101-0010-cron"]


def test_a_condition_keeps_its_time_until_its_truth_changes():
    status = with_condition(ScenarioStatus(), "Ready", "False", "A", "one", 1)
    old = status.conditions[0].model_copy(update={"last_transition_time": "2020-01-01T00:00:00Z"})
    status = with_condition(status.model_copy(update={"conditions": [old]}), "Ready", "False", "B", "two", 2)
    assert condition(status, "Ready").last_transition_time == "2020-01-01T00:00:00Z"
    assert condition(status, "Ready").message == "two"
    status = with_condition(status, "Ready", "True", "C", "", 2)
    assert condition(status, "Ready").last_transition_time != "2020-01-01T00:00:00Z"


def test_only_what_changed_is_written_and_gone_fields_become_null():
    old = ScenarioStatus(deployed="1", message="a", last_score=4)
    assert difference(old, old) == {}
    assert difference(old, old.model_copy(update={"deployed": None, "last_score": 5})) == {"deployed": None}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, None),
        ({"observedGeneration": 0}, "deployment/web: its change is not seen yet"),
        ({"updatedReplicas": 0}, "deployment/web: 0 of 1 updated"),
        ({"availableReplicas": 0}, "deployment/web: 0 of 1 available"),
        ({"replicas": 2}, "deployment/web: 1 old still there"),
    ],
)
def test_a_workload_is_there_when_all_of_it_is(change, text):
    workload = {"kind": "Deployment", **deployment("web")}
    workload["status"] |= change
    assert readiness.late(workload) == text


async def test_a_record_closes_a_phase_when_the_next_begins(api):
    api.put("Run", run("a"))
    record = Record(api, run("a"))
    await record.enter(Phase.RESET, at=10.0)
    await record.enter(Phase.SETTLE, at=12.0)
    assert api.objects[path("Run", "a")]["status"]["phases"] == [
        {"name": "Reset", "start": 10.0, "end": 12.0},
        {"name": "Settle", "start": 12.0},
    ]


async def test_a_record_stays_within_the_bounds_of_a_status(api):
    api.put("Run", run("a"))
    record = Record(api, run("a"))
    await record.inconclusive(["x" * 5000] * 30)
    status = api.objects[path("Run", "a")]["status"]
    assert (len(status["reasons"]), len(status["reasons"][0]), len(status["message"])) == (20, 1000, 500)


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert files.write(tmp_path / "runs/a", "run.json", b"x") == "run.json was not written: No space left on device"
    assert list((tmp_path / "runs/a").iterdir()) == []


async def test_the_sweep_ends_faults_that_no_live_run_owns(api, harness):
    harness.run = "dead"
    api.put("Scenario", {**scenario(), "status": {"deployed": "x"}})
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    await sweep.sweep(api)
    assert harness.calls == ["edges GET /state", "edges POST /stop", "edges DELETE /plan/dead"]


async def test_the_sweep_keeps_the_plan_of_a_run_that_is_still_to_be_given_up(api, harness):
    harness.run = "r"
    api.put("Run", run("r", phase="Fault"))
    api.put("Scenario", {**scenario(), "status": {"deployed": "x"}})
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    await sweep.sweep(api)
    assert harness.calls == ["edges GET /state", "edges POST /stop"]


async def test_the_sweep_leaves_a_quiet_injector_and_one_that_is_gone_alone(api, harness):
    for name in ("shop", "gone"):
        api.put("Scenario", {**scenario(name), "status": {"deployed": "x"}})
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    await sweep.sweep(api)
    assert harness.calls == ["edges GET /state"]


async def test_the_sweep_stops_an_injector_of_another_version(api, harness):
    harness.run, harness.faults = "dead", [{"from": "the future"}]
    api.put("Scenario", {**scenario(), "status": {"deployed": "x"}})
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    await sweep.sweep(api)
    assert harness.calls[:2] == ["edges GET /state", "edges POST /stop"]


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("FAULTLINE_IMAGES", json.dumps({"runtime": "r:1"}))
    monkeypatch.setenv("FAULTLINE_POD", "operator-1")
    found = Settings.from_environment()
    assert (found.images, found.identity) == ({"runtime": "r:1"}, "operator-1")


@pytest.mark.parametrize("text", ["[]", "{"])
def test_images_that_are_no_object_are_refused(monkeypatch, text):
    monkeypatch.setenv("FAULTLINE_IMAGES", text)
    with pytest.raises(InvalidInput, match="FAULTLINE_IMAGES must be a JSON object"):
        Settings.from_environment()


class Seen(SimpleNamespace):
    """Labs and runs that note what they are told."""

    def __init__(self):
        super().__init__(calls=[])

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, *args))


@pytest.mark.parametrize(
    ("handler", "body", "kind", "labs", "runs"),
    [
        (handlers.scenario_seen, scenario(), "MODIFIED", [("see", scenario())], []),
        (handlers.scenario_seen, scenario(), "DELETED", [("gone", "shop")], [("scenario_gone", "shop")]),
        (handlers.run_seen, run("a"), None, [], [("see", run("a"))]),
        (handlers.run_seen, run("a"), "DELETED", [], [("gone", "a")]),
    ],
)
async def test_handlers_only_pass_on(handler, body, kind, labs, runs):
    memo = SimpleNamespace(operator=SimpleNamespace(labs=Seen(), runs=Seen()))
    name = body["metadata"]["name"]
    await handler(event={"type": kind, "object": body}, body=kopf.Body(body), name=name, memo=memo)
    assert (memo.operator.labs.calls, memo.operator.runs.calls) == (labs, runs)


def marked(replicas, undo=None):
    body = deployment("web")
    body["spec"]["replicas"] = replicas
    body["metadata"]["generation"] = replicas
    if undo is not None:
        operation = {"op": "replace", "path": "/spec/replicas", "value": undo}
        body["metadata"]["annotations"] = {"faultline.dev/fault": json.dumps({"owner": "r/f", "undo": [operation]})}
    return body


async def test_what_a_fault_on_pods_changes_is_not_taken_for_new_code(api):
    api.put("Deployment", marked(2), "lab-shop")
    api.put("Pod", {"metadata": {"name": "web-1", "labels": {"app": "web"}}}, "lab-shop")
    before = await watch.deployed(api, "shop", {"web"})
    api.put("Deployment", marked(1, undo=2), "lab-shop")
    await api.delete(path("Pod", "web-1", "lab-shop"))
    assert await watch.deployed(api, "shop", {"web"}) == before
    assert not before <= await watch.deployed(api, "shop")
    api.put("Deployment", marked(1), "lab-shop")
    assert not before <= await watch.deployed(api, "shop", {"web"})


@pytest.mark.parametrize(
    ("cpu", "annotations", "same"),
    [
        ("200m", {}, True),
        ("2", {}, False),
        # A fault has throttled it, and will put it back.
        ("50m", {"faultline.dev/fault": json.dumps({"owner": "r/f", "cpu": "200m"})}, True),
    ],
)
async def test_a_pod_s_limits_may_not_change_but_by_a_fault(api, cpu, annotations, same):
    def pod(cpu, annotations):
        container = {"name": "app", "resources": {"limits": {"cpu": cpu, "memory": "128Mi"}}}
        return {"metadata": {"name": "web-1", "annotations": annotations}, "spec": {"containers": [container]}}

    api.put("Pod", pod("200m", {}), "lab-shop")
    before = await watch.deployed(api, "shop")
    api.put("Pod", pod(cpu, annotations), "lab-shop")
    assert (before == await watch.deployed(api, "shop")) is same
