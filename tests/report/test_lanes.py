"""The time line of a run."""

from __future__ import annotations

import re

import pytest
from tests.report.conftest import MARK, PHASES

from faultline.report.lanes import lanes, looked_at, moments, seconds
from faultline.report.svg import Axis, axis, label


def _rects(picture, kind):
    return re.findall(rf'<rect class="{kind}"[^>]*x="([\d.]+)"[^>]*width="([\d.]+)"', picture)


def test_every_part_of_a_run_has_its_lane(kept):
    one = kept()
    picture = lanes(one)
    for title in ("Load", "Faults", "Answered well, each second", "Objectives, over what they look at", "The app"):
        assert f">{title}</text>" in picture
    for name in (
        "slow",
        "cut",
        "browse",
        "buy",
        "checkout-0",
        "pager-0",
        *(each.name for each in one.status.objectives),
    ):
        assert f"<title>{name}</title>" in picture
    for name, _, _ in PHASES:
        assert f">{name}</text>" in picture
    assert "second 20: 0 of 4 answered well" in picture
    assert "19 s: the alert CheckoutsFail was raised" in picture
    assert "16 s to 27 s: callers waited for the pool postgres" in picture


def test_a_fault_is_drawn_as_it_really_was(kept):
    one = kept()
    across = axis(one)
    (slow, cut) = _rects(lanes(one), "on")
    assert float(slow[0]) == pytest.approx(across.x(MARK + 15.004), abs=0.1)
    assert float(cut[0]) + float(cut[1]) == pytest.approx(across.x(MARK + 41.011), abs=0.2)


def test_an_objective_is_met_missed_or_unseen(kept):
    one = kept()
    met = one.status.objectives[0].model_copy(update={"met": True})
    unseen = one.status.objectives[1].model_copy(update={"value": None, "problem": "no data"})
    picture = lanes(kept(objectives=[each.model_dump() for each in (met, unseen, one.status.objectives[2])]))
    assert [len(_rects(picture, kind)) for kind in ("met", "unseen", "missed")] == [1, 1, 1]
    for text in ("✓ 58.1%", "? no data", "✕ 15 s"):
        assert f">{text}</text>" in picture


@pytest.mark.parametrize(
    ("window", "spans"),
    [
        ("fault", [(12, 42)]),
        ("fault, recovery", [(12, 57)]),
        ("baseline, recovery", [(0, 12), (42, 57)]),
        ("recovery, drain", [(42, 61)]),
        ("end of the last fault to end of recovery", [(41, 57)]),
        ("start of cut to end of recovery", [(30, 57)]),
        ("start of the first fault to end of recovery", [(15, 57)]),
        ("the whole history and its final reads: 9 keys examined", [(0, 61)]),
    ],
)
def test_an_objective_spans_what_it_looks_at(record, window, spans):
    one = record()
    objective = one.status.objectives[0].model_copy(update={"window": window})
    found = looked_at(objective, one, axis(one))
    assert [(start - MARK, end - MARK) for start, end in found] == spans


def test_without_history_and_events_the_rest_is_drawn(record):
    picture = lanes(record())
    assert ">Faults</text>" in picture
    for title in ("Load", "Answered well, each second", "The app"):
        assert f">{title}</text>" not in picture


@pytest.mark.parametrize("change", [{"mark": None}, {"phases": []}, {"phases": [{"name": "Baseline", "start": MARK}]}])
def test_a_run_whose_load_never_ran_has_none(record, change):
    assert lanes(record(**change)) is None


def test_requests_are_counted_by_the_second_they_were_meant_to_start_in(kept):
    found = {each.at - MARK: (each.requests, each.well) for each in seconds(kept().requests, MARK)}
    assert (found[14], found[15], found[29]) == ((20, 20), (20, 16), (20, 20))
    assert 57 not in found


def test_the_same_in_words_is_in_the_order_of_time(kept):
    found = moments(kept())
    assert [each.at for each in found] == sorted(each.at for each in found)
    told = {each.what: (round(each.at, 3), each.until and round(each.until, 3)) for each in found}
    assert told == {
        "fault slow: latency on checkout->payments": (15.004, 28.006),
        "fault cut: partition on checkout->payments": (30.002, 41.011),
        "buy: 96 of 228 requests of the run not answered well": (15.0, 40.75),
        "checkout-0 callers waited for the pool postgres": (16.0, 27.0),
        "pager-0 the alert CheckoutsFail was raised": (19.0, None),
    }


def test_texts_of_a_run_cannot_become_markup(kept):
    evil = "</svg><script>alert(1)</script>"
    one = kept()
    objectives = [each.model_dump() | {"name": evil} for each in one.status.objectives]
    faults = [each.model_dump(by_alias=True) | {"name": evil, "edge": evil} for each in one.status.faults[:1]]
    events = [each.model_copy(update={"who": evil, "what": evil}) for each in one.events]
    changed = kept(objectives=objectives, faults=faults).model_copy(update={"events": events})
    assert "<script" not in lanes(changed)


@pytest.mark.parametrize(("length", "step"), [(8, 1), (61, 10), (90, 10), (600, 60), (4000, 600)])
def test_an_axis_has_few_round_marks(length, step):
    ticks = Axis(100.0, 100.0 + length).ticks()
    assert (ticks[0], ticks[1]) == (0, step)
    assert len(ticks) <= 11
    assert ticks[-1] <= length


def test_a_long_name_is_cut_and_told_in_full():
    name = "x" * 200
    assert f"<title>{name}</title>" in label(name, 0)
    assert "x…<" in label(name, 0)
