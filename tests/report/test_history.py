"""The requests that a report draws, as the load generator left them."""

from __future__ import annotations

import pytest
from tests.report.conftest import MARK, line, write_history

from faultline.errors import InvalidInput
from faultline.report import history
from faultline.report.impact import impact


def test_only_what_clients_themselves_sent_is_read_in_the_order_of_its_start(tmp_path):
    lines = [
        line(3.0, op="late"),
        line(1.0, op="first", outcome="unknown", status=None, latency=2.5),
        line(2.0, op="of a fault", fault="rush"),
        line(2.0, op="seen beside", status=0),
        line(99.0, op="final", phase="final_reads"),
    ]
    found = history.read(write_history(tmp_path, lines))
    assert [(each.op, each.intended - MARK, each.latency, each.outcome) for each in found] == [
        ("first", 1.0, 2.5, "unknown"),
        ("late", 3.0, 0.01, "ok"),
    ]


@pytest.mark.parametrize("lines", [["text"], [{"op": "browse"}], [None]])
def test_a_file_of_something_else_is_refused(tmp_path, lines):
    with pytest.raises(InvalidInput, match=r"FL171.*history\.jsonl\.gz is no history of a run"):
        history.read(write_history(tmp_path, lines))


def test_a_file_that_is_cut_off_or_not_compressed_is_refused(tmp_path):
    path = write_history(tmp_path, [line(at / 10) for at in range(500)])
    for data in (path.read_bytes()[:-200], b"{}", path.read_bytes()[:20] + b"\xff" * 50):
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match="FL171"):
            history.read(path)


def test_a_run_whose_history_was_not_kept_has_no_requests(tmp_path, record):
    assert record().requests == []
    assert record().model_copy(update={"folder": tmp_path}).requests == []


def test_operations_come_by_how_often_they_are_asked_for(kept):
    assert list(history.operations(kept().requests)) == ["browse", "buy"]


def test_what_customers_lost_is_told_for_all_and_for_each_operation(kept):
    everything, buying = impact(kept())
    # 4 purchases a second, over 13 and 11 seconds.
    assert (everything.name, everything.lost, everything.requests) == ("all requests", 96, 1140)
    assert (buying.name, buying.lost, buying.requests) == ("buy", 96, 228)
    assert (buying.first - MARK, buying.last - MARK) == (15.0, 40.75)
    assert impact(kept("good", good=True)) == []
