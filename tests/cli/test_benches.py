"""What the benches compute, and that their reader sees a real Toxiproxy's delays when they are."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from faultline.api.load import Phases
from faultline.api.run import ObjectiveStatus
from faultline.checks import CHECKS
from faultline.cli import _crash
from faultline.cli._benches import _inside, _peer, crash, grading
from faultline.cli._benches._inside import grader
from faultline.cli._benches._inside.grader import enlarged
from faultline.cli._benches._inside.reader import delays
from faultline.cli._benches._inside.target import dense_at
from faultline.cli._benches._schedule import Errors, Planned, errors, schedule
from faultline.cli._benches.base import Measurement, quantile, spread
from faultline.cli._crash import Cell, Sighting
from faultline.cli._labs import Lab
from faultline.clients.loadgen_api import LoadState
from faultline.errors import NotFound, NotReady
from faultline.host.home import REPO
from faultline.host.process import CommandFailed
from faultline.scenario import ScenarioSpec
from faultline.validation import parse

INSIDE = Path(_inside.__file__).parent


def test_a_schedule_is_drawn_by_its_seed_and_its_faults_do_not_overlap():
    found = schedule(20, 1000.0, 7)
    assert found == schedule(20, 1000.0, 7) != schedule(20, 1000.0, 8)
    assert all(one.end < two.start for one, two in itertools.pairwise(found))
    assert {each.edge for each in found} == {"client->a", "client->b"}


def test_errors_are_late_or_early_in_milliseconds():
    planned = [Planned("a", "x->y", 10, 10.4), Planned("b", "x->y", 12, 12.4)]
    found = errors(planned, {"x->y": [[10.002, 10.41], [11.999, 12.4]]})
    assert (found.starts, found.ends) == (pytest.approx([2, -1]), pytest.approx([10, 0], abs=1e-6))
    assert found.missed == 0


def test_a_fault_that_nobody_saw_does_not_shift_the_others():
    planned = [Planned(str(at), "x->y", at, at + 0.4) for at in (10, 12, 14)]
    found = errors(planned, {"x->y": [[10.0, 10.4], [14.0, 14.4], [15.0, 15.4]]})
    assert (len(found.starts), found.missed) == (2, 2)
    assert sum([found, found], Errors([], [], 0)).missed == 4


def test_delays_begin_with_what_was_delayed_and_end_with_what_was_held_back():
    prompt = [(at / 100, at / 100 + 0.001) for at in range(100, 110)]
    late = [(at / 100, at / 100 + 0.2) for at in range(110, 130)]
    held = [(at / 100, 1.5) for at in range(131, 150)]
    after = [(at / 100, at / 100 + 0.001) for at in range(151, 180)]
    assert delays([*prompt, *late, *held, *after], 0.2) == [[1.1, 1.5]]


def test_a_hiccup_of_the_machine_is_no_fault():
    assert delays([(1.0, 1.001), (1.01, 1.14), (1.02, 1.141), (1.2, 1.201)], 0.2) == []


def test_messages_are_dense_around_a_moment_only():
    assert [dense_at(moment, [10.0]) for moment in (9.9, 9.99, 10.1, 10.2)] == [False, True, True, False]


def test_a_quantile_is_one_of_the_samples():
    assert [quantile([4, 1, 3, 2], share) for share in (0.5, 0.75, 0.99)] == [2, 3, 4]
    assert spread("m", [1.0, 2.0], "ms", 0.5) == Measurement("m", 1.0, "ms", None, n=2)
    assert Measurement("m", 1.0, "ms").within


def test_the_peer_does_the_same_schedule():
    planned = [Planned("a", "client->a", 101, 101.4), Planned("b", "client->b", 103, 103.4)]
    steps = _peer.experiment(planned, 100, background=False)["method"]
    assert [each["name"] for each in steps] == ["wait", "a on", "a off", "b on", "b off"]
    assert [each["pauses"]["before"] for each in steps[1:]] == pytest.approx([1, 0.4, 1.6, 0.4])
    steps = _peer.experiment(planned, 100, background=True)["method"]
    assert [each["pauses"]["before"] for each in steps[1:]] == pytest.approx([1, 1.4, 3, 3.4])
    assert steps[1]["provider"]["arguments"] == {"for_proxy": "client-a", "toxic_name": "a", "latency": 200}


def test_the_peer_is_pinned():
    assert "chaostoolkit-toxiproxy==" in _peer.REQUIREMENTS.read_text()


def test_the_reader_sees_a_real_delay_when_it_is(toxiproxy, ports, tmp_path):
    target, listen, api = ports.free(3)
    children = [
        subprocess.Popen([sys.executable, str(INSIDE / "target.py"), str(target)]),
        subprocess.Popen([toxiproxy, "-host=127.0.0.1", f"-port={api}"], stdout=subprocess.DEVNULL),
    ]
    try:
        proxy = {"name": "p", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{target}"}
        call(api, "/proxies", proxy)
        call(target, "/")
        for _ in range(10):  # A busy machine delays messages by itself.
            asked, answer = delayed(api, listen, children)
            found = answer["events"]["s"]
            if len(found) == 1 and when_it_is(asked, *found[0]):
                break
        else:
            pytest.fail(f"asked for at {asked}, seen at {found}")
    finally:
        for each in children:
            each.kill()
            each.wait()
    assert answer["load"]["answered"] > 0


def delayed(api, listen, children):
    """Half a second of delay: when its begin and its end were asked for and answered, and what the reader says."""
    start = time.time() + 5
    wish = {
        "streams": {"s": ["127.0.0.1", listen, [start]]},
        "until": start + 3,
        "rate": 20,
        "load": [["127.0.0.1", listen]],
        "delay": 0.2,
    }
    reader = subprocess.Popen(
        [sys.executable, str(INSIDE / "reader.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    children.append(reader)
    reader.stdin.write(json.dumps(wish))
    reader.stdin.close()
    reader.stdin = None
    time.sleep(max(0.0, start - time.time()))
    asked = [time.time()]
    toxic = {"name": "t", "type": "latency", "stream": "downstream", "attributes": {"latency": 200}}
    call(api, "/proxies/p/toxics", toxic)
    asked.append(time.time())
    time.sleep(0.5)
    asked.append(time.time())
    call(api, "/proxies/p/toxics/t", method="DELETE")
    asked.append(time.time())
    return asked, json.loads(reader.communicate(timeout=60)[0])


def when_it_is(asked, began, ended):
    """Between the call and its answer, give or take a message."""
    return asked[0] - 0.05 < began < asked[1] + 0.1 and asked[2] - 0.05 < ended < asked[3] + 0.1


def call(port, path, body=None, method=None):
    """One request, again until somebody listens."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
                return reply.read()
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def fault(name, start, end, **more):
    return {"name": name, "type": "latency", "plannedStart": start, "plannedEnd": end, **more}


