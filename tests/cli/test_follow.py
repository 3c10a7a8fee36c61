import pytest

from faultline.cli import _follow, _runs
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.errors import NotFound, Unreachable

RUNS = "/apis/faultline.dev/v1alpha1/runs"
PROMETHEUS = ("prometheus.faultline-system", "/api/v1/query")
LAB = Lab({"metadata": {"name": "shop"}, "spec": {"slug": "shop", "title": "A shop", "phases": {}}})


def answer(*series):
    result = [{"metric": labels, "value": [0, value]} for labels, value in series]
    return {"data": {"result": result}}


def test_sample_reads_rate_errors_latency_and_the_fault_that_is_on(cluster):
    cluster.services[PROMETHEUS] = answer(
        ({"what": "rate"}, "80.2"),
        ({"what": "errors"}, "0.25"),
        ({"what": "p95"}, "1.5"),
        ({"what": "fault", "type": "latency", "edge": "checkout->payments"}, "1"),
    )
    seen = _follow.sample(cluster, "shop-1", {})
    assert (seen.rate, seen.errors, seen.p95, seen.faults) == (80.2, 0.25, 1.5, ["latency on checkout->payments"])
    assert "80 req/s" in seen.text()
    assert "25.0% errors" in seen.text()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"pause": {"service": "worker"}}, "pause on worker"),
        ({"redis_pause": {}}, "redis_pause on redis"),
        ({"surge": {"factor": 3}}, "surge (mishap)"),
    ],
)
def test_a_fault_on_no_edge_is_told_with_what_it_acts_on_or_its_name(cluster, fault, told):
    lab = Lab({"metadata": {"name": "shop"}, "spec": {"faults": [{"name": "mishap", "for": "5s", **fault}]}})
    series = {"what": "fault", "fault": "mishap", "type": next(iter(fault)), "edge": ""}
    cluster.services[PROMETHEUS] = answer((series, "1"))
    assert _follow.sample(cluster, "shop-1", _follow.places(lab)).faults == [told]


def test_sample_says_that_a_held_out_fault_is_on_and_not_which(cluster):
    cluster.services[PROMETHEUS] = answer(({"what": "fault", "fault": "held-out", "type": "held-out"}, "1"))
    assert _follow.sample(cluster, "shop-1", {}).faults == ["a held-out fault"]


def test_every_fault_has_a_name_so_that_none_is_asked_for_without_one():
    assert 'faultline_fault_active{run="RUN"}' in _follow._QUERY


def test_sample_leaves_out_what_is_no_number(cluster):
    cluster.services[PROMETHEUS] = answer(({"what": "rate"}, "0"), ({"what": "errors"}, "NaN"))
    assert _follow.sample(cluster, "shop-1", {}).errors is None


def test_what_is_not_known_is_not_shown(cluster):
    cluster.services[PROMETHEUS] = answer(({"what": "rate"}, "70"), ({"what": "errors"}, "1"), ({"what": "p95"}, "NaN"))
    assert _follow.sample(cluster, "shop-1", {}).text().strip() == "70 req/s  100.0% errors"


def test_a_prometheus_that_is_down_is_shown_and_ends_nothing(cluster):
    assert _follow.sample(cluster, "shop-1", {}).text() == "[yellow]no metrics (FL601)[/]"


@pytest.fixture
def statuses(cluster, monkeypatch):
    """The statuses that a run goes through, one for each look at it."""

    def play(*found):
        cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={})
        rest = iter(found)

        def sleep(seconds):
            status = next(rest)
            if status is None:
                cluster.delete(f"{RUNS}/shop-1")
            else:
                cluster.objects[f"{RUNS}/shop-1"]["status"] = status

        monkeypatch.setattr(_follow.time, "sleep", sleep)
        return RunView(cluster.get(f"{RUNS}/shop-1"))

    return play


