"""The lab's share of a busy host's CPU: what measures must not wait for what merely runs beside it.

Where no systemd sorts a host's processes into slices, each of them weighs as much as all containers together, and
within a node each of the kubelet's helpers as much as all pods. A load generator then sends 100 ms late as soon as
anything else runs, and every run is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faultline.host import process

TIMES = 16
"""How much heavier than a host's process all containers are, and than a node's process all its pods."""
_SHARES, _WEIGHT = 1024 * TIMES, 100 * TIMES
"""The same for cgroup v1 and v2."""
_CONTAINERS = {Path("/sys/fs/cgroup/cpu/docker/cpu.shares"): _SHARES, Path("/sys/fs/cgroup/docker/cpu.weight"): _WEIGHT}
_PODS = {
    "/sys/fs/cgroup/cpu/kubelet.slice/cpu.shares": _SHARES,
    "/sys/fs/cgroup/kubelet.slice/cpu.weight": _WEIGHT,
}


def raise_pods(nodes: Iterable[str], log: process.Log) -> None:
    """Let each node's pods weigh more than what runs beside them. Raises CommandFailed."""
    script = "\n".join(f"if [ -e {file} ]; then echo {value} > {file}; fi" for file, value in _PODS.items())
    for node in nodes:
        process.run(["docker", "exec", node, "sh", "-ec", script], log)


def raise_containers(log: process.Log) -> None:
    """Let the containers of an engine that `up` started weigh more than the host's processes. Raises OSError."""
    for file, value in _CONTAINERS.items():
        if file.exists():
            file.write_text(f"{value}\n")
            log.line(f"{file} = {value}")
