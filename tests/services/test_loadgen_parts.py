"""Board, history, recorder, plan, canary, and what is read from load.py's source. None of it imports Locust."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import time
from collections import Counter

import pytest
from pydantic import ValidationError

from loadgen import canary, history, loadfile
from loadgen.board import BUCKETS, Board
from loadgen.history import HistoryWriter
from loadgen.keys import Keys
from loadgen.plan import Plan
from loadgen.recorder import Clock, Recorder, Reply, Request


def test_the_control_process_never_imports_locust():
    code = "import sys, loadgen.control, loadgen.__main__; sys.exit('gevent' in sys.modules or 'locust' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "services"}).returncode == 0


def test_a_board_is_seen_by_another_mapping(tmp_path):
    ours = Board.create(tmp_path / "board", ["buy", "read"])
    theirs = Board(tmp_path / "board", ["buy", "read"])
    assert theirs.counts() == {op: {"ok": 0, "failed": 0, "unknown": 0} for op in ("buy", "read")}
    ours.offer("fault", "read")
    ours.settle("fault", "read", "ok", 0.0011)
    ours.settle("fault", "read", "unknown", None)
    assert theirs.offered("fault", "read") == 1
    assert theirs.counts()["read"] == {"ok": 1, "failed": 0, "unknown": 1}
    assert theirs.counts()["buy"] == {"ok": 0, "failed": 0, "unknown": 0}
    assert theirs.offered("baseline", "read") == 0
    buckets, total = theirs.latencies("fault", "read")
    assert (sum(buckets), total) == (1, 0.0011)
    assert buckets[BUCKETS.index(0.002)] == 1


@pytest.mark.parametrize(("latency", "bucket"), [(0.0, 0), (0.001, 0), (10.0, len(BUCKETS) - 1), (11.0, len(BUCKETS))])
def test_buckets_include_their_limit(tmp_path, latency, bucket):
    board = Board.create(tmp_path / "board", ["buy"])
    board.settle("fault", "buy", "ok", latency)
    assert board.latencies("fault", "buy")[0].index(1) == bucket


def test_history_comes_back_as_it_was_written(tmp_path):
    writer = HistoryWriter(tmp_path / "h.gz")
    records = [{"i": index, "key": "ö\n"} for index in range(1000)]
    for record in records:
        writer.write(record)
    writer.close()
    assert list(history.read(tmp_path / "h.gz")) == records


def test_history_can_be_added_to(tmp_path):
    for index in range(2):
        writer = HistoryWriter(tmp_path / "h.gz", append=index > 0)
        writer.write({"i": index})
        writer.close()
    assert [record["i"] for record in history.read(tmp_path / "h.gz")] == [0, 1]


def test_a_value_that_is_not_json_is_refused_at_once(tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        HistoryWriter(tmp_path / "h.gz").write({"value": object()})


@pytest.fixture
def recorder(tmp_path, make_plan):
    def make(mark: float) -> Recorder:
        board = Board.create(tmp_path / "board", ["buy"])
        return Recorder(Clock(mark), board, HistoryWriter(tmp_path / "h.gz"), Plan(**make_plan()).windows)

    return make


def test_latency_counts_from_the_intended_start(recorder, tmp_path):
    record = recorder(time.time() - 2.0)
    record.settle(Request(0, 0, "buy", "k", 1, "baseline", 1.0, 1.5), Reply("ok", 200))
    record.history.close()
    (line,) = history.read(tmp_path / "h.gz")
    assert line["latency"] >= 1.0
    assert line["end"] - line["intended"] == pytest.approx(line["latency"], abs=1e-5)
    assert record.samples[0].latency == pytest.approx(line["latency"], abs=1e-5)


def test_history_line_has_the_agreed_fields(recorder, tmp_path):
    record = recorder(time.time())
    record.settle(Request(3, 1, "buy", "k", 5, "fault", 4.0, 4.1), Reply("unknown", error="cut off"))
    record.history.close()
    line = json.loads(gzip.decompress((tmp_path / "h.gz").read_bytes()))
    agreed = "i call op key value phase intended sent end outcome status latency error"
    assert " ".join(line) == agreed
    assert (line["i"], line["call"], line["outcome"], line["status"]) == (3, 1, "unknown", None)


def test_phases_follow_the_windows(recorder, make_plan):
    phase = recorder(time.time()).phase
    ends = Plan(**make_plan()).windows
    assert phase(0.0) == "baseline"
    assert phase(ends["baseline"][1]) == "fault"
    assert phase(ends["recovery"][1] - 0.001) == "recovery"
    assert phase(ends["drain"][1] + 60) == "drain"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": []}, "at least 1 item"),
        ({"stages": [{"at": 5, "rate": 1}, {"at": 5, "rate": 2}]}, "stages must be in the order of at"),
        ({"deadline": 0}, "greater than 0"),
        ({"target": "ftp://x"}, "should match pattern"),
        ({"fault_end": 100}, "fault_end must lie before the end of recovery"),
        ({"windows": {"baseline": [0, 1]}}, "fault, recovery, drain missing"),
        ({"windows": {"baseline": [0, 1], "fault": [2, 3], "recovery": [3, 4], "drain": [4, 5]}}, "without a gap"),
        ({"windows": {"baseline": [1, 2], "fault": [2, 3], "recovery": [3, 4], "drain": [4, 5]}}, "must start at 0"),
        ({"extra": 1}, "Extra inputs"),
    ],
)
def test_a_bad_plan_is_refused(make_plan, change, message):
    with pytest.raises(ValidationError, match=message):
        Plan(**(make_plan() | change))


def test_operations_are_found_in_the_source():
    source = """
class A:
    def one(self):
        self.call("plain", "GET", "/")
        self.call("yes" if self.x else "no", "GET", "/")
        self.call(op="named", method="GET", path="/")
"""
    assert loadfile.named_ops(source) == ({"plain", "yes", "no", "named"}, [])


def test_a_computed_operation_is_reported_with_its_line():
    assert loadfile.named_ops('self.call(f"op-{x}", "GET", "/")') == (set(), [1])


@pytest.mark.parametrize(("p50", "scale"), [(0.1, 1.0), (1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (9.0, 4.0)])
def test_the_canary_scales_within_limits(p50, scale):
    taken = [p50 * canary.REFERENCE_P50_SECONDS] * 100
    assert canary.judge(taken).scale == pytest.approx(scale)


def test_a_key_that_rotates_takes_90_requests_when_all_is_well():
    keys, rng = Keys(), random.Random(1)  # noqa: S311 - made-up load
    taken = []
    for _ in range(100):
        taken.append(keys.take("k", 1, 2, rng))
        keys.settle(taken[-1])
        keys.settle(taken[-1])
    keys.settle(None)
    keys.settle("of nobody")
    assert Counter(taken) == {"k-0-0": 45, "k-0-1": 45, "k-0-2": 10}


def test_keys_side_by_side_are_all_used():
    keys, rng = Keys(), random.Random(1)  # noqa: S311 - made-up load
    assert {keys.take("k", 3, 1, rng) for _ in range(8)} == {"k-0-0", "k-1-0", "k-2-0"}
