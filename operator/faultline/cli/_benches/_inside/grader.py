"""Grades a finished run again, in the operator's pod and with its Prometheus.

`python -c SOURCE '{"spec", "run", "objectives", "times"}'`: prints `[seconds, ...]`, one for each time. The Scenario's
objectives that name a measure are taken again and again until there are as many as asked for.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import sys
import time
from typing import Any

from faultline.api.run import RunStatus
from faultline.checks import CHECKS
from faultline.clients.kube import Kube, path
from faultline.clients.loadgen_api import LoadGenerator
from faultline.clients.prometheus import Prometheus
from faultline.controller import deploy, plan
from faultline.controller.settings import Settings
from faultline.grading import Evidence, LoadReport, grade
from faultline.names import harness_namespace
from faultline.scenario import ScenarioSpec
from faultline.validation import parse


def enlarged(spec: ScenarioSpec, wanted: int) -> ScenarioSpec:
    """The Scenario with that many objectives, all of which are asked of Prometheus."""
    own = [each for each in spec.objectives if each.type not in CHECKS]
    many = itertools.islice(itertools.cycle(own), wanted)
    objectives = [each.model_copy(update={"name": f"{each.name} {place}"}) for place, each in enumerate(many)]
    return spec.model_copy(update={"objectives": objectives})


async def reported(scenario: str, run: str) -> LoadReport:
    """What the load generator says of the run, without which several rules of validity have nothing to ask."""
    harness = Kube.connect().get(path("Secret", deploy.HARNESS_SECRET, harness_namespace(scenario)))
    if harness is None:
        raise ValueError(f"the lab {scenario} has no harness")
    async with LoadGenerator.of(scenario, base64.b64decode(harness["data"]["token"]).decode()) as loadgen:
        load = LoadReport.model_validate((await loadgen.state(run)).model_dump())
    if load.state != "done":
        raise ValueError(f"the load generator ended {run} as {load.state} ({load.error})")
    return load


async def main(work: dict[str, Any]) -> list[float]:
    """Seconds of each grading, the evidence being there."""
    spec = enlarged(parse(ScenarioSpec, work["spec"]), work["objectives"])
    status = RunStatus.model_validate(work["run"]["status"])
    if status.mark is None or status.ended is None:
        raise ValueError(f"{work['run']['metadata']['name']} did not come to its end")
    run, scenario = work["run"]["metadata"]["name"], work["run"]["spec"]["scenario"]
    evidence = Evidence(
        run=run,
        scenario=scenario,
        windows=plan.windows_at(spec, status.mark),
        end=status.ended,
        load=await reported(scenario, run),
        faults=status.faults,
        cpu_scale=status.cpu_scale or 1.0,
    )
    took = []
    async with Prometheus(Settings.from_environment().prometheus_url) as prometheus:
        for _ in range(work["times"]):
            began = time.perf_counter()
            graded = await grade(prometheus, spec, evidence)
            took.append(time.perf_counter() - began)
            if len(graded.objectives) != work["objectives"] or any(each.value is None for each in graded.objectives):
                raise ValueError(f"not all objectives have a value: {graded.objectives}")
    return took


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
