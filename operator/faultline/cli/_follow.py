"""Follows a Run to its end: one line for each phase with what Prometheus sees, the current one live."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.markup import escape

from faultline.api.run import HeldOutStatus, Phase
from faultline.cli import _prometheus, _runs
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.cli._runs import RunView
from faultline.cli._show import Line, duration, percent, verdict, wrapped
from faultline.cli.base import console, spelled
from faultline.errors import FaultlineError, NotReady, Unreachable
from faultline.names import HELD_OUT
from faultline.scenario import FaultSpec, fault_name

POLL_SECONDS = 0.5
SILENCE_SECONDS = 60.0
"""How much longer than planned a run may take before following it is given up; the run itself goes on."""
RECENT_SECONDS = 5.0
"""What the live line looks back on."""
FEW = 0.0005
"""A share of errors below it reads as 0.0%."""
REASONS = 3
"""Why a run is inconclusive, as far as it is shown here; `faultline grade` shows all."""
LOADED = (Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)
"""Phases in which requests are sent."""
_QUERY = """
label_replace(sum(rate(faultline_load_offered_total{run="RUN",fault=""}[LAST])), "what", "rate", "", "") or
label_replace((sum(rate(faultline_load_requests_total{run="RUN",fault="",outcome!="ok"}[LAST])) or vector(0))
  / sum(rate(faultline_load_requests_total{run="RUN",fault=""}[LAST])), "what", "errors", "", "") or
label_replace(histogram_quantile(0.95,
  sum by (le) (rate(faultline_load_latency_seconds_bucket{run="RUN",fault=""}[LAST]))), "what", "p95", "", "") or
label_replace(faultline_fault_active{run="RUN"} == 1, "what", "fault", "", "")
"""


@dataclass
class Seen:
    """What Prometheus says about the last seconds: requests per second, the share that was lost, p95 in seconds."""

    rate: float | None = None
    errors: float | None = None
    p95: float | None = None
    faults: list[str] = field(default_factory=list)
    problem: str = ""

    def text(self) -> str:
        """As a part of a line."""
        if self.problem:
            return f"[yellow]no metrics ({self.problem})[/]"
        if self.rate is None:
            return ""
        parts = [f"{self.rate:5.0f} req/s"]
        if self.errors is not None:
            parts.append(f"{percent(self.errors):>6} errors")
        if self.p95 is not None:
            parts.append(f"p95 {duration(self.p95):>6}")
        return "  ".join([*parts, *(f"[red]{each}[/]" for each in self.faults)])


def places(lab: Lab) -> dict[str, str]:
    """Where each of a lab's faults acts, by its name; empty where that is no edge, service or store."""
    faults = [FaultSpec.model_validate(each) for each in lab.raw["spec"].get("faults") or []]
    return {fault_name(index, each): each.where for index, each in enumerate(faults)}


def sample(
    cluster: Cluster, run: str, known: Mapping[str, str], seconds: float = RECENT_SECONDS, at: float | None = None
) -> Seen:
    """Ask Prometheus through the API server's proxy; a failure is shown, it does not end the following.

    `known` has where faults act, by name. It is of the `seconds` before `at` (Unix seconds, default now).
    """
    query = _QUERY.replace("RUN", run).replace("LAST", f"{1000 * seconds:.0f}ms")
    try:
        found = _prometheus.instant(cluster, query, at, timeout=3)
    except (Unreachable, NotReady) as error:
        return Seen(problem=error.code)
    seen = Seen()
    for each in found:
        labels, value = each["metric"], float(each["value"][1])
        if labels["what"] == "fault":
            seen.faults.append(_fault(labels, known))
        elif value == value:  # NaN: no request was answered in these seconds
            setattr(seen, labels["what"], value)
    return seen


def _fault(labels: Mapping[str, str], known: Mapping[str, str]) -> str:
    kind, name = labels.get("type", "?"), labels.get("fault", "")
    if kind == HELD_OUT:
        return "a held-out fault"
    where = labels.get("edge") or known.get(name)
    return f"{kind} on {where}" if where else f"{kind} ({name})"


def follow(cluster: Cluster, lab: Lab, run: RunView) -> RunView:
    """Show a run until it is done, and return it as it ended.

    Raises NotFound (FL206) when it is deleted meanwhile, Unreachable (FL604) when it takes far longer than planned.
    Ctrl-C leaves the run alone and says so.
    """
    try:
        return _follow(cluster, lab, run)
    except KeyboardInterrupt:
        grade, stop = (spelled(lab.command(verb)) for verb in ("grade", "stop"))
        console.print(f"\n{run.name} goes on by itself; `{grade}` shows it, `{stop}` ends it")
        raise


