import json
import re
import shutil
import time
from xml.etree import ElementTree

import pytest
from rich.console import Console

from faultline import workspace
from faultline.api.run import STOPPED
from faultline.cli import _run_json, build
from faultline.cli._runs import RunView
from faultline.cli.base import TARGETS, complete_slug, spelled
from faultline.errors import NotReady
from faultline.host.home import REPO, Home
from faultline.progress import Attempt, Store

RUNS = "/apis/faultline.dev/v1alpha1/runs"
SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
VERBS = [each.name or each.callback.__name__ for each in build().registered_commands if not each.hidden]


def zoo(scenarios):
    """A second scenario."""
    (scenarios / "zoo").mkdir()
    text = (scenarios / "shop" / "scenario.yaml").read_text()
    (scenarios / "zoo" / "scenario.yaml").write_text(text.replace("shop", "zoo"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_speaks_json(run, verb):
    result = run(verb, "--help", env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "--output" in result.stdout


def test_slugs_are_completed():
    assert complete_slug("circuit-b") == ["circuit-breakers"]
    assert complete_slug("nothing-like-it") == []


def test_a_wrong_slug_names_the_near_one(run, cluster, scenarios):
    result = run("apply", "shp")
    assert result.exit_code == 2
    assert "FL201 there is no scenario 'shp': did you mean shop?" in result.stderr
    assert "next: make apply S=shop" in result.stderr


@pytest.mark.parametrize(
    ("verb", "command"), [("chaos", "make chaos S=shop"), ("lint", ".venv/bin/faultline lint shop")]
)
def test_what_to_type_for_a_wrong_slug_keeps_the_verb(run, cluster, scenarios, verb, command):
    assert f"next: {command}\n" in run(verb, "shp").stderr


def test_a_slug_that_is_like_none_gets_no_guess(run, cluster, scenarios):
    result = run("chaos", "nonsense")
    assert "did you mean" not in result.stderr
    assert "next: make progress lists all, docs/curriculum.md tells more" in result.stderr


def test_a_command_without_a_target_is_told_as_this_shell_finds_it(monkeypatch):
    hint = "make hint S=shop; or faultline solution shop --anyway, see /home/faultline and faultline-system"
    assert spelled(hint) == hint.replace("or faultline", "or .venv/bin/faultline")
    monkeypatch.setattr("faultline.cli.base.which", lambda name: f"/somewhere/{name}")
    assert spelled(hint) == hint


def test_what_is_said_to_be_a_target_is_one_and_passes_the_scenario_on():
    makefile = (REPO / "Makefile").read_text()
    bare = {"demo", "doctor", "progress", "status", "up"}
    assert TARGETS - set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)) == set()
    for verb in TARGETS - bare:
        assert re.search(rf"^\t@\$\(FAULTLINE\) {verb} \$\((S|or \$\(S\),--all)\)", makefile, re.MULTILINE), verb


def test_without_a_cluster_the_next_step_is_make_up(run, scenarios):
    result = run("chaos", "shop")
    assert result.exit_code == 2
    assert "FL301 there is no cluster" in result.stderr
    assert "next: make up" in result.stderr


def test_a_context_that_is_not_there_is_refused(run, home, monkeypatch, tmp_path):
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    result = run("status", "--context", "production")
    assert result.exit_code == 2
    assert "FL302 the kube context production cannot be used" in result.stderr


def test_errors_are_json_when_that_was_asked_for(run_json, cluster, scenarios):
    code, answer = run_json("chaos", "shop")
    assert code == 2
    assert answer["error"] == {"code": "FL202", "message": "shop has no lab", "next": "make apply S=shop"}


def test_an_unforeseen_error_is_kept_in_a_log(run, home, monkeypatch):
    monkeypatch.setattr("faultline.cli.status.where", lambda *args: 1 / 0)
    result = run()
    assert result.exit_code == 2
    assert "FL900 unexpected ZeroDivisionError: division by zero" in result.stderr
    (log,) = (home / "logs").glob("faultline-*.log")
    assert "Traceback" in log.read_text()


def test_a_full_disk_is_named_as_such(run, cluster, scenarios, monkeypatch):
    def mkdtemp(**options):
        raise OSError(28, "No space left on device", "/somewhere/workspace")

    monkeypatch.setattr("faultline.workspace.tempfile.mkdtemp", mkdtemp)
    result = run("apply", "shop", "--no-wait")
    assert result.exit_code == 2
    assert "FL502 /somewhere/workspace: No space left on device" in result.stderr
    assert "next: free disk space" in result.stderr


def test_ctrl_c_ends_with_its_own_status(run, monkeypatch):
    def where(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("faultline.cli.status.where", where)
    assert run().exit_code == 130


def test_bare_faultline_without_a_cluster_says_what_to_type(run):
    result = run()
    assert result.exit_code == 0
    assert "next: make up" in result.stdout


def test_bare_faultline_shows_other_problems(run, monkeypatch):
    def rows(*args):
        raise NotReady("FL305", "the cluster does not allow it")

    monkeypatch.setattr("faultline.cli.status._rows", rows)
    assert run().exit_code == 2


def test_bare_faultline_shows_how_far_one_is_without_a_cluster_too(run, run_json, scenarios):
    out = run().stdout
    assert "0 of 1 scenarios passed  crawling 0 of 1" in out
    assert "take up shop: the first of the tier crawling" in out
    code, answer = run_json()
    assert (code, answer["next"], answer["labs"]) == (0, "make up", [])
    assert answer["standing"]["next"] == {"slug": "shop", "why": "the first of the tier crawling"}


def test_bare_faultline_names_the_next_scenario_when_there_is_no_lab(run_json, cluster, scenarios):
    assert run_json()[1]["next"] == "make apply S=shop"


def test_bare_faultline_goes_on_with_the_lab_that_one_worked_on_last(run_json, home, cluster, scenarios, lab, done_run):
    zoo(scenarios)
    lab("shop")
    lab("zoo")
    cluster.objects[f"{SCENARIOS}/zoo"]["spec"]["slug"] = "zoo"
    Store(home).started("shop", 10.0)
    Store(home).started("zoo", 20.0)
    assert run_json()[1]["next"] == "make chaos S=zoo"
    passed = Attempt(run="zoo-1", variant="learner", score=90, verdict="pass", ended=30.0)
    Store(home).attempt("zoo", passed)
    assert run_json()[1]["next"] == "make chaos S=shop"
    Store(home).attempt("shop", passed.model_copy(update={"run": "shop-1"}))
    answer = run_json()[1]
    assert (answer["next"], answer["standing"]["passed"]) == ("make progress", 2)


def test_status_lists_labs_and_the_next_command(run_json, lab, done_run):
    lab()
    done_run("shop-1", at="10:00:00")
    done_run("shop-2", at="11:00:00", score=91, verdict="fail")
    code, answer = run_json("status")
    assert code == 0
    (row,) = answer["labs"]
    assert [(each["run"], each["score"]) for each in row["last"]] == [("shop-2", 91), ("shop-1", 40)]
    assert answer["next"].startswith("make apply S=shop")


def test_status_tells_a_run_that_was_stopped_from_one_that_proved_nothing(run_json, run, lab, done_run):
    lab()
    done_run("shop-1", at="10:00:00", verdict="inconclusive", score=None, reasons=["host noise"])
    done_run(
        "shop-2", at="11:00:00", verdict="inconclusive", score=None, reasons=[f"{STOPPED}: its faults ended early"]
    )
    _, answer = run_json("status")
    assert [each["stopped"] for each in answer["labs"][0]["last"]] == [True, False]
    assert "stopped, inconclusive" in " ".join(run("status").output.split())


@pytest.mark.parametrize(
    ("code", "verdict", "following"),
    [
        ("flawed", "fail", "make diagnose S=shop, then edit {workspace} and make fix S=shop"),
        ("learner", "fail", "edit {workspace} and make fix S=shop (make hint S=shop helps)"),
        ("learner", "inconclusive", "make chaos S=shop"),
        ("solution", "pass", "make fix S=shop, with code of your own"),
        ("learner", "pass", "make apply S=zoo"),
    ],
)
def test_each_verdict_has_its_next_command(run_json, scenarios, lab, done_run, tmp_path, code, verdict, following):
    zoo(scenarios)
    workspace.create("shop", scenarios / "shop" / "app")
    lab(variant=code)
    done_run("shop-1", variant=code, verdict=verdict)
    Store(Home.from_environment().root).started("shop", 10.0)
    following = following.format(workspace=f"{tmp_path}/workspace/shop/")
    assert run_json("grade")[1]["next"] == following
    assert run_json("apply", "shop")[1]["next"] == following


def test_without_a_workspace_it_is_made_first(run_json, lab, done_run, tmp_path):
    lab()
    done_run("shop-1")
    made = f"make apply S=shop, which makes {tmp_path}/workspace/shop/ for you to edit"
    assert [run_json(verb)[1]["next"] for verb in ("grade", "status")] == [made, made]


def test_a_pass_that_nobody_has_looked_at_is_graded_first(run_json, lab, done_run):
    lab(variant="learner")
    done_run("shop-1", variant="learner", verdict="pass")
    assert run_json("status")[1]["next"] == "make grade S=shop"
    assert run_json("grade")[1]["next"] == "make progress"


def test_status_says_that_a_run_is_under_way(run, run_json, cluster, lab):
    lab()
    now = time.time()
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault", "started": now, "mark": now})
    cluster.put(f"{RUNS}/shop-2", spec={"scenario": "shop"}, status={"phase": "Queued"})
    out = run("status").stdout
    assert re.search(r"shop-1 is under way: Fault, 4[12] s of it left, about 7[01] s to the score", out), out
    assert "shop-2 is queued" in out
    waits = "make grade S=shop, which waits for the score; make stop S=shop ends the run"
    assert run_json("status")[1]["next"] == waits


def test_status_of_code_that_was_not_run_yet_suggests_chaos(run_json, lab, done_run):
    lab(digest="d2", variant="learner")
    done_run("shop-1", digest="d1")
    assert run_json("status")[1]["next"] == "make chaos S=shop"


def test_chaos_creates_a_run_with_its_seed(run_json, cluster, lab):
    lab()
    code, answer = run_json("chaos", "--no-wait", "--seed", "7")
    assert code == 0
    (run,) = answer["runs"]
    assert cluster.objects[f"{RUNS}/{run['run']}"]["spec"] == {"scenario": "shop", "seed": 7}


@pytest.mark.parametrize(
    ("verdict", "following"), [("fail", "make grade S=shop"), ("inconclusive", "make chaos S=shop")]
)
def test_chaos_names_what_was_lost_and_the_next_command(run, lab, cluster, done_run, monkeypatch, verdict, following):
    lab()
    some = LOST | {"name": "stays fast", "points": 35.0}
    done_run("shop-9", verdict=verdict, objectives=[MET, some, LOST], reasons=["host noise; close what else runs"])
    ended = RunView(cluster.objects[f"{RUNS}/shop-9"])
    monkeypatch.setattr("faultline.cli._follow.follow", lambda *args: ended)
    lines = [each.strip() for each in run("chaos").stdout.splitlines()]
    assert lines[-1] == f"next: {following}"
    told = (
        ["-40 of 40  stays up", "-5 of 40  stays fast"] if verdict == "fail" else ["host noise; close what else runs"]
    )
    assert lines[2:-1] == told


def test_a_second_chaos_queues_and_says_so(run, cluster, lab):
    lab()
    cluster.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
    result = run("chaos", "--no-wait")
    assert result.exit_code == 0
    assert "queued behind shop-1: one run at a time" in result.stdout


def test_names_of_runs_do_not_clash(run_json, lab, monkeypatch):
    lab()
    clock = iter(["shop-20261121-100000", "shop-20261121-100000", "shop-20261121-100001"])
    monkeypatch.setattr("faultline.cli._runs.time.strftime", lambda *args: next(clock))
    monkeypatch.setattr("faultline.cli._runs.time.sleep", lambda seconds: None)
    names = [run_json("chaos", "--no-wait")[1]["runs"][0]["run"] for _ in range(2)]
    assert names == ["shop-20261121-100000", "shop-20261121-100001"]


def test_with_several_labs_one_must_be_named(run, lab):
    lab("shop")
    lab("other")
    result = run("chaos", "--no-wait")
    assert result.exit_code == 2
    assert "FL115 there are several labs: other, shop" in result.stderr


def test_a_lab_of_the_demo_is_not_the_learners(run, cluster, lab):
    lab("demo")
    cluster.objects[f"{SCENARIOS}/demo"]["metadata"]["labels"] = {"faultline.dev/by": "demo"}
    result = run("chaos", "--no-wait")
    assert "FL202 there is no lab" in result.stderr


@pytest.mark.parametrize(("verdict", "status"), [("pass", 0), ("fail", 1), ("inconclusive", 3)])
def test_grade_exits_by_its_verdict(run, lab, done_run, tmp_path, verdict, status):
    lab()
    done_run("shop-1", verdict=verdict, score=None if verdict == "inconclusive" else 50)
    assert run("grade").exit_code == status
    assert (tmp_path / "reports" / "shop-1.html").is_file()


@pytest.mark.parametrize(("verdict", "status"), [("pass", 0), ("fail", 1), ("inconclusive", 3)])
def test_grade_by_make_says_what_make_will_call_an_error(run, lab, done_run, verdict, status):
    lab()
    done_run("shop-1", verdict=verdict)
    said = f"make will speak of an error: exit status {status} says {verdict}, no more"
    assert "make will" not in run("grade").stdout
    assert (said in run("grade", env={"MAKELEVEL": "1"}).stdout) is (status != 0)


def test_grade_without_a_lab_names_a_run_that_is_still_there(run, cluster, lab, done_run, home, scenarios):
    lab(variant="learner")
    for name, ended in (("shop-1", 10.0), ("shop-2", 20.0), ("shop-3", 30.0)):
        Store(home).attempt("shop", Attempt(run=name, variant="learner", score=40, verdict="fail", ended=ended))
    record = done_run("shop-2")
    (home / "data" / "runs" / record).mkdir(parents=True)
    files = cluster.objects[f"{RUNS}/{record}"]
    stored = {"name": record, "title": "A small shop", "spec": files["spec"], "status": files["status"]}
    (home / "data" / "runs" / record / "run.json").write_text(json.dumps(stored))
    cluster.objects.clear()
    for options in ((), ("shop",)):
        result = run("grade", *options)
        assert "its last run, shop-2, is still on this machine" in result.stderr
        assert "next: .venv/bin/faultline report shop-2; or make apply S=shop, for a new one" in result.stderr
    assert run("report", "shop-2").exit_code == 0


def test_grade_takes_the_newest_run_of_what_is_deployed(run_json, lab, done_run):
    lab(digest="d2")
    done_run("shop-1", digest="d2", at="10:00:00")
    done_run("shop-2", digest="d2", at="11:00:00", score=99, verdict="pass")
    done_run("shop-3", digest="d3", at="12:00:00")
    assert run_json("grade")[1]["run"] == "shop-2"


def test_grade_shows_each_lost_point(run, lab, done_run):
    lab()
    query = "sum(" + " + ".join(f"ok_{each}" for each in range(20)) + ")"
    objective = {
        "name": "checkout answers",
        "measure": "availability",
        "unit": "ratio",
        "query": query,
        "window": "fault, recovery",
        "value": 0.5,
        "target": 0.99,
        "worst": 0.9,
        "weight": 40,
        "required": True,
        "reason": "bound every wait",
    }
    done_run("shop-1", objectives=[objective])
    out = run("grade").stdout
    for text in (
        "checkout answers",
        "0 of 40 points",
        "required",
        "at least 99%",
        "50%",
        "bound",
    ):
        assert text in out
    assert re.search(r"^  window +fault, recovery *$", out, re.MULTILINE), out
    assert out.index("why ") < out.index("Queries of the lost points\ncheckout answers\n" + query)
    assert query not in run("grade", "--no-queries").stdout


def test_a_run_that_passed_shows_what_each_objective_measured(run, lab, done_run):
    lab()
    done_run("shop-1", verdict="pass", score=100, objectives=[MET])
    out = run("grade").stdout
    assert re.search(r"✓ +stays fast +1 +at least 0.99 +40 of 40", out), out
    assert "Where points were lost" not in out


def test_grade_counts_an_attempt_once(run, home, lab, done_run):
    lab(variant="learner")
    done_run("shop-1", variant="learner", verdict="pass", score=88)
    run("grade")
    run("grade")
    record = Store(home).read().of("shop")
    assert (len(record.attempts), record.best) == (1, 88)


def test_hint_reveals_one_rung_at_a_time(run_json, scenarios):
    titles = [run_json("hint", "shop")[1]["hints"][0]["title"] for _ in range(3)]
    assert titles == ["Symptom", "Cause", "Cause"]
    assert [each["rung"] for each in run_json("hint", "shop", "--again")[1]["hints"]] == [1, 2]


def test_progress_lists_what_was_not_begun_too(run_json, scenarios):
    assert run_json("progress")[1]["scenarios"] == [
        {
            "slug": "shop",
            "passed": False,
            "best": None,
            "attempts": 0,
            "hints": 0,
            "diagnosis": None,
            "solution": None,
            "seconds_to_fix": None,
        }
    ]


def test_progress_is_in_the_recommended_order_and_says_what_comes_next(run, run_json, home, scenarios):
    zoo(scenarios)
    text = (scenarios / "shop" / "scenario.yaml").read_text()
    (scenarios / "shop" / "scenario.yaml").write_text(text.replace("tier: crawling", "tier: running"))
    answer = run_json("progress")[1]
    assert ([each["slug"] for each in answer["scenarios"]], answer["next"]) == (["zoo", "shop"], "make apply S=zoo")
    out = run("progress").stdout
    assert "take up zoo: the first of the tier crawling" in out
    assert out.endswith("next: make apply S=zoo\n")
    for slug in ("zoo", "shop"):
        passed = Attempt(run=f"{slug}-1", variant="learner", score=90, verdict="pass", ended=30.0)
        Store(home).attempt(slug, passed)
    assert run_json("progress")[1]["next"] is None


def test_plan_gives_times_from_the_start_of_the_baseline(run_json, scenarios):
    answer = run_json("plan", "shop")[1]
    assert answer["phases"]["fault"] == [2.0, 5.0]
    (fault,) = answer["faults"]
    assert fault["seed"] > 0
    expected = {"name": "none-0", "type": "none", "edge": None, "start": 2.0, "end": 4.0, "params": {}}
    assert fault == expected | {"seed": fault["seed"]}


def test_plan_of_the_same_seed_is_the_same_to_the_byte(run, scenarios):
    first, again, other = (run("plan", "shop", "-o", "json", "--seed", seed).stdout for seed in ("7", "7", "8"))
    assert first == again != other


def test_plan_says_where_a_fault_acts_when_that_is_somewhere(run, scenarios):
    file = scenarios / "shop" / "scenario.yaml"
    file.write_text(
        file.read_text().replace("[{for: 2s, none: {}}]", "[{for: 2s, none: {}}, {for: 1s, pause: {service: web}}]")
    )
    text = run("plan", "shop").stdout
    assert "pause pause-1 on web" in text
    assert re.search(r"none none-0 *$", text, re.MULTILINE)


def test_plan_counts_what_is_held_out_and_leaves_it_out(run, run_json, scenarios):
    file = scenarios / "shop" / "scenario.yaml"
    file.write_text(file.read_text().replace("fault: 3s", "fault: 9s"))
    two = "[{name: lost, for: 1s, edge: client->web, partition: {}}, {name: late, for: 1s, kill: {service: web}}]"
    (scenarios / "shop" / "heldout.yaml").write_text(f"faults: {two}")
    answer = run_json("plan", "shop", "--seed", "7")[1]
    assert answer["held_out"] == {"choose": 1, "of": 2}
    assert [each["type"] for each in answer["faults"]] == ["none"]
    text = run("plan", "shop", "--seed", "7").stdout
    assert "held out: the seed adds 1 of 2 faults more, which are left out here" in text
    assert "lost" not in text.replace("counts as lost", "")
    assert "late" not in text


def test_compare_wants_runs_that_exist(run, cluster):
    result = run("compare", "one", "two")
    assert result.exit_code == 2
    assert "FL206 there is no run one" in result.stderr


SLOW = {"successRate": 0.5, "p50": 0.02, "p95": 0.4, "p99": 2.0, "requestsPerSecond": 30.0, "recoverySeconds": 12.0}
QUICK = {"successRate": 0.995, "p50": 0.03, "p95": 0.2, "p99": 3.0, "requestsPerSecond": 59.0}


@pytest.fixture
def two_runs(cluster, done_run):
    done_run("shop-1", score=40, summary=SLOW)
    done_run("shop-2", score=91, verdict="pass", variant="learner", summary=QUICK)


def test_compare_shows_two_runs_row_by_row(run, two_runs):
    result = run("compare", "shop-1", "shop-2")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == ["1  shop-1  flawed", "2  shop-2  learner"]
    told = [[cell.strip() for cell in re.split("[│┃]", each)[1:-1]] for each in lines[2:] if each[0] in "│┃"]
    assert told == [
        ["", "1: flawed", "2: learner"],
        ["Score", "40", "91"],
        ["Verdict", "fail", "pass"],
        ["Success rate", "50%", "99.50%"],
        ["Latency p50", "20 ms", "30 ms"],
        ["Latency p95", "400 ms", "200 ms"],
        ["Latency p99", "2 s", "3 s"],
        ["Answered well", "30 requests/s", "59 requests/s"],
        ["Recovery time", "12 s", "no data"],
    ]


def test_compare_has_the_better_value_in_green(run, two_runs, monkeypatch):
    """Of two of which one is missing, neither is."""
    colourful = Console(force_terminal=True, color_system="standard", width=100, highlight=False, _environ={})
    monkeypatch.setattr("faultline.cli._grade.console", colourful)
    green = re.findall(r"\x1b\[32m(.*?)\x1b\[0m", run("compare", "shop-1", "shop-2").stdout)
    assert green == ["91", "99.50%", "20 ms", "200 ms", "2 s", "59 requests/s"]


def test_compare_as_json_has_the_status_of_each_run(run_json, cluster, two_runs):
    code, answer = run_json("compare", "shop-2", "shop-1")
    assert (code, list(answer)) == (0, ["shop-2", "shop-1"])
    assert [(each["score"], each["verdict"], each["code"]["variant"]) for each in answer.values()] == [
        (91, "pass", "learner"),
        (40, "fail", "flawed"),
    ]
    assert answer["shop-1"]["summary"] == SLOW
    assert answer["shop-2"]["summary"] == QUICK | {"recoverySeconds": None}


def test_report_writes_one_page_for_two_runs(run_json, cluster, done_run, tmp_path):
    done_run("shop-1")
    done_run("shop-2")
    code, answer = run_json("report", "shop-1", "shop-2")
    assert code == 0
    assert answer["report"] == str(tmp_path / "reports" / "shop-1-and-shop-2.html")
    assert "shop-2" in (tmp_path / "reports" / "shop-1-and-shop-2.html").read_text()


LOST = {"name": "stays up", "measure": "availability", "target": 0.99, "worst": 0.9, "weight": 40, "value": 0.5,
        "query": "sum(ok) / sum(all)", "reason": "bound every wait"}  # fmt: skip
MET = LOST | {"name": "stays fast", "value": 1.0, "points": 40, "met": True}
DOUBLED = {"name": "once", "check": "duplicate_effects", "result": "violated", "examined": 5, "unit": "keys",
           "violations": 1, "examples": [{"text": "key 7 took effect twice", "operations": []}]}  # fmt: skip


def junit(run, tmp_path, name="shop-1"):
    assert run("report", name, "--junit", str(tmp_path / "out" / "run.xml")).exit_code == 0
    (suite,) = ElementTree.parse(tmp_path / "out" / "run.xml").getroot()  # noqa: S314 - just written
    return suite, {
        each.get("name"): (each[0].tag if len(each) else "", "".join(each.itertext()).strip()) for each in suite
    }


def test_a_failed_run_as_junit_names_each_lost_point(run, cluster, done_run, tmp_path):
    done_run("shop-1", objectives=[LOST, MET], checks=[DOUBLED], reasons=["a required one is missed"])
    suite, cases = junit(run, tmp_path)
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "time")} == {
        "name": "shop-1", "tests": "4", "failures": "3", "errors": "0", "time": "81.000",
    }  # fmt: skip
    assert {name: kind for name, (kind, _) in cases.items()} == {
        "verdict": "failure", "stays up": "failure", "stays fast": "system-out", "once (duplicate_effects)": "failure",
    }  # fmt: skip
    assert "fail: 40 of 100, 80 are needed\na required one is missed" in cases["verdict"][1]
    assert "expected at least 0.99" in cases["stays up"][1]
    assert "seen 0.5; 0 of 40 points\nbound every wait\nsum(ok) / sum(all)" in cases["stays up"][1]
    assert "key 7 took effect twice" in cases["once (duplicate_effects)"][1]


