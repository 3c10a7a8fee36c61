"""What the dashboard's image has is enough for it, and what it starts with is little."""

from __future__ import annotations

import re
import subprocess
import sys

from faultline.host.home import REPO
from faultline.host.images import IMAGES, source_files

BLOCKED = ("kubernetes", "kopf", "typer", "rich", "filelock", "playwright", "prometheus_client", "redis", "asyncpg")


def test_it_starts_with_what_its_image_has() -> None:
    there = source_files(IMAGES["dashboard"])
    code = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
import faultline.dashboard.__main__
for name in sorted(sys.modules):
    if name.startswith("faultline."):
        print(name.replace(".", "/"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for name in done.stdout.split():
        assert {f"{name}.py", f"{name}/__init__.py"} & set(there), name
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (REPO / "requirements/dashboard.txt").read_text(), re.M))
    assert not pinned & set(BLOCKED)


def test_pages_and_scripts_are_in_its_image_and_in_no_other() -> None:
    there = source_files(IMAGES["dashboard"])
    for name in ("static/mermaid.tiny.js", "static/dashboard.css", "templates/scenario.html.j2"):
        assert f"faultline/dashboard/{name}" in there
    for image in ("operator", "injector"):
        assert not [each for each in source_files(IMAGES[image]) if "dashboard" in each]


def test_no_page_asks_another_host_for_anything() -> None:
    for path in (REPO / "operator/faultline/dashboard").rglob("*"):
        if path.suffix in (".j2", ".css", ".js") and path.name != "mermaid.tiny.js":
            found = re.findall(r"(?:src|href|url|from|fetch)\W+(?:https?:)?//[^\s\"')]+", path.read_text())
            assert not found, path
