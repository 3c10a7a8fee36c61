"""Latency as a heat map."""

from __future__ import annotations

import re

import pytest
from tests.report.conftest import MARK, line, write_history

from faultline.report import heat


@pytest.mark.parametrize(
    ("latency", "row"),
    [(0.001, -18), (0.00146, -18), (0.00148, -17), (0.01, -12), (0.1, -6), (0.9999, -1), (1.0, 0), (10.0, 6), (0, -24)],
)
def test_rows_are_six_for_a_factor_of_ten(latency, row):
    assert heat.row_of(latency) == row


def test_each_request_is_in_one_cell(kept):
    one = kept()
    found = heat.cells(one.requests, MARK)
    assert sum(found.values()) == len(one.requests)
    assert found[20, "unknown"] == 4
    assert found[10, heat.row_of(0.01)] == 20
    assert not any(second == 20 and row == heat.row_of(0.01) for second, row in found)


def test_every_cell_is_drawn_and_says_what_it_holds(kept):
    one = kept()
    picture = heat.heat_map(one, heat.rows([one]))
    drawn = re.findall(r'<rect class="(ok|failed|unknown)" fill-opacity="([\d.]+)"', picture)
    assert len(drawn) == len(heat.cells(one.requests, MARK))
    assert "second 20, unknown: 4</title>" in picture
    assert "second 10, 10 ms to 14.7 ms: 20</title>" in picture
    assert max(float(strength) for _, strength in drawn) == 1
    for mark in ("10 ms", "1 s", "failed", "unknown"):
        assert f">{mark}</text>" in picture


def test_runs_share_their_rows_and_what_a_full_colour_means(kept):
    bad, good = kept("a"), kept("b", good=True)
    shared = heat.rows([bad, good])
    assert shared == heat.rows([bad])
    heights = [re.search(r'viewBox="([^"]+)"', heat.heat_map(each, shared))[1] for each in (bad, good)]
    assert heights[0] == heights[1]


def test_more_requests_have_more_colour(tmp_path, record):
    write_history(tmp_path, [*(line(1.0) for _ in range(50)), *(line(2.0) for _ in range(5)), line(3.0)])
    one = record().model_copy(update={"folder": tmp_path})
    strengths = [float(each) for each in re.findall(r'fill-opacity="([\d.]+)"', heat.heat_map(one, heat.rows([one])))]
    assert strengths == sorted(strengths, reverse=True)
    assert len(set(strengths)) == 3
    assert strengths[-1] > heat.FAINTEST


def test_a_run_of_which_nothing_was_answered_well_has_a_map_too(tmp_path, record):
    write_history(tmp_path, [line(1.0, outcome="failed", status=500), line(1.5, outcome="failed", status=500)])
    one = record().model_copy(update={"folder": tmp_path})
    assert "second 1, failed: 2</title>" in heat.heat_map(one, heat.rows([one]))


def test_without_a_history_there_is_none(record, kept):
    assert heat.rows([record()]) is None
    assert heat.heat_map(record(), heat.rows([kept()])) is None