def _follow(cluster: Cluster, lab: Lab, run: RunView) -> RunView:
    current: Phase | None = None
    seen, began = Seen(), time.time()
    known = places(lab)
    deadline = None
    held_out = False
    with Line() as line:
        while not run.done:
            status, now = run.status, time.time()
            if status.phase is not current:
                if current not in (None, Phase.QUEUED):
                    line.keep(_phase_done(cluster, run, current, began, now))
                current, began = status.phase, now
            if status.held_out and not held_out:
                held_out = True
                line.keep(f"[dim]{_held_out(status.held_out)}[/]")
            if status.phase is not Phase.QUEUED:
                deadline = deadline or now + _runs.total_seconds(lab) + SILENCE_SECONDS
                seen = sample(cluster, run.name, known)
            measured = seen.text() if status.phase in LOADED else ""
            line.update(f"{_phase_line(status.phase, None, measured)}  {_left(cluster, lab, run, now)}")
            if deadline and now > deadline:
                raise _overdue(run)
            time.sleep(POLL_SECONDS)
            run = _runs.get(cluster, run.name)
    if current not in (None, Phase.QUEUED):
        console.print(_phase_done(cluster, run, current, began, time.time()))
    return run


def tell_end(run: RunView, what: str = "") -> None:
    """Say how a run ended: verdict, score, how long it took, and why when nothing could be concluded."""
    status = run.status
    score = "no score" if status.score is None else f"score [bold]{status.score}[/]"
    took = f", in {duration(run.seconds)}" if run.seconds else ""
    console.print(
        f"{what or run.name}: {verdict(status.verdict)}, {score}{took}" + (f"  [dim]{run.name}[/]" if what else "")
    )
    if status.verdict == "inconclusive":
        for reason in status.reasons[:REASONS] or ["no reason was given"]:
            console.print(f"  [yellow]{escape(reason)}[/]")


def tell_lost(run: RunView) -> None:
    """Name each objective that has lost points, the largest loss first; of a run with a verdict that counts."""
    if run.status.verdict not in ("pass", "fail"):
        return
    short = [each for each in run.status.objectives if each.points < each.weight]
    for each in sorted(short, key=lambda each: each.points - each.weight):
        wrapped(f"[red]-{each.weight - each.points:.3g}[/] of {each.weight:.3g}  {escape(each.name)}")


def _phase_line(phase: Phase, took: float | None, measured: str) -> str:
    length = duration(took) if took is not None else ""
    return f"{phase.value:<10} {length:>6}  {measured}".rstrip()


def _phase_done(cluster: Cluster, run: RunView, phase: Phase, began: float, now: float) -> str:
    """A phase in one line, with what Prometheus says of all of it; a mark of success only where nothing was lost."""
    known = next((each for each in reversed(run.status.phases) if each.name == phase and each.end), None)
    start, end = (known.start, known.end or now) if known else (began, now)
    seen = sample(cluster, run.name, {}, max(end - start, 1.0), end) if phase in LOADED else Seen()
    seen.faults = []
    mark = "[green]✓[/]" if (seen.errors or 0.0) < FEW else "[yellow]·[/]"
    return f"{mark} {_phase_line(phase, end - start, '' if seen.problem else seen.text())}"


def _held_out(what: HeldOutStatus) -> str:
    faults = "1 fault is" if what.faults == 1 else f"{what.faults} faults are"
    return f"{faults} held out until the run ends, SHA-256 {what.sha256}"


def _left(cluster: Cluster, lab: Lab, run: RunView, now: float) -> str:
    status = run.status
    if status.phase is Phase.QUEUED:
        ahead = [
            each.name for each in _runs.under_way(cluster) if each.created <= run.created and each.name != run.name
        ]
        return f"waits for {', '.join(ahead)}" if ahead else "waits for the operator"
    phase = _runs.phase_left(lab, status, now)
    rest = f"[dim]{duration(_runs.run_left(lab, status, now))} to the score[/]"
    return f"[bold]{phase:.0f} s left[/]  {rest}" if phase is not None else rest


def _overdue(run: RunView) -> FaultlineError:
    message = (
        f"{run.name} is in phase {run.status.phase.value} far longer than planned: {run.status.message or 'no word'}"
    )
    return Unreachable("FL604", message, f"kubectl describe run {run.name}; `make stop` ends it")