def status(*faults, **more):
    return _crash.RunStatus.model_validate({"phase": "Done", "verdict": "inconclusive", "faults": faults, **more})


def sightings(name, *moments):
    return [Sighting(at, at, name) for at in moments]


def test_a_fault_within_its_time_is_no_leak():
    found = _crash.leaks("injector", status(fault("late", 10, 12)), sightings("late", 10.1, 11, 12.2), 11)
    assert found == ([], pytest.approx(0.2))


def test_a_fault_that_outlives_its_operator_is_a_leak_though_it_was_planned():
    ends = status(fault("late", 10, 60))
    assert _crash.leaks("operator", ends, sightings("late", 11, 15.9), 11) == ([], pytest.approx(4.9))
    leaks, seconds = _crash.leaks("operator", ends, sightings("late", 11, 16.5), 11)
    assert (leaks, seconds) == (["late was on 5.50 s after it was due to end"], pytest.approx(5.5))


def test_a_fault_after_its_run_or_of_no_run_is_a_leak():
    assert _crash.leaks("loadgen", status(fault("late", 10, 60), ended=12), sightings("late", 11, 18), 11)[0]
    assert _crash.leaks("injector", status(), sightings("late", 11), 10)[0] == ["late is no fault of the run"]


def test_a_fault_before_its_time_is_a_leak():
    found, _ = _crash.leaks("injector", status(fault("late", 10, 12)), sightings("late", 9, 11), 9)
    assert found == ["late was on 1.00 s early"]


