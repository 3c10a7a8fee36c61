"""Hints that fit, and solutions that open after an attempt."""

import pytest

from faultline.errors import Unreachable
from faultline.progress import Attempt, Store

SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
PROMETHEUS = ("prometheus.faultline-system", "/api/v1/query")
CEILING = 'sum(pg_stat_activity_count{namespace="LAB"}) > 44'
TRIED = Attempt(run="shop-9", variant="learner", score=40, verdict="fail", ended=1.0)


@pytest.fixture
def ladder(scenarios):
    """Three rungs, the second of which is for connections at the ceiling."""
    rungs = ("Symptom\n\nLook.", f"Seats\n\n<!-- when: {CEILING} -->\n\nCount.", "Fix\n\nDo.")
    text = "".join(f"## Rung {number}: {each}\n\n" for number, each in enumerate(rungs, start=1))
    (scenarios / "shop" / "HINTS.md").write_text(f"# Hints\n\n{text}")


def prometheus(cluster, *values):
    """What each of its answers has."""
    result = [{"metric": {}, "value": [1081, str(each)]} for each in values]
    cluster.services[PROMETHEUS] = {"data": {"result": result}}


def titles(run_json, count=1):
    return [run_json("hint", "shop")[1]["hints"][0]["title"] for _ in range(count)]


def test_the_hint_that_fits_comes_first_and_the_others_in_their_order(run_json, cluster, ladder, lab, done_run):
    lab()
    done_run("shop-1", mark=1010.0)
    prometheus(cluster, 47)
    answer = run_json("hint", "shop")[1]["hints"][0]
    assert (answer["title"], answer["text"], answer["fits"]) == ("Seats", "Count.", True)
    assert titles(run_json, 3) == ["Symptom", "Fix", "Fix"]


def test_it_asks_of_the_run_that_grades_what_is_deployed(run, cluster, ladder, lab, done_run, monkeypatch):
    lab()
    done_run("shop-1", mark=1010.0)
    asked = []

    def service(*args, query, **options):
        asked.append(query)
        return {"data": {"result": []}}

    monkeypatch.setattr(cluster, "service", service)
    run("hint", "shop")
    assert asked == [{"query": CEILING.replace("LAB", "lab-shop"), "time": "1081.000"}]


@pytest.mark.parametrize("why", ["nothing holds", "no run", "a run of other code", "no lab"])
def test_otherwise_hints_come_in_their_order(run_json, cluster, ladder, lab, done_run, why):
    prometheus(cluster, *(() if why == "nothing holds" else (47,)))
    if why != "no lab":
        lab()
    if why in ("nothing holds", "a run of other code"):
        done_run("shop-1", mark=1010.0, digest="d1" if why == "nothing holds" else "d0")
    assert titles(run_json, 3) == ["Symptom", "Seats", "Fix"]


def test_a_lab_that_cannot_be_asked_still_gets_a_hint(run, cluster, ladder, lab, done_run):
    lab()
    done_run("shop-1", mark=1010.0)

    def away():
        raise Unreachable("FL601", "prometheus answered 503")

    cluster.services[PROMETHEUS] = away
    result = run("hint", "shop")
    assert result.exit_code == 0
    assert "the lab was not asked what happens in it: prometheus answered 503" in result.stdout
    assert "Symptom" in result.stdout


def test_the_last_tier_gives_its_hint_after_an_attempt(run, scenarios, home):
    path = scenarios / "shop" / "scenario.yaml"
    path.write_text(path.read_text().replace("tier: crawling", "tier: sprinting"))
    assert "FL412" in run("hint", "shop").stderr
    assert Store(home).read().of("shop").hints == {}
    Store(home).attempt("shop", TRIED)
    assert run("hint", "shop").exit_code == 0


def test_the_solution_opens_after_an_attempt(run, run_json, scenarios, home):
    result = run("solution", "shop")
    assert result.exit_code == 2
    assert "FL413 the solution of shop opens after an attempt" in result.stderr
    assert "app = 2" not in result.stdout
    Store(home).attempt("shop", TRIED)
    code, answer = run_json("solution", "shop")
    assert (code, answer["attempts_before"]) == (0, 1)
    assert "+app = 2" in answer["difference"]
    assert run_json("progress")[1]["scenarios"][0]["solution"] == "seen after an attempt"


def test_who_asks_for_the_solution_gets_it_with_a_note(run, run_json, scenarios):
    result = run("solution", "shop", "--anyway")
    assert "+app = 2" in result.stdout
    assert run("solution", "shop").exit_code == 0
    assert run_json("progress")[1]["scenarios"][0]["solution"] == "seen before an attempt"


def test_a_wrong_fix_is_no_solution(run, scenarios):
    result = run("solution", "shop", "--variant", "wrong/slower", "--anyway")
    assert "FL203 shop has no wrong/slower" in result.stderr
    assert "it has solution" in result.stderr
