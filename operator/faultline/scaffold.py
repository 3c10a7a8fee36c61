"""A new scenario's folder: a copy of tools/new-scenario under another name, which works before anything is changed."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from faultline.api.base import SLUG_PATTERN
from faultline.errors import Conflict, InvalidInput
from faultline.sources import LEFT_BY_TOOLS
from faultline.workspace import REPO

TEMPLATE = REPO / "tools" / "new-scenario"
TITLE = "Prices that are slow to come"


def create(root: Path, slug: str, title: str | None = None) -> Path:
    """Make `root/SLUG` from the template; it appears whole or not at all.

    Raises InvalidInput (FL124) for a name or a title that cannot be one, Conflict (FL409) when the folder is there.
    """
    if not re.fullmatch(SLUG_PATTERN, slug):
        rule = "must be at most 40 of a-z, 0-9 and dashes, and begin with a letter"
        raise InvalidInput("FL124", f"SLUG {rule}, got {slug!r}", "take a name such as slow-prices")
    title = title if title is not None else slug.replace("-", " ").capitalize()
    if not title.strip() or len(title) > 100 or re.search(r'[\n"\\]', title):
        rule = 'must be one line of at most 100 characters without " and \\'
        raise InvalidInput("FL124", f"--title {rule}, got {title!r}", "write another")
    target = root / slug
    if target.exists():
        raise Conflict("FL409", f"{target} is there already", f"take another name, or edit it: make verify S={slug}")
    temporary = Path(tempfile.mkdtemp(prefix=f".{slug}-", dir=root))
    try:
        made = temporary / slug
        shutil.copytree(TEMPLATE, made, ignore=shutil.ignore_patterns(*LEFT_BY_TOOLS))
        for path in made.rglob("*"):
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                path.write_text(text.replace(TEMPLATE.name, slug).replace(TITLE, title), encoding="utf-8")
        made.rename(target)
    finally:
        shutil.rmtree(temporary)
    return target
