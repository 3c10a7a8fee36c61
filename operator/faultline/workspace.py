"""The learner's own copy of a scenario's code: `workspace/SLUG/`, made once and never overwritten.

Everything that writes holds the folder's lock, so that two commands at once leave one of their two results.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from faultline.errors import InvalidInput, NotFound
from faultline.locks import locked

REPO = Path(__file__).resolve().parents[2]
CODE_LIMIT = 900 * 1024
"""Bytes of code in one version; a ConfigMap holds 1 MiB with its metadata."""
_NAME = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_]*(\.[-A-Za-z0-9_]+)*")
_LEFT_BY_TOOLS = ("__pycache__", ".*", "*.pyc", "*~", "*.swp", "*.orig", "*.rej")


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
        shutil.copytree(app, temporary / "app", ignore=shutil.ignore_patterns(*_LEFT_BY_TOOLS))
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


def read_folder(base: Path) -> dict[str, str]:
    """All files under `base` that belong to a version of the code, as text.

    Raises InvalidInput: FL113 for a name that cannot be a ConfigMap's key, FL114 for a file that is not UTF-8 text or
    a link out of the folder, FL112 when they are too large together.
    """
    found: dict[str, str] = {}
    for path in sorted(base.rglob("*")):
        relative = path.relative_to(base)
        if any(part_matches(part) for part in relative.parts) or path.is_dir():
            continue
        if not all(_NAME.fullmatch(part) for part in relative.parts):
            raise InvalidInput("FL113", f"{path}: names are letters, digits, '.', '-' and '_'", "rename it")
        found[relative.as_posix()] = _text(path, base)
    size = sum(len(text.encode()) for text in found.values())
    if size > CODE_LIMIT:
        raise InvalidInput("FL112", f"{base} has {size} bytes of code, at most {CODE_LIMIT} fit", "remove large files")
    return found


def part_matches(part: str) -> bool:
    """Whether a file or folder of this name is left out: caches, hidden files, editors' backups."""
    return any(Path(part).match(pattern) for pattern in _LEFT_BY_TOOLS)


def _text(path: Path, base: Path) -> str:
    if not path.resolve().is_relative_to(base.resolve()):
        raise InvalidInput("FL114", f"{path} is a link out of the workspace", "copy the file in instead")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("FL114", f"{path} is not UTF-8 text ({error.reason})", "remove it or convert it") from error


def difference(old: Mapping[str, str], new: Mapping[str, str], context: int = 2) -> list[str]:
    """A unified diff between two versions of the code; empty when they are the same."""
    lines: list[str] = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        lines += difflib.unified_diff(
            (before or "").splitlines(),
            (after or "").splitlines(),
            path if before is not None else "(new)",
            path if after is not None else "(removed)",
            n=context,
            lineterm="",
        )
    return lines


def syntax_problem(files: Mapping[str, str]) -> str | None:
    """Where and why the first Python file that does not compile fails; None when all do."""
    for path, source in files.items():
        if path.endswith(".py"):
            try:
                compile(source, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                where = f"{path}:{error.lineno}" if isinstance(error, SyntaxError) else path
                line = (error.text or "").rstrip() if isinstance(error, SyntaxError) else ""
                return f"{where}: {error.msg if isinstance(error, SyntaxError) else error}" + (line and f"\n    {line}")
    return None
