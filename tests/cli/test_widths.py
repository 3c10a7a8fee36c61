"""What is printed reads well on a terminal of 80 columns: no line is longer, no name is cut, no word is broken."""

from __future__ import annotations

import pytest
from tests.report.conftest import MARK, make

from faultline.cli import _grade, _verified, status, verify
from faultline.cli._runs import RunView
from faultline.cli._show import wrapped
from faultline.cli.base import columns, console
from faultline.progress import Attempt, Store

OBJECTIVES = ["product pages answer while payments is away", "payments is not tried again and again"]


@pytest.fixture(autouse=True, params=[80, 120])
def width(request, monkeypatch):
    monkeypatch.setattr(console, "width", request.param)
    return request.param


def lines(capsys, width):
    said = capsys.readouterr().out.splitlines()
    assert [each for each in said if len(each) > width] == []
    return [each.rstrip() for each in said]


def test_a_paragraph_keeps_its_indent(capsys, width):
    wrapped("[bold]lab[/]: " + "word " * 40)
    said = lines(capsys, width)
    assert len(said) > 1
    assert all(each.startswith("  ") and each.split()[-1] == "word" for each in said)


def test_a_graded_run(capsys, width):
    example = {
        "text": "sale-a0824f57dbac: 4315 is there 2 times, 1 allowed",
        "operations": [
            {"op": "charge", "key": "sale-a0824f57dbac", "value": "4315", "outcome": "unknown",
             "start": MARK + 22.9, "end": None, "note": "no reply: it may have happened"},
        ],
    }  # fmt: skip
    check = {"name": "no sale is charged twice", "check": "duplicate_effects", "result": "violated", "unit": "keys",
             "examined": 715, "violations": 1, "examples": [example]}  # fmt: skip
    reason = "host noise: the hypervisor took 14% of the CPU for 10 s; stop what else runs on this machine"
    record = make(reasons=[reason], checks=[check])
    _grade.show(record, RunView({"status": record.status.model_dump(mode="json", by_alias=True)}))
    said = lines(capsys, width)
    text = " ".join(" ".join(said).split())
    assert reason in text
    for each in record.status.objectives:
        assert each.name in text
        assert each.reason in text
    # What goes on stands below where it began.
    why = next(place for place, each in enumerate(said) if each.startswith("  why"))
    if width == 80:
        assert said[why + 1].startswith(" " * len("  expected "))
    assert "sale-a0824f57dbac" in text
    assert "unknown: no reply: it may" in text


def test_a_comparison_names_both_runs_whole(capsys, width):
    names = ["verify-url-shortener-20261122-062629", "verify-url-shortener-20261122-062810"]
    _grade.show_named([make(names[0]), make(names[1], good=True)])
    said = lines(capsys, width)
    assert [each.split()[:2] for each in said[:2]] == [["1", names[0]], ["2", names[1]]]
    (head,) = [each for each in said if "┃" in each]
    assert [each.split()[0] for each in head.split("┃")[2:4]] == ["1:", "2:"]


def test_without_a_terminal_lines_are_long_unless_columns_says_how_long(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert (columns(True), columns(False)) == (None, 160)
    monkeypatch.setenv("COLUMNS", "90")
    assert columns(False) is None


def test_what_was_proven(capsys, width):
    row = _verified.Row(
        variant="wrong/restart-instead-of-release", digest="d", engine="e", seed=1, run="r", ended=1.0, verdict="fail",
        expected="fail", score=35, caught_by=OBJECTIVES[0], lost=OBJECTIVES * 3, reasons=[], retries=1,
        run_seconds=76.0, memory_bytes=None, cores=None,
    )  # fmt: skip
    verify._print([row])
    said = lines(capsys, width)
    assert said[1].split() == ["✓", row.variant, "1", "35", "fail", "fail", "1"]
    assert ", ".join(row.lost) in " ".join(" ".join(said[3:]).replace(f"{row.variant}  1", "").split())


def test_progress_fits(capsys, width, run, home, monkeypatch):
    monkeypatch.setattr("faultline.cli._labs.slugs", lambda: ["diagnosing-failures", "horizontal-scaling"])
    store = Store(home)
    for number, verdict in enumerate(["fail", "pass"]):
        ended = 12_000.0 * number
        attempt = Attempt(run=f"r{number}", variant="learner", score=79 + number, verdict=verdict, ended=ended)
        store.attempt("diagnosing-failures", attempt)
    store.solution_opened("diagnosing-failures", 13_000.0)
    said = [each.rstrip() for each in run("progress").output.splitlines()]
    assert max(map(len, said)) <= width
    assert said[1].split() == ["✓", "diagnosing-failures", "80", "2", "0", "-", "after", "30", "min", "0", "s"]


def test_labs_are_named_whole_and_their_trouble_too(capsys, width):
    last = [
        {"run": "verify-diagnosing-failures-20261122-053508", "verdict": "fail", "stopped": False, "score": 20},
        {
            "run": "verify-diagnosing-failures-20261122-053400",
            "verdict": "inconclusive",
            "stopped": True,
            "score": None,
        },
    ]
    running = {"run": last[0]["run"], "phase": "Recovery", "left": 12.3, "to_score": 70.0}
    message = "the pods of gateway are not ready: CrashLoopBackOff in container app, [exit] code 1"
    status._print(
        [
            {"lab": "verify-diagnosing-failures", "phase": "Deploying", "code": "wrong/more-replicas-of-all",
             "running": [running], "message": message, "last": last},
        ]
    )  # fmt: skip
    said = lines(capsys, width)
    assert said[1].startswith("verify-diagnosing-failures  Deploying  wrong/")
    assert message in " ".join(" ".join(said).split())
    for each in last:
        assert any(str(each["run"]) in line for line in said)
