"""Taking things down: what goes, and that runs, progress and what is not ours stay."""

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from faultline.host import down, engine
from faultline.host.home import Home
from faultline.host.process import CommandFailed

# A stand-in for Docker with one file per image; a name that ends in `-parent` cannot go before the others.
DOCKER = """#!/bin/sh
cd {state}
echo "$*" >> calls
case "$1 $2" in
  "version --format") if [ -e stopped ]; then exit 1; fi; echo 9.9 ;;
  "ps --all") case "$*" in *kind*) cat nodes ;; *) cat containers ;; esac ;;
  "volume ls") cat volumes ;;
  "image ls") ls images ;;
  "image rm")
    shift 3
    for image in "$@"; do
      case "$image" in
        stuck) failed=1 ;;
        *-parent) if [ "$(ls images | grep -vc -- -parent)" = 0 ]; then rm "images/$image"; else failed=1; fi ;;
      esac
    done
    for image in "$@"; do case "$image" in stuck|*-parent) ;; *) rm "images/$image" ;; esac; done
    exit ${{failed:-0}} ;;
esac
"""

# An engine: `stopped` is there while it does not run.
DOCKERD = """#!/bin/sh
rm {state}/stopped
sed -n 's/.*"pidfile": "\\(.*\\)".*/\\1/p' "$2" | while read -r file; do echo $$ > "$file"; done
trap 'touch {state}/stopped; exit 0' TERM
while :; do sleep 0.05; done
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in (("docker", DOCKER), ("dockerd", DOCKERD)):
        script = tmp_path / "bin" / name
        script.write_text(text.format(state=tmp_path))
        script.chmod(0o755)
    (tmp_path / "images").mkdir()
    for name in ("nodes", "containers", "volumes"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(down, "REPO", tmp_path)
    return tmp_path


@pytest.fixture
def home(state: Path) -> Home:
    home = Home.from_environment()
    (home.data / "runs").mkdir()
    (home.data / "runs/run.json").write_text("{}")
    (home.root / "progress.json").write_text(json.dumps({"stars": 3}))
    (home.bin / "kind").touch()
    home.kubeconfig.touch()
    return home


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def calls(state: Path) -> list[str]:
    return (state / "calls").read_text().splitlines()


def test_down_removes_the_cluster_and_leaves_an_engine_that_is_not_ours(state: Path, home: Home) -> None:
    (state / "nodes").write_text("faultline-control-plane\n")
    assert down.down(home, quiet()) == {
        "cluster_removed": True,
        "engine": "not started by faultline; left as it is",
    }
    assert "rm --force --volumes faultline-control-plane" in calls(state)
    assert not home.kubeconfig.exists()
    assert (home.bin / "kind").exists()


def test_down_without_an_engine_says_so(state: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "answers", lambda: False)
    console = quiet()
    assert down.down(home, console)["cluster_removed"] is False
    assert "no Docker engine answers" in console.file.getvalue()  # type: ignore[attr-defined]


def test_clean_keeps_runs_and_progress(state: Path, home: Home) -> None:
    (state / ".mypy_cache").mkdir()
    (state / "workspace").mkdir()
    down.clean(home, quiet())
    assert (home.data / "runs/run.json").exists()
    assert json.loads((home.root / "progress.json").read_text()) == {"stars": 3}
    assert (state / "workspace").exists()
    assert not home.bin.exists()
    assert not (state / ".mypy_cache").exists()


def test_clean_removes_images_that_others_stand_on_after_those(state: Path, home: Home) -> None:
    for name in ("base-parent", "operator", "redis"):
        (state / "images" / name).touch()
    assert down.clean(home, quiet())["images_removed"] == 3
    assert list((state / "images").iterdir()) == []


def test_clean_starts_our_engine_for_its_images_and_stops_it_again(state: Path, home: Home) -> None:
    (state / "images/operator").touch()
    (state / "stopped").touch()
    (home.engine / "daemon.json").write_text("{}")
    done = down.clean(home, quiet())
    (started,) = engine._OUTLIVING
    engine._OUTLIVING.clear()
    assert started.wait(60) == 0
    assert done == {"cluster_removed": False, "engine": "stopped", "images_removed": 1}
    assert (state / "stopped").exists()
    assert not list((state / "images").iterdir())


def test_clean_starts_no_engine_that_never_was_ours(state: Path, home: Home) -> None:
    (state / "images/operator").touch()
    (state / "stopped").touch()
    assert down.clean(home, quiet())["images_removed"] == 0
    assert engine._OUTLIVING == []
    assert (state / "images/operator").exists()


def test_an_image_that_cannot_go_is_told(state: Path, home: Home) -> None:
    (state / "images/stuck").touch()
    with pytest.raises(CommandFailed, match="docker image rm"):
        down.clean(home, quiet())


def test_clean_removes_build_containers_and_caches_by_label(state: Path, home: Home) -> None:
    (state / "containers").write_text("c1\nc2\n")
    (state / "volumes").write_text("faultline-go\n")
    down.clean(home, quiet())
    assert "rm --force --volumes c1 c2" in calls(state)
    assert "volume rm faultline-go" in calls(state)
