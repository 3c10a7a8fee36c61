"""The configuration that kind gets."""

from pathlib import Path

import pytest
import yaml

from faultline.errors import InvalidInput
from faultline.host import cluster, images
from faultline.host.home import Home
from faultline.host.process import Log
from faultline.host.steps import Done


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


@pytest.mark.parametrize(
    ("made_from", "labs", "made_anew"), [("now", "", False), ("before", "", True), ("before", "scenario/mine", False)]
)
def test_a_cluster_of_an_older_configuration_is_made_anew_when_no_lab_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_from: str, labs: str, made_anew: bool
) -> None:
    home, done = Home(tmp_path), []
    log = Log(tmp_path / "log")
    text = yaml.safe_dump(cluster.effective_config(home, 2, images.dns_version()), sort_keys=False)
    (tmp_path / "kind-config.yaml").write_text(text if made_from == "now" else "nodes: []\n")
    monkeypatch.setattr(cluster, "node_containers", lambda **_: ["one", "two"])
    monkeypatch.setattr(cluster, "_bring_back", lambda *_: Done("Ready", skipped=True))
    monkeypatch.setattr(cluster, "kubectl", lambda home, *args: "crd/it" if "crd" in args else labs)
    monkeypatch.setattr(cluster, "delete", lambda *_: done.append("delete"))
    monkeypatch.setattr(cluster, "_create", lambda home, nodes, *_: done.append(f"create {nodes}"))
    found = cluster.bring_up(home, "faultline/node:1", log)
    log.close()
    assert done == (["delete", "create 2"] if made_anew else [])
    assert ("older configuration" in found.detail) == bool(labs)
