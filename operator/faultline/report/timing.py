"""Faults against their plan, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from faultline.api.run import FaultStatus
from faultline.report.record import RunRecord


@dataclass(frozen=True)
class FaultRow:
    """One fault: seconds after the start of the baseline, and how far off the plan it was, in milliseconds."""

    name: str
    what: str
    start: str
    end: str
    applied: str
    reverted: str
    observed: str
    cleared: str
    error: str


def fault_rows(record: RunRecord) -> list[FaultRow]:
    """The faults of a run in the order of their start."""
    mark = record.status.mark or 0.0
    faults = sorted(record.status.faults, key=lambda each: each.planned_start)
    return [_row(each, mark) for each in faults]


def _row(fault: FaultStatus, mark: float) -> FaultRow:
    return FaultRow(
        name=fault.name,
        what=f"{fault.called} on {fault.edge}" if fault.edge else fault.called,
        start=f"{fault.planned_start - mark:.1f} s",
        end=f"{fault.planned_end - mark:.1f} s",
        applied=_off(fault.applied, fault.planned_start),
        reverted=_off(fault.reverted, fault.planned_end),
        observed=_after(fault.observed, fault.applied),
        cleared=_after(fault.cleared, fault.reverted),
        error=fault.error,
    )


def _off(seen: float | None, planned: float) -> str:
    return "never" if seen is None else f"{1000 * (seen - planned):+.0f} ms"


def _after(seen: float | None, since: float | None) -> str:
    return "not probed" if seen is None or since is None else f"{1000 * (seen - since):.0f} ms later"
