"""The learner's edit: new code serves in the pods that run, the roll-out follows, and broken code changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.lab import SCENARIOS, TINY, Lab, kubectl, wait_for
from typer.testing import CliRunner, Result

from faultline.cli import _labs, build
from faultline.cli._cluster import Cluster
from faultline.cli._watch import Watcher
from faultline.errors import NotReady, Unreachable
from faultline.names import CODE_PORT


@pytest.fixture
def main(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the learner edits, in a workspace of this test's own."""
    monkeypatch.setattr(_labs, "scenarios_root", lambda: SCENARIOS)
    # The command ends with its process otherwise, and its connections with it.
    monkeypatch.setattr(Cluster, "open", classmethod(lambda cls, context: cluster))
    monkeypatch.setenv("FAULTLINE_WORKSPACE", str(tmp_path))
    shutil.copytree(TINY / "app", tmp_path / "tiny")
    return tmp_path / "tiny" / "web" / "main.py"


def fix(lab: Lab) -> Result:
    """`faultline fix`."""
    return CliRunner().invoke(build(), ["fix", "tiny", "--name", lab.name, "-o", "json"])


def code_in(lab: Lab, pod: str) -> dict[str, Any]:
    """What a pod says of the code that it serves."""
    where = f"/api/v1/namespaces/{lab.namespace}/pods/{pod}:{CODE_PORT}/proxy/code"
    status, answer = lab.cluster.request("GET", where)
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


def served(lab: Lab) -> dict[str, Any]:
    """What the app answers; empty where its pod was just replaced and took a connection along, or left one waiting."""
    try:
        found: dict[str, Any] = lab.visit("/visits")
    except (NotReady, Unreachable):
        return {}
    return found


def names(lab: Lab) -> list[str]:
    """The app's pods that are not going away."""
    return [each["metadata"]["name"] for each in lab.pods(lab.namespace, "app=web")]


def test_new_code_serves_before_new_pods_do_and_they_follow(tiny: Lab, main: Path) -> None:
    [old] = names(tiny)
    main.write_text(main.read_text().replace('return {"visits":', 'return {"version": 2, "visits":'))
    done = fix(tiny)
    assert done.exit_code == 0, done.output
    assert tiny.visit("/visits")["version"] == 2
    digest = json.loads(done.stdout)["digest"]

    def rolled_out() -> bool:
        now = names(tiny)
        return tiny.ready() and len(now) == 1 and now != [old]

    wait_for("the roll-out", rolled_out, 90)
    [new] = names(tiny)
    assert code_in(tiny, new) == {"digest": digest, "swaps": 0}
    assert wait_for("an answer", lambda: served(tiny), 10)["version"] == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("app = create_app", "app = (create_app", "main.py:"),
        ("import create_app", "import create_api", "cannot import name 'create_api' from 'labkit'"),
        ("retries=0)", "retries=1 / 0)", "ZeroDivisionError: division by zero"),
    ],
    ids=["does not compile", "does not import", "does not start"],
)
def test_code_that_is_broken_is_shown_and_the_old_code_goes_on(
    tiny: Lab, main: Path, old: str, new: str, said: str
) -> None:
    before, [pod] = tiny.visit("/visits"), names(tiny)
    generation = (tiny.cluster.get(tiny.where) or {})["metadata"]["generation"]
    code = code_in(tiny, pod)["digest"]
    main.write_text(main.read_text().replace(old, new))
    done = fix(tiny)
    assert done.exit_code == 2
    assert said in json.loads(done.stdout)["error"]["message"]
    assert tiny.visit("/visits") == before | {"visits": before["visits"] + 1}
    assert (code_in(tiny, pod)["digest"], names(tiny)) == (code, [pod])
    assert (tiny.cluster.get(tiny.where) or {})["metadata"]["generation"] == generation


