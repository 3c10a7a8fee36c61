"""The lab's nodes from below: as containers of this host, where the API server is not needed.

Only for the lab's own kind cluster. What runs on a node is found by containerd's and the kernel's names, and acted on
with what every node has (sh, ctr, nsenter, curl).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from faultline.errors import NotFound
from faultline.host import process
from faultline.host.cluster import node_containers

NODE_SECONDS = 10.0
_FIND = """
for id in $(ctr -n k8s.io containers ls -q {filters}); do
  ctr -n k8s.io tasks ls | awk -v id="$id" '$1 == id && $3 == "RUNNING" {{print $2}}'
done
"""


def run(node: str, script: str, *, timeout: float = NODE_SECONDS, stdin: bytes | None = None) -> str:
    """Run a shell script on a node: what it printed. Raises CommandFailed."""
    return process.output(["docker", "exec", "-i", node, "sh", "-c", script], timeout=timeout, stdin=stdin)


def everywhere(script: str, *, timeout: float = NODE_SECONDS) -> dict[str, str]:
    """Run a shell script on all running nodes side by side: what each printed."""
    nodes = node_containers(running_only=True)
    if not nodes:
        return {}
    with ThreadPoolExecutor(len(nodes)) as pool:
        return dict(zip(nodes, pool.map(lambda node: run(node, script, timeout=timeout), nodes), strict=True))


def find(namespace: str, container: str, pod: str = "") -> tuple[str, int]:
    """Node and process id of a running container's first process; `container` empty is the pod's sandbox.

    `pod` is how the pod's name begins. Raises NotFound (FL213).
    """
    kind = ["kind=container", f"container.name={container}"] if container else ["kind=sandbox"]
    for node, answer in everywhere(_FIND.format(filters=_filter(namespace, pod, kind))).items():
        if found := answer.split():
            return node, int(found[-1])
    what = f"container {container}" if container else f"pod {pod}"
    raise NotFound("FL213", f"there is no running {what} in {namespace} on any node", "make status")


def _filter(namespace: str, pod: str, kind: Sequence[str]) -> str:
    """One filter of containerd's, in quotes of the shell; its parts are joined by `and`."""
    parts = [f'labels."io.kubernetes.pod.namespace"=={namespace}']
    if pod:
        parts.append(f'labels."io.kubernetes.pod.name"~=^{pod}')
    names = {"kind": "io.cri-containerd.kind", "container.name": "io.kubernetes.container.name"}
    parts += [f'labels."{names[key]}"=={value}' for key, _, value in (each.partition("=") for each in kind)]
    return "'" + ",".join(parts) + "'"
