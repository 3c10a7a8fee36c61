"""The emergency stop: every injector is told at once, in parallel, whether or not the operator is up.

The API server is the usual way to them; for all labs of the lab's own cluster the nodes are another, taken at the same
time (`_emergency`), since nobody knows beforehand whether the API server answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from faultline.cli import _injector, _labs, _runs
from faultline.cli._cluster import Cluster
from faultline.cli._emergency import NodeStop, Stopped
from faultline.cli._runs import RUNS
from faultline.cli.base import console
from faultline.errors import FaultlineError, NotReady, Unreachable

STOP_SECONDS = 4.0
"""The injector's own bound is 2 s."""
ANSWER_SECONDS = 10.0
"""How long the API server may still answer when the nodes' injectors have: to have the runs deleted, too."""


def stop(cluster: Cluster, labs: Sequence[str]) -> list[Stopped]:
    """End the faults of these labs, then delete their runs that are not done.

    The faults come first: deleting a Run needs a live operator to end them, the injector needs nobody.
    """
    if not labs:
        return []
    ended = _faults(cluster, labs)
    _end_runs(cluster, ended)
    return ended


def stop_all(connect: Callable[[], Cluster], nodes: NodeStop | None) -> list[Stopped]:
    """End every fault in every lab, by the API server and by way of `nodes`, where a stop is under way.

    Raises NotReady (FL301 to FL303) when neither way is there.
    """
    connected: list[Cluster] = []

    def tell() -> list[Stopped]:
        connected.append(connect())
        return _faults(connected[0], [each.name for each in _labs.labs(connected[0])])

    usual = _Attempt(tell)
    told = nodes.result() if nodes else []
    found = merged(usual.result(ANSWER_SECONDS if told else None) or [], told)
    if usual.error and not found:
        raise usual.error
    if usual.result(0) is not None:
        _end_runs(connected[0], found)
    else:
        console.print(
            "[yellow]the API server does not answer: a run under way is not ended[/], make stop again does that"
        )
    return found


class _Attempt:
    """Something that may hang, in a thread that the end of the command does not wait for."""

    def __init__(self, work: Callable[[], list[Stopped]]) -> None:
        self.error: FaultlineError | None = None
        self._found: list[Stopped] | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], list[Stopped]]) -> None:
        try:
            self._found = work()
        except FaultlineError as error:
            self.error = error

    def result(self, seconds: float | None) -> list[Stopped] | None:
        """What it gave, None when it has failed or is not done within that time."""
        self._thread.join(seconds)
        return self._found


def merged(first: Sequence[Stopped], second: Sequence[Stopped]) -> list[Stopped]:
    """A lab that was stopped either way is stopped; the faults that either of them ended count."""
    found = {each.lab: each for each in first}
    for each in second:
        other = found.get(each.lab)
        if other is None:
            found[each.lab] = each
        else:
            found[each.lab] = Stopped(
                each.lab,
                faults=sorted({*other.faults, *each.faults}),
                problem=each.problem and other.problem,
                by_node=bool(other.problem),
            )
    return list(found.values())


def _faults(cluster: Cluster, labs: Sequence[str]) -> list[Stopped]:
    if not labs:
        return []
    with ThreadPoolExecutor(max_workers=min(16, len(labs))) as pool:
        return list(pool.map(lambda lab: _stop_one(cluster, lab), labs))


def _end_runs(cluster: Cluster, ended: Sequence[Stopped]) -> None:
    by_lab = {each.lab: each for each in ended}
    for run in _runs.under_way(cluster):
        if run.scenario in by_lab and cluster.delete(f"{RUNS}/{run.name}"):
            by_lab[run.scenario].runs.append(run.name)


def _stop_one(cluster: Cluster, lab: str) -> Stopped:
    try:
        token = _injector.token(cluster, lab)
        if token is None:
            return Stopped(lab)  # the harness is not up (yet): there is nothing that could inject a fault
        answer = _injector.call(cluster, lab, "POST", "/stop", known=token, timeout=STOP_SECONDS)
        return Stopped(lab, faults=[str(each) for each in answer["ended"]])
    except (Unreachable, NotReady) as error:
        return Stopped(lab, problem=error.message)
