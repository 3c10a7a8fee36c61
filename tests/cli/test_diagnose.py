import time

import pytest
import yaml
from tests.test_diagnosis import CAUSES

from faultline.progress import Attempt, Store

GIVEN = ("--cause", "all", "--metric", "answers", "--direction", "up", "--expect", "95%", "--confidence", "80")


def objective(value):
    fields = {"measure": "availability", "unit": "ratio", "target": 0.99, "worst": 0.9, "weight": 1}
    return [{"name": "answers", "value": value, **fields}]


@pytest.fixture
def shop(scenarios, lab, done_run):
    """A lab with a graded run of its flawed code."""
    metrics = {"answers": {"objective": "answers"}}
    (scenarios / "shop" / "diagnosis.yaml").write_text(yaml.safe_dump({"causes": CAUSES, "metrics": metrics}))
    lab()
    done_run("shop-1", objectives=objective(0.4))


def test_without_options_it_lists_the_choice_and_not_the_answer(run, run_json, shop):
    code, answer = run_json("diagnose", "shop")
    assert code == 0
    assert answer["causes"] == {name: cause["text"] for name, cause in CAUSES.items()}
    assert answer["metrics"]["answers"] == {"objective": "answers", "unit": "ratio", "now": 0.4, "target": 0.99}
    assert answer["claims"] == []
    out = run("diagnose").stdout
    assert "the other half" in out
    assert "now 40%" in out
    assert "so it is" not in out
    assert "near" not in out


def test_a_claim_is_kept_and_the_next_run_of_changed_code_scores_it(run, run_json, home, lab, shop, done_run):
    code, answer = run_json("diagnose", "shop", *GIVEN)
    assert (code, answer["points"], answer["claims"][0]["why"]) == (0, None, None)
    assert "on record: all, 80% sure; answers goes up from 40% to 95%" in run("diagnose").stdout
    lab(digest="d2", variant="learner")
    later = time.time() + 10
    done_run(
        "shop-2", digest="d2", variant="learner", at="11:00:00", started=later, objectives=objective(0.95), score=60
    )
    out = run("grade").stdout
    assert "Your diagnosis: 100 of 100  scored by shop-2" in " ".join(out.split("\n"))
    assert "so it is" in out
    assert Store(home).read().of("shop").diagnosis == 100
    assert run_json("progress")[1]["scenarios"][0]["diagnosis"] == 100
    assert run_json("diagnose", "shop")[1]["claims"][0]["why"] == "so it is"


def test_the_choice_says_how_a_value_is_typed_and_ends_with_an_example(run, lab, shop, tmp_path):
    out = " ".join(run("diagnose", env={"COLUMNS": "200"}).stdout.split())
    assert "now 40% a share such as 0.95 or 95%" in out
    claim = "--metric answers --direction up --expect 0.99 --confidence 70"
    assert out.endswith(f"next: .venv/bin/faultline diagnose shop --cause CAUSE {claim}")
    run("diagnose", "shop", *GIVEN)
    assert run("diagnose").stdout.endswith(f"next: edit {tmp_path}/workspace/shop/ and make fix S=shop\n")


def test_the_choice_before_any_run_leads_to_one(run, cluster, shop):
    cluster.delete("/apis/faultline.dev/v1alpha1/runs/shop-1")
    assert run("diagnose").stdout.endswith("next: make chaos S=shop\n")


def test_the_newest_claim_counts(run, home, lab, shop, done_run):
    run("diagnose", "shop", *GIVEN)
    run("diagnose", "shop", *("weather" if each == "all" else each for each in GIVEN))
    done_run("shop-2", digest="d2", variant="learner", at="11:00:00", started=time.time(), objectives=objective(0.95))
    run("diagnose", "shop")
    first, second = Store(home).read().of("shop").claims
    assert (first.score, second.score.cause) == (None, 0.0)


def test_a_diagnosis_after_the_fix_is_refused(run, home, shop):
    passed = Attempt(run="shop-9", variant="learner", score=90, verdict="pass", ended=1.0)
    Store(home).attempt("shop", passed)
    assert "FL411 your code has passed shop" in run("diagnose", "shop", *GIVEN).stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (GIVEN[:4], "FL136 a diagnosis needs --direction, --expect, --confidence as well"),
        ((*GIVEN, "--direction", "sideways"), "FL136 --direction must be up or down, got sideways"),
        ((*GIVEN, "--confidence", "101"), "FL136 --confidence must be a whole number from 0 to 100, got 101"),
        ((*GIVEN, "--confidence", "sure"), "got sure"),
        ((*GIVEN, "--expect", "99"), "FL134 --expect must be a share from 0 to 1, got 99\n  next: write 0.99 or 99%"),
        ((*GIVEN, "--expect", "150%"), "got 150%\n  next: write a share such as 0.95 or 95%"),
        ((*GIVEN, "--cause", "moon"), "FL133 --cause must be one of all, half, rest, weather, got moon"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_kept(run, home, shop, options, said):
    result = run("diagnose", "shop", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert Store(home).read().of("shop").claims == []


def test_without_a_graded_run_there_is_nothing_to_diagnose(run, cluster, shop):
    cluster.delete("/apis/faultline.dev/v1alpha1/runs/shop-1")
    assert "FL215 shop has no graded run to diagnose" in run("diagnose", "shop", *GIVEN).stderr