def test_how_long_a_look_takes_is_not_held_against_a_fault():
    seen = [Sighting(9.5, 10.2, "late"), Sighting(16.9, 17.5, "late")]
    assert _crash.leaks("injector", status(fault("late", 10, 12)), seen, 11) == ([], pytest.approx(4.9))


@pytest.mark.parametrize(("missed", "held"), [(2, True), (3, False)])
def test_a_run_that_was_past_the_moment_is_done_again(monkeypatch, missed, held):
    runs = []

    def one(self, component, step, moment, line):
        runs.append(step)
        if len(runs) <= missed:
            raise _crash.MomentMissed("FL333", "the run ended before that")
        return Cell(component, step)

    monkeypatch.setattr(_crash.Matrix, "_cell", one)
    matrix = object.__new__(_crash.Matrix)
    if held:
        assert matrix.cell("toxiproxy", "during grading", None).held
    else:
        with pytest.raises(_crash.MomentMissed):
            matrix.cell("toxiproxy", "during grading", None)
    assert len(runs) == 3


def test_a_cell_that_cannot_be_measured_is_a_broken_promise():
    class Broken:
        def cell(self, component, step, line):
            raise NotFound("FL213", "there is no running container")

    cell = crash._done(Broken(), "apiserver", "during revert", None)
    assert not cell.held
    assert cell.problems == ["not measured: there is no running container"]


