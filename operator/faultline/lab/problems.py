"""Why a lab does not come up, in words: which pod, which container, what the kubelet says, what it printed last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from faultline.catalogue import digest_of
from faultline.clients.kube import Kube, path
from faultline.errors import Unreachable
from faultline.names import LABEL_SCENARIO, harness_namespace, lab_namespace

LOG_LINES = 200
"""An app that fails at its start has two long tracebacks: its own, and the server's way out."""
TRACEBACK = "Traceback (most recent call last):"
REQUEST_TIMEOUT = 5.0
_WAITING_IS_NORMAL = {"ContainerCreating", "PodInitializing"}
_OBJECT_EVENTS = {"FailedCreate", "FailedMount", "FailedScheduling", "FailedCreatePodSandBox"}

Json = Mapping[str, Any]
LogKey = tuple[str, str, str]
"""Namespace, pod, container."""


@dataclass(frozen=True)
class Problem:
    """One reason why a lab is not Ready. `fatal` when waiting will not cure it."""

    where: str
    """`pod/NAME`, with `container NAME` behind it where it is one container's."""
    reason: str
    """A word of Kubernetes' own: CrashLoopBackOff, OOMKilled, Unschedulable, NotReady."""
    message: str
    log: str = ""
    """The traceback, or else the last lines that the container printed."""
    fatal: bool = False
    digest: str = ""
    """Of the code that its pod was made for; empty where that has none of the scenario's."""

    def __str__(self) -> str:
        last = self.log.strip().splitlines()[-1:] or [""]
        tail = f" ({last[0].strip()})" if last[0] and last[0].strip() not in self.message else ""
        return f"{self.where}: {self.reason}: {self.message}{tail}"


def answered(status: int, body: Any) -> Any:
    """What the API server answered. Raises Unreachable (FL602) when it refused: that says nothing about the lab."""
    if status < 400:
        return body
    raise Unreachable("FL602", f"the API server answered {status}: {_message(body)}", "make doctor")


def problems(kube: Kube, scenario: str) -> list[Problem]:
    """What keeps the lab of `scenario` from being Ready, worst first; empty when each pod that there is is Ready.

    Blocks for as long as its few requests take (each bounded): call it in a thread. Raises Unreachable.
    """
    pods: list[Json] = []
    events: list[Json] = []
    for namespace in (lab_namespace(scenario), harness_namespace(scenario)):
        pods += pods_of(kube, namespace, scenario)
        events += _list(kube, path("Event", namespace=namespace), fieldSelector="type=Warning")
    return explain(pods, events, {key: _log(kube, key, again) for key, again in wanted_logs(pods)})


def pods_of(kube: Kube, namespace: str, scenario: str) -> list[Json]:
    """The pods of a scenario's lab in one of its namespaces. Raises Unreachable."""
    return _list(kube, path("Pod", namespace=namespace), labelSelector=f"{LABEL_SCENARIO}={scenario}")


def wanted_logs(pods: Iterable[Json]) -> Iterator[tuple[LogKey, bool]]:
    """The containers whose output explains something, and whether it is the one before that ended."""
    for pod in pods:
        for status in _statuses(pod):
            state, last = status.get("state", {}), status.get("lastState", {})
            ended_now = state.get("terminated", {}).get("exitCode", 0) != 0
            ended_before = "waiting" in state and "terminated" in last
            if ended_now or ended_before:
                yield (pod["metadata"]["namespace"], pod["metadata"]["name"], status["name"]), ended_before


def explain(
    pods: Iterable[Json], events: Iterable[Json] = (), logs: Mapping[LogKey, str] | None = None
) -> list[Problem]:
    """The same from what was read: objects as the API server's JSON has them."""
    events = list(events)
    found: list[Problem] = []
    names = set()
    for pod in pods:
        names.add(pod["metadata"]["name"])
        if not is_ready(pod) and "deletionTimestamp" not in pod["metadata"]:
            found += [replace(each, digest=digest_of(pod)) for each in _explain_pod(pod, events, logs or {})]
    # What stands in the way of pods that do not exist shows in events of those who should make them.
    for event in events:
        about = event.get("involvedObject", {})
        if event.get("reason") in _OBJECT_EVENTS and about.get("kind") != "Pod":
            where = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
            found.append(Problem(where, event["reason"], event.get("message", ""), fatal=True))
    return sorted(dict.fromkeys(found), key=lambda problem: not problem.fatal)


