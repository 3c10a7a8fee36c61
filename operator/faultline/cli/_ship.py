"""Brings code into a lab: publish a version, name it on the Scenario, wait until it serves and no other does."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from faultline import catalogue, tuning
from faultline.catalogue import CodeVersion, digest_of
from faultline.cli import _injector, _labs, _publish, _runs
from faultline.cli._cluster import Cluster
from faultline.cli._deploy import POLL_SECONDS, pods_up
from faultline.cli._labs import SCENARIOS, Lab
from faultline.cli._show import Line, duration
from faultline.cli.base import console
from faultline.errors import FaultlineError, InvalidInput, NotReady
from faultline.names import ANNOTATION_CODE, lab_namespace

SERVING_SECONDS = 60.0
RESET_SECONDS = 45.0
REJECTED = "CodeRejected"
STARTED_UP = "lifespan"
"""In the traceback of an app that was imported and failed while it connected to what it needs."""


def deployed_files(cluster: Cluster, lab: Lab) -> dict[str, str]:
    """The code that the lab runs now, by path; empty when it is not on record."""
    name = lab.code or lab.status.get("codeConfigMap")
    found = cluster.get(f"{catalogue.CONFIGMAPS}/{name}") if name else None
    return {catalogue.path_of(key): text for key, text in ((found or {}).get("data") or {}).items()}


def ship(cluster: Cluster, lab: Lab, code: CodeVersion) -> None:
    """Bring a version of the code into the cluster and tell the operator to deploy it."""
    _publish.folder(cluster, _labs.scenario_folder(lab.slug))
    catalogue.publish_code(cluster, code)
    point_at(cluster, lab, code.configmap)


def make_way(cluster: Cluster, lab: Lab, deployed: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Have the data begin anew when the lab's database has run migrations that are changed or missing in `files`.

    `deployed` is the code that runs now. Each migration is run once and nothing undoes it, so what `files` do next may
    not go with what it did. A run under way keeps its data: the next one begins with new ones in any case. Raises
    Unreachable (FL601) without an injector.
    """
    changed = [path for path, text in deployed.items() if "migrations/" in path and files.get(path) != text]
    if not changed:
        return
    if any(each.scenario == lab.name for each in _runs.under_way(cluster)):
        then = "the database keeps what it did for the run that is under way"
    else:
        then = "the data begin anew"
        _injector.call(cluster, lab.name, "POST", "/reset", timeout=RESET_SECONDS)
    for path in changed:
        console.print(f"[yellow]{path} has been run[/], and is changed now: {then}")


def point_at(cluster: Cluster, lab: Lab, configmap: str | None) -> None:
    """Name the code in force on the Scenario; None is the flawed one."""
    cluster.patch(f"{SCENARIOS}/{lab.name}", {"metadata": {"annotations": {ANNOTATION_CODE: configmap}}})


def wait_serving(cluster: Cluster, lab: Lab, code: CodeVersion, line: Line, seconds: float = SERVING_SECONDS) -> None:
    """Wait until every app service answers with this version and no pod of another one is left in service.

    `lab` is as it was before the version was shipped. Raises InvalidInput (FL117) with the traceback when the code does
    not start (the old pods keep serving, though without a data store that its values switched off), NotReady (FL313)
    when it takes too long.
    """
    services = [each for each in lab.raw["spec"]["app"]["services"] if not each.get("shared")]
    set_by_learner = tuning.values(code.files)
    wanted = {
        each["name"]: int(set_by_learner.get(f"services.{each['name']}.replicas", each.get("replicas", 1)))
        for each in services
    }
    began = time.monotonic()
    while True:
        pods = [
            each for each in _labs.app_pods(cluster, lab.name, "app") if not each["metadata"].get("deletionTimestamp")
        ]
        new = [each for each in pods if digest_of(each) == code.digest]
        ready = [_labs.app_of(each) for each in new if _labs.is_ready(each)]
        if len(new) == len(pods) and all(ready.count(name) >= count for name, count in wanted.items()):
            return
        _refuse_broken(cluster, lab, new, code)
        waited = time.monotonic() - began
        if waited > seconds:
            raise NotReady(
                "FL313",
                f"{lab.name} does not serve the new code after {seconds:.0f} s",
                f"kubectl describe scenario {lab.name}",
            )
        line.update(f"{pods_up(new)}  [dim]{duration(waited)}[/]")
        time.sleep(POLL_SECONDS)


def _refuse_broken(cluster: Cluster, lab: Lab, pods: list[dict[str, Any]], code: CodeVersion) -> None:
    """Raise FL117 when a new pod's container ended with an error, or the operator rejected the code."""
    from faultline.lab.problems import LOG_LINES, traceback_of

    def refused(service: str, log: str) -> FaultlineError:
        return broken(service, log, tuning.switched(lab.raw["spec"]["app"], deployed_files(cluster, lab), code.files))

    for pod in pods:
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            state, before = status.get("state", {}), status.get("lastState", {})
            ended = state.get("terminated") or before.get("terminated") or {}
            if not ended.get("exitCode"):
                continue
            again = "terminated" not in state
            log = cluster.logs(lab_namespace(lab.name), pod["metadata"]["name"], previous=again, lines=LOG_LINES)
            crashes = int(status.get("restartCount", 0)) + (not again)
            if STARTED_UP in log and crashes < 2:
                continue  # it imports: its data store may have been slow, and the kubelet starts it again
            raise refused(_labs.app_of(pod), traceback_of(log) or f"exit code {ended['exitCode']}")
    condition = _labs.find(cluster, None, lab.name).condition(REJECTED)
    # It begins with the version that is meant, and names the one that serves further on.
    if condition.get("status") == "True" and str(condition.get("message", "")).startswith(f"{code.configmap} "):
        raise refused("the app", str(condition["message"]))


def broken(service: str, log: str, switched: Sequence[str] = ()) -> FaultlineError:
    """The error (FL117) for code that does not start, whose values switched these data stores on or off."""
    before = "the code before goes on serving"
    if switched:
        stores = " and ".join(switched)
        before = f"values.yaml switched {stores}: the code before serves again once that is undone, from empty stores"
    return InvalidInput(
        "FL117", f"{service} does not start with this code:\n{log}", f"mend it, then `make fix` again; {before}"
    )