def test_a_sampler_ends_with_what_began_it():
    child = subprocess.Popen([sys.executable, "-c", _crash._SAMPLER], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    child.stdin.close()
    try:
        assert child.wait(timeout=20) == 0
    finally:
        child.kill()


def test_an_api_server_that_does_not_know_the_rights_yet_is_not_back():
    class Starting:
        def request(self, *asked, **more):
            return 200, "ok"

        def items(self, where):
            raise NotReady("FL305", "runs.faultline.dev is forbidden")

    matrix = object.__new__(_crash.Matrix)
    matrix.cluster = Starting()
    assert not matrix._api_answers()


def test_a_node_that_does_not_answer_for_a_while_is_asked_again(monkeypatch):
    answers = [CommandFailed(["docker", "exec"], 124, "no answer within 10 s"), NotFound("FL213", "none"), ("node", 7)]

    def one(*asked):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(_crash._node, "find", one)
    assert _crash.find("kube-system", "kube-apiserver") == ("node", 7)


def test_what_came_twice_or_ended_wrong_is_told():
    cell = Cell("operator", "during late")
    phases = [{"name": "Fault", "start": 1, "end": 2}, {"name": "Fault", "start": 3}]
    found = _crash.wrong(cell, status(phases=phases, verdict="fail"))
    assert found == ["Fault came twice", "verdict fail where inconclusive is right"]
    assert _crash.wrong(cell, status(reasons=["the operator was restarted"])) == []
    assert _crash.wrong(Cell("toxiproxy", "during late"), status(verdict="fail")) == []


def test_an_undisturbed_run_has_all_its_faults_or_a_busy_machine_for_an_excuse():
    good = {"applied": 10, "observed": 10, "reverted": 12}
    both = [fault("late", 10, 12, **good), fault("hole", 10, 12, **good)]
    noisy = {"reasons": ["host noise: other programs used 40%"]}
    assert _crash.unclean(status(*both, **noisy), {"late", "hole"}) == []
    assert _crash.unclean(status(*both, reasons=["fault hole was not felt"]), {"late", "hole"}) != []
    assert _crash.unclean(status(*both, verdict="fail"), {"late"}) == ["fault hole was never on"]


def test_what_toxiproxy_and_nftables_say_is_read():
    proxies = {"web->redis": {"toxics": [{"name": "cut.upstream"}]}}
    listing = {
        "nftables": [
            {"metainfo": {}},
            {"set": {"elem": [{"elem": {"val": 21000, "timeout": 3, "expires": 2}}, 21001]}},
        ]
    }
    text = json.dumps(proxies) + json.dumps({}) + "\n" + json.dumps(listing) + '{"cut off'
    found = list(_crash.documents(text))
    assert found == [proxies, {}, listing]
    assert _crash.toxics(found[0]) == ["cut"]
    ports = {21000: "client->web", 21001: "web->redis"}
    assert _crash.dropped(listing, ports, {"client->web": "hole"}) == ["hole", "packets of web->redis"]


def test_every_part_is_killed_at_every_step():
    assert len(_crash.cells()) == len(set(_crash.cells())) == 36
    assert crash._chosen(None) == _crash.cells()
    some = crash._chosen(300)
    assert len(some) == len(set(some)) == 5
    assert len({component for component, _ in some}) > 2


def test_thirty_objectives_are_those_of_the_scenario_again_and_each_asks_prometheus():
    raw = yaml.safe_load((REPO / "scenarios/circuit-breakers/scenario.yaml").read_text())
    spec = parse(ScenarioSpec, raw["spec"])
    found = enlarged(spec, 30).objectives
    assert len({each.name for each in found}) == 30
    assert {each.type for each in found} == {each.type for each in spec.objectives} - set(CHECKS)


def test_a_run_that_is_graded_again_has_ninety_seconds():
    raw = yaml.safe_load((REPO / "scenarios/circuit-breakers/scenario.yaml").read_text())
    changed = grading.lengthened(Lab(raw))["spec"]["phases"]
    phases = Phases.model_validate(raw["spec"]["phases"] | changed)
    assert (list(changed), phases.windows()["drain"][1]) == (["recovery"], 90)


@pytest.mark.parametrize("state", ["done", "failed"])
async def test_a_run_is_graded_again_with_what_the_load_generator_says_of_it(monkeypatch, state):
    """From the lab's Secret, as the operator asks; a rule that has no report returns unasked."""
    raw = yaml.safe_load((REPO / "scenarios/circuit-breakers/scenario.yaml").read_text())
    said = {"state": state, "counts": {"browse": {"ok": 9}}, "health": {"cpu": 0.2}, "faults": {}}
    graded, asked = [], []

    class Generator:
        def __init__(self, *given):
            asked.append(given)

        async def __aenter__(self):
            return self

        async def __aexit__(self, *error):
            return None

        async def state(self, run):
            asked.append(run)
            return LoadState.model_validate(said)

    async def grade(prometheus, spec, evidence):
        graded.append(evidence)
        met = [{"name": each.name, "measure": "m", "value": 1, "target": 1, "worst": 0, "weight": 1}
               for each in spec.objectives]  # fmt: skip
        return SimpleNamespace(objectives=[ObjectiveStatus.model_validate(each) for each in met])

    secrets = {"/api/v1/namespaces/harness-bench/secrets/harness": {"data": {"token": "bWluZQ=="}}}
    monkeypatch.setattr(grader.Kube, "connect", lambda: SimpleNamespace(get=secrets.get))
    monkeypatch.setattr(grader.LoadGenerator, "of", Generator)
    monkeypatch.setattr(grader, "grade", grade)
    status = {"mark": 1000.0, "ended": 1070.0, "cpuScale": 1.2}
    run = {"metadata": {"name": "bench-1"}, "spec": {"scenario": "bench"}, "status": status}
    work = {"spec": raw["spec"], "run": run, "objectives": 30, "times": 2}
    if state == "failed":
        with pytest.raises(ValueError, match="ended bench-1 as failed"):
            await grader.main(work)
        return
    assert len(await grader.main(work)) == 2
    assert asked == [("bench", "mine"), "bench-1"]
    evidence = graded[0]
    assert (evidence.load.counts, evidence.load.health.cpu, evidence.cpu_scale) == (said["counts"], 0.2, 1.2)