def traceback_of(log: str) -> str:
    """The last Python traceback in `log`, its exception included; the last 10 lines when there is none.

    One of SystemExit counts only when there is no other: so uvicorn ends after it has logged why an app did not start.
    """
    lines = log.rstrip().splitlines()
    found = [_block(lines, index) for index, line in enumerate(lines) if line.endswith(TRACEBACK)]
    causes = [each for each in found if not each[-1].startswith("SystemExit")]
    return "\n".join((causes or found or [lines[-10:]])[-1])


def _block(lines: list[str], start: int) -> list[str]:
    """From a traceback's first line, without what a logger put before it, to its exception."""
    end = start + 1
    while end < len(lines) and (lines[end].startswith((" ", "\t")) or not lines[end]):
        end += 1
    return [TRACEBACK, *lines[start + 1 : end + 1]]


def _explain_pod(pod: Json, events: list[Json], logs: Mapping[LogKey, str]) -> Iterator[Problem]:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    unscheduled = next(
        (
            each
            for each in pod.get("status", {}).get("conditions", [])
            if each["type"] == "PodScheduled" and each["status"] == "False"
        ),
        None,
    )
    if unscheduled:
        yield Problem(f"pod/{name}", unscheduled.get("reason", "Unschedulable"), unscheduled.get("message", ""))
        return
    said = False
    for status in _statuses(pod):
        problem = _explain_container(f"pod/{name} container {status['name']}", status)
        if problem:
            said = True
            log = traceback_of(logs.get((namespace, name, status["name"]), ""))
            yield replace(problem, log=log)
    if not said:
        yield Problem(f"pod/{name}", "NotReady", _last_event(name, events) or _slow(pod))


def _explain_container(where: str, status: Json) -> Problem | None:
    state, last = status.get("state", {}), status.get("lastState", {}).get("terminated", {})
    waiting, ended = state.get("waiting"), state.get("terminated")
    if ended and ended.get("exitCode", 0) != 0:
        return Problem(where, ended.get("reason", "Error"), _ended(ended), fatal=True)
    if waiting and waiting.get("reason") not in _WAITING_IS_NORMAL:
        # A container in back-off: how it ended says more than that it waits.
        reason = last.get("reason") if last.get("reason") == "OOMKilled" else waiting.get("reason", "Waiting")
        return Problem(where, reason, _ended(last) if last else waiting.get("message", ""), fatal=True)
    return None


def _ended(state: Json) -> str:
    if state.get("reason") == "OOMKilled":
        return "it used more memory than its limit"
    return state.get("message") or f"it ended with exit code {state.get('exitCode', '?')}"


def _last_event(pod: str, events: list[Json]) -> str:
    about = [event for event in events if event.get("involvedObject", {}).get("name") == pod]
    about.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return f"{about[-1].get('reason', '')}: {about[-1].get('message', '')}" if about else ""


def _slow(pod: Json) -> str:
    late = [status["name"] for status in _statuses(pod) if not status.get("ready")]
    return f"still starting: {', '.join(late) or 'no container yet'}"


def is_ready(pod: Json) -> bool:
    """Whether the kubelet calls the pod Ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _statuses(pod: Json) -> list[Json]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _list(kube: Kube, where: str, **query: str) -> list[Json]:
    return list(answered(*kube.request("GET", where, query=query, timeout=REQUEST_TIMEOUT))["items"])


def _log(kube: Kube, key: LogKey, previous: bool) -> str:
    namespace, pod, container = key
    query = {"container": container, "tailLines": str(LOG_LINES)} | ({"previous": "true"} if previous else {})
    where = path("Pod", pod, namespace) + "/log"
    status, text = kube.request("GET", where, query=query, timeout=REQUEST_TIMEOUT)
    if status >= 400:
        # The pod went away, or its output with it: the rest of the explanation still holds.
        return f"(no log: {_message(text)})"
    # A log of one line of JSON comes decoded.
    return text if isinstance(text, str) else json.dumps(text)


def _message(body: Any) -> str:
    return str(body.get("message", "")) if isinstance(body, dict) else str(body)
