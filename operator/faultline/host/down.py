"""`faultline down` and `faultline clean`: nothing left running; nothing left but runs and progress."""

from __future__ import annotations

import shutil
from contextlib import closing

from rich.console import Console

from faultline.host import cluster, engine, node_helper, process
from faultline.host.home import REPO, Home
from faultline.host.images import LABEL
from faultline.host.process import Log
from faultline.host.steps import only_one

_CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")


def down(home: Home, console: Console) -> dict[str, object]:
    """Delete the cluster; stop the engine if `up` started it. Gives what was done."""
    with only_one(home):
        return _down(home, console)


def _down(home: Home, console: Console) -> dict[str, object]:
    removed = False
    node_helper.stop(home)
    with closing(Log(home.logs / "down.log")) as log:
        if engine.answers():
            removed = cluster.delete(home, log)
            console.print("cluster removed" if removed else "no cluster")
        else:
            console.print("no Docker engine answers, so nothing of the lab runs")
        stopped = engine.stop(home)
    console.print(f"Docker engine: {stopped}")
    return {"cluster_removed": removed, "engine": stopped}


def clean(home: Home, console: Console) -> dict[str, object]:
    """Also remove the images, the host's programs and caches. Keeps runs, progress and logs.

    Images outlive the engine, so one of ours that is stopped is started for their removal, and stopped again. The
    virtual environment, in which this runs, is left to `make clean`.
    """
    with only_one(home):
        removed = 0
        with closing(Log(home.logs / "clean.log")) as log:
            if engine.bring_back(home, log):
                console.print("Docker engine: started, for its images to be removed")
            if engine.answers():
                cluster.delete(home, log)
                removed = _remove_from_engine(log)
        result = _down(home, console)
        shutil.rmtree(home.bin, ignore_errors=True)
        shutil.rmtree(home.engine, ignore_errors=True)
        for name in _CACHES:
            shutil.rmtree(REPO / name, ignore_errors=True)
        console.print(f"{removed} images, tools and caches removed; runs and progress are kept in {home.root}")
        return {**result, "images_removed": removed}


def _remove_from_engine(log: Log) -> int:
    """What carries our label: containers, volumes, images."""
    labelled = ["--filter", f"label={LABEL}", "--quiet"]
    if containers := process.output(["docker", "ps", "--all", *labelled]).split():
        process.run(["docker", "rm", "--force", "--volumes", *containers], log)
    if volumes := process.output(["docker", "volume", "ls", *labelled]).split():
        process.run(["docker", "volume", "rm", *volumes], log)
    return _remove_images(["docker", "image", "ls", "--all", "--no-trunc", *labelled], log)


def _remove_images(listing: list[str], log: Log) -> int:
    """Docker refuses an image that others stand on, so what is left is tried again. Raises CommandFailed when stuck."""
    count = 0
    there = set(process.output(listing).split())
    while there:
        failed: process.CommandFailed | None = None
        try:
            process.run(["docker", "image", "rm", "--force", *sorted(there)], log)
        except process.CommandFailed as error:
            failed = error
        left = set(process.output(listing).split())
        if failed and len(left) >= len(there):
            raise failed
        count += len(there - left)
        there = left
    return count
