"""`faultline down` and `faultline clean`: nothing left running; nothing left but runs and progress."""

from __future__ import annotations

import shutil

from rich.console import Console

from faultline.host import cluster, engine, process
from faultline.host.home import REPO, Home
from faultline.host.images import LABEL
from faultline.host.process import Log
from faultline.host.steps import only_one

_CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")


def _log(home: Home, name: str) -> Log:
    return Log(home.logs / f"{name}.log")


def down(home: Home, console: Console) -> dict[str, object]:
    """Delete the cluster; stop the engine if `up` started it. Gives what was done."""
    with only_one(home):
        return _down(home, console)


def _down(home: Home, console: Console) -> dict[str, object]:
    log = _log(home, "down")
    removed = False
    if engine.answers():
        removed = cluster.delete(home, log)
        console.print("cluster removed" if removed else "no cluster")
    stopped = engine.stop(home)
    console.print(f"Docker engine: {stopped}")
    log.close()
    return {"cluster_removed": removed, "engine": stopped}


def clean(home: Home, console: Console) -> dict[str, object]:
    """Also remove the images, the host's programs, the virtual environment and caches. Keeps `data/`."""
    with only_one(home):
        log = _log(home, "clean")
        removed = 0
        if engine.answers():
            cluster.delete(home, log)
            removed = _remove_images(log)
        result = _down(home, console)
        for folder in (home.bin, home.engine):
            shutil.rmtree(folder, ignore_errors=True)
        for name in (*_CACHES, ".venv"):
            shutil.rmtree(REPO / name, ignore_errors=True)
        log.close()
        console.print(f"{removed} images, tools and caches removed; runs and progress are kept in {home.data}")
        return {**result, "images_removed": removed}


def _remove_images(log: Log) -> int:
    """Our images by their label, and what their builds left behind under no name."""
    by_label = ["docker", "image", "ls", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}"]
    found = sorted(set(process.output(by_label).split()))
    if found:
        process.run(["docker", "image", "rm", "--force", *found], log)
    process.run(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"], log)
    return len(found)
