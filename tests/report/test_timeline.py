"""Counter-examples on the page and as rows."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from tests.report.conftest import MARK

from faultline.api.run import CounterExample
from faultline.report import render, rows
from faultline.report.timeline import Scale, picture


def lost(**more):
    return CounterExample.model_validate(
        {
            "text": "put on k1 was acknowledged and is lost",
            "operations": [
                {"op": "put", "key": "k1", "value": "7", "start": MARK + 13, "end": MARK + 13.02, "outcome": "ok",
                 "status": 200, "session": "arrival 9", "result": "null", "note": "acknowledged"},
                {"op": "put", "key": "k1", "value": "8", "start": MARK + 13.01, "outcome": "unknown", "session": "<b>"},
                {"op": "get", "key": "k1", "start": MARK + 61, "end": MARK + 61.01, "outcome": "ok", "status": 404,
                 "phase": "final_reads", "result": "null", "note": "final read", "session": "final_reads"},
            ],
            **more,
        }
    )  # fmt: skip


def checks(**more):
    body = {"name": "no write is lost", "check": "lost_writes", "result": "violated", "examined": 812, "unit": "keys",
            "violations": 3, "examples": [lost(), lost(text="another")]}  # fmt: skip
    return [body | more]


def test_rows_tell_when_who_what_and_what_to_notice(record):
    first, second, third = rows(lost(), record())
    assert (first.start, first.end, first.who) == ("13.000 s", "13.020 s", "arrival 9")
    assert (first.what, first.outcome, first.note) == ("put k1 ← 7", "ok (200)", "acknowledged")
    assert (second.end, second.outcome) == ("?", "unknown")
    assert (third.who, third.what) == ("final read", "get k1 → nothing")


def test_the_picture_has_a_bar_for_each_operation_on_one_scale_with_idle_time_cut(record):
    svg = ElementTree.fromstring(picture(lost(), record()))  # noqa: S314 - our own
    bars = [each for each in svg if each.tag == "rect" and each.get("class") != "fault"]
    places = [float(each.get("x")) for each in bars]
    assert places == sorted(places)
    assert [each.get("class") for each in bars] == ["ok", "unknown open", "ok"]
    assert all(x >= 0 and x + float(each.get("width")) <= 980 for x, each in zip(places, bars, strict=True))
    texts = ["".join(each.itertext()) for each in svg if each.tag == "text"]
    assert "put k1 ← 7 — acknowledged" in texts
    assert "48 s later" in texts
    assert {"13.000 s", "61.010 s"} <= set(texts)
    # Both faults were on while nothing of this went on, or in part.
    assert [each.get("class") for each in svg if each.tag == "rect"].count("fault") == 2


def test_operations_that_took_no_time_have_the_whole_width_and_their_times_are_inside(record):
    seen = [
        {"op": "sold", "key": f"order-{at}", "start": MARK + at, "end": MARK + at, "outcome": "ok"} for at in (29, 30)
    ]
    example = CounterExample.model_validate({"text": "seat 4 was given out twice", "operations": seen})
    svg = ElementTree.fromstring(picture(example, record()))  # noqa: S314 - our own
    first, second = [float(each.get("x")) for each in svg if each.tag == "rect" and each.get("class") != "fault"]
    assert second - first > 300
    times = {
        each.text: (float(each.get("x")), each.get("text-anchor"))
        for each in svg
        if each.tag == "text" and each.get("class") == "axis"
    }
    assert times["29.000 s"] == (first, "start")
    assert times["30.000 s"] == (second, "end")


def seen(at, lasts=0.0, note=""):
    return {"op": "booked", "key": "order-5f", "start": MARK + at, "end": MARK + at + lasts, "outcome": "ok",
            "note": note}  # fmt: skip


@pytest.mark.parametrize(
    ("operations", "squeezed"),
    [
        ([seen(20), seen(61, note="there again, though it had been taken back, and nobody at all asked for it")], 0),
        ([seen(24.7, 0.8), seen(50.1, 0.02, "the value is not what is read")], 0),
        ([seen(20, note="and again " * 30), seen(61)], 1),
    ],
)
def test_texts_are_seen_to_their_end_wherever_their_bar_is(record, operations, squeezed):
    example = CounterExample.model_validate({"text": "twice", "operations": operations})
    svg = ElementTree.fromstring(picture(example, record()))  # noqa: S314 - our own
    texts = [each for each in svg if each.tag == "text"]
    for each in texts:
        # A letter of 12 pixels has at least 6 in any font for a page.
        wide = float(each.get("textLength") or 6 * len("".join(each.itertext())))
        begins = float(each.get("x")) - {"end": wide, "middle": wide / 2}.get(each.get("text-anchor"), 0)
        assert begins >= 0
        assert begins + wide <= 980
    assert [each.get("textLength") is not None for each in texts].count(True) == squeezed


def test_a_scale_keeps_the_order_and_cuts_only_what_is_long():
    scale = Scale([(0, 1), (1.2, 2), (50, 51)])
    assert [gap[1:] for gap in scale.gaps] == [(2, 50)]
    places = [scale.x(each) for each in (0, 0.5, 1, 1.2, 2, 50, 50.5, 51)]
    assert places == sorted(places)
    assert places[2] - places[0] == 2 * (places[1] - places[0])
    assert scale.x(-5) == places[0]
    assert scale.x(99) == places[-1]
    assert places[0] <= Scale([(3, 3)]).x(3) <= places[-1]


def test_the_page_shows_what_a_check_found(record):
    page = render([record(checks=checks())])
    assert "Violated: 3 violations, 812 keys examined." in page
    assert page.count('<svg class="history"') == 2
    assert "put on k1 was acknowledged and is lost" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_check_that_holds_or_is_undecided_says_so(record):
    page = render([record(checks=checks(result="holds", violations=0, examples=[]))])
    assert "Holds: 812 keys examined." in page
    page = render([record(checks=checks(result="undecided", violations=0, examples=[], problem="no data: x"))])
    assert "Undecided: no data: x; 812 keys examined." in page


def test_a_run_without_checks_has_no_such_section(record):
    assert "Checks of the history" not in render([record()])
