"""From `faultline fix` to new code that serves, as a learner has it: a workspace, checks, the lab that runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from faultline import catalogue
from faultline.catalogue import CodeVersion
from faultline.cli import _deploy, _experiment, _labs, _ship
from faultline.cli._benches.base import Bench, Measurement, worst
from faultline.cli._cluster import Cluster
from faultline.cli._command import run_self
from faultline.cli._labs import Lab
from faultline.cli._show import Line
from faultline.names import CODE_PORT, lab_namespace
from faultline.sources import read_folder

SLUG, NAME = "circuit-breakers", "bench-fix"
BOUND_SECONDS = 5.0
LOOK_SECONDS = 0.25
"""How often a pod is asked what it serves, and so how exact the moment is. Each answer costs the pod CPU that its new
code needs: its limit is a tenth or two of a core."""
TURNS = ("solution", "flawed")
"""Two versions by turns, so that each edit changes something."""


def measure(bench: Bench) -> Iterator[Measurement]:
    """One edit after the other on a lab of its own; a roll-out that follows is over before the next."""
    with (
        _experiment.own_lab(bench.cluster, SLUG, NAME, "bench-fix") as lab,
        tempfile.TemporaryDirectory() as root,
        ThreadPoolExecutor(1) as beside,
    ):
        found = [_fix(bench.cluster, lab, TURNS[turn % 2], Path(root), beside) for turn in range(bench.repeat)]
    yield worst("fix_serving_seconds", [serving for serving, _ in found], "s", BOUND_SECONDS)
    yield worst("fix_command_seconds", [command for _, command in found], "s", BOUND_SECONDS)


def _fix(cluster: Cluster, lab: Lab, turn: str, root: Path, beside: ThreadPoolExecutor) -> tuple[float, float]:
    """Seconds from the command's start until every pod of the app serves the edit, and until the prompt is back."""
    code = CodeVersion(SLUG, catalogue.LEARNER, catalogue.version(_labs.scenario_folder(SLUG), turn).files)
    for path, text in code.files.items():
        (root / SLUG / path).parent.mkdir(parents=True, exist_ok=True)
        (root / SLUG / path).write_text(text, encoding="utf-8")
    for path in read_folder(root / SLUG).keys() - code.files.keys():
        (root / SLUG / path).unlink()
    began = time.monotonic()
    command = beside.submit(_command, lab, root)
    serving = _wait(cluster, lab, code.digest, command) - began
    took = command.result() - began
    with Line() as line:
        _ship.wait_serving(cluster, lab, code, line)
        # Until the old pods have gone as well the lab is not Ready, and an edit waits for its own roll-out.
        _deploy.wait_ready(cluster, lab.name, line)
    return serving, took


def _command(lab: Lab, root: Path) -> float:
    """Run it; when it ended."""
    run_self("fix", SLUG, "--name", lab.name, FAULTLINE_WORKSPACE=str(root))
    return time.monotonic()


def _wait(cluster: Cluster, lab: Lab, digest: str, command: Future[float]) -> float:
    """When the last pod of the app first served this version. Raises what the command does."""
    serving: set[str] = set()
    while True:
        pods = {each["metadata"]["name"] for each in _labs.app_pods(cluster, lab.name, "app") if _labs.is_ready(each)}
        serving |= {each for each in pods - serving if _digest(cluster, lab, each) == digest}
        if pods and pods <= serving:
            return time.monotonic()
        if command.done() and command.exception():
            command.result()
        time.sleep(LOOK_SECONDS)


def _digest(cluster: Cluster, lab: Lab, pod: str) -> str:
    """Of the code that a pod serves; empty where it does not answer, as one that is going."""
    where = f"/api/v1/namespaces/{lab_namespace(lab.name)}/pods/{pod}:{CODE_PORT}/proxy/code"
    status, answer = cluster.request("GET", where)
    return str(answer["digest"]) if status == 200 else ""
