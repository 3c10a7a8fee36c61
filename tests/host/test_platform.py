"""The platform's chart: an installation that was interrupted does not stand in the way of the next one."""

from contextlib import closing
from pathlib import Path

import pytest

from faultline.host import images, platform
from faultline.host.home import Home
from faultline.host.process import CommandFailed, Log

# Helm refuses while what an interrupted one left is there; kubectl takes that away, if asked for it.
HELM = """#!/bin/sh
echo "helm $1" >> {state}/calls
[ -e {state}/pending ] || exit 0
echo "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
exit 1
"""
KUBECTL = """#!/bin/sh
echo "kubectl $*" >> {state}/calls
case "$*" in *"delete secret"*"name=faultline,status in (pending-install,"*) rm {state}/pending ;; esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / "home")
    home.bin.mkdir(parents=True)
    for name, text in (("helm", HELM), ("kubectl", KUBECTL)):
        program = home.bin / name
        program.write_text(text.format(state=tmp_path))
        program.chmod(0o755)
    monkeypatch.setattr(images, "image_refs", lambda registry="": {})
    (tmp_path / "pending").touch()
    return home


def called(home: Home) -> list[str]:
    return [each.split()[0] for each in (home.root.parent / "calls").read_text().splitlines()]


def test_what_an_interrupted_helm_left_is_removed(home: Home, tmp_path: Path) -> None:
    with closing(Log(tmp_path / "log")) as log:
        platform.install(home, log)
    assert called(home) == ["helm", "kubectl", "helm"]


def test_on_a_cluster_of_the_users_own_another_helm_may_be_at_work(home: Home, tmp_path: Path) -> None:
    with closing(Log(tmp_path / "log")) as log, pytest.raises(CommandFailed):
        platform.install(home, log, context="theirs")
    assert called(home) == ["helm"]
