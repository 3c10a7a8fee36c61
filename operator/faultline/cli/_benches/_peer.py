"""chaostoolkit with chaostoolkit-toxiproxy, doing a bench's schedule on a Toxiproxy of the same build in a pod."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faultline.cli._benches._field import FIRST_PORT, TARGET_PORT, Field
from faultline.cli._benches._schedule import DELAY_SECONDS, Planned
from faultline.errors import HostProblem
from faultline.host import process
from faultline.host.home import REPO, Home

REQUIREMENTS = REPO / "requirements" / "peer.txt"
PYTHON = "3.13"
"""Of the images, where it runs."""
API_PORT = 8474
INSTALL_SECONDS = 300
HOME = "/tmp/peer"  # noqa: S108 (the pod's own emptyDir)
_START = f"""
import json, os, subprocess, sys, time, urllib.request
subprocess.Popen(["toxiproxy-server", "-host=127.0.0.1", "-port={API_PORT}"], env=dict(os.environ, LOG_LEVEL="fatal"),
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
for proxy in json.load(sys.stdin):
    body = json.dumps(proxy).encode()
    for _ in range(100):
        try:
            urllib.request.urlopen("http://127.0.0.1:{API_PORT}/proxies", body).read()
            break
        except OSError:
            time.sleep(0.05)
    else:
        sys.exit("Toxiproxy does not come up")
"""


def install(field: Field) -> None:
    """Bring chaostoolkit into the pod: pinned, from a folder of its own on this host, made at the first time."""
    folder = _packages(Home.from_environment())
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder, "site")
    field.run("peer", ["sh", "-c", f"mkdir -p {HOME} && tar -x -C {HOME}"], archive.getvalue())


def serve(field: Field, target: str, edges: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Start its Toxiproxy with one proxy for each edge; host and port of each."""
    proxies = [
        {"name": _proxy(edge), "listen": f"0.0.0.0:{FIRST_PORT + index}", "upstream": f"{target}.:{TARGET_PORT}"}
        for index, edge in enumerate(edges)
    ]
    field.run("peer", ["python", "-c", _START], json.dumps(proxies).encode())
    host = field.run("peer", ["hostname", "-i"]).strip()
    return {edge: (host, FIRST_PORT + index) for index, edge in enumerate(edges)}


def experiment(planned: Sequence[Planned], zero: float, *, background: bool) -> dict[str, Any]:
    """The schedule as an experiment.

    One step after the other with pauses in between, as its documentation has it; or with `background` each step in a
    thread of its own that pauses until its time, so that no step waits for those before it.
    """
    steps: list[dict[str, Any]] = [_wait_until(zero)]
    moments = sorted([(each.start, each, True) for each in planned] + [(each.end, each, False) for each in planned],
                     key=lambda each: each[0])  # fmt: skip
    before = zero
    for moment, fault, on in moments:
        step = _step(fault, on)
        step["pauses"] = {"before": moment - (zero if background else before)}
        if background:
            step["background"] = True
        steps.append(step)
        before = moment
    return {
        "title": "bench",
        "description": "the same schedule",
        "configuration": {"toxiproxy_host": "127.0.0.1", "toxiproxy_port": API_PORT},
        "method": steps,
        "rollbacks": [],
    }


def command() -> list[str]:
    """Runs the experiment that stands on standard input."""
    run = "chaos --no-version-check --log-file /dev/null run --journal-path journal.json experiment.json"
    script = f"cd {HOME} && cat > experiment.json && exec python -m chaostoolkit {run.removeprefix('chaos ')}"
    return ["env", f"PYTHONPATH={HOME}/site:/scripts", f"HOME={HOME}", "sh", "-c", script]


def _proxy(edge: str) -> str:
    return edge.replace("->", "-")


def _wait_until(moment: float) -> dict[str, Any]:
    provider = {"type": "python", "module": "timed", "func": "wait_until", "arguments": {"moment": moment}}
    return {"type": "action", "name": "wait", "provider": provider}


def _step(fault: Planned, on: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {"for_proxy": _proxy(fault.edge), "toxic_name": fault.name}
    if on:
        arguments["latency"] = round(DELAY_SECONDS * 1000)
    func = "create_latency_toxic" if on else "delete_toxic"
    provider = {"type": "python", "module": "chaostoxi.toxic.actions", "func": func, "arguments": arguments}
    return {"type": "action", "name": f"{fault.name} {'on' if on else 'off'}", "provider": provider}


def _packages(home: Home) -> Path:
    """A folder with the pinned packages for the images' Python. Raises HostProblem (FL526) when pip cannot."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + PYTHON.encode()).hexdigest()[:12]
    folder = home.root / "peer" / digest
    if folder.exists():
        return folder
    shutil.rmtree(folder.parent, ignore_errors=True)
    fresh = folder.with_suffix(".new")
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    # What they require is the images' Python, not this host's.
    options.append("--ignore-requires-python")
    target = ["--target", str(fresh), "--python-version", PYTHON, "--platform", f"manylinux2014_{platform.machine()}"]
    command = [sys.executable, "-m", "pip", "install", *options, *target, "-r", str(REQUIREMENTS)]
    try:
        process.output(command, timeout=INSTALL_SECONDS)
    except process.CommandFailed as error:
        message = f"chaostoolkit, which this bench compares with, cannot be installed: {error.tail.strip()[-500:]}"
        raise HostProblem("FL526", message, "check the network and pip's settings (pip config list)") from error
    fresh.rename(folder)
    return folder
