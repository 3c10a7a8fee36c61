"""The digests that name images, and what has to be built."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faultline.errors import HostProblem
from faultline.host import building, images
from faultline.host.home import REPO


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of what images are made of, to edit."""
    for folder in ("images", "tools", "requirements", "operator", "services", "charts"):
        shutil.copytree(REPO / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(images, "REPO", tmp_path)
    images.forget_tags()
    yield tmp_path
    images.forget_tags()


def test_a_changed_file_renames_its_image_and_those_above(checkout: Path) -> None:
    before = {name: images.tag(name) for name in images.IMAGES}
    script = checkout / "images/netguard/netguard"
    script.write_text(script.read_text() + "# changed\n")
    images.forget_tags()
    changed = {name for name in images.IMAGES if images.tag(name) != before[name]}
    assert changed == {"netguard", "injector-packages", "injector"}


def test_code_does_not_rename_what_does_not_hold_it(checkout: Path) -> None:
    before = images.image_refs()
    (checkout / "operator/faultline/errors.py").write_text("# changed\n")
    images.forget_tags()
    changed = {name for name, ref in images.image_refs().items() if ref != before[name]}
    assert changed == {"operator", "injector", "dashboard"}


def test_what_only_learners_see_renames_nothing_that_grades(checkout: Path) -> None:
    before = images.image_refs()
    for name in ("hints.py", "report/text.py", "lint/reading.py", "injector/runner.py"):
        (checkout / "operator/faultline" / name).write_text("# changed\n")
    images.forget_tags()
    changed = {name for name, ref in images.image_refs().items() if ref != before[name]}
    assert changed == {"injector", "dashboard"}


def test_a_tag_may_leave_files_out(checkout: Path) -> None:
    file = checkout / "operator/faultline/measures/replica_lag.py"
    before = images.tag("operator", frozenset({file})), images.tag("operator")
    file.write_text("# changed\n")
    images.forget_tags()
    after = images.tag("operator", frozenset({file})), images.tag("operator")
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


@pytest.mark.parametrize(
    ("image", "module"),
    [
        ("operator", "faultline.controller"),
        ("injector", "faultline.injector.__main__"),
        ("dashboard", "faultline.dashboard.app"),
    ],
)
def test_an_image_holds_all_that_its_program_imports(tmp_path: Path, image: str, module: str) -> None:
    for name, file in images.source_files(images.IMAGES[image]).items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; print({module}.__file__)"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_caches_are_no_input(checkout: Path) -> None:
    before = images.tag("operator")
    cache = checkout / "operator/faultline/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "errors.cpython-311.pyc").write_bytes(b"x")
    images.forget_tags()
    assert images.tag("operator") == before


def test_a_file_that_is_missing_is_named(checkout: Path) -> None:
    (checkout / "images/netguard/netguard").unlink()
    images.forget_tags()
    with pytest.raises(HostProblem, match="image netguard needs images/netguard/netguard"):
        images.tag("netguard")


def test_parents_of_an_image_that_is_there_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "is_built", lambda name: name == "operator")
    assert building.missing(["operator"]) == []


def test_missing_images_come_after_their_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "is_built", lambda name: False)
    order = building.missing(images.IMAGES)
    assert set(order) == set(images.IMAGES)
    for name in order:
        assert all(order.index(parent) < order.index(name) for parent in images.IMAGES[name].parents.values()), name


def test_every_dockerfile_avoids_what_only_buildkit_has() -> None:
    for file in (REPO / "images").glob("*/Dockerfile"):
        text = file.read_text()
        assert "--mount" not in text, file
        assert "<<" not in text, file


def test_an_edit_of_the_commands_leaves_the_operator_as_it_is(checkout: Path) -> None:
    before = images.image_refs()
    for file in ("cli/setup.py", "host/up.py"):
        (checkout / "operator/faultline" / file).write_text("# changed\n")
    images.forget_tags()
    assert images.image_refs() == before


def test_an_edit_of_code_leaves_the_packages_as_they_are(checkout: Path) -> None:
    before = {name: images.tag(name) for name in images.IMAGES}
    (checkout / "services/labkit/app.py").write_text("# changed\n")
    images.forget_tags()
    assert {name for name in images.IMAGES if images.tag(name) != before[name]} == {"runtime", "loadgen"}


def test_two_go_builds_never_run_side_by_side() -> None:
    waiting = ["tool-kubernetes", "base", "tool-etcd"]
    assert building._ready(waiting, set()) == ["tool-kubernetes", "base"]
    assert building._ready(["tool-etcd", "redis"], {"tool-kubernetes"}) == ["redis"]


def test_what_waits_for_a_parent_is_not_started() -> None:
    assert building._ready(["netguard", "injector-packages"], {"base"}) == []
