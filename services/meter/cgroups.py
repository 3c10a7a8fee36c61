"""Finds the pods' cgroups under the kubelet's tree and reads what they used. Knows cgroup v1 and v2.

The kubelet names a pod's cgroup after its UID: `pod1234-…` (cgroupfs driver) or `…-pod1234_….slice` (systemd driver),
under `kubepods` (or, with a cgroup root as in kind, `kubelet/kubepods`, `kubelet.slice/kubelet-kubepods.slice`), and in
there the containers'. CPU and memory of the pod's cgroup cover its containers; throttling is counted where the quota
is, which is on each of them.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

POD = re.compile(r"pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?$")
KUBEPODS = re.compile(r"(^|-)kubepods(\.slice)?$")
SEARCH_DEPTH = 3
"""How deep below the mount the kubelet's tree is looked for."""


class Usage(NamedTuple):
    """What a pod used: seconds of CPU, bytes of memory that can't be dropped, seconds in which it was throttled."""

    cpu_seconds: float
    memory_bytes: int
    throttled_seconds: float


class Hierarchy(Protocol):
    """One version of cgroups."""

    trees: list[Path]
    """Where pods' cgroups are looked for; the first has them all."""

    def cpu_seconds(self, cgroup: str) -> float:
        """CPU used by a cgroup and all below it; `cgroup` is relative to the mount."""

    def memory_bytes(self, cgroup: str) -> int:
        """Memory of a cgroup and all below it, without the page cache that is not in use."""

    def throttled_seconds(self, cgroup: str) -> float:
        """How long this cgroup's own quota held it up."""


class V2:
    """All controllers in one tree."""

    def __init__(self, mount: Path) -> None:
        self.trees = [mount]
        self._mount = mount

    def cpu_seconds(self, cgroup: str) -> float:
        """From cpu.stat, in microseconds."""
        return _table(self._mount / cgroup / "cpu.stat").get("usage_usec", 0) / 1e6

    def memory_bytes(self, cgroup: str) -> int:
        """The working set, as the kubelet has it."""
        folder = self._mount / cgroup
        return _working_set(folder / "memory.current", folder / "memory.stat", "inactive_file")

    def throttled_seconds(self, cgroup: str) -> float:
        """From cpu.stat, in microseconds."""
        return _table(self._mount / cgroup / "cpu.stat").get("throttled_usec", 0) / 1e6


class V1:
    """A tree for each controller; some distributions mount cpu and cpuacct together."""

    def __init__(self, mount: Path) -> None:
        self._cpuacct = _first(mount / "cpuacct", mount / "cpu,cpuacct")
        self._cpu = _first(mount / "cpu", mount / "cpu,cpuacct")
        self._memory = mount / "memory"
        self.trees = [self._cpuacct]

    def cpu_seconds(self, cgroup: str) -> float:
        """From cpuacct.usage, in nanoseconds."""
        return int((self._cpuacct / cgroup / "cpuacct.usage").read_text()) / 1e9

    def memory_bytes(self, cgroup: str) -> int:
        """The working set, as the kubelet has it."""
        folder = self._memory / cgroup
        return _working_set(folder / "memory.usage_in_bytes", folder / "memory.stat", "total_inactive_file")

    def throttled_seconds(self, cgroup: str) -> float:
        """From cpu.stat, in nanoseconds."""
        return _table(self._cpu / cgroup / "cpu.stat").get("throttled_time", 0) / 1e9


def hierarchy(mount: Path) -> Hierarchy:
    """The version that is mounted at `mount`. Raises FileNotFoundError when neither is."""
    if (mount / "cgroup.controllers").exists():
        return V2(mount)
    return V1(mount)


class Reader:
    """Reads all pods of the node."""

    def __init__(self, mount: Path) -> None:
        self._hierarchy = hierarchy(mount)
        self._mount = self._hierarchy.trees[0]
        self._roots: list[Path] = []
        self._throttled: dict[str, dict[str, float]] = defaultdict(dict)

    def read(self) -> dict[str, Usage]:
        """Usage by pod UID (with dashes). A pod that goes away meanwhile is left out."""
        found: dict[str, Usage] = {}
        for uid, cgroup in self._pods():
            try:
                found[uid] = self._usage(uid, cgroup)
            except OSError as error:
                if not _gone(error):
                    raise
        for uid in self._throttled.keys() - found.keys():
            del self._throttled[uid]
        return found

    def _usage(self, uid: str, cgroup: Path) -> Usage:
        name = str(cgroup.relative_to(self._mount))
        # A container that was restarted takes its count along: what it had is kept, so that the sum never falls.
        throttled = self._throttled[uid]
        for each in (name, *(f"{name}/{child.name}" for child in _folders(cgroup))):
            throttled[each] = self._hierarchy.throttled_seconds(each)
        return Usage(self._hierarchy.cpu_seconds(name), self._hierarchy.memory_bytes(name), sum(throttled.values()))

    def _pods(self) -> Iterator[tuple[str, Path]]:
        if not any(root.exists() for root in self._roots):
            self._roots = list(_search(self._mount, SEARCH_DEPTH))
        for root in self._roots:
            for level in (root, *_folders(root)):
                for folder in _folders(level):
                    match = POD.search(folder.name)
                    if match:
                        yield _dashed(match[1]), Path(folder)


def _search(folder: Path, depth: int) -> Iterator[Path]:
    for each in _folders(folder):
        if KUBEPODS.search(each.name):
            yield Path(each)
        elif depth > 1:
            yield from _search(Path(each), depth - 1)


def _folders(folder: os.PathLike[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []  # The pod went away between two looks.


def _dashed(uid: str) -> str:
    plain = re.sub("[-_]", "", uid)
    # Static pods are named after a hash of their manifest: 32 digits, and the API server knows them by that.
    if len(uid) == len(plain):
        return uid
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _table(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def _working_set(usage: Path, stat: Path, inactive: str) -> int:
    return max(0, int(usage.read_text()) - _table(stat).get(inactive, 0))


def _first(*paths: Path) -> Path:
    for path in paths:
        if path.exists():
            return path
    raise FileNotFoundError(f"none of {', '.join(map(str, paths))} is there: is the host's cgroup file system mounted?")


def _gone(error: OSError) -> bool:
    # Reading a file of a cgroup that is being removed gives ENODEV.
    return error.errno in (2, 19)
