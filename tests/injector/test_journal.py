"""The journal gives back what was on record when the injector died, and nothing that was not."""

from __future__ import annotations

from pathlib import Path

from faultline.injector.journal import Journal
from faultline.injector.plan import Plan

PLAN = Plan.model_validate(
    {"run": "r", "lease_seconds": 3, "faults": [{"name": "f", "type": "none", "start": 10.0, "end": 20.0}]}
)


async def test_replays_plan_lease_and_results(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await journal.begin(PLAN, 13.0, 10.0)
    journal.lease(14.0, 11.0)
    status = PLAN.faults[0].status().model_copy(update={"applied": 10.5})
    journal.fault(status, 11.5)
    journal.close()
    replay = Journal(tmp_path).replay()
    assert replay is not None
    assert (replay.plan, replay.lease_expires, replay.written, replay.over) == (PLAN, 14.0, 11.5, False)
    assert replay.statuses == {"f": status}


async def test_torn_last_line_is_dropped_for_good(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await journal.begin(PLAN, 13.0, 10.0)
    with journal.path.open("ab") as file:
        file.write(b'{"lease": 99')
    assert journal.replay() is not None
    await journal.over(12.0)
    replay = journal.replay()
    assert replay is not None
    assert (replay.lease_expires, replay.over) == (13.0, True)


async def test_new_plan_replaces_the_old_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    await journal.begin(PLAN, 13.0, 10.0)
    await journal.over(12.0)
    await journal.begin(PLAN.model_copy(update={"run": "s"}), 33.0, 30.0)
    replay = journal.replay()
    assert replay is not None
    assert (replay.plan.run, replay.over) == ("s", False)


def test_no_file_is_no_plan(tmp_path: Path) -> None:
    assert Journal(tmp_path).replay() is None
