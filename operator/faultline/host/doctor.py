"""`faultline doctor`: what this host has, what each finding means for the lab, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from faultline.errors import HostProblem
from faultline.host import engine
from faultline.host.home import Home

GIB = 1 << 30
State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, what it means, what to do."""

    name: str
    state: State
    found: str
    meaning: str = ""
    next_step: str = ""


def check_host(home: Home) -> list[Finding]:
    """Look at everything that set-up and labs rest on. Changes nothing."""
    findings = [_python(), _memory(), _disk(home), *_engine(home), _loopback_port()]
    if sys.platform == "linux":
        findings += [_kernel(), _cgroups(), _capabilities(), *_inotify()]
    return findings


def refuse_hopeless(findings: Iterable[Finding]) -> None:
    """Raise HostProblem (FL505) naming each problem with which set-up could not end well."""
    problems = [finding for finding in findings if finding.state == "problem"]
    if problems:
        text = "; ".join(f"{finding.name}: {finding.found}, {finding.meaning}" for finding in problems)
        raise HostProblem("FL505", text, problems[0].next_step)


def _python() -> Finding:
    found = platform.python_version()
    return Finding("python", "ok", found)


def _read_int(path: str) -> int | None:
    try:
        return int(Path(path).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{total / GIB:.1f} GiB"
    if total < 3 * GIB:
        return Finding(
            "memory", "problem", found, "cluster, platform and one lab take 2.5 GiB", "use a machine with 4 GiB or more"
        )
    if total < 6 * GIB:
        return Finding(
            "memory", "warning", found, "enough for one lab; builds from packages may swap", "run one lab at a time"
        )
    return Finding("memory", "ok", found)


def _disk(home: Home) -> Finding:
    place = Path("/var/lib/docker") if Path("/var/lib/docker").is_dir() else home.root
    free = min(shutil.disk_usage(place).free, shutil.disk_usage(home.root).free)
    found = f"{free / GIB:.1f} GiB free at {place}"
    if free < 3 * GIB:
        return Finding(
            "disk",
            "problem",
            found,
            "images and labs need 3 GiB at the least",
            "free disk space; `docker system df` shows what images take",
        )
    if free < 15 * GIB:
        return Finding(
            "disk",
            "warning",
            found,
            "building all images from packages takes up to 15 GiB",
            "free disk space if a build fails",
        )
    return Finding("disk", "ok", found)


def _engine(home: Home) -> list[Finding]:
    if shutil.which("docker") and engine.answers():
        return [Finding("docker engine", "ok", f"{engine.version()} answers")]
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        return [
            Finding("docker engine", "warning", "none answers", "`make up` installs and starts Debian's", "make up")
        ]
    step = (
        "start Docker Desktop"
        if sys.platform == "darwin"
        else "`sudo systemctl start docker`, join the docker group, or be root"
    )
    return [Finding("docker engine", "problem", "none answers", "the cluster runs in containers", step)]


def _loopback_port() -> Finding:
    """The API server and port-forwards take free ports on loopback."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return Finding("ports", "ok", f"loopback gives ports (such as {server.getsockname()[1]})")
    except OSError as error:
        return Finding(
            "ports",
            "problem",
            str(error),
            "the API server is reached through a port on 127.0.0.1",
            "bring up the loopback interface: `ip link set lo up`",
        )


def _kernel() -> Finding:
    release = platform.release()
    major, minor = (int(part) for part in release.split(".")[:2])
    if (major, minor) < (5, 10):
        return Finding(
            "kernel",
            "warning",
            release,
            "faults on open connections and egress rules are tried on 5.10 and later",
            "use a newer kernel",
        )
    return Finding("kernel", "ok", release)


def _cgroups() -> Finding:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return Finding("cgroups", "ok", "version 2")
    if Path("/sys/fs/cgroup/memory").is_dir() and Path("/sys/fs/cgroup/cpu").exists():
        return Finding("cgroups", "ok", "version 1", "Kubernetes 1.34 runs on it with a warning; 1.35 will not")
    return Finding(
        "cgroups",
        "problem",
        "no memory or cpu controller is mounted",
        "containers cannot be limited",
        "mount them: `apt-get install cgroupfs-mount`",
    )


def _capabilities() -> Finding:
    if not engine.lacks_capabilities():
        return Finding("capabilities", "ok", "all of this kernel's")
    return Finding(
        "capabilities",
        "ok",
        "the host lacks some of this kernel's",
        "an engine that `make up` starts asks only for what is there; one of your own may refuse the node",
    )


def _inotify() -> list[Finding]:
    findings = []
    for key, least in engine.INOTIFY_LEAST.items():
        value = _read_int(f"/proc/sys/fs/inotify/{key}")
        name = f"inotify {key}"
        if value is not None and value < least:
            step = f"sysctl -w fs.inotify.{key}={least}"
            findings.append(
                Finding(name, "warning", str(value), "with many pods the kubelet and DNS may run out of watches", step)
            )
        else:
            findings.append(Finding(name, "ok", str(value)))
    return findings
