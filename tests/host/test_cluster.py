"""The configuration that kind gets."""

from pathlib import Path

import pytest

from faultline.errors import InvalidInput
from faultline.host import cluster, images
from faultline.host.home import Home


def test_the_data_folder_is_mounted_into_every_node(tmp_path: Path) -> None:
    config = cluster.effective_config(Home(tmp_path), 3)
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    assert cluster.UNTAINTED in config["nodes"][0]["kubeadmConfigPatches"]
    mount = {"hostPath": str(tmp_path / "data"), "containerPath": "/var/lib/faultline"}
    assert all(mount in node["extraMounts"] for node in config["nodes"])
    assert cluster.PATCHED in config["nodes"][0]["kubeadmConfigPatches"]


def test_a_node_that_was_built_here_has_the_dns_that_was_built_with_it(tmp_path: Path) -> None:
    patch = f"kind: ClusterConfiguration\ndns:\n  imageTag: {images.dns_version()}\n"
    assert patch in cluster.effective_config(Home(tmp_path), 1, images.dns_version())["kubeadmConfigPatches"]
    assert patch not in cluster.effective_config(Home(tmp_path), 1)["kubeadmConfigPatches"]


@pytest.mark.parametrize("value", ["0", "ten", "-1", "10"])
def test_a_wrong_number_of_nodes_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_NODES", value)
    with pytest.raises(InvalidInput, match=f"KIND_NODES must be a number from 1 to 9, got '{value}'"):
        cluster.wanted_nodes()


def test_one_node_when_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_NODES", "")
    assert cluster.wanted_nodes() == 1
