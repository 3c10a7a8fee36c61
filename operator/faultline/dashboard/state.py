"""How a lab is, in the words that its page shows: phase, pods, the run under way, what comes next."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from faultline.api.run import Phase, RunStatus
from faultline.clients.kube_objects import Json
from faultline.dashboard.mirror import Mirror
from faultline.names import LABEL_PART

SPAN_SECONDS = 900.0
"""How long a run's phases and faults stay on the charts."""
RUNS_SHOWN = 30


def lab(mirror: Mirror, name: str) -> dict[str, Any]:
    """Everything that the page of a lab follows."""
    scenario = mirror.scenario(name)
    status = (scenario or {}).get("status") or {}
    code = status.get("code") or {}
    all_runs = mirror.runs()
    mine = [(each, status_of(each)) for each in all_runs if each["spec"]["scenario"] == name]
    current = next(((raw, run) for raw, run in mine if run.phase is not Phase.DONE), None)
    last = next(((raw, run) for raw, run in reversed(mine) if run.phase is Phase.DONE), None)
    found: dict[str, Any] = {
        "name": name,
        "exists": scenario is not None,
        "phase": str(status.get("phase") or "Pending") if scenario else "",
        "message": str(status.get("message") or ""),
        "ready": scenario is not None and is_ready(scenario),
        "code": code.get("variant", ""),
        "nodes": nodes(mirror.pods(name)) if scenario else {},
        "run": None if current is None else _under_way(current, all_runs),
        "last": None if last is None else brief(*last),
        "runs": [brief(raw, run) for raw, run in reversed(mine)][:RUNS_SHOWN],
        "spans": [span for _, run in mine for span in spans(run)],
    }
    found["next"] = _next(found, code.get("digest"), last)
    return found


def summary(mirror: Mirror, scenario: Json) -> dict[str, Any]:
    """A lab for the catalogue: that it is there, and what it does."""
    name = str(scenario["metadata"]["name"])
    running = [status_of(each) for each in mirror.runs(name)]
    phase = str((scenario.get("status") or {}).get("phase") or "Pending")
    current = next((each for each in running if each.phase is not Phase.DONE), None)
    return {"name": name, "phase": phase, "run": current.phase.value if current else ""}


def status_of(run: Json) -> RunStatus:
    """A run's status; Queued before the operator wrote any."""
    return RunStatus.model_validate(run.get("status") or {})


def is_ready(scenario: Json) -> bool:
    """Whether the operator has seen this version of the object and found the lab up."""
    status = scenario.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or [])
    return ready and status.get("observedGeneration") == scenario["metadata"].get("generation")


def nodes(pods: list[Json]) -> dict[str, Any]:
    """The lab's pods by the service or store that they belong to."""
    found: dict[str, Any] = {}
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        if labels.get(LABEL_PART) == "harness":
            continue
        app = str(labels.get("app") or pod["metadata"]["name"])
        node = found.setdefault(app, {"ready": 0, "total": 0, "problem": "", "restarts": 0})
        if pod["metadata"].get("deletionTimestamp"):
            continue
        node["total"] += 1
        node["ready"] += _pod_ready(pod)
        node["restarts"] += sum(each.get("restartCount", 0) for each in _containers(pod))
        node["problem"] = node["problem"] or _problem(pod)
    return found


def _containers(pod: Json) -> list[Json]:
    return list((pod.get("status") or {}).get("containerStatuses") or [])


def _pod_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _problem(pod: Json) -> str:
    for each in _containers(pod):
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return str(waiting["reason"])
    return ""


def brief(raw: Json, status: RunStatus) -> dict[str, Any]:
    """A run as one line of a list."""
    numbers = status.summary
    return {
        "name": str(raw["metadata"]["name"]),
        "scenario": str((raw.get("spec") or {}).get("scenario", "")),
        "at": status.started or _created(raw),
        "phase": status.phase.value,
        "variant": status.code.variant if status.code else "",
        "verdict": "stopped" if status.stopped else status.verdict or "",
        "score": status.score,
        "success": numbers.success_rate if numbers else None,
        "p95": numbers.p95 if numbers else None,
    }


def _created(raw: Json) -> float:
    text = str(raw["metadata"].get("creationTimestamp") or "")
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else 0.0


def _under_way(current: tuple[Json, RunStatus], all_runs: list[Json]) -> dict[str, Any]:
    raw, status = current
    name = raw["metadata"]["name"]
    ahead = []
    for each in all_runs:
        if each["metadata"]["name"] == name:
            break
        if status_of(each).phase is not Phase.DONE:
            ahead.append(each)
    return {
        "name": str(name),
        "phase": status.phase.value,
        "mark": status.mark,
        "started": status.started,
        "ahead": len(ahead),
        "variant": status.code.variant if status.code else "",
        "held_out": None if status.held_out is None else status.held_out.model_dump(),
    }


def spans(run: RunStatus) -> list[dict[str, Any]]:
    """The phases and faults of a run, in Unix seconds; the end of what goes on is None."""
    if run.mark is None or run.mark < time.time() - SPAN_SECONDS:
        return []
    phases = [
        {"kind": "phase", "name": each.name, "detail": "", "start": each.start, "end": each.end}
        for each in run.phases
        if each.start >= run.mark - 0.5
    ]
    faults = [
        {"kind": "fault", "name": each.name, "detail": f"{each.called} {each.edge}".strip(), "start": each.applied,
         "end": each.reverted}
        for each in run.faults
        if each.applied is not None
    ]  # fmt: skip
    return [*phases, *faults]


def _next(found: dict[str, Any], digest: str | None, last: tuple[Json, RunStatus] | None) -> str:
    """What to do now: apply, wait, chaos, watch, look (at the last run's report), fix."""
    if not found["exists"] or found["phase"] in ("Suspended", "Failed"):
        return "apply"
    if found["run"]:
        return "watch"
    if not found["ready"]:
        return "wait"
    graded = last[1].code if last else None
    if last is None or not graded or graded.digest != digest or last[1].verdict == "inconclusive":
        return "chaos"
    return "done" if last[1].verdict == "pass" else "fix"
