"""The learner's own copy of a scenario's code: `workspace/SLUG/`, made once and never overwritten.

Everything that writes holds the folder's lock, so that two commands at once leave one of their two results.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from faultline.errors import NotFound
from faultline.locks import locked
from faultline.sources import LEFT_BY_TOOLS, read_folder

REPO = Path(__file__).resolve().parents[2]


def root() -> Path:
    """The folder of all workspaces: `workspace/` of the checkout, or `FAULTLINE_WORKSPACE`."""
    return Path(os.environ.get("FAULTLINE_WORKSPACE") or REPO / "workspace").resolve()


def folder(slug: str) -> Path:
    """Where the code of `slug` is edited."""
    return root() / slug


def shown(slug: str) -> str:
    """The folder as a person types it from the checkout."""
    path = folder(slug)
    return f"{path.relative_to(REPO)}/" if path.is_relative_to(REPO) else f"{path}/"


def create(slug: str, app: Path) -> bool:
    """Copy the flawed code of `app` into the workspace unless there is one; whether it was made.

    The copy appears whole or not at all: an interrupted one leaves nothing behind that looks like a workspace.
    """
    with locked(root() / ".lock", str(root())):
        return _create(slug, app)


def _create(slug: str, app: Path) -> bool:
    target = folder(slug)
    if target.exists():
        return False
    if not app.is_dir():
        raise NotFound("FL203", f"{slug} has no code to start from: {app} is missing", "restore it with `git checkout`")
    temporary = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=root()))
    try:
        shutil.copytree(app, temporary / "app", ignore=shutil.ignore_patterns(*LEFT_BY_TOOLS))
        (temporary / "app").rename(target)
    finally:
        shutil.rmtree(temporary)
    return True


def reset(slug: str, app: Path) -> Path | None:
    """Start again from the flawed code; where the old folder was kept, or None when there was none."""
    with locked(root() / ".lock", str(root())):
        backup = None
        if folder(slug).exists():
            backup = _free(folder(slug).with_name(time.strftime(f"{slug}.backup-%Y%m%d-%H%M%S")))
            folder(slug).rename(backup)
        _create(slug, app)
        return backup


def _free(path: Path) -> Path:
    candidate, count = path, 1
    while candidate.exists():
        count += 1
        candidate = path.with_name(f"{path.name}-{count}")
    return candidate


def read(slug: str) -> dict[str, str]:
    """The learner's files by relative path, without what editors and Python leave behind.

    Raises NotFound (FL204) when there is no workspace, InvalidInput for files that cannot be shipped.
    """
    base = folder(slug)
    if not base.is_dir():
        raise NotFound("FL204", f"there is no workspace for {slug}: {base} is missing", f"make apply S={slug}")
    return read_folder(base)


def difference(old: Mapping[str, str], new: Mapping[str, str], context: int = 2) -> dict[str, list[str]]:
    """A unified diff of each file that differs between two versions of the code."""
    changed: dict[str, list[str]] = {}
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        changed[path] = list(
            difflib.unified_diff(
                (before or "").splitlines(),
                (after or "").splitlines(),
                path if before is not None else "(new)",
                path if after is not None else "(removed)",
                n=context,
                lineterm="",
            )
        )
    return changed
