"""What another lab beside a run does to its verdict: one that is idle, and one that is under the same load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from faultline.api.run import RunStatus
from faultline.cli import _experiment, _follow, _injector, _labs, _runs
from faultline.cli._benches.base import Bench, Measurement
from faultline.cli._cluster import Cluster
from faultline.cli._forward import Forward, stream_of
from faultline.cli._labs import SCENARIOS, Lab
from faultline.clients.loadgen_api import LoadGenerator, LoadPlan
from faultline.controller.plan import load_plan
from faultline.controller.prepare import prepare_load
from faultline.names import LOADGEN_PORT, harness_namespace
from faultline.scenario import ScenarioSpec

SLUG, NAME, OTHER, BY = "circuit-breakers", "bench-labs", "bench-labs-other", "bench-labs"
RUNS, RUNS_SECONDS = 3, 240
"""Runs of each kind, and what one of each takes where the time is limited."""
LEAD_SECONDS = 1.0
LOOK_SECONDS = 0.5


def measure(bench: Bench) -> Iterator[Measurement]:
    """Runs of a solution that passes: alone, with an idle lab beside it, with one under the load of such a run."""
    count = RUNS if bench.budget is None else max(1, min(RUNS, int(bench.budget // RUNS_SECONDS)))
    with _experiment.own_lab(bench.cluster, SLUG, NAME, BY) as lab:
        _experiment.deploy(bench.cluster, lab, "solution")
        yield from _told("alone", _graded(bench.cluster, lab, count), 0)
        with _experiment.own_lab(bench.cluster, SLUG, OTHER, BY) as other:
            _experiment.deploy(bench.cluster, other, "solution")
            yield from _told("beside_idle_lab", _graded(bench.cluster, lab, count), 0)
            with _loaded(bench.cluster, other):
                yield from _told("beside_loaded_lab", _graded(bench.cluster, lab, count), None)


def _graded(cluster: Cluster, lab: Lab, count: int) -> list[RunStatus]:
    found = []
    for _ in range(count):
        run = _follow.follow(cluster, lab, _runs.start(cluster, lab, 1))
        _follow.tell_end(run, "solution")
        found.append(run.status)
    return found


def _told(where: str, found: list[RunStatus], bound: float | None) -> Iterator[Measurement]:
    """No verdict costs a run; a wrong one costs the trust in all of them, so its bound holds everywhere."""
    for verdict, most in (("inconclusive", bound), ("fail", 0)):
        count = sum(each.verdict == verdict for each in found)
        yield Measurement(f"{verdict}_runs_{where}", count, f"of {len(found)}", most, n=len(found))


@contextmanager
def _loaded(cluster: Cluster, lab: Lab) -> Iterator[None]:
    """The lab's own load generator does what a run asks of it, again and again; the operator knows nothing of it."""
    spec = ScenarioSpec.model_validate((cluster.get(f"{SCENARIOS}/{lab.name}") or {})["spec"])
    load_py = (_labs.scenario_folder(SLUG) / "load.py").read_text(encoding="utf-8")
    begun, over = Event(), Event()
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(asyncio.run, _load(cluster, lab, load_plan(lab.name, 1, spec, load_py), begun, over))
        try:
            while not begun.wait(LOOK_SECONDS):
                if loading.done():
                    loading.result()
            yield
        finally:
            over.set()
        loading.result()


async def _load(cluster: Cluster, lab: Lab, plan: LoadPlan, begun: Event, over: Event) -> None:
    """The API server's proxy keeps `Authorization` to itself, so the way to the generator is a forwarded port."""
    seconds = max(end for _, end in plan.windows.values())
    async with stream_of(cluster) as kube:
        server = await Forward(kube, harness_namespace(lab.name), "loadgen", LOADGEN_PORT).listen(0)
        url = "http://{}:{}".format(*server.sockets[0].getsockname())
        async with server, LoadGenerator(url, _injector.token(cluster, lab.name) or "") as generator:
            while not over.is_set():
                await prepare_load(generator, NAME, plan)
                mark = time.time() + LEAD_SECONDS
                await generator.start(NAME, mark)
                begun.set()
                await asyncio.to_thread(over.wait, mark + seconds - time.time())
                await generator.discard(NAME)
