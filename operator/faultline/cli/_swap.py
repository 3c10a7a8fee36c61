"""New code serves at once: the pods that run take it while they serve, before the roll-out brings new pods with it.

A pod takes ten times as long to come up as its app takes to start, so a learner would wait for Kubernetes. The roll-out
follows all the same, and a run waits for it: what is graded is what was deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from faultline import tuning
from faultline.catalogue import CodeVersion
from faultline.cli import _labs
from faultline.cli._cluster import Cluster
from faultline.cli._labs import Lab
from faultline.names import CODE_PORT, lab_namespace

SWAP_SECONDS = 25.0
"""More than a pod gives new code to start."""


def serve(cluster: Cluster, lab: Lab, code: CodeVersion, before: Mapping[str, str]) -> bool:
    """Whether all running pods of the app serve the new code now; where not, a roll-out has to bring it.

    Raises InvalidInput (FL117) with the traceback when it does not start; then the pods serve what they were made with.
    """
    from faultline.cli._ship import broken

    if not before or before.get(tuning.FILE) != code.files.get(tuning.FILE):
        return False  # Other values are other pods.
    # Those of an earlier roll-out that are on their way out get no requests any more.
    pods = [each for each in _labs.app_pods(cluster, lab.name, "app") if not each["metadata"].get("deletionTimestamp")]
    if not lab.ready or not pods or not all(_labs.is_ready(each) for each in pods):
        return False
    body = {"digest": code.digest, "files": dict(code.files)}

    def send(pod: dict[str, Any]) -> tuple[int, Any]:
        return cluster.request("POST", _path(lab, pod), body, timeout=SWAP_SECONDS)

    answers = _side_by_side(send, pods)
    for pod, (status, answer) in zip(pods, answers, strict=True):
        if status == 422:
            _side_by_side(lambda each: cluster.request("DELETE", _path(lab, each), timeout=SWAP_SECONDS), pods)
            raise broken(_labs.app_of(pod), str(answer.get("traceback") or answer))
    return all(status == 200 for status, _ in answers)


def _path(lab: Lab, pod: dict[str, Any]) -> str:
    return f"/api/v1/namespaces/{lab_namespace(lab.name)}/pods/{pod['metadata']['name']}:{CODE_PORT}/proxy/code"


def _side_by_side(
    call: Callable[[dict[str, Any]], tuple[int, Any]], pods: list[dict[str, Any]]
) -> list[tuple[int, Any]]:
    with ThreadPoolExecutor(len(pods)) as pool:
        return list(pool.map(call, pods))
