"""The untimed beginning of a run: the lab as it was at first, fresh pods, one good answer, a ready generator."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from faultline.api.app import SERVICE_PORT
from faultline.clients.http import Http, service_url
from faultline.clients.injector_api import Injector
from faultline.clients.kube import path
from faultline.clients.loadgen_api import LoadGenerator, LoadPlan
from faultline.controller import readiness
from faultline.controller.api import Api
from faultline.controller.release import Release
from faultline.errors import NotReady, Unreachable
from faultline.names import LABEL_PART, lab_namespace

log = logging.getLogger(__name__)

POLL_SECONDS = 0.3
AGAIN_SECONDS = 1.0
ROLLOUT_SECONDS = 60.0
SETTLE_SECONDS = 45.0
READY_SECONDS = 30.0


async def reset(api: Api, injector: Injector, release: Release, scenario: str, run: str, scale: float) -> None:
    """Everything as it was installed, seed data, empty caches, clean edges, each pod of app and shared services new.

    Data before those pods: one that starts meanwhile would find a database that is being put back. `scale` is that of
    the CPU limits.
    Raises NotReady: FL320 when the new pods do not come up, FL326 when something is gone or not the lab's.
    """
    if await release.put_back():
        await rolled_out(api, scenario, scale)
    log.info("run %s: data restored in %.1f s", run, await _restored(injector))
    await release.renew(run)
    await rolled_out(api, scenario, scale)
    if strangers := await release.strangers():
        raise NotReady(
            "FL326",
            f"{lab_namespace(scenario)} has pods that are not its Scenario's: {', '.join(strangers)}",
            f"kubectl -n {lab_namespace(scenario)} delete pod {strangers[0]}",
        )


async def _restored(injector: Injector) -> float:
    """On a busy machine Postgres may need longer than the injector waits; a reset is safe to ask for again."""
    try:
        return await injector.reset()
    except Unreachable as error:
        log.warning("once more: %s", error.message)
        await asyncio.sleep(AGAIN_SECONDS)
        return await injector.reset()


async def rolled_out(api: Api, scenario: str, scale: float) -> None:
    """Wait until each workload is up with its own CPU limits and no old pod is left. Raises NotReady (FL320)."""
    deadline = time.monotonic() + ROLLOUT_SECONDS
    while missing := await _missing(api, scenario, scale):
        if time.monotonic() > deadline:
            found = [str(each) for each in await api.lab_problems(scenario)]
            text = "; ".join((found or missing)[:3])
            raise NotReady("FL320", f"fresh pods were not up within {ROLLOUT_SECONDS:g} s: {text}", "kubectl describe")
        await asyncio.sleep(POLL_SECONDS)


async def _missing(api: Api, scenario: str, scale: float) -> list[str]:
    found = readiness.all_late(await readiness.workloads(api, scenario)) + await api.tighten(scenario, scale)
    pods = await api.items(path("Pod", namespace=lab_namespace(scenario)), f"{LABEL_PART} in (app, shared)")
    return found + [
        f"pod/{each['metadata']['name']}: old, still there" for each in pods if "deletionTimestamp" in each["metadata"]
    ]


async def settle(injector: Injector, scenario: str, services: Sequence[str], target: str) -> None:
    """Wait until edges and stores are clean and the way in answers. Raises NotReady (FL321) with what is not.

    Services are asked past their edges first. Right after a roll-out the node may still send a connection to a pod
    that is gone, and Toxiproxy, which takes no other connection while it dials, would hang on it for half a minute.
    """
    direct = [service_url(name, lab_namespace(scenario), SERVICE_PORT) for name in services]
    deadline = time.monotonic() + SETTLE_SECONDS
    while found := await _silent(direct) or await _unsettled(injector, target):
        if time.monotonic() > deadline:
            text = "; ".join(found[:5])
            raise NotReady(
                "FL321", f"the lab did not settle within {SETTLE_SECONDS:g} s: {text}", "kubectl get pods -A"
            )
        await asyncio.sleep(POLL_SECONDS)


async def _unsettled(injector: Injector, target: str) -> list[str]:
    try:
        found = await injector.problems()
    except Unreachable as error:
        return [error.message]
    return found or await _silent([target])


async def _silent(urls: Sequence[str]) -> list[str]:
    """Which of these do not answer their health check."""
    answers = await asyncio.gather(*(_silence(url) for url in urls))
    return [each for each in answers if each]


async def _silence(url: str) -> str | None:
    try:
        async with Http(url) as client:
            await client.download("/healthz", seconds=2.0)
    except Unreachable as error:
        return error.message
    return None


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
