"""What the load generator costs: `python tests/services/bench_loadgen.py [RATE] [SECONDS]`.

Runs it against the canary service, both on loopback and in processes of their own, and prints the generator's health:
how late it dispatched and the fraction of a core that its busiest 5 s took.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

SERVICES = Path(__file__).parents[2] / "services"
LOAD_PY = """
from loadgen import ArrivalUser, task

class User(ArrivalUser):
    @task
    def ping(self):
        self.call("ping", "GET", "/")
"""


def start_canary(env: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = [sys.executable, "-m", "labkit.serve", "canary.main:app", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=env)
    url = f"http://127.0.0.1:{port}"
    while process.poll() is None:
        try:
            urlopen(f"{url}/healthz", timeout=1)  # noqa: S310 (our own server)
            return process, url
        except OSError:
            time.sleep(0.05)  # between two polls
    raise RuntimeError("the canary did not start")


def run(rate: float, seconds: float, target: str, env: dict[str, str]) -> dict[str, float]:
    third = seconds / 3
    plan = {
        "scenario": "bench",
        "seed": 1,
        "load_py": LOAD_PY,
        "target": target,
        "stages": [{"at": 0, "rate": rate}],
        "deadline": 3,
        "windows": {
            "baseline": [0, third],
            "fault": [third, 2 * third],
            "recovery": [2 * third, seconds],
            "drain": [seconds, seconds + 3],
        },
        "fault_end": 2 * third,
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan.json").write_text(json.dumps(plan))
        command = [sys.executable, "-m", "loadgen.child", folder]
        with subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            last = {}
            for line in child.stdout:
                last = json.loads(line)
                if last.get("state") == "ready":
                    child.stdin.write(json.dumps({"start": time.time() + 0.5}) + "\n")
                    child.stdin.flush()
    if last.get("state") != "done":
        raise RuntimeError(last)
    answered = {
        each["quantile"]: each["seconds"] for each in last["exact"] if each["phases"] == "baseline+fault+recovery"
    }
    return last["health"] | {f"latency_p{100 * q:.0f}": value for q, value in answered.items()}


def main() -> None:
    rate, seconds = (float(each) for each in (sys.argv[1:] + ["200", "15"][len(sys.argv) - 1 :]))
    env = os.environ | {"PYTHONPATH": str(SERVICES)}
    canary, target = start_canary(env)
    try:
        print(json.dumps(run(rate, seconds, target, env), indent=2))
    finally:
        canary.terminate()
        canary.wait()


if __name__ == "__main__":
    main()
