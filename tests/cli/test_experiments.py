import json
import re
from contextlib import contextmanager

import pytest

from faultline.catalogue import CONFIGMAPS
from faultline.cli import _benches, _experiment, _labs, _usage, _verification, _verified, bench, verify
from faultline.cli._benches.base import Measurement, worst
from faultline.cli._experiment import Result
from faultline.cli._labs import LABEL_BY
from faultline.cli._runs import RunView
from faultline.discovery import modules
from faultline.errors import Conflict
from faultline.host import images

RUNS = "/apis/faultline.dev/v1alpha1/runs"
SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
OBJECTIVE = "{name: answers, weight: 1, target: 0.99, worst: 0.9, reason: answer people, availability: {}}"
FAST = "{name: fast, weight: 1, target: 0.3, worst: 1, reason: be fast, latency_quantile: {quantile: '0.95'}}"
SUMMARY = {"successRate": 0.5, "p50": 0.01, "p95": 2.0, "p99": 2.5, "requestsPerSecond": 40.0, "recoverySeconds": 20.0}


def result(variant, verdict, score, retries=0, lost=()):
    objectives = [
        {"name": name, "measure": "availability", "value": 0.5, "target": 1, "worst": 0, "weight": 1, "met": False}
        for name in lost
    ]
    status = {
        "phase": "Done",
        "started": 1.0,
        "ended": 82.0,
        "code": {"digest": variant, "variant": variant},
        "verdict": verdict,
        "score": score,
        "summary": SUMMARY,
        "objectives": objectives,
    }
    name = f"demo-{variant.replace('/', '-')}"
    return Result(
        variant, RunView({"metadata": {"name": name}, "spec": {"scenario": "demo"}, "status": status}), retries
    )


@pytest.fixture
def story(monkeypatch, cluster, scenarios, lab):
    """Runs that end as told, by variant, and labs that are there at once."""
    monkeypatch.setattr("faultline.cli.demo.SLUG", "shop")
    cluster.put(f"{CONFIGMAPS}/images", data={"images.json": json.dumps(images.image_refs("registry.test/lab"))})

    def tell(**results):
        @contextmanager
        def own_lab(cluster, slug, name, by, *, keep=False):
            yield _labs.find(cluster, None, lab("shop"))

        monkeypatch.setattr(_experiment, "own_lab", own_lab)
        monkeypatch.setattr(_experiment, "deploy", lambda cluster, lab, variant: None)
        runs = []

        def experiment(cluster, lab, variant, seed=None):
            runs.append((variant, seed))
            return results[variant]

        monkeypatch.setattr(_experiment, "experiment", experiment)
        monkeypatch.setattr(_usage, "lab_at_most", lambda *args: (200 * 2**20, 0.75))
        return runs

    return tell


def test_demo_writes_both_runs_and_ends_well(run, story, tmp_path):
    story(flawed=result("flawed", "fail", 21), solution=result("solution", "pass", 97, retries=1))
    out = run("demo", "--no-setup")
    assert out.exit_code == 0
    assert "next: make apply S=shop" in out.stdout
    written = json.loads((tmp_path / "reports" / "demo.json").read_text())
    assert (written["flawed"]["score"], written["flawed"]["verdict"], written["flawed"]["run_seconds"]) == (
        21,
        "fail",
        81,
    )
    assert (written["solution"]["verdict"], written["solution"]["retries"]) == ("pass", 1)
    assert written["solution"]["success_rate"] == 0.5
    assert {"setup_seconds", "lab_ready_seconds"} <= written.keys()
    page = (tmp_path / "reports" / "demo.html").read_text()
    assert "demo-flawed" in page
    assert "demo-solution" in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "the lab demo and its runs are removed from the cluster; the page stays"),
        (("--keep",), "the lab demo goes on: `.venv/bin/faultline delete --name demo` removes it"),
    ],
)
def test_demo_says_what_becomes_of_its_lab(run, story, options, said):
    story(flawed=result("flawed", "fail", 21), solution=result("solution", "pass", 97))
    out = run("demo", "--no-setup", *options).stdout
    assert f"reports/demo.html   in all 0 ms\n{said}\n" in re.sub(r"in all .*", "in all 0 ms", out)


