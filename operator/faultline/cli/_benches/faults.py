"""How exact edge faults are with 1, 5 and 20 small labs under load, next to chaostoolkit with the same schedule.

Measured on the data path, the same way for both: a stream of time-stamped messages runs through each edge, and a fault
of latency begins with the first message that it delays and ends when the messages that it held back arrive. So the
numbers hold what the injector does not know of: Toxiproxy's own work, and threads that ran late.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence

from faultline.cli._benches import _peer
from faultline.cli._benches._field import EDGES, Field, SmallLab, as_stdin, field
from faultline.cli._benches._schedule import DELAY_SECONDS, WINDOW_SECONDS, Errors, Planned, errors, schedule
from faultline.cli._benches.base import Bench, Measurement, quantile, spread
from faultline.cli._show import Line
from faultline.cli.base import console
from faultline.errors import NotReady

RATE = 200.0
"""Requests per second over all labs together, by the same edges as the faults."""
LABS: Mapping[int, tuple[int, int]] = {1: (40, 2), 5: (20, 1), 20: (8, 1)}
"""Labs at a time: faults per lab in 25 s, and how often."""
P99_BOUND_MS = {1: 20.0, 5: 50.0, 20: 50.0}
PEER_FAULTS = 16
LEAD_SECONDS = 4.0
PEER_LEAD_SECONDS = 8.0
"""chaostoolkit takes a few seconds to load and validate an experiment."""
AFTER_SECONDS = 3.0
MISSED_SHARE = 0.02
"""More faults than that not seen, or seen that were none, and the numbers would say nothing."""

READER = ["python", "/scripts/reader.py"]

Ways = Mapping[str, tuple[str, int]]


def measure(bench: Bench) -> Iterator[Measurement]:
    """Start and end errors by number of labs, then the peer's."""
    with field(bench.cluster) as ground, Line() as line:
        ground.start_tools(line)
        ours: dict[int, Errors] = {}
        for count, (faults, rounds) in LABS.items():
            ground.grow(count, line)
            if count == 1:
                theirs = _theirs(ground, line)
            line.update(f"{count} labs: faults under {RATE:g} requests/s")
            found = [_ours(ground, ground.labs, faults, seed) for seed in range(rounds)]
            ours[count] = _together(f"{count} labs", found)
            yield from _told(count, ours[count])
        yield from _compared(ours[1], theirs)


def _told(count: int, found: Errors) -> Iterator[Measurement]:
    labs = f"{count}_lab" if count == 1 else f"{count}_labs"
    starts, ends = _late(found.starts), _late(found.ends)
    yield spread(f"fault_start_error_p50_ms_{labs}", starts, "ms", 0.5)
    yield spread(f"fault_start_error_p99_ms_{labs}", starts, "ms", 0.99, P99_BOUND_MS[count])
    yield spread(f"fault_end_error_p50_ms_{labs}", ends, "ms", 0.5)
    yield spread(f"fault_end_error_p99_ms_{labs}", ends, "ms", 0.99, P99_BOUND_MS[count])


def _compared(ours: Errors, theirs: Mapping[str, Errors]) -> Iterator[Measurement]:
    peer = spread("peer_start_error_p50_ms", _late(theirs["sequence"].starts), "ms", 0.5)
    yield peer
    yield spread("peer_start_error_p99_ms", _late(theirs["sequence"].starts), "ms", 0.99)
    yield spread("peer_end_error_p50_ms", _late(theirs["sequence"].ends), "ms", 0.5)
    yield spread("peer_background_start_error_p50_ms", _late(theirs["background"].starts), "ms", 0.5)
    share = quantile(_late(ours.starts), 0.5) / peer.value
    yield Measurement("fault_start_error_p50_to_peer", round(share, 4), "of the peer's", 0.1, n=len(ours.starts))


def _late(values: Sequence[float]) -> list[float]:
    """Early counts as much as late."""
    return [abs(each) for each in values]


