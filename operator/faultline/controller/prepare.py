"""The untimed beginning of a run: the lab as it was at first, fresh pods, one good answer, a ready generator."""

from __future__ import annotations

import asyncio
import time

from faultline.clients.http import Http
from faultline.clients.injector_api import Injector
from faultline.clients.kube import path
from faultline.clients.loadgen_api import LoadGenerator, LoadPlan
from faultline.controller import readiness
from faultline.controller.api import Api
from faultline.errors import NotReady, Unreachable
from faultline.names import LABEL_PART, lab_namespace

ANNOTATION_RUN = "faultline.dev/run"
"""On a pod template: the run for which the pods were made afresh."""
POLL_SECONDS = 0.3
ROLLOUT_SECONDS = 60.0
SETTLE_SECONDS = 45.0
READY_SECONDS = 30.0


async def reset(api: Api, injector: Injector, scenario: str, run: str) -> None:
    """Seed data, empty caches, clean edges, and each pod of app and shared services new.

    Data first: a pod that starts meanwhile would find a database that is being put back.
    Raises NotReady (FL320) when the new pods do not come up.
    """
    await injector.reset()
    namespace, names = lab_namespace(scenario), []
    patch = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION_RUN: run}}}}}
    for each in await api.items(path("Deployment", namespace=namespace), f"{LABEL_PART} in (app, shared)"):
        names.append(each["metadata"]["name"])
    await asyncio.gather(*(api.patch(path("Deployment", name, namespace), patch) for name in names))
    await _rolled_out(api, scenario)


async def _rolled_out(api: Api, scenario: str) -> None:
    deadline = time.monotonic() + ROLLOUT_SECONDS
    while missing := readiness.all_late(await readiness.workloads(api, scenario)):
        if time.monotonic() > deadline:
            found = [str(each) for each in await api.lab_problems(scenario)]
            text = "; ".join((found or missing)[:3])
            raise NotReady("FL320", f"fresh pods were not up within {ROLLOUT_SECONDS:g} s: {text}", "kubectl describe")
        await asyncio.sleep(POLL_SECONDS)


async def settle(injector: Injector, target: str) -> None:
    """Wait until edges and stores are clean and the way in answers. Raises NotReady (FL321) with what is not."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while found := await _unsettled(injector, target):
        if time.monotonic() > deadline:
            text = "; ".join(found[:5])
            raise NotReady(
                "FL321", f"the lab did not settle within {SETTLE_SECONDS:g} s: {text}", "kubectl get pods -A"
            )
        await asyncio.sleep(POLL_SECONDS)


async def _unsettled(injector: Injector, target: str) -> list[str]:
    try:
        if found := await injector.problems():
            return found
        async with Http(target) as client:
            await client.download("/healthz", seconds=2.0)
    except Unreachable as error:
        return [error.message]
    return []


async def prepare_load(loadgen: LoadGenerator, run: str, plan: LoadPlan) -> None:
    """Hand over the plan and wait until the generator could start. Raises NotReady (FL322) when it cannot."""
    await loadgen.prepare(run, plan)
    deadline = time.monotonic() + READY_SECONDS
    while (state := await loadgen.state(run)).state != "ready":
        if state.state != "preparing":
            raise NotReady(
                "FL322", f"the load generator is {state.state}: {state.error}", "see load.py of the scenario"
            )
        if time.monotonic() > deadline:
            raise NotReady("FL322", f"the load generator was not ready within {READY_SECONDS:g} s", "make doctor")
        await asyncio.sleep(POLL_SECONDS)