def test_watch_sends_each_save_and_a_broken_one_changes_nothing(
    tiny: Lab, main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, look, looks = main.read_text(), Watcher.look, []
    refused, failed = threading.Event(), []

    def counted(watcher: Watcher) -> None:
        look(watcher)
        looks.append(None)
        if "FL117" in watcher._said:
            refused.set()

    def version(number: int) -> None:
        main.write_text(source.replace('return {"visits":', f'return {{"version": {number}, "visits":'))
        wait_for(f"version {number}", lambda: served(tiny), 60, until=lambda now: now.get("version") == number)

    def edit() -> None:
        try:
            wait_for("the first look", lambda: looks, 60)
            version(3)
            main.write_text(source.replace("retries=0)", "retries=1 / 0)"))
            assert refused.wait(60)
            assert wait_for("an answer", lambda: served(tiny), 10)["version"] == 3
            version(4)
            through = len(looks)
            wait_for("the next look", lambda: len(looks) > through, 60)
        except BaseException as error:
            failed.append(error)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Watcher, "look", counted)
    # A shell's background job begins with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    beside = threading.Thread(target=edit)
    beside.start()
    done = CliRunner().invoke(build(), ["watch", "tiny", "--name", tiny.name, "-o", "json"])
    beside.join()
    signal.signal(signal.SIGINT, before)
    assert not failed, f"{failed[0]}: {done.output}"
    assert done.exit_code == 0, done.output
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each.get("changed", each.get("error", {}).get("code")) for each in said][-3:] == [True, "FL117", True]


def test_values_that_the_scenario_allows_reach_the_pods(tiny: Lab, main: Path) -> None:
    def greeting() -> list[str]:
        pods = tiny.pods(tiny.namespace, "app=web")
        return [each["value"] for pod in pods for each in _env(pod) if each["name"] == "GREETING"]

    values = main.parents[1] / "values.yaml"
    values.write_text("services.web.env.GREETING: farewell\n")
    refused = fix(tiny)
    assert "must be one of hello, goodbye, got farewell: These are all it knows." in refused.stdout
    assert greeting() == []
    values.write_text("services.web.env.GREETING: goodbye\n")
    done = fix(tiny)
    assert done.exit_code == 0, done.output
    assert greeting() == ["goodbye"]


def _env(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for container in pod["spec"]["containers"] for each in container.get("env") or []]


def test_code_that_is_sent_past_the_operator_during_a_run_makes_it_inconclusive(tiny: Lab) -> None:
    run = tiny.start_run("e2e-swapped")
    wait_for("the run's baseline", lambda: tiny.run_status(run).get("phase") in ("Baseline", "Fault"), 90)
    [pod] = names(tiny)
    where = f"/api/v1/namespaces/{tiny.namespace}/pods/{pod}:{CODE_PORT}/proxy/code"
    files = {"web/__init__.py": "", "web/main.py": (TINY / "app" / "web" / "main.py").read_text()}
    status, answer = tiny.cluster.request("POST", where, {"digest": "other", "files": files}, timeout=30)
    assert (status, answer) == (200, {"digest": "other"})
    ended = tiny.wait_done(run)
    assert ended["verdict"] == "inconclusive"
    assert f"other code was sent into {pod} during the run" in " ".join(ended["reasons"])


def test_a_schedule_starts_a_run(tiny: Lab) -> None:
    def scheduled() -> list[str]:
        found = tiny.cluster.items("/apis/faultline.dev/v1alpha1/runs")
        mine = [each for each in found if each["spec"]["scenario"] == tiny.name]
        return [each["metadata"]["name"] for each in mine if each["metadata"]["name"] != "e2e-swapped"]

    before = set(scheduled())
    kubectl("patch", "scenario", tiny.name, "--type=merge", "-p", '{"spec": {"schedule": "* * * * * */10"}}')
    try:
        started = wait_for("a run by the clock", lambda: set(scheduled()) - before, 30)
    finally:
        kubectl("patch", "scenario", tiny.name, "--type=merge", "-p", '{"spec": {"schedule": null}}')
        time.sleep(1)
        for each in set(scheduled()) - before:
            kubectl("delete", "run", each, "--timeout=60s")
    assert all(each.startswith(tiny.name) for each in started)