def test_demo_says_how_long_it_takes_first(run, story):
    story(flawed=result("flawed", "fail", 21), solution=result("solution", "pass", 97))
    assert run("demo", "--no-setup").stdout.startswith("This takes about 116 s: two runs of about 28 s each.")


@pytest.mark.parametrize(("flawed", "solution"), [("pass", "pass"), ("fail", "fail"), ("fail", "inconclusive")])
def test_demo_ends_badly_unless_both_verdicts_are_as_they_must_be(run, story, flawed, solution):
    story(flawed=result("flawed", flawed, 50), solution=result("solution", solution, 50))
    assert run("demo", "--no-setup").exit_code == 1


def test_verify_wants_every_verdict_and_the_objective_that_catches(run_json, story, scenarios):
    story(
        flawed=result("flawed", "fail", 10),
        solution=result("solution", "pass", 99),
        **{"wrong/slower": result("wrong/slower", "fail", 30, lost=["answers"])},
    )
    code, answer = run_json("verify", "shop", "--repeat", "2")
    assert (code, answer["as_expected"], len(answer["runs"])) == (0, True, 6)


def test_verify_refuses_a_wrong_fix_that_fails_for_another_reason(run_json, story, scenarios):
    story(**{"wrong/slower": result("wrong/slower", "fail", 30, lost=["something else"])})
    code, answer = run_json("verify", "shop", "--variant", "wrong/slower")
    assert (code, answer["as_expected"]) == (1, False)
    assert answer["runs"][0]["measured"] == {"something else": 0.5}


def test_what_a_run_measured_in_doubt_catches_no_wrong_fix(run_json, story, scenarios):
    """It failed by a counter-example, of another objective than the one that must catch it."""
    story(**{"wrong/slower": result("wrong/slower", "fail", None, lost=["answers"])})
    code, answer = run_json("verify", "shop", "--variant", "wrong/slower")
    assert (code, answer["as_expected"], answer["runs"][0]["lost"]) == (1, False, [])


def test_every_flip_is_named_with_its_rounds(run, run_json, story, scenarios, monkeypatch):
    story(solution=result("solution", "pass", 99))
    assert "no verdict flipped in 2 runs" in run("verify", "shop", "--variant", "solution", "--repeat", "2").stdout
    verdicts = {1: ("pass", 99), 2: ("inconclusive", None), 3: ("fail", 40), 4: ("pass", 98)}
    turn = lambda cluster, lab, variant, seed: result(variant, *verdicts[seed])  # noqa: E731
    monkeypatch.setattr(_experiment, "experiment", turn)
    out = run("verify", "shop", "--variant", "solution", "--repeat", "4").stdout
    assert "solution flips, by rounds: fail in 3; pass in 1, 4" in out
    code, answer = run_json("verify", "shop", "--variant", "solution", "--repeat", "4")
    assert (code, answer["flips"]) == (1, {"solution": {"pass": [1, 4], "fail": [3]}})


@pytest.mark.parametrize(
    ("change", "named"),
    [({"operator": "faultline/operator:old"}, "operator"), ({"redis": None}, "redis"), ({"dashboard": "old"}, None)],
)
def test_nothing_is_proven_on_images_of_another_checkout(run, cluster, story, scenarios, change, named):
    runs = story(solution=result("solution", "pass", 99))
    there = {name: ref for name, ref in (images.image_refs() | change).items() if ref}
    cluster.put(f"{CONFIGMAPS}/images", data={"images.json": json.dumps(there)})
    out = run("verify", "shop", "--variant", "solution")
    if named is None:
        assert out.exit_code == 0
        return
    assert (out.exit_code, runs, _verified.read(scenarios / "shop")) == (2, [], [])
    assert f"FL327 the cluster runs other images than this checkout has, of {named}:" in " ".join(out.stderr.split())


LINE = "- {name: two, file: web.py, line: app = 2, instead: app = 4, caught_by: answers}\n"


@pytest.fixture
def safety(scenarios):
    """Writes the scenario's safety.yaml."""
    return lambda text: (scenarios / "shop" / "safety.yaml").write_text(text)


