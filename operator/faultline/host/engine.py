"""The Docker engine: one that was there is used as it is; where there is none, Debian's is installed and started.

An engine that was there before is never reconfigured, restarted or stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from faultline.errors import HostProblem
from faultline.host import process
from faultline.host.home import REPO, Home
from faultline.host.steps import Done

INOTIFY_LEAST = {"max_user_instances": 1024, "max_user_watches": 65536}
_OUTLIVING: list[subprocess.Popen[bytes]] = []
"""What was started to outlive this command; kept so that nobody warns of a process that still runs."""
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SYSTEMD = Path("/run/systemd/system")
_SYSTEMD_MARK = "started-by-systemd"
_STOPPED_MARK = "stopped-by-systemd"


def answers() -> bool:
    """Whether an engine answers on the socket that this environment names."""
    return bool(version())


def version() -> str:
    """The engine's version, empty when none answers."""
    try:
        return process.output(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10).strip()
    except process.CommandFailed:
        return ""


def our_pid(home: Home) -> int | None:
    """The pid of the dockerd that `up` started and that still runs."""
    try:
        pid = int((home.engine / "dockerd.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # The number may be another process' by now, even another engine's.
    return pid if os.fsencode(_config(home)) in command else None


def _config(home: Home) -> Path:
    return home.engine / "daemon.json"


def bring_up(home: Home, log: process.Log) -> Done:
    """Make an engine answer. Raises HostProblem (FL501, FL503) with the next step where that is not possible."""
    raise_inotify_limits(log)
    if shutil.which("docker") and answers():
        whose = "started by faultline" if our_pid(home) else "was there before; left as it is"
        return Done(f"Docker {version()}, {whose}", skipped=True)
    _require_root_and_apt()
    if not (shutil.which("dockerd") and shutil.which("docker")):
        install(["docker.io"], log)
    if _SYSTEMD.is_dir() and process.succeeds(["systemctl", "cat", "docker.service"]):
        # The package may have started it by itself; that it runs is our doing all the same.
        _start_by_systemd(home, log)
        started = None
    elif answers():
        return Done(f"Docker {version()}, installed")
    else:
        started = _start_detached(home, log)
    _wait_until_it_answers(home, started)
    return Done(f"Docker {version()}, started")


def bring_back(home: Home, log: process.Log) -> bool:
    """Start our engine again where no engine answers: one that `up` started once. Gives whether it did.

    Raises HostProblem (FL503) when it does not come up.
    """
    if answers() or not (shutil.which("dockerd") and shutil.which("docker")):
        return False
    started = None
    if (home.engine / _STOPPED_MARK).exists():
        _start_by_systemd(home, log)
    elif _config(home).exists():
        started = _start_detached(home, log)
    else:
        return False
    _wait_until_it_answers(home, started)
    return True


def stop(home: Home) -> str:
    """Stop the engine if `up` started it. Gives what was done, in words."""
    mark = home.engine / _SYSTEMD_MARK
    if mark.exists():
        process.output(["systemctl", "stop", "docker", "docker.socket"])
        mark.rename(home.engine / _STOPPED_MARK)
        return "stopped"
    pid = our_pid(home)
    if pid is None:
        return "not started by faultline; left as it is"
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while our_pid(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    if our_pid(home):
        raise HostProblem(
            "FL504", f"dockerd ({pid}) did not stop within {_STOP_SECONDS:g} s", f"end it with `kill {pid}`"
        )
    return "stopped"


def install(packages: list[str], log: process.Log) -> None:
    """Install Debian packages."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    process.run(["apt-get", "update"], log, env=env)
    process.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], log, env=env)


def raise_inotify_limits(log: process.Log) -> None:
    """As root on Linux: lift the limits that many pods of one user run into. They are never lowered."""
    for key, least in INOTIFY_LEAST.items():
        file = Path("/proc/sys/fs/inotify") / key
        if file.exists() and os.geteuid() == 0 and int(file.read_text()) < least:
            try:
                file.write_text(f"{least}\n")
            except OSError as error:
                # A host that keeps its sysctls to itself: `doctor` goes on warning.
                log.line(f"{file} stays as it is: {error}")
            else:
                log.line(f"{file} = {least}")


def lacks_capabilities() -> bool:
    """Whether this host's bounding set misses some capability of its kernel."""
    bounding = next(
        int(line.split()[1], 16)
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("CapBnd")
    )
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return bounding != (1 << (last + 1)) - 1


def _require_root_and_apt() -> None:
    if sys.platform == "darwin":
        raise HostProblem("FL501", "no Docker engine answers", "start Docker Desktop, then run `make up` again")
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise HostProblem(
            "FL501",
            "no Docker engine answers, and only root on Debian or Ubuntu can install one here",
            "start one (`sudo systemctl start docker`), or join the docker group (`sudo usermod -aG docker $USER`, "
            "then log in again), or run `make up` as root",
        )


def _start_by_systemd(home: Home, log: process.Log) -> None:
    process.run(["systemctl", "start", "docker"], log)
    (home.engine / _SYSTEMD_MARK).touch()
    (home.engine / _STOPPED_MARK).unlink(missing_ok=True)


def _start_detached(home: Home, log: process.Log) -> subprocess.Popen[bytes]:
    """Start dockerd so that it outlives this command, with a configuration of its own."""
    config: dict[str, object] = {"pidfile": str(home.engine / "dockerd.pid")}
    if lacks_capabilities():
        # This Docker asks for every capability when a container is privileged, and the kernel refuses those that the
        # host itself lacks. The wrapper asks for the rest. It runs at each start of a container: no slow python shim.
        wrapper = home.engine / "runc-available-caps"
        source = (REPO / "tools/engine/runc-available-caps").read_text().splitlines()
        wrapper.write_text("\n".join([f"#!{Path(sys.executable).resolve()} -IS", *source[1:], ""]))
        wrapper.chmod(0o755)
        config |= {"default-runtime": "available-caps", "runtimes": {"available-caps": {"path": str(wrapper)}}}
    file = _config(home)
    file.write_text(json.dumps(config, indent=2) + "\n")
    # What a killed engine left behind would keep a new one from starting; the pid in it is not a dockerd any more.
    (home.engine / "dockerd.pid").unlink(missing_ok=True)
    log.line(f"$ dockerd --config-file {file}")
    with (home.logs / "dockerd.log").open("ab") as out:
        started = subprocess.Popen(
            ["dockerd", "--config-file", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd="/",
        )
    _OUTLIVING.append(started)
    return started


def _wait_until_it_answers(home: Home, started: subprocess.Popen[bytes] | None) -> None:
    """Raises HostProblem (FL503) when it does not, at once when the process that was started has ended."""
    deadline = time.monotonic() + _START_SECONDS
    while not answers():
        if started and started.poll() is not None:
            raise _not_up(home, f"dockerd ended with status {started.returncode}")
        if time.monotonic() > deadline:
            raise _not_up(home, f"the Docker engine did not answer within {_START_SECONDS:g} s")
        time.sleep(0.3)


def _not_up(home: Home, what: str) -> HostProblem:
    log = home.logs / "dockerd.log"
    lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    text = "\n".join([what, *(f"    {line}" for line in lines)])
    return HostProblem("FL503", text, f"read {log}, then run `make up` again")
