"""What a report shows beside its run: what the app went through, and the runs of before."""

import json

import pytest
from tests.report.conftest import MARK, make

from faultline.cli import _events, _record
from faultline.cli._cluster import Cluster
from faultline.errors import NotReady
from faultline.progress import Attempt, Store

PROMETHEUS = ("prometheus.faultline-system", "/api/v1/query_range")


@pytest.fixture
def prometheus(cluster):
    """Has a pod for whose pool somebody waits, whatever it is asked."""
    values = [[MARK + at, "1"] for at in range(5, 62)]
    series = {"metric": {"pod": "web-0", "pool": "main"}, "values": values}
    cluster.services[PROMETHEUS] = {"data": {"result": [series]}}
    return cluster


def test_events_are_asked_for_once_and_kept(prometheus, home):
    found = _events.told(None, make("shop-1"))
    assert [(each.at - MARK, each.who, each.what) for each in found.events] == [
        (5.0, "web-0", "callers waited for the pool main"),
        (5.0, "web-0", "the alert ? was raised"),
    ]
    prometheus.services.clear()
    assert _events.told(None, make("shop-1")).events == found.events
    assert _events.told(None, make("shop-2")).events is None


def test_a_prometheus_that_does_not_answer_is_named_on_the_page(cluster, home):
    found = _events.told(None, make("shop-1"))
    assert found.events is None
    assert "prometheus.faultline-system/api/v1/query_range answered 503" in found.events_problem
    assert not (home / "events").exists()


def test_a_run_may_outlive_its_cluster(monkeypatch, home):
    def gone(cls, context):
        raise NotReady("FL301", "there is no cluster")

    monkeypatch.setattr(Cluster, "open", classmethod(gone))
    assert _events.told(None, make("shop-1")).events_problem == "there is no cluster"


def test_a_prometheus_that_has_forgotten_is_asked_again(prometheus, home):
    prometheus.services[PROMETHEUS] = {"data": {"result": []}}
    assert _events.told(None, make("shop-1")).events is None
    assert not (home / "events").exists()


def keep(home, name, **more):
    """A run on disk and on record."""
    run = make(name, **more)
    folder = _record.folder(name)
    folder.mkdir(parents=True)
    body = run.model_dump(mode="json", by_alias=True, include={"spec", "status"})
    (folder / "run.json").write_text(json.dumps(body))
    (folder / "series.json").write_text(run.series.model_dump_json())
    status = run.status
    attempt = Attempt(run=name, variant=run.variant, score=status.score, verdict="fail", ended=status.ended)
    Store(home).attempt("shop", attempt)


def test_a_graded_run_is_drawn_over_the_flawed_one_and_the_best_of_before(run, home, lab, done_run, tmp_path):
    code = {"code": {"digest": "d9", "variant": "learner"}}
    keep(home, "shop-1", ended=100.0)
    keep(home, "shop-2", ended=200.0, score=64, **code)
    keep(home, "shop-3", ended=300.0, score=30, **code)
    lab(variant="learner")
    status = make("shop-4", score=88, verdict="pass", ended=400.0).status.model_dump(mode="json", by_alias=True)
    del status["code"], status["score"], status["verdict"]
    done_run("shop-4", variant="learner", verdict="pass", score=88, **status)
    keep(home, "shop-4", ended=400.0, score=88, verdict="pass", **code)
    run("grade")
    page = (tmp_path / "reports" / "shop-4.html").read_text()
    assert "flawed, 17 is <code>shop-1</code>, learner, 64 is <code>shop-2</code>, learner, 88 is <code>shop-4" in page
