"""Why a lab does not come up, from what the API server says."""

from typing import Any

from faultline.lab import explain
from faultline.lab.problems import traceback_of, wanted_logs

TRACEBACK = """Traceback (most recent call last):
  File "/opt/services/labkit/serve.py", line 25, in load
    app = getattr(importlib.import_module(module), name)
  File "/app/main.py", line 1, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'
"""


def pod(
    name: str = "web-1", *, ready: bool = False, statuses: list[dict[str, Any]] | None = None, **status: Any
) -> Any:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": name, "namespace": "lab-demo"},
        "status": {"conditions": conditions, "containerStatuses": statuses or [], **status},
    }


def event(reason: str, message: str, kind: str = "Pod", name: str = "web-1") -> dict[str, Any]:
    about = {"kind": kind, "name": name}
    return {"reason": reason, "message": message, "involvedObject": about, "lastTimestamp": "2026-01-01T00:00:00Z"}


def test_a_ready_lab_has_no_problem() -> None:
    assert explain([pod(ready=True)], [event("Unhealthy", "was late")]) == []


def test_a_pod_on_its_way_out_is_none() -> None:
    leaving = pod()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert explain([leaving]) == []


def test_code_that_does_not_import_shows_its_traceback() -> None:
    crashed = pod(
        statuses=[
            {
                "name": "app",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
            }
        ]
    )
    crashed["metadata"]["annotations"] = {"faultline.dev/digest": "e7ba"}
    logs = {("lab-demo", "web-1", "app"): "INFO starting\n" + TRACEBACK}
    assert list(wanted_logs([crashed])) == [(("lab-demo", "web-1", "app"), True)]
    (found,) = explain([crashed], [], logs)
    assert found.fatal
    assert found.digest == "e7ba"
    assert found.log == TRACEBACK.strip()
    assert str(found) == (
        "pod/web-1 container app: CrashLoopBackOff: it ended with exit code 1 "
        "(ModuleNotFoundError: No module named 'nothing')"
    )


def test_an_image_that_is_not_there_is_named() -> None:
    waiting = {"reason": "ErrImagePull", "message": 'failed to pull "faultline/runtime:0"'}
    (found,) = explain([pod(statuses=[{"name": "app", "state": {"waiting": waiting}}])])
    assert str(found) == 'pod/web-1 container app: ErrImagePull: failed to pull "faultline/runtime:0"'


def test_out_of_memory_is_said_as_such() -> None:
    killed = {
        "name": "app",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }
    (found,) = explain([pod(statuses=[killed])])
    assert (found.reason, found.message) == ("OOMKilled", "it used more memory than its limit")


def test_a_failing_netguard_is_an_init_container_s_problem() -> None:
    failed = {"name": "netguard", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
    waiting = {"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}
    logs = {("lab-demo", "web-1", "netguard"): "netguard: edges does not resolve\n"}
    (found,) = explain([pod(statuses=[waiting], initContainerStatuses=[failed])], [], logs)
    assert str(found) == (
        "pod/web-1 container netguard: Error: it ended with exit code 1 (netguard: edges does not resolve)"
    )


def test_no_room_on_any_node() -> None:
    stuck = pod()
    stuck["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu"}
    ]
    assert [str(each) for each in explain([stuck])] == ["pod/web-1: Unschedulable: 0/1 nodes: Insufficient cpu"]


def test_a_pod_that_is_slow_shows_its_last_event() -> None:
    starting = pod(statuses=[{"name": "app", "ready": False, "state": {"running": {}}}])
    late = event("Unhealthy", "Readiness probe failed: connection refused")
    assert str(explain([starting], [late])[0]) == "pod/web-1: NotReady: Unhealthy: " + late["message"]
    assert str(explain([starting])[0]) == "pod/web-1: NotReady: still starting: app"


def test_pods_that_cannot_be_made_at_all() -> None:
    refused = event("FailedCreate", "pods is forbidden: netguard must be the image of this lab", "ReplicaSet", "web-x")
    (found,) = explain([], [refused])
    assert str(found) == "replicaset/web-x: FailedCreate: pods is forbidden: netguard must be the image of this lab"


def test_what_will_not_cure_itself_comes_first() -> None:
    starting = pod("a", statuses=[{"name": "app", "ready": False, "state": {"running": {}}}])
    broken = pod("b", statuses=[{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff"}}}])
    assert [each.where for each in explain([starting, broken])] == ["pod/b container app", "pod/a"]


def test_the_last_traceback_counts() -> None:
    assert traceback_of("x\n" + TRACEBACK + "INFO again\n" + TRACEBACK + "INFO end") == TRACEBACK.strip()
    assert traceback_of("one\ntwo\n") == "one\ntwo"


def test_the_servers_way_out_does_not_hide_why_the_app_did_not_start() -> None:
    way_out = 'Traceback (most recent call last):\n  File "server.py", line 118, in startup\nSystemExit: 3\n'
    assert traceback_of(f"ERROR uvicorn.error {TRACEBACK}ERROR uvicorn.error Exiting.\n{way_out}") == TRACEBACK.strip()
    assert traceback_of(way_out) == way_out.strip()
