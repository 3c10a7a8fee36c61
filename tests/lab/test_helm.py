"""Helm as a subprocess: what it is called with, how long it may take, what its failures become."""

import asyncio
import stat
from pathlib import Path

import pytest

from faultline.errors import HostProblem, InvalidInput, Unreachable
from faultline.lab import Helm


def program(folder: Path, script: str) -> str:
    """An executable that stands for helm."""
    path = folder / "helm"
    path.write_text(f"#!/bin/bash\ncd {folder}\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_values_go_in_by_standard_input(tmp_path: Path) -> None:
    helm = Helm(Path("/chart"), binary=program(tmp_path, 'echo "$@" > args; cat > values'))
    await helm.install("harness-demo", {"scenario": "demo"})
    args = (tmp_path / "args").read_text()
    assert args.startswith("upgrade --install lab /chart --namespace harness-demo")
    assert "--wait" not in args
    assert (tmp_path / "values").read_text() == '{"scenario": "demo"}'


async def test_a_helm_that_hangs_is_ended(tmp_path: Path) -> None:
    helm = Helm(Path("/chart"), binary=program(tmp_path, "exec sleep 600"), timeout=0.3)
    async with asyncio.timeout(120):
        with pytest.raises(Unreachable, match=r"helm uninstall did not end within 0\.3 s") as caught:
            await helm.uninstall("harness-demo")
    assert caught.value.code == "FL613"


async def test_a_missing_helm_says_so() -> None:
    with pytest.raises(HostProblem, match="/nowhere/helm is not there"):
        await Helm(Path("/chart"), binary="/nowhere/helm").uninstall("harness-demo")


async def test_a_refusal_by_the_schema_is_invalid_input(tmp_path: Path) -> None:
    text = (
        "Error: values don't meet the specifications of the schema(s) in the following chart(s): lab: token too short"
    )
    helm = Helm(Path("/chart"), binary=program(tmp_path, f'cat > /dev/null; echo "{text}" >&2; exit 1'))
    with pytest.raises(InvalidInput, match="token too short") as caught:
        await helm.install("harness-demo", {})
    assert caught.value.code == "FL123"


async def test_what_an_interrupted_helm_left_is_cleared_once(tmp_path: Path) -> None:
    script = """cat > /dev/null
    [ -e cleared ] && exit 0
    echo "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress" >&2
    exit 1"""
    cleared: list[tuple[str, str]] = []

    async def clear(namespace: str, selector: str) -> None:
        cleared.append((namespace, selector))
        (tmp_path / "cleared").touch()

    binary = program(tmp_path, script)
    with pytest.raises(HostProblem, match="another operation"):
        await Helm(Path("/chart"), binary=binary).install("harness-demo", {})
    await Helm(Path("/chart"), binary=binary, clear_pending=clear).install("harness-demo", {})
    selector = "owner=helm,name=lab,status in (pending-install,pending-upgrade,pending-rollback)"
    assert cleared == [("harness-demo", selector)]


async def test_other_failures_keep_helm_s_words(tmp_path: Path) -> None:
    helm = Helm(Path("/chart"), binary=program(tmp_path, "echo 'Error: no such host' >&2; exit 1"))
    with pytest.raises(HostProblem, match="helm uninstall: no such host"):
        await helm.uninstall("harness-demo")
