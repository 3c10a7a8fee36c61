"""What the CLI prints."""

from __future__ import annotations

import pytest

from faultline.report import comparison, lost_points
from faultline.report.quantity import quantity
from faultline.report.text import gist, reasons

MARK = 1_800_000_000.0


def test_runs_are_compared_row_by_row(record):
    rows = {row.label: row for row in comparison([record("a"), record("b", good=True)])}
    assert rows["Score"].values == ["17", "100"]
    assert rows["Verdict"].values == ["fail", "pass"]
    assert rows["Success rate"].values == ["66.4%", "99.63%"]
    assert rows["Latency p95"].values == ["2.83 s", "94 ms"]
    assert rows["Answered well"].values == ["79.8 requests/s", "119 requests/s"]
    assert (rows["Latency p95"].best, rows["Recovery time"].best, rows["Verdict"].best) == (1, 1, None)


def test_nothing_is_better_than_itself_or_than_nothing(record):
    assert all(row.best is None for row in comparison([record("a"), record("b")]))
    assert all(row.best is None for row in comparison([record("a"), record("b", summary=None, score=None)]))


def test_lost_points_come_largest_first_with_all_that_explains_them(record):
    lost = lost_points(record())
    first = lost[0]
    assert (first.objective, first.weight - first.points) == ("the rest of the site stays up", 40)
    assert (first.expected, first.seen) == ("at least 99% (no points below 90%)", "58.1%")
    assert (first.window, first.required) == ("fault, recovery", True)
    assert first.principle.startswith("A failing dependency")
    assert lost_points(record(good=True)) == []


def test_a_run_that_failed_by_its_history_alone_lost_what_that_proves(record):
    """Its other measurements are doubtful."""
    first, *others = record().status.objectives
    doubled = first.model_copy(update={"name": "once", "measure": "duplicate_effects", "value": 3.0, "met": False})
    unscored = record(score=None, objectives=[first, *others, doubled])
    assert not first.met
    assert [each.objective for each in lost_points(unscored)] == ["once"]


def test_a_run_in_one_sentence(record):
    phases = [{"name": "Recovery", "start": MARK + 42, "end": MARK + 57}]
    good = record(good=True, phases=phases)
    assert gist(good) == "Answered 99.63% of the requests well, and was well again 0 s after the last fault."
    assert gist(record(phases=phases)).endswith(
        "66.4% of the requests well, and was well again 15 s after the last fault."
    )
    never = record().status.summary.model_copy(update={"recovery_seconds": 16.0})
    assert gist(record(phases=phases, summary=never)).endswith("and was not well again when the load ended.")
    assert gist(record(summary={"successRate": 0.5})) == "Answered 50% of the requests well."
    assert gist(record(summary=None)) == ""


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("host noise: 52%; stop what else runs", "host noise: 52%; stop what else runs"),
        ("the operator was restarted during Fault", "the operator was restarted during Fault; run it again"),
        ("stopped on request: `make stop`; or so", "stopped on request: `make stop`; or so; run it again"),
        ("FL332: gone; away", "FL332: gone; away; see FL332 in docs/errors.md, then run it again"),
    ],
)
def test_each_reason_of_a_run_that_cannot_be_judged_has_its_next_step(record, reason, told):
    assert reasons(record(verdict="inconclusive", score=None, reasons=[reason])) == [told]


def test_what_capped_a_score_needs_no_other_run(record):
    assert reasons(record()) == ["required objective 'the rest of the site stays up' is missed: 79 at most"]


def test_an_objective_without_value_is_lost_and_says_why(record):
    status = record(good=True).status
    gone = status.objectives[0].model_copy(update={"value": None, "met": False, "points": 0.0, "problem": "no data: x"})
    changed = record(good=True, objectives=[gone])
    assert lost_points(changed)[0].seen == "no data: x"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.99974, "ratio", "99.97%"),
        (0.999999, "ratio", "99.99%"),
        (1.0, "ratio", "100%"),
        (0.5, "ratio", "50%"),
        (0.0, "ratio", "0%"),
        (0.0123, "s", "12.3 ms"),
        (0.9996, "s", "1 s"),
        (2.834, "s", "2.83 s"),
        (0.0, "s", "0 s"),
        (1234.5, "requests/s", "1,234 requests/s"),
        (1.017, "attempts/operation", "1.02 attempts/operation"),
        (None, "s", "no data"),
    ],
)
def test_numbers_read_well(value, unit, text):
    assert quantity(value, unit) == text
