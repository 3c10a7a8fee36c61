"""The page: complete, self-contained, and safe with whatever a run's texts hold."""

from __future__ import annotations

import json
import re

import pytest

from faultline.errors import InvalidInput
from faultline.report import render


def _charts(page: str) -> list[dict]:
    return json.loads(re.search(r'id="charts">(.*?)</script>', page, re.DOTALL).group(1))


def test_two_runs_show_scores_verdicts_and_each_lost_point(record):
    page = render([record("a"), record("b", good=True)], next_command="faultline apply circuit-breakers")
    for text in ("Circuit breakers", "flawed", "solution", ">17<", ">100<", "66.4%", "99.63%", "faultline apply circ"):
        assert text in page
    assert page.count('class="lost"') == 4
    assert "contain it with a bulkhead" in page
    assert "None: every objective reached its target." in page


def test_a_lost_point_says_query_window_expected_seen_and_principle(record):
    page = render([record()])
    lost = page[page.index('class="lost"') :]
    assert re.search(r"Expected</dt><dd>at least 99% \(no points below 90%\)", lost)
    assert re.search(r"Seen</dt><dd>58.1%", lost)
    assert re.search(r"Window</dt><dd>fault, recovery", lost)
    assert "<pre>sum(faultline_load_requests_total{run=&#34;x&#34;" in lost


def test_the_page_asks_nobody_for_anything(record):
    page = render([record()])
    assert "default-src 'none'" in page
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(", own)


def test_texts_of_a_run_cannot_become_markup(record):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    page = render([record(name="x</script><b>", reasons=[evil], message=evil)])
    assert "<script>alert" not in page
    assert "<img" not in page
    assert _charts(page)[0]["panels"][0]["run"] == "x</script><b>"


def test_a_fault_that_was_held_out_is_said_to_be_one(record):
    ended = {"name": "torn", "type": "reset", "edge": "checkout->payments", "plannedStart": 20.0, "plannedEnd": 21.0}
    page = render([record(faults=[ended | {"heldOut": True}])])
    assert "held out: reset on checkout-&gt;payments" in page
    assert "held out" not in render([record(faults=[ended])])


def test_faults_are_shown_against_their_plan(record):
    page = render([record()])
    for text in (
        "latency on checkout-&gt;payments",
        "15.0 s to 28.0 s",
        "+4 ms",
        "116 ms later",
        "+11 ms",
        "not probed",
    ):
        assert text in page


def test_an_inconclusive_run_has_no_score_and_says_why(record):
    page = render([record(verdict="inconclusive", score=None, reasons=["host noise: 52%; run it again"])])
    assert "inconclusive" in page
    assert "host noise: 52%; run it again" in page
    assert 'aria-label="no score, 80 is a pass"' in page


def test_a_run_that_never_got_far_is_still_a_page(record):
    bare = record(summary=None, objectives=[], faults=[], score=None, verdict=None, code=None, started=None, mark=None)
    page = render([bare.model_copy(update={"series": None})])
    assert "not graded" in page
    assert "No series were kept for this run" in page
    assert "This run was not graded." in page


def test_a_run_without_series_beside_one_that_has_them(record):
    page = render([record("a").model_copy(update={"series": None}), record("b")])
    assert page.count("no series were kept for this run") >= 4


def test_runs_share_one_scale_and_their_colours(record):
    charts = {each["name"]: each for each in _charts(render([record("a"), record("b", good=True)]))}
    assert charts["latency"]["top"] > 2.5
    assert charts["load"]["labels"] == ["offered", "ok", "failed", "unknown"]
    assert 110 < charts["load"]["top"] < 160
    assert len(charts["cpu"]["panels"][1]["lines"]) == len(charts["cpu"]["labels"])


def test_each_chart_has_a_table_of_means(record):
    table = _charts(render([record()]))[0]["panels"][0]["table"]
    assert table["phases"] == ["baseline", "fault", "recovery", "drain"]
    ok = next(row for row in table["rows"] if row["label"] == "ok")
    assert ok["cells"][0] > 100 > ok["cells"][1]


def test_a_run_is_drawn_over_those_of_before_and_says_nothing_else_of_them(kept):
    page = render([kept("now")], before=[kept("first", good=True)])
    overlaid = [each for each in _charts(page) if each["name"].startswith("overlay-")]
    assert overlaid[0]["labels"] == ["solution, 100", "flawed, 17"]
    assert page.count('<article class="card') == 1
    assert 'id="overlay"' not in render([kept("alone")])


def test_what_was_not_kept_is_said_to_be_missing(record):
    page = render([record()])
    assert "The requests of this run were not kept: its load and its operations are missing here." in page
    assert "What the app went through is not known: Prometheus was not asked while it still knew." in page
    assert 'id="heat"' not in page


def test_the_draft_of_a_post_mortem_is_open_where_there_is_something_to_learn(kept):
    assert '<details open><summary>flawed, a</summary>\n<pre class="markdown"># Post-mortem: Circuit' in render(
        [kept("a")]
    )
    assert "<details><summary>solution, a</summary>" in render([kept("a", good=True)])


def test_a_history_that_is_broken_is_an_error(kept):
    one = kept()
    (one.folder / "history.jsonl.gz").write_bytes(b"nothing of the kind")
    with pytest.raises(InvalidInput, match="FL171"):
        render([one])


def test_objectives_that_only_one_run_has(record):
    fewer = record("b", good=True)
    fewer = fewer.model_copy(update={"status": fewer.status.model_copy(update={"objectives": []})})
    assert "not part of this run" in render([record("a"), fewer])


def test_no_run_is_an_error():
    with pytest.raises(InvalidInput, match="at least one run"):
        render([])
