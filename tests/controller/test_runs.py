import asyncio
from contextlib import asynccontextmanager

from tests.conftest import until
from tests.controller.conftest import run, scenario

from faultline.api.run import Phase
from faultline.clients.kube import path
from faultline.controller import runs as module
from faultline.controller.record import Record
from faultline.controller.runs import Runs


class Performer:
    """Takes runs as an Experiment would; each waits until `go` is set."""

    def __init__(self, api):
        self.api = api
        self.began = []
        self.cancelled = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, body):
        name = body["metadata"]["name"]
        self.began.append(name)
        record = Record(self.api, body)
        await record.write(phase=Phase.FAULT)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        await record.write(phase=Phase.DONE, verdict="pass", score=100)


@asynccontextmanager
async def keeping(runs):
    task = asyncio.create_task(runs.keep())
    yield task
    task.cancel()
    await asyncio.wait([task])


def phase(api, name):
    return (api.objects[path("Run", name)].get("status") or {}).get("phase")


async def test_one_at_a_time_oldest_first(api):
    performer = Performer(api)
    runs = Runs(api, performer)
    for name, created in (("b", "2026-01-01T00:00:02Z"), ("a", "2026-01-01T00:00:09Z"), ("c", "2026-01-01T00:00:01Z")):
        runs.see(api.put("Run", run(name, created=created)))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Done")
    assert performer.began == ["c", "b", "a"]


async def test_a_second_run_is_queued_and_says_so(api):
    performer = Performer(api)
    performer.go.clear()
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Fault")
        runs.see(api.put("Run", run("b", created="2026-01-02T00:00:00Z")))
        await until(lambda: phase(api, "b") == "Queued")
        assert api.objects[path("Run", "b")]["status"]["message"] == "1 before this one"
        assert performer.began == ["a"]
        performer.go.set()
        await until(lambda: phase(api, "b") == "Done")


async def test_a_run_belongs_to_its_scenario(api):
    api.put("Scenario", scenario())
    runs = Runs(api, Performer(api))
    runs.see(api.put("Run", run("a")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Done")
    (owner,) = api.objects[path("Run", "a")]["metadata"]["ownerReferences"]
    assert owner["uid"] == "uid-shop"


async def test_what_was_under_way_when_the_operator_died_is_given_up_and_not_run_again(api):
    performer = Performer(api)
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a", phase="Fault")))
    runs.see(api.put("Run", run("b", phase="Queued", created="2026-01-02T00:00:00Z")))
    runs.see(api.put("Run", run("c", phase="Done", verdict="pass")))
    async with keeping(runs):
        await until(lambda: phase(api, "b") == "Done")
    assert performer.began == ["b"]
    status = api.objects[path("Run", "a")]["status"]
    assert (status["phase"], status["verdict"]) == ("Done", "inconclusive")
    assert status["reasons"] == ["the operator was restarted during Fault"]


async def test_the_faults_of_a_run_that_was_given_up_end(api, harness):
    harness.run, harness.faults = (
        "a",
        [{"name": "cut", "type": "partition", "edge": "a->b", "plannedStart": 1, "plannedEnd": 2}],
    )
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    runs = Runs(api, Performer(api))
    runs.see(api.put("Run", run("a", phase="Fault")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Done")
    assert "edges POST /stop" in harness.calls
    assert harness.run is None
    (fault,) = api.objects[path("Run", "a")]["status"]["faults"]
    assert fault["reverted"] == 2.0


async def test_deleting_a_run_ends_it_and_the_next_goes_on(api):
    performer = Performer(api)
    performer.go.clear()
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a")))
    runs.see(api.put("Run", run("b", created="2026-01-02T00:00:00Z")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Fault")
        await api.delete(path("Run", "a"))
        runs.gone("a")
        await until(lambda: performer.began == ["a", "b"])
    assert performer.cancelled[0] == "a"


async def test_deleting_the_scenario_ends_its_run(api):
    performer = Performer(api)
    performer.go.clear()
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Fault")
        runs.scenario_gone("other")
        assert performer.cancelled == []
        runs.scenario_gone("shop")
        await until(lambda: performer.cancelled == ["a"])


async def test_stopping_the_operator_ends_the_run_inconclusive(api):
    performer = Performer(api)
    performer.go.clear()
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Fault")
    status = api.objects[path("Run", "a")]["status"]
    assert status["verdict"] == "inconclusive"
    assert status["reasons"] == ["the operator was stopped during Fault"]


async def test_a_run_that_the_operator_s_stop_ends_tells_what_was_held_out(api, harness):
    planned = {"type": "partition", "edge": "a->b", "plannedStart": 1.0, "plannedEnd": 2.0}
    harness.run, harness.faults = "a", [{"name": "surprise", **planned, "heldOut": True}]
    api.put("Secret", {"metadata": {"name": "harness"}, "data": {"token": "dG9rZW4="}}, "harness-shop")
    performer = Performer(api)
    performer.go.clear()
    runs = Runs(api, performer)
    runs.see(api.put("Run", run("a")))
    async with keeping(runs):
        await until(lambda: phase(api, "a") == "Fault")
    written = [body for verb, where, body in api.log if verb == "status" and where == path("Run", "a")]
    assert not [each for each in written if each["phase"] != "Done" and "surprise" in str(each)]
    assert [each["name"] for each in written[-1]["faults"]] == ["surprise"]


async def test_a_run_that_was_deleted_while_queued_is_skipped(api):
    performer = Performer(api)
    runs = Runs(api, performer)
    runs.see(run("ghost"))
    runs.see(api.put("Run", run("b", created="2026-01-02T00:00:00Z")))
    async with keeping(runs):
        await until(lambda: phase(api, "b") == "Done")
    assert performer.began == ["b"]


async def test_fifty_are_kept_for_each_scenario(api, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    for index in range(3):
        api.put("Run", run(f"old{index}", created=f"2025-01-0{index + 1}T00:00:00Z", phase="Done"))
    api.put("Run", run("other", of="another", created="2024-01-01T00:00:00Z", phase="Done"))
    runs = Runs(api, Performer(api))
    runs.see(api.put("Run", run("new")))
    async with keeping(runs):
        await until(lambda: path("Run", "old1") not in api.objects)
    left = {each["metadata"]["name"] for each in await api.items(path("Run"))}
    assert left == {"old2", "new", "other"}