def test_points_lost_by_a_run_that_passed_fail_no_pipeline(run, cluster, done_run, tmp_path):
    done_run("shop-1", verdict="pass", score=85, objectives=[LOST, MET])
    suite, cases = junit(run, tmp_path)
    assert (suite.get("failures"), suite.get("errors"), cases["stays up"][0]) == ("0", "0", "system-out")


def test_a_run_without_a_verdict_is_an_error(run, cluster, done_run, tmp_path):
    done_run("shop-1", verdict="inconclusive", score=None, objectives=[LOST], reasons=["host noise"])
    suite, cases = junit(run, tmp_path)
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
    assert cases["verdict"] == ("error", "inconclusive: no score, 80 are needed\nhost noise; run it again")


def test_of_a_run_that_failed_by_its_history_alone_only_that_is_a_failure(run, cluster, done_run, tmp_path):
    once = LOST | {"name": "once", "measure": "duplicate_effects", "value": 1.0}
    reasons = ["host noise"]
    done_run("shop-1", score=None, objectives=[LOST, MET, once], checks=[DOUBLED], reasons=reasons)
    suite, cases = junit(run, tmp_path)
    assert (suite.get("failures"), suite.get("skipped")) == ("3", "2")
    assert {name: kind for name, (kind, _) in cases.items()} == {
        "verdict": "failure", "stays up": "skipped", "stays fast": "skipped", "once": "failure",
        "once (duplicate_effects)": "failure",
    }  # fmt: skip
    assert cases["stays up"][1].startswith("not to be trusted: expected at least 0.99")