@pytest.mark.parametrize(("lost", "status"), [("answers", 0), ("something else", 1)])
def test_verify_wants_a_missing_line_of_safety_to_cost_its_objective(run_json, story, safety, lost, status):
    safety(LINE)
    story(**{"without/two": result("without/two", "fail", 30, lost=[lost])})
    code, answer = run_json("verify", "shop", "--variant", "without/two")
    assert (code, answer["as_expected"]) == (status, status == 0)
    assert (answer["runs"][0]["expected"], answer["runs"][0]["caught_by"]) == ("fail", "answers")


def test_a_missing_line_of_safety_is_run_once_however_many_rounds_there_are(run_json, proven, story, safety):
    safety(LINE)
    proven = story(
        flawed=result("flawed", "fail", 10),
        solution=result("solution", "pass", 99),
        **{each: result(each, "fail", 30, lost=["answers"]) for each in ("wrong/slower", "without/two")},
    )
    assert run_json("verify", "shop", "--repeat", "3")[0] == 0
    assert [seed for variant, seed in proven if variant == "without/two"] == [1]
    assert [seed for variant, seed in proven if variant == "solution"] == [1, 2, 3]
    assert run_json("verify", "--all", "--repeat", "3")[0] == 0
    assert len(proven) == 10
    assert "| without/two | fail | 1 of 1 | 30 |" in _verification.PAGE.read_text()


def test_verify_refuses_a_line_whose_objective_there_is_not(run, story, safety):
    safety(LINE.replace("answers", "speed"))
    runs = story(**{"without/two": result("without/two", "fail", 30)})
    out = run("verify", "shop", "--variant", "without/two")
    assert (out.exit_code, runs) == (2, [])
    said = "FL127 safety.yaml, two: caught_by must be one of scenario.yaml's objectives, got speed"
    assert said in " ".join(out.stderr.split())


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (("answers", "speed"), True),
        (("app = 4", "app = 5"), True),
        (("name: two", "name: other"), False),
        ((LINE, LINE + LINE.replace("two", "other").replace("4", "7")), False),
    ],
)
def test_a_proof_of_a_line_of_safety_is_of_its_code_and_its_objective(scenarios, safety, change, differs):
    safety(LINE)
    before = _verified.variant_digest(scenarios / "shop", "without/two")
    safety(LINE.replace(*change))
    name = "without/other" if change[1] == "name: other" else "without/two"
    assert (_verified.variant_digest(scenarios / "shop", name) != before) is differs