def _ours(ground: Field, labs: Sequence[SmallLab], faults: int, seed: int) -> Errors:
    zero = time.time() + LEAD_SECONDS
    plans = {lab.name: schedule(faults, zero, seed * 1000 + index) for index, lab in enumerate(labs)}
    until = zero + WINDOW_SECONDS + AFTER_SECONDS
    reading = ground.begin("reader", READER, _wish({lab.name: lab.ways for lab in labs}, plans, until))
    for lab in labs:
        plan = [each.as_plan() for each in plans[lab.name]]
        lab.injector("PUT", "/plan", {"run": f"bench-{seed}", "lease_seconds": 60, "faults": plan})
    seen = _answer(reading, until)
    for lab in labs:
        lab.injector("DELETE", f"/plan/bench-{seed}")
    return _all_errors(plans, seen)


def _theirs(ground: Field, line: Line) -> dict[str, Errors]:
    """chaostoolkit's errors: step after step as its documentation has it, and with each step in a thread of its own."""
    line.update("chaostoolkit")
    _peer.install(ground)
    ways = _peer.serve(ground, ground.labs[0].target, EDGES)
    return {kind: _experiment(ground, ways, background=kind == "background") for kind in ("sequence", "background")}


def _experiment(ground: Field, ways: Ways, *, background: bool) -> Errors:
    """The first lab's target behind the peer's own Toxiproxy, under the same load."""
    zero = time.time() + PEER_LEAD_SECONDS
    planned = schedule(PEER_FAULTS, zero, 0)
    until = zero + WINDOW_SECONDS + AFTER_SECONDS
    reading = ground.begin("reader", READER, _wish({"peer": ways}, {"peer": planned}, until))
    experiment = _peer.experiment(planned, zero - 0.5, background=background)
    ground.run("peer", _peer.command(), json.dumps(experiment).encode(), seconds=120)
    return _together("chaostoolkit", [_all_errors({"peer": planned}, _answer(reading, until))])


def _wish(ways: Mapping[str, Ways], plans: Mapping[str, Sequence[Planned]], until: float) -> bytes:
    """What reader.py is to do; a stream is named `lab/edge`."""
    streams = {
        f"{lab}/{edge}": [host, port, [each.start for each in plans[lab] if each.edge == edge]]
        for lab, edges in ways.items()
        for edge, (host, port) in edges.items()
    }
    load = [way for edges in ways.values() for way in edges.values()]
    return as_stdin({"streams": streams, "until": until, "rate": RATE, "load": load, "delay": DELAY_SECONDS})


def _answer(reading: subprocess.Popen[bytes], until: float) -> Mapping[str, Sequence[Sequence[float]]]:
    output, complaint = reading.communicate(timeout=max(1.0, until - time.time()) + 30)
    if reading.returncode:
        text = complaint.decode(errors="replace")[-500:]
        raise NotReady("FL332", f"the bench's reader ended with {reading.returncode}: {text}", "make doctor")
    found = json.loads(output)
    sent, answered = found["load"]["sent"], found["load"]["answered"]
    console.print(f"  [dim]{sent} requests, {answered} answered[/]")
    events: Mapping[str, Sequence[Sequence[float]]] = found["events"]
    return events


def _all_errors(plans: Mapping[str, Sequence[Planned]], seen: Mapping[str, Sequence[Sequence[float]]]) -> Errors:
    found = Errors([], [], 0)
    for lab, planned in plans.items():
        mine = {
            edge: events for name, events in seen.items() for owner, _, edge in [name.partition("/")] if owner == lab
        }
        found += errors(planned, mine)
    return found


def _together(what: str, found: Sequence[Errors]) -> Errors:
    total = sum(found, Errors([], [], 0))
    if total.missed > MISSED_SHARE * len(total.starts):
        raise NotReady(
            "FL332",
            f"{what}: {total.missed} of {len(total.starts)} faults were not seen on the data path, or seen unplanned",
            "measure again on a quiet machine; `make doctor`",
        )
    return total