def test_follow_prints_each_phase_and_returns_the_end(cluster, statuses, capsys):
    run = statuses(
        {"phase": "Reset", "started": 1.0},
        {"phase": "Baseline", "started": 1.0, "mark": 10.0},
        {"phase": "Done", "started": 1.0, "ended": 82.0, "verdict": "pass", "score": 90},
    )
    ended = _follow.follow(cluster, LAB, run)
    assert (ended.status.verdict, ended.seconds) == ("pass", 81.0)
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("✓")] == ["Reset", "Baseline"]


def test_a_phase_that_is_over_shows_its_means_and_no_success_where_requests_were_lost(
    cluster, statuses, monkeypatch, capsys
):
    asked = []

    def service(*args, query, **options):
        asked.append(query)
        errors = "0.0004" if "[12000ms]" in query["query"] else "0.361" if "[30000ms]" in query["query"] else "1"
        return answer(
            ({"what": "rate"}, "70"),
            ({"what": "errors"}, errors),
            ({"what": "fault", "type": "late", "fault": "x"}, "1"),
        )

    monkeypatch.setattr(cluster, "service", service)
    times = [("Reset", 1, 10), ("Baseline", 10, 22), ("Fault", 22, 52), ("Drain", 67, 70)]
    phases = [{"name": name, "start": start, "end": end} for name, start, end in times]
    run = statuses(
        {"phase": "Reset", "started": 1.0},
        {"phase": "Baseline", "started": 1.0, "mark": 10.0, "phases": phases[:1]},
        {"phase": "Fault", "started": 1.0, "mark": 10.0, "phases": phases[:2]},
        {"phase": "Drain", "started": 1.0, "mark": 10.0, "phases": phases[:3]},
        {"phase": "Done", "started": 1.0, "ended": 82.0, "verdict": "fail", "score": 9, "mark": 10.0, "phases": phases},
    )
    _follow.follow(cluster, LAB, run)
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line[:1] in "✓·"] == [
        "✓ Reset 9 s",
        "✓ Baseline 12 s 70 req/s 0.0% errors",
        "· Fault 30 s 70 req/s 36.1% errors",
        "✓ Drain 3 s",
    ]
    assert [query["time"] for query in asked if "000ms]" in query["query"] and "time" in query] == ["22.000", "52.000"]


def test_follow_says_once_how_many_faults_are_held_out(cluster, statuses, capsys):
    held = {"heldOut": {"faults": 1, "sha256": "0123abcd"}}
    run = statuses(
        {"phase": "Reset", "started": 1.0, **held},
        {"phase": "Settle", "started": 1.0, **held},
        {"phase": "Done", "started": 1.0, "ended": 82.0, "verdict": "pass", "score": 90, **held},
    )
    _follow.follow(cluster, LAB, run)
    assert capsys.readouterr().out.count("1 fault is held out until the run ends, SHA-256 0123abcd") == 1


def test_follow_of_a_run_that_is_deleted_says_so(cluster, statuses):
    with pytest.raises(NotFound, match="there is no run shop-1"):
        _follow.follow(cluster, LAB, statuses({"phase": "Fault", "started": 1.0, "mark": 2.0}, None))


def test_follow_gives_up_far_behind_the_plan(cluster, statuses, monkeypatch):
    clock = iter(range(0, 100000, 100))
    monkeypatch.setattr(_follow.time, "time", lambda: float(next(clock)))
    run = statuses(*[{"phase": "Reset", "started": 1.0, "message": "the seed does not load"}] * 50)
    with pytest.raises(Unreachable, match="Reset far longer than planned: the seed does not load"):
        _follow.follow(cluster, LAB, run)


def test_ctrl_c_says_that_the_run_goes_on(cluster, statuses, monkeypatch, capsys):
    def sleep(seconds):
        raise KeyboardInterrupt

    run = statuses()
    monkeypatch.setattr(_follow.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        _follow.follow(cluster, LAB, run)
    assert "shop-1 goes on by itself" in capsys.readouterr().out


def test_time_left_counts_from_the_mark():
    status = RunView({"spec": {}, "status": {"phase": "Fault", "started": 90.0, "mark": 100.0}}).status
    assert _runs.phase_left(LAB, status, 130.0) == 12.0
    assert _runs.run_left(LAB, status, 130.0) == 41.0
