"""Trees of real files, as kernels and kubelets lay them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from meter.cgroups import Reader, Usage

UID = "3cc477cf-2faf-418f-b27b-dedda74dd547"
UNDERSCORES = UID.replace("-", "_")
STATIC = "d9632a1dccb3074c0285e1fa0ccc6f82"
KUBEPODS = "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods"
SYSTEMD = f"{KUBEPODS}-burstable.slice/kubelet-kubepods-burstable-pod{UNDERSCORES}.slice"
SYSTEMD_GUARANTEED = f"kubepods.slice/kubepods-pod{UNDERSCORES}.slice"
CGROUPFS = f"kubelet/kubepods/besteffort/pod{UID}"
LAYOUTS = [SYSTEMD, SYSTEMD_GUARANTEED, CGROUPFS]


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


class V2:
    """Writes a cgroup v2 tree."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        write(mount, cgroup__controllers="cpu memory\n")

    def pod(self, cgroup: str, cpu: float, memory: int, cache: int) -> None:
        self._cpu(cgroup, cpu, 0)
        write(
            self.mount / cgroup,
            memory__current=f"{memory}\n",
            memory__stat=f"anon 5\nfile 9\ninactive_anon 3\ninactive_file {cache}\nactive_file 1\n",
        )

    def container(self, cgroup: str, throttled: float) -> None:
        self._cpu(cgroup, 0, throttled)

    def _cpu(self, cgroup: str, usage: float, throttled: float) -> None:
        text = f"usage_usec {usage * 1e6:.0f}\nuser_usec 1\nnr_throttled 2\nthrottled_usec {throttled * 1e6:.0f}\n"
        write(self.mount / cgroup, cpu__stat=text)

    def remove(self, cgroup: str) -> None:
        shutil.rmtree(self.mount / cgroup)


class V1:
    """Writes the trees of cgroup v1."""

    cpu, cpuacct = "cpu", "cpuacct"

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        for controller in (self.cpu, self.cpuacct, "memory", "pids"):
            (mount / controller).mkdir(parents=True, exist_ok=True)

    def pod(self, cgroup: str, cpu: float, memory: int, cache: int) -> None:
        self.container(cgroup, 0)
        write(self.mount / self.cpuacct / cgroup, cpuacct__usage=f"{cpu * 1e9:.0f}\n")
        write(
            self.mount / "memory" / cgroup,
            memory__usage_in_bytes=f"{memory}\n",
            memory__stat=f"cache 9\ninactive_file 7\ntotal_cache 9\ntotal_inactive_file {cache}\n",
        )

    def container(self, cgroup: str, throttled: float) -> None:
        (self.mount / self.cpuacct / cgroup).mkdir(parents=True, exist_ok=True)
        text = f"nr_periods 9\nnr_throttled 2\nthrottled_time {throttled * 1e9:.0f}\n"
        write(self.mount / self.cpu / cgroup, cpu__stat=text)

    def remove(self, cgroup: str) -> None:
        for controller in {self.cpu, self.cpuacct, "memory"}:
            shutil.rmtree(self.mount / controller / cgroup, ignore_errors=True)


class V1Together(V1):
    """cpu and cpuacct in one mount."""

    cpu = cpuacct = "cpu,cpuacct"


@pytest.fixture(params=[V2, V1, V1Together])
def tree(request, tmp_path):
    return request.param(tmp_path)


def reader(tree: V1 | V2) -> Reader:
    return Reader(tree.mount, look_seconds=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pod_is_found_and_read(tree, layout):
    tree.pod(layout, cpu=12.5, memory=1000, cache=400)
    tree.container(f"{layout}/cri-containerd-abc.scope", throttled=1.5)
    tree.container(f"{layout}/cri-containerd-def.scope", throttled=0.25)
    assert reader(tree).read() == {UID: Usage(pytest.approx(12.5), 600, pytest.approx(1.75))}


def test_static_pods_are_named_by_their_hash(tree):
    tree.pod(f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{STATIC}.slice", 1, 10, 0)
    assert list(reader(tree).read()) == [STATIC]


def test_other_services_are_not_pods(tree):
    tree.pod("system.slice/docker.service", 1, 10, 0)
    tree.pod("kubepods.slice/kubepods-burstable.slice/podman.slice", 1, 10, 0)
    assert reader(tree).read() == {}


def test_the_kubelets_tree_may_come_later(tree):
    found = reader(tree)
    assert found.read() == {}
    tree.pod(SYSTEMD, 1, 10, 0)
    assert list(found.read()) == [UID]


def test_values_are_read_again(tree):
    tree.pod(SYSTEMD, 1, 10, 0)
    found = reader(tree)
    assert found.read()[UID].cpu_seconds == pytest.approx(1)
    tree.pod(SYSTEMD, 2, 30, 0)
    assert found.read()[UID][:2] == (pytest.approx(2), 30)


def test_a_restarted_container_does_not_take_its_throttling_back(tree):
    tree.pod(SYSTEMD, 1, 10, 0)
    tree.container(f"{SYSTEMD}/one.scope", throttled=3)
    found = reader(tree)
    assert found.read()[UID].throttled_seconds == pytest.approx(3)
    tree.remove(f"{SYSTEMD}/one.scope")
    tree.container(f"{SYSTEMD}/two.scope", throttled=0.5)
    assert found.read()[UID].throttled_seconds == pytest.approx(3.5)


def test_pods_come_and_go(tree):
    tree.pod(SYSTEMD, 1, 10, 0)
    found = reader(tree)
    assert list(found.read()) == [UID]
    tree.remove(SYSTEMD)
    tree.pod(f"kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{STATIC}.slice", 1, 10, 0)
    assert list(found.read()) == [STATIC]


def test_new_pods_are_not_looked_for_at_each_read(tree):
    tree.pod(SYSTEMD, 1, 10, 0)
    found = Reader(tree.mount, look_seconds=3600)
    found.read()
    tree.pod(f"kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{STATIC}.slice", 1, 10, 0)
    assert list(found.read()) == [UID]


def test_more_page_cache_than_memory_is_no_memory(tree):
    # The two files are not read at the same instant.
    tree.pod(SYSTEMD, 1, 10, 20)
    assert reader(tree).read()[UID].memory_bytes == 0


def test_a_host_without_cgroups_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="is the host's cgroup file system mounted"):
        Reader(tmp_path)
