"""A check over the history of a real run: an app that acknowledges before it commits is convicted, its twin passes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
import yaml
from tests.e2e.lab import SCENARIOS, Lab, kubectl

from faultline.cli import _publish
from faultline.cli._cluster import Cluster
from faultline.host.home import Home
from faultline.report import read, render

MANIFEST = SCENARIOS / "notes" / "scenario.yaml"


@pytest.fixture(scope="module")
def notes(cluster: Cluster) -> Iterator[Lab]:
    """A lab that the tests deploy to, one after the other."""
    _publish.folders(cluster, SCENARIOS)
    lab = Lab(cluster, yaml.safe_load(MANIFEST.read_text())["metadata"]["name"])
    lab.delete()  # what an interrupted session may have left
    yield lab
    lab.remove()


def graded(lab: Lab, acknowledge: str) -> tuple[str, dict[str, Any]]:
    """The name and the status of a run of the app that acknowledges before, or after, it commits."""
    manifest = copy.deepcopy(yaml.safe_load(MANIFEST.read_text()))
    manifest["spec"]["app"]["services"][0]["env"]["ACKNOWLEDGE"] = acknowledge
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    lab.wait_ready()
    return lab.graded_run(f"e2e-notes-{acknowledge}")


def test_what_is_acknowledged_before_it_is_committed_is_lost_and_proven(notes: Lab) -> None:
    run, status = graded(notes, "before")
    assert status["verdict"] == "fail", status.get("reasons")
    [check] = status["checks"]
    assert (check["check"], check["result"]) == ("lost_writes", "violated")
    assert check["examined"] > 100
    # The fault lasts 3 s, at 20 notes a second.
    assert 20 < check["violations"] < 90
    write, read_back = check["examples"][0]["operations"]
    assert (write["op"], write["outcome"], write["status"]) == ("put", "ok", 201)
    assert (read_back["op"], read_back["status"], read_back["phase"]) == ("get", 404, "final_reads")
    [fault] = status["faults"]
    assert fault["plannedStart"] - 1 < write["start"] < fault["plannedEnd"] + 1
    [objective] = status["objectives"]
    assert (objective["value"], objective["points"]) == (check["violations"], 0)
    page = render([read(Home.from_environment().data / "runs" / run)])
    # Of the run as a whole a page has pictures, too: each counter-example has one of its own.
    assert page.count('<svg class="history" ') == len(check["examples"])
    for example in check["examples"]:
        assert f'role="img" aria-label="{escape(example["text"])}"' in page


def test_what_is_acknowledged_after_it_is_committed_is_there(notes: Lab) -> None:
    _, status = graded(notes, "after")
    assert (status["verdict"], status.get("score")) == ("pass", 100), status.get("reasons")
    [check] = status["checks"]
    assert (check["result"], check.get("violations", 0)) == ("holds", 0)