def test_what_a_failed_run_could_not_measure_is_skipped(run, cluster, done_run, tmp_path):
    done_run("shop-1", objectives=[LOST, LOST | {"name": "stays fast", "value": None, "problem": "no data"}])
    _, cases = junit(run, tmp_path)
    assert (cases["stays up"][0], cases["stays fast"][0]) == ("failure", "skipped")


def test_what_programs_get_is_as_the_schema_says(run_json, lab, done_run):
    assert _run_json.SCHEMA.read_text() == _run_json.schema(), "run python -m faultline.cli._run_json"
    lab()
    done_run("shop-1", objectives=[LOST, MET], checks=[DOUBLED])
    _, answer = run_json("grade")
    properties = json.loads(_run_json.schema())["properties"]
    assert answer.keys() - properties.keys() == {"report", "next"}
    # The schema is made of the model.
    assert _run_json.RunJson.model_validate(answer).model_dump(mode="json", by_alias=True) == answer
    assert (
        answer["objectives"][0].keys()
        == json.loads(_run_json.schema())["$defs"]["ObjectiveStatus"]["properties"].keys()
    )


def test_env_prints_lines_for_a_shell(run, home):
    assert f"export KUBECONFIG={home}/kubeconfig" in run("env").stdout


def test_env_as_json(run):
    assert set(json.loads(run("env", "-o", "json").stdout)) == {"PATH", "KUBECONFIG"}


def test_without_a_lab_the_scenario_to_take_up_is_the_next_step(run, run_json, scenarios, cluster):
    # By the alphabet another one would come first.
    harder = scenarios / "auction"
    shutil.copytree(scenarios / "shop", harder)
    spec = (harder / "scenario.yaml").read_text()
    (harder / "scenario.yaml").write_text(re.sub(r"tier: \w+", "tier: sprinting", spec).replace("shop", "auction"))
    assert run_json("status")[1]["next"] == "make apply S=shop"
    result = run("chaos")
    assert (result.exit_code, "FL202" in result.stderr) == (2, True)
    assert "make apply S=shop" in result.stderr
