"""series.json from recorded answers; test_on_prometheus.py has the queries on a real server."""

from __future__ import annotations

import json

from faultline.clients.prometheus import Prometheus
from faultline.grading import series


async def test_times_count_from_the_start_of_the_baseline(prometheus, evidence):
    found = await series(prometheus, evidence())
    assert found.seconds[:3] == [-2.0, -1.0, 0.0]
    assert found.seconds[-1] >= 61
    spans = {(each.kind, each.name): (round(each.start, 3), round(each.end, 3)) for each in found.spans}
    assert spans["phase", "fault"] == (12, 42)
    assert spans["fault", "latency-0"] == (12.004, 22.003)


async def test_a_fault_without_times_is_shown_as_planned(prometheus, evidence, fault):
    found = await series(prometheus, evidence(faults=[fault(applied=None, reverted=None)]))
    assert (found.spans[-1].start, found.spans[-1].end) == (12, 22)


async def test_what_is_no_number_is_a_gap_in_valid_json(fake, prometheus, evidence):
    fake.rows = {r'outcome="ok"\}\[2s\]': [({}, float("nan"))], "rate": [({}, 2.5)]} | fake.rows
    found = await series(prometheus, evidence())
    lines = {line.label: line.values for line in found.charts[0].lines}
    assert set(lines["ok"]) == {None}
    assert lines["failed"][0] == 2.5
    json.loads(found.model_dump_json(), parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))


async def test_each_series_is_a_line_named_by_its_label(fake, prometheus, evidence):
    fake.rows = {"sum by .edge.": [({"edge": "b->c"}, 1.0), ({"edge": "a->b"}, 2.0)]} | fake.rows
    edges = next(each for each in (await series(prometheus, evidence())).charts if each.name == "edges")
    assert [line.label for line in edges.lines] == ["a->b", "b->c"]


async def test_a_chart_that_cannot_be_had_says_why(evidence):
    async with Prometheus("http://127.0.0.1:9", timeout=60) as nobody:
        found = await series(nobody, evidence())
    assert all("cannot be reached" in each.problem and not each.lines for each in found.charts)
