"""Finds the pods' cgroups under the kubelet's tree and reads what they used. Knows cgroup v1 and v2.

The kubelet names a pod's cgroup after its UID: `pod1234-…` (cgroupfs driver) or `…-pod1234_….slice` (systemd driver),
under `kubepods` (or, with a cgroup root as in kind, `kubelet/kubepods`, `kubelet.slice/kubelet-kubepods.slice`), and in
there the containers'. CPU and memory of the pod's cgroup cover its containers; throttling is counted where the quota
is, which is on each of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

POD = re.compile(r"pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?$")
KUBEPODS = re.compile(r"(^|-)kubepods(\.slice)?$")
SEARCH_DEPTH = 3
"""How deep below the mount the kubelet's tree is looked for."""

LOOK_SECONDS = 2.0
"""How often new pods and containers are looked for."""


class Usage(NamedTuple):
    """What a pod used: seconds of CPU, bytes of memory that can't be dropped, seconds in which it was throttled."""

    cpu_seconds: float
    memory_bytes: int
    throttled_seconds: float


class Sources(NamedTuple):
    """Open files of one pod. Reading an open file again costs a fifth of opening it by its path."""

    cpu: Counter
    memory: Counter
    cache: Counter
    throttled: dict[str, Counter]


class Counter:
    """One number in one file of a cgroup: the file's only one, or the one after `name`."""

    def __init__(self, path: Path, name: str | None = None, unit: float = 1.0) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self._name = name.encode() + b" " if name else b""
        self._unit = unit

    def read(self) -> float:
        """The number times its unit; 0 when it is not in the file. Raises OSError when the cgroup is gone."""
        text = os.pread(self._fd, 8192, 0)
        start = 0
        if self._name and not text.startswith(self._name):
            start = text.find(b"\n" + self._name) + 1
            if not start:
                return 0.0
        return int(text[start + len(self._name) :].split(None, 1)[0]) * self._unit

    def __del__(self) -> None:
        os.close(self._fd)


class Hierarchy(Protocol):
    """One version of cgroups; cgroups are named relative to the mount."""

    tree: Path
    """Where pods' cgroups are looked for."""

    def cpu(self, cgroup: str) -> Counter:
        """Seconds of CPU used by a cgroup and all below it."""

    def memory(self, cgroup: str) -> tuple[Counter, Counter]:
        """Bytes that a cgroup and all below it hold, and those of them that are page cache not in use."""

    def throttled(self, cgroup: str) -> Counter:
        """Seconds in which this cgroup's own quota held it up."""


class V2:
    """All controllers in one tree; microseconds."""

    def __init__(self, mount: Path) -> None:
        self.tree = mount

    def cpu(self, cgroup: str) -> Counter:
        """usage_usec."""
        return Counter(self.tree / cgroup / "cpu.stat", "usage_usec", 1e-6)

    def memory(self, cgroup: str) -> tuple[Counter, Counter]:
        """memory.current and inactive_file."""
        folder = self.tree / cgroup
        return Counter(folder / "memory.current"), Counter(folder / "memory.stat", "inactive_file")

    def throttled(self, cgroup: str) -> Counter:
        """throttled_usec."""
        return Counter(self.tree / cgroup / "cpu.stat", "throttled_usec", 1e-6)


class V1:
    """A tree for each controller (some distributions mount cpu and cpuacct together); nanoseconds."""

    def __init__(self, mount: Path) -> None:
        self.tree = _first(mount / "cpuacct", mount / "cpu,cpuacct")
        self._cpu = _first(mount / "cpu", mount / "cpu,cpuacct")
        self._memory = _first(mount / "memory")

    def cpu(self, cgroup: str) -> Counter:
        """cpuacct.usage."""
        return Counter(self.tree / cgroup / "cpuacct.usage", unit=1e-9)

    def memory(self, cgroup: str) -> tuple[Counter, Counter]:
        """memory.usage_in_bytes and total_inactive_file."""
        folder = self._memory / cgroup
        return Counter(folder / "memory.usage_in_bytes"), Counter(folder / "memory.stat", "total_inactive_file")

    def throttled(self, cgroup: str) -> Counter:
        """throttled_time."""
        return Counter(self._cpu / cgroup / "cpu.stat", "throttled_time", 1e-9)


def hierarchy(mount: Path) -> Hierarchy:
    """The version that is mounted at `mount`. Raises FileNotFoundError when neither is."""
    if (mount / "cgroup.controllers").exists():
        return V2(mount)
    return V1(mount)


class Reader:
    """Reads all pods of the node, and looks for new ones and for new containers every now and then."""

    def __init__(self, mount: Path, look_seconds: float = LOOK_SECONDS) -> None:
        self._hierarchy = hierarchy(mount)
        self._roots: list[Path] = []
        self._pods: dict[str, Sources] = {}
        self._look_seconds = look_seconds
        self._looked = float("-inf")
        self._throttled: dict[str, dict[str, float]] = {}

    def read(self) -> dict[str, Usage]:
        """Usage by pod UID (with dashes). A pod that goes away meanwhile is left out."""
        if time.monotonic() - self._looked >= self._look_seconds:
            self._look()
        found: dict[str, Usage] = {}
        for uid, sources in self._pods.items():
            try:
                found[uid] = self._usage(uid, sources)
            except OSError as error:
                if error.errno != errno.ENODEV:  # The cgroup was removed.
                    raise
        return found

    def _usage(self, uid: str, sources: Sources) -> Usage:
        # A container that was restarted takes its count along: what it had is kept, so that the sum never falls.
        throttled = self._throttled.setdefault(uid, {})
        throttled.update({name: counter.read() for name, counter in sources.throttled.items()})
        memory = max(0.0, sources.memory.read() - sources.cache.read())
        return Usage(sources.cpu.read(), int(memory), sum(throttled.values()))

    def _look(self) -> None:
        self._looked = time.monotonic()
        if not any(root.exists() for root in self._roots):
            self._roots = list(_search(self._hierarchy.tree, SEARCH_DEPTH))
        pods: dict[str, Sources] = {}
        for root in self._roots:
            for level in (root, *_folders(root)):
                for folder in _folders(level):
                    match = POD.search(folder.name)
                    if match:
                        uid = _dashed(match[1])
                        # Gone between two looks, or half set up: the next look will tell.
                        with contextlib.suppress(FileNotFoundError):
                            pods[uid] = self._open(Path(folder), self._pods.get(uid))
        self._pods = pods
        self._throttled = {uid: each for uid, each in self._throttled.items() if uid in pods}

    def _open(self, folder: Path, known: Sources | None) -> Sources:
        pod = str(folder.relative_to(self._hierarchy.tree))
        names = [pod, *(f"{pod}/{child.name}" for child in _folders(folder))]
        open_already = known.throttled if known else {}
        throttled = {name: open_already.get(name) or self._hierarchy.throttled(name) for name in names}
        if known:
            return known._replace(throttled=throttled)
        return Sources(self._hierarchy.cpu(pod), *self._hierarchy.memory(pod), throttled)


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


def _first(*paths: Path) -> Path:
    for path in paths:
        if path.exists():
            return path
    raise FileNotFoundError(f"none of {', '.join(map(str, paths))} is there: is the host's cgroup file system mounted?")
