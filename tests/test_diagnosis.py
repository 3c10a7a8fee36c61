"""What a claim is scored by: the list of causes and measured values."""

from pathlib import Path

import pytest

from faultline import catalogue, diagnosis
from faultline.api.run import RunStatus
from faultline.diagnosis import Diagnosis
from faultline.errors import InvalidInput, NotFound
from faultline.scenario import ScenarioSpec
from faultline.validation import scenario_object

REPO = Path(__file__).parents[1]
FOLDERS = [*catalogue.folders(REPO / "scenarios"), REPO / "tools" / "new-scenario"]
CAUSES = {
    "all": {"text": "all of it", "is": "right", "why": "so it is"},
    "half": {"text": "one half", "is": "near", "why": "the other half"},
    "rest": {"text": "the other half", "is": "near", "why": "the first half"},
    "weather": {"text": "the weather", "is": "wrong", "why": "it was fine"},
}
FILE = Diagnosis.model_validate({"causes": CAUSES, "metrics": {"answers": {"objective": "people are answered"}}})


def status(value, *, variant="learner", digest="mine", verdict="pass", started=200.0, unit="ratio"):
    objective = {
        "name": "people are answered",
        "measure": "availability",
        "unit": unit,
        "value": value,
        "target": 1.0,
        "worst": 0.5,
        "weight": 1,
    }
    return RunStatus.model_validate(
        {
            "phase": "Done",
            "started": started,
            "verdict": verdict,
            "code": {"variant": variant, "digest": digest},
            "objectives": [objective],
        }
    )


BEFORE = ("run-1", status(0.4, variant="flawed", digest="flawed", verdict="fail", started=50.0))


def claim(**fields):
    values = {"cause": "all", "metric": "answers", "direction": "up", "expect": "90%", "confidence": 80, "now": 100.0}
    return diagnosis.claim(FILE, BEFORE, **{**values, **fields})


def test_a_claim_keeps_the_value_that_it_starts_from():
    made = claim()
    assert (made.before_run, made.before, made.expected, made.objective) == ("run-1", 0.4, 0.9, "people are answered")


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"cause": "wether"}, "FL133", "--cause must be one of all, half, rest, weather, got wether"),
        ({"metric": "mood"}, "FL133", "--metric must be one of answers, got mood"),
        ({"expect": "lots"}, "FL134", "--expect must be a share such as 0.95 or 95%, got lots"),
        ({"expect": "nan"}, "FL134", "got nan"),
        ({"expect": "0.3"}, "FL134", "--expect must be above 0.4, the value now, to go up, got 0.3"),
        ({"direction": "down"}, "FL134", "must be below 0.4"),
        ({"expect": "0.4"}, "FL134", "must be above 0.4"),
    ],
)
def test_a_claim_that_cannot_be_scored_is_refused(fields, code, said):
    with pytest.raises(InvalidInput, match=code) as caught:
        claim(**fields)
    assert said in caught.value.message


def test_a_metric_without_a_value_cannot_be_predicted():
    with pytest.raises(InvalidInput, match="FL135: run-1 has no value for answers"):
        diagnosis.claim(
            FILE,
            ("run-1", status(None)),
            cause="all",
            metric="answers",
            direction="up",
            expect="1",
            confidence=50,
            now=1.0,
        )


def test_per_cent_are_for_ratios():
    assert diagnosis.amount("95%", "ratio") == 0.95
    with pytest.raises(InvalidInput, match="--expect must be a number, in s, got 95%"):
        diagnosis.amount("95%", "s")


@pytest.mark.parametrize(
    ("fields", "after", "points"),
    [
        ({"confidence": 100}, 0.9, 100),
        ({"confidence": 0}, 0.9, 90),
        ({"confidence": 50}, 0.9, 98),
        ({"confidence": 100}, 0.65, 90),  # half of the way between worst and target off
        ({"confidence": 100}, 0.4, 60),  # did not move
        ({"confidence": 100}, 0.44, 62),  # by less than counts
        ({"confidence": 100}, 0.1, 60),  # the other way
        ({"cause": "half", "confidence": 0}, 0.9, 75),
        ({"cause": "half", "confidence": 100}, 0.9, 65),
        ({"cause": "weather", "confidence": 100}, 0.9, 40),
    ],
)
def test_points_follow_from_the_list_and_the_measured_value(fields, after, points):
    found = diagnosis.scored(FILE, claim(**fields), [("run-2", status(after))])
    assert found.score.points == points


@pytest.mark.parametrize(
    "other",
    [
        {"variant": "solution"},
        {"digest": "flawed"},
        {"verdict": "inconclusive"},
        {"started": 99.0},
        {"value": None},
    ],
    ids=["code of the catalogue", "the same code", "inconclusive", "began before the claim", "no value"],
)
def test_a_run_that_cannot_say_leaves_the_claim_waiting(other):
    run = ("run-2", status(**{"value": 0.9, **other}))
    assert diagnosis.scored(FILE, claim(), [run]) is None
    assert diagnosis.scored(FILE, claim(), [run, ("run-3", status(0.9))]).score.run == "run-3"


def test_the_first_run_counts():
    runs = [("run-2", status(0.5)), ("run-3", status(0.9))]
    assert diagnosis.scored(FILE, claim(), runs).score.after == 0.5


@pytest.mark.parametrize("kinds", [("near", "near", "wrong"), ("right", "right", "near", "near"), ("right", "near")])
def test_a_file_has_one_cause_that_is_right_and_near_misses(kinds):
    causes = {f"cause-{index}": {"text": "x", "is": kind, "why": "y"} for index, kind in enumerate(kinds)}
    causes |= {f"more-{index}": {"text": "x", "is": "wrong", "why": "y"} for index in range(3)}
    with pytest.raises(ValueError, match="causes must have"):
        Diagnosis.model_validate({"causes": causes, "metrics": {"a": {"objective": "b"}}})


def test_the_longest_cause_is_not_the_right_one():
    causes = {**CAUSES, "all": {**CAUSES["all"], "text": "half of it and then the other half of it as well"}}
    with pytest.raises(ValueError, match="must not have the right one as the longest, got 48 characters, others 14"):
        Diagnosis.model_validate({"causes": causes, "metrics": {"answers": {"objective": "people are answered"}}})


def test_errors_of_the_file_name_the_field(tmp_path):
    with pytest.raises(NotFound, match="FL214"):
        diagnosis.load(tmp_path)
    (tmp_path / "diagnosis.yaml").write_text("causes: [")
    with pytest.raises(InvalidInput, match=r"FL132: .*diagnosis\.yaml is not YAML"):
        diagnosis.load(tmp_path)
    (tmp_path / "diagnosis.yaml").write_text("causes: {}\nmetrics: {a: {objective: b, unit: s}}\n")
    with pytest.raises(InvalidInput, match=r"diagnosis\.yaml\.metrics\.a\.unit is not a known field"):
        diagnosis.load(tmp_path)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_scenario_predicts_what_it_measures(folder):
    file = diagnosis.load(folder)
    spec = ScenarioSpec.model_validate(scenario_object(folder / "scenario.yaml")["spec"])
    measured = {each.name for each in spec.objectives if each.target is not None}
    assert {each.objective for each in file.metrics.values()} <= measured
