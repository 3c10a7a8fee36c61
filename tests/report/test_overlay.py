"""Runs over one another."""

from __future__ import annotations

from faultline.report import overlay


def test_each_run_is_a_line_of_each_chart_on_one_scale(record):
    runs = [record("a"), record("b", good=True)]
    charts = {each["name"]: each for each in overlay.panels(runs)}
    assert charts.keys() == {"overlay-ok", "overlay-bad", "overlay-p50", "overlay-p95", "overlay-edges", "overlay-cpu"}
    latency = charts["overlay-p95"]
    assert latency["labels"] == ["flawed, 17", "solution, 100"]
    flawed, solution = latency["panels"][0]["lines"]
    at = latency["panels"][0]["seconds"].index(20.0)
    assert flawed[at] > 2 > 0.2 > solution[at]
    assert latency["top"] == max(flawed)
    assert [each["label"] for each in latency["panels"][0]["table"]["rows"]] == latency["labels"]
    assert [each["kind"] for each in latency["panels"][0]["spans"]].count("fault") == 2


def test_runs_of_the_same_score_are_told_apart_by_name(record):
    charts = overlay.panels([record("a"), record("b"), record("c", good=True)])
    assert charts[0]["labels"] == ["flawed, 17 (a)", "flawed, 17 (b)", "solution, 100"]


def test_one_run_alone_is_over_nothing(record):
    bare = record("b").model_copy(update={"series": None})
    assert overlay.panels([record("a")]) == []
    assert overlay.panels([record("a"), bare]) == []
    assert overlay.panels([]) == []
