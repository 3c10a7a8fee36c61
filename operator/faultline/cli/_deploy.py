"""Brings labs and code into the cluster: what apply, fix, demo, verify and the benches have in common."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable
from typing import Any

from faultline import catalogue
from faultline.catalogue import CodeVersion
from faultline.cli import _labs
from faultline.cli._cluster import Cluster
from faultline.cli._labs import LABEL_BY, SCENARIOS, Lab
from faultline.cli._show import Line, duration
from faultline.errors import FaultlineError, InvalidInput, NotFound, NotReady
from faultline.names import ANNOTATION_CODE, lab_namespace

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
POLL_SECONDS = 0.25
READY_SECONDS = 180.0
FAILED_SECONDS = 15.0
"""How long a lab must be Failed before it is given up: on a busy machine an app may start before its database does."""
SERVING_SECONDS = 60.0
REJECTED = "CodeRejected"
STARTED_UP = "lifespan"
"""In the traceback of an app that was imported and failed while it connected to what it needs."""


def apply(cluster: Cluster, slug: str, name: str, by: str = "") -> Lab:
    """Create or change the Scenario object `name` from the folder `slug`, as `kubectl apply` does.

    `by` marks an object that a command makes for itself. Raises InvalidInput for a field that breaks a rule.
    """
    from faultline.validation import scenario_object

    folder = _labs.scenario_folder(slug)
    manifest = scenario_object(folder / "scenario.yaml")
    catalogue.publish_folder(cluster, folder)
    manifest["metadata"]["name"] = name
    if by:
        manifest["metadata"].setdefault("labels", {})[LABEL_BY] = by
    live = cluster.get(f"{SCENARIOS}/{name}")
    if live is None:
        return Lab(cluster.create(SCENARIOS, applied(manifest)))
    return Lab(cluster.patch(f"{SCENARIOS}/{name}", three_way(live, manifest)))


def applied(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the annotation by which `kubectl apply` knows what it wrote last."""
    result = copy.deepcopy(manifest)
    # To the byte as kubectl writes it, which then finds nothing to change.
    result["metadata"].setdefault("annotations", {})
    text = json.dumps(result, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    result["metadata"]["annotations"][LAST_APPLIED] = text
    return result


def three_way(live: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """The merge patch that `kubectl apply` would send: ours is set, what only the last apply had is removed.

    What others added stays, such as the annotation that names the learner's code.
    """
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    last = json.loads(text) if text else {}
    return {
        **_merge(last, applied(manifest)),
        "metadata": _merge(last.get("metadata", {}), applied(manifest)["metadata"]),
    }


def _merge(last: Any, new: Any) -> Any:
    if not isinstance(last, dict) or not isinstance(new, dict):
        return new
    gone = {key: None for key in last if key not in new}
    return gone | {key: _merge(last.get(key), value) for key, value in new.items()}


def wait_ready(cluster: Cluster, name: str, line: Line, seconds: float = READY_SECONDS) -> Lab:
    """Wait until the lab is Ready, showing which pods are up.

    Raises NotReady: FL311 with the operator's reason when it failed, FL312 with the pods that are not up in time.
    """
    began = worked = time.monotonic()
    while True:
        lab = _labs.find(cluster, None, name)
        if lab.ready:
            return lab
        condition = lab.condition("Ready")
        if lab.status.get("phase") != "Failed" or lab.status.get("observedGeneration") != lab.generation:
            worked = time.monotonic()
        elif time.monotonic() - worked >= FAILED_SECONDS:
            reason = condition.get("message") or lab.status.get("message") or "no reason was given"
            raise NotReady("FL311", f"the lab {name} did not come up: {reason}", f"kubectl describe scenario {name}")
        pods = _labs.app_pods(cluster, name) + _labs.harness_pods(cluster, name)
        waited = time.monotonic() - began
        if waited > seconds:
            raise _late(name, seconds, lab, pods)
        line.update(f"{_up(pods)}  [dim]{duration(waited)}[/]")
        time.sleep(POLL_SECONDS)


def _up(pods: Iterable[dict[str, Any]]) -> str:
    names = {_labs.app_of(each): _labs.is_ready(each) for each in pods}
    return (
        " ".join(f"[green]{name}[/]" if up else f"[dim]{name}…[/]" for name, up in sorted(names.items())) or "deploying"
    )


def _late(name: str, seconds: float, lab: Lab, pods: list[dict[str, Any]]) -> FaultlineError:
    from faultline.lab.problems import explain

    found = [str(each) for each in explain(pods)] or [lab.status.get("message") or "the operator has not deployed it"]
    return NotReady(
        "FL312",
        f"the lab {name} was not Ready within {seconds:.0f} s:\n  " + "\n  ".join(found),
        f"kubectl get pods -n {lab_namespace(name)}; kubectl describe scenario {name}",
    )


def deployed_files(cluster: Cluster, lab: Lab) -> dict[str, str]:
    """The code that the lab runs now, by path; empty when it is not on record."""
    name = lab.code or lab.status.get("codeConfigMap")
    found = cluster.get(f"{catalogue.CONFIGMAPS}/{name}") if name else None
    return {catalogue.path_of(key): text for key, text in ((found or {}).get("data") or {}).items()}


def ship(cluster: Cluster, lab: Lab, code: CodeVersion) -> None:
    """Bring a version of the code into the cluster and tell the operator to deploy it."""
    catalogue.publish_folder(cluster, _labs.scenario_folder(lab.slug))
    catalogue.publish_code(cluster, code)
    point_at(cluster, lab, code.configmap)


def point_at(cluster: Cluster, lab: Lab, configmap: str | None) -> None:
    """Name the code in force on the Scenario; None is the flawed one."""
    cluster.patch(f"{SCENARIOS}/{lab.name}", {"metadata": {"annotations": {ANNOTATION_CODE: configmap}}})


def wait_serving(cluster: Cluster, lab: Lab, code: CodeVersion, line: Line, seconds: float = SERVING_SECONDS) -> None:
    """Wait until every app service answers with this version and no pod of another one is left in service.

    Raises InvalidInput (FL117) with the traceback when the code does not start (the old pods keep serving), NotReady
    (FL313) when it takes too long.
    """
    services = [each for each in lab.raw["spec"]["app"]["services"] if not each.get("shared")]
    wanted = {each["name"]: int(each.get("replicas", 1)) for each in services}
    began = time.monotonic()
    while True:
        pods = [
            each for each in _labs.app_pods(cluster, lab.name, "app") if not each["metadata"].get("deletionTimestamp")
        ]
        new = [each for each in pods if _labs.digest_of(each) == code.digest]
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
        line.update(f"{_up(new)}  [dim]{duration(waited)}[/]")
        time.sleep(POLL_SECONDS)


def _refuse_broken(cluster: Cluster, lab: Lab, pods: list[dict[str, Any]], code: CodeVersion) -> None:
    """Raise FL117 when a new pod's container ended with an error, or the operator rejected the code."""
    from faultline.lab.problems import traceback_of

    for pod in pods:
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            state, before = status.get("state", {}), status.get("lastState", {})
            ended = state.get("terminated") or before.get("terminated") or {}
            if not ended.get("exitCode"):
                continue
            again = "terminated" not in state
            log = cluster.logs(lab_namespace(lab.name), pod["metadata"]["name"], previous=again)
            crashes = int(status.get("restartCount", 0)) + (not again)
            if STARTED_UP in log and crashes < 2:
                continue  # it imports: its data store may have been slow, and the kubelet starts it again
            raise _broken(_labs.app_of(pod), traceback_of(log) or f"exit code {ended['exitCode']}")
    condition = _labs.find(cluster, None, lab.name).condition(REJECTED)
    if condition.get("status") == "True" and code.configmap in str(condition.get("message", "")):
        raise _broken("the app", str(condition["message"]))


def _broken(service: str, log: str) -> FaultlineError:
    return InvalidInput(
        "FL117", f"{service} does not start with this code:\n{log}", "mend it, then `faultline fix` again"
    )


def version(slug: str, variant: str) -> CodeVersion:
    """A version of a scenario's code from its folder. Raises NotFound (FL203) naming those there are."""
    return catalogue.version(_labs.scenario_folder(slug), variant)


def delete(cluster: Cluster, name: str, line: Line, seconds: float = 60) -> bool:
    """Delete a Scenario and wait until its namespaces are gone; False when there was none."""
    if not cluster.delete(f"{SCENARIOS}/{name}"):
        return False
    began = time.monotonic()
    while any(cluster.get(f"/api/v1/namespaces/{kind}-{name}") for kind in ("lab", "harness")):
        if time.monotonic() - began > seconds:
            raise NotReady(
                "FL314",
                f"the namespaces of {name} are not gone after {seconds:.0f} s",
                f"kubectl get ns lab-{name} -o yaml",
            )
        line.update(f"the pods of {name} end  [dim]{duration(time.monotonic() - began)}[/]")
        time.sleep(POLL_SECONDS)
    return True


def exists(cluster: Cluster, name: str) -> bool:
    """Whether there is a Scenario of that name."""
    try:
        return bool(_labs.find(cluster, None, name))
    except NotFound:
        return False
