"""Reads a version of a scenario's code from a folder: text files with plain names, within a ConfigMap's size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from faultline.errors import InvalidInput

CODE_LIMIT = 900 * 1024
"""Bytes of code in one version; a ConfigMap holds 1 MiB with its metadata."""
_NAME = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_]*(\.[-A-Za-z0-9_]+)*")
LEFT_BY_TOOLS = ("__pycache__", ".*", "*.pyc", "*~", "*.swp", "*.orig", "*.rej")


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


def part_matches(part: str) -> bool:
    """Whether a file or folder of this name is left out: caches, hidden files, editors' backups."""
    return any(Path(part).match(pattern) for pattern in LEFT_BY_TOOLS)


def _text(path: Path, base: Path) -> str:
    if not path.resolve().is_relative_to(base.resolve()):
        raise InvalidInput("FL114", f"{path} is a link out of the workspace", "copy the file in instead")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("FL114", f"{path} is not UTF-8 text ({error.reason})", "remove it or convert it") from error