def test_verify_without_time_names_what_was_not_run(run_json, story, monkeypatch):
    story(flawed=result("flawed", "fail", 10), solution=result("solution", "pass", 99))
    clock = {"now": 0.0}
    monkeypatch.setattr(verify.time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(_experiment, "deploy", lambda *args: clock.update(now=clock["now"] + 20))
    code, answer = run_json("verify", "shop", "--variant", "flawed", "--variant", "solution", "--budget", "10")
    assert (code, answer["not_run"]) == (1, ["solution"])


@pytest.fixture
def proven(story, scenarios, monkeypatch, tmp_path):
    """All variants of `shop` end as they must; gives the runs as they are done."""
    monkeypatch.setattr(_verification, "PAGE", tmp_path / "verification.md")
    monkeypatch.setattr(_verification, "REPO", tmp_path)
    return story(
        flawed=result("flawed", "fail", 10),
        solution=result("solution", "pass", 99),
        **{"wrong/slower": result("wrong/slower", "fail", 30, retries=1, lost=["answers"])},
    )


VARIANTS = ["flawed", "solution", "wrong/slower"]


def test_what_is_proven_is_not_run_again(run_json, proven):
    assert run_json("verify", "--all")[0] == 0
    assert proven == [(each, 1) for each in VARIANTS]
    code, answer = run_json("verify", "--all", "--repeat", "2")
    assert (code, answer["scenarios"][0]["as_expected"]) == (0, True)
    assert proven[3:] == [(each, 2) for each in VARIANTS]
    assert run_json("verify", "--all", "--repeat", "2")[1]["scenarios"][0]["runs"] == []
    assert len(proven) == 6


@pytest.mark.parametrize(
    ("file", "again"),
    [("solution/web.py", ["solution"]), ("load.py", VARIANTS), ("scenario.yaml", VARIANTS)],
)
def test_what_has_changed_is_proven_anew(run_json, proven, scenarios, file, again):
    run_json("verify", "--all")
    path = scenarios / "shop" / file
    path.write_text(path.read_text() + "# changed\n")
    run_json("verify", "--all")
    assert [variant for variant, _ in proven[3:]] == again


@pytest.mark.parametrize(
    ("change", "again"), [(("answers", "speed"), ["wrong/slower"]), (("slower", "far too slow"), [])]
)
def test_a_proof_of_a_wrong_fix_is_of_its_objective_and_not_of_its_reason(run_json, proven, scenarios, change, again):
    run_json("verify", "--all")
    path = scenarios / "shop" / "wrong" / "slower" / "wrong.yaml"
    path.write_text(path.read_text().replace(*change))
    run_json("verify", "--all")
    assert [variant for variant, _ in proven[3:]] == again


def test_another_engine_proves_all_anew_and_keeps_the_rows_until_then(run_json, proven, scenarios, monkeypatch):
    run_json("verify", "--all")
    monkeypatch.setattr(_verified, "engine_digest", lambda folder: "another")
    run_json("verify", "--all", "--budget", "0")
    assert len(_verified.read(scenarios / "shop")) == 3
    assert _verification.PAGE.read_text().count("| before |") == 3
    run_json("verify", "--all")
    assert len(proven) == 6
    assert {each.engine for each in _verified.read(scenarios / "shop")} == {"another"}


def test_the_engine_of_a_scenario_has_what_it_names_and_what_others_import(scenarios):
    def left_out():
        return {f"{each.parent.name}/{each.stem}" for each in _verified.unused(scenarios / "shop")}

    path = scenarios / "shop" / "scenario.yaml"
    path.write_text(path.read_text().replace(f"[{OBJECTIVE}]", f"[{OBJECTIVE}, {FAST}]"))
    before = left_out()
    # flapping imports latency, the report of a run availability and others.
    assert not before & {"faults/none", "faults/latency", "measures/latency_quantile", "measures/availability"}
    assert before >= {"faults/kill", "faults/flapping", "measures/replica_lag", "checks/unique"}
    assert not {each for each in before if each.split("/")[1] in ("base", "__init__", "_load")}
    unique = "{name: once, weight: 1, reason: once, unique: {operations: [buy]}}"
    one, two = "{name: one, for: 1s, none: {}}", "{name: two, for: 1s, kill: {service: web}}"
    path.write_text(path.read_text().replace(FAST, f"{FAST}, {unique}").replace("fault: 3s", "fault: 9s"))
    (scenarios / "shop" / "heldout.yaml").write_text(f"faults: [{one}, {two}]\n")
    assert before - left_out() == {"checks/unique", "faults/kill"}


def test_a_wrong_verdict_stays_on_record_and_is_no_proof(run_json, proven, story, scenarios):
    story(solution=result("solution", "fail", 70))
    run_json("verify", "shop", "--variant", "solution")
    again = story(solution=result("solution", "pass", 99))
    run_json("verify", "shop", "--variant", "solution")
    assert again == [("solution", 1)]
    run_json("verify", "--all", "--budget", "0")
    assert "| solution | pass | 1 of 2 | 70 to 99 |" in _verification.PAGE.read_text()
    assert "it flips" in _verification.PAGE.read_text()


def test_a_run_without_a_verdict_gives_way_to_one_with_it_and_is_counted_as_tries(run_json, proven, story, scenarios):
    story(solution=result("solution", "inconclusive", None, retries=2))
    assert run_json("verify", "shop", "--variant", "solution")[0] == 1
    assert [each.verdict for each in _verified.read(scenarios / "shop")] == ["inconclusive"]
    story(solution=result("solution", "pass", 99, retries=1))
    run_json("verify", "shop", "--variant", "solution")
    assert [(each.verdict, each.retries) for each in _verified.read(scenarios / "shop")] == [("pass", 4)]


def test_the_page_has_what_each_variant_gave(run_json, proven):
    run_json("verify", "--all", "--repeat", "3")
    page = _verification.PAGE.read_text()
    assert "| wrong/slower | fail | 3 of 3 | 30 | 3 | 81 | 200 MiB | 0.75 | 63% | = |" in page


def test_the_page_tells_of_runs_without_a_score(run_json, proven, story):
    run_json("verify", "--all")
    story(flawed=result("flawed", "fail", None))
    run_json("verify", "shop", "--variant", "flawed", "--repeat", "2")
    run_json("verify", "--all", "--budget", "0")
    assert "| flawed | fail | 3 of 3 | 10 (2 without) |" in _verification.PAGE.read_text()


def test_the_page_has_which_variants_fail_each_objective(run_json, proven, story, scenarios):
    path = scenarios / "shop" / "scenario.yaml"
    path.write_text(path.read_text().replace(f"[{OBJECTIVE}]", f"[{OBJECTIVE}, {FAST}]"))
    for value, lost in ((0.12, ["answers"]), (0.2, ["answers", "fast"])):
        good = result("solution", "pass", 99)
        good.run.raw["status"]["objectives"].append(
            {
                "name": "fast",
                "measure": "latency_quantile",
                "value": value,
                "target": 0.3,
                "worst": 1,
                "weight": 1,
                "met": True,
            }
        )
        story(solution=good, **{"wrong/slower": result("wrong/slower", "fail", 30, lost=lost)})
        run_json("verify", "shop", "--variant", "solution", "--variant", "wrong/slower")
    story(flawed=result("flawed", "fail", 10))
    run_json("verify", "shop", "--variant", "flawed")
    page = _verification.page([scenarios / "shop"])
    assert "| answers | at least 99% | - | wrong/slower |" in page
    assert "| fast | at most 300 ms | 120 to 200 ms | wrong/slower (1 of 2) |" in page


def test_the_page_names_an_objective_that_no_variant_fails(run_json, proven, story):
    story(flawed=result("flawed", "fail", 10))
    run_json("verify", "shop", "--variant", "flawed")
    run_json("verify", "--all", "--budget", "0")
    assert "| answers | at least 99% | - | no variant |" in _verification.PAGE.read_text()


def test_without_time_the_page_says_what_was_never_run(run_json, proven):
    code, answer = run_json("verify", "--all", "--budget", "0")
    assert (code, answer["scenarios"][0]["not_run"], proven) == (1, VARIANTS, [])
    assert _verification.PAGE.read_text().count("never run") == 3


def test_a_broken_record_is_named(run, proven, scenarios):
    (scenarios / "shop" / "verified.json").write_text("[{}]")
    out = run("verify", "--all")
    assert out.exit_code == 2
    assert "FL139" in out.stderr


@pytest.mark.parametrize("options", [["--all", "shop"], ["--all", "--variant", "flawed"], ["shop", "--budget", "soon"]])
def test_options_that_contradict_each_other_are_refused(run, proven, options):
    assert run("verify", *options).exit_code == 2
    assert proven == []


def test_an_inconclusive_run_is_tried_twice_again(cluster, lab, monkeypatch, capsys):
    lab("demo")
    verdicts = iter(["inconclusive", "inconclusive", "fail"])
    monkeypatch.setattr(_experiment._runs, "start", lambda cluster, lab, seed: None)
    monkeypatch.setattr(_experiment._follow, "follow", lambda *args: result("flawed", next(verdicts), 5).run)
    found = _experiment.experiment(cluster, _labs.find(cluster, None, "demo"), "flawed")
    assert (found.retries, found.run.status.verdict) == (2, "fail")
    assert "try 2 of 3" in capsys.readouterr().out


def test_after_three_inconclusive_runs_it_ends(cluster, lab, monkeypatch):
    lab("demo")
    monkeypatch.setattr(_experiment._runs, "start", lambda cluster, lab, seed: None)
    monkeypatch.setattr(_experiment._follow, "follow", lambda *args: result("flawed", "inconclusive", None).run)
    found = _experiment.experiment(cluster, _labs.find(cluster, None, "demo"), "flawed")
    assert (found.retries, found.run.status.verdict) == (2, "inconclusive")


def test_a_lab_of_the_learners_is_never_taken_over(cluster, lab):
    lab("demo")
    with (
        pytest.raises(Conflict, match="demo is the name of a lab of yours"),
        _experiment.own_lab(cluster, "shop", "demo", "demo"),
    ):
        pytest.fail("it was")
    assert f"{SCENARIOS}/demo" in cluster.objects


def test_our_own_lab_goes_at_the_end_also_after_an_error(cluster, scenarios, monkeypatch):
    monkeypatch.setattr(_experiment._deploy, "wait_ready", lambda cluster, name, line: _labs.find(cluster, None, name))

    def interrupted():
        with _experiment.own_lab(cluster, "shop", "demo", "demo") as found:
            assert found.raw["metadata"]["labels"] == {LABEL_BY: "demo"}
            cluster.put(f"{RUNS}/demo-1", spec={"scenario": "demo"}, status={"phase": "Fault"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path for path in cluster.objects if path.startswith((SCENARIOS, RUNS))] == []


@pytest.mark.parametrize(
    "stat",
    [
        pytest.param("active_file 1\ntotal_active_file 300\ntotal_inactive_file 200\ntotal_shmem 50", id="version 1"),
        pytest.param("anon 500\nactive_file 300\ninactive_file 200\nshmem 50", id="version 2"),
    ],
)
def test_a_node_s_page_cache_does_not_count_as_used(stat):
    assert _usage.without_page_cache(f"1000\n{stat}\n") == 500


def test_a_bound_is_a_promise_about_every_sample():
    found = worst("fix_serving_seconds", [3.0, 5.5, 4.0], "s", 5)
    assert (found.value, found.n, found.within) == (5.5, 3, False)


def test_higher_may_be_better():
    assert Measurement("rate", 120, "requests/s", 100, "higher").within


def test_bench_writes_what_it_measured(run, cluster, monkeypatch, tmp_path):
    def measure(given):
        yield Measurement("run_seconds", 81.0, "s", 90)
        yield worst("lab_ready_seconds", [16.0] * given.repeat, "s", 15)

    monkeypatch.setattr(modules(_benches)["setup"], "measure", measure)
    out = run("bench", "setup", "--repeat", "2")
    assert out.exit_code == 1
    assert json.loads((tmp_path / "reports" / "bench" / "setup.json").read_text()) == [
        {"measure": "run_seconds", "value": 81.0, "unit": "s", "bound": 90, "better": "lower", "n": 1},
        {"measure": "lab_ready_seconds", "value": 16.0, "unit": "s", "bound": 15, "better": "lower", "n": 2},
    ]


def test_an_unknown_bench_is_named_with_those_there_are(run):
    out = run("bench", "nope")
    assert out.exit_code == 2
    assert (
        "FL212 there is no bench nope: there are crash, faults, fix, grading, labs, operator, overhead, setup"
        in out.stderr
    )


def test_amounts_of_memory_are_read_in_mebibytes():
    assert bench._amount(300 * 2**20, "bytes") == "300 MiB"


def test_a_run_of_other_code_is_refused(cluster, lab, monkeypatch):
    lab("demo")
    monkeypatch.setattr(_experiment._runs, "start", lambda cluster, lab, seed: None)
    monkeypatch.setattr(_experiment._follow, "follow", lambda *args: result("flawed", "fail", 5).run)
    with pytest.raises(Conflict, match="graded flawed and was to grade solution"):
        _experiment.experiment(cluster, _labs.find(cluster, None, "demo"), "solution")


def test_what_is_held_out_is_a_part_of_what_was_proven(scenarios):
    folder = scenarios / "shop"
    before = _verified.variant_digest(folder, "flawed")
    (folder / "heldout.yaml").write_text("choose: 1")
    one = _verified.variant_digest(folder, "flawed")
    (folder / "heldout.yaml").write_text("choose: 2")
    assert len({before, one, _verified.variant_digest(folder, "flawed")}) == 3
