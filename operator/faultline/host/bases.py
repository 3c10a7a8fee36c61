"""The images that come from outside: pulled where a registry answers within seconds, built from packages where not.

Both ways end in the same local names.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faultline.errors import HostProblem
from faultline.host import engine, process
from faultline.host.images import LABEL
from faultline.host.steps import Done

DEBIAN = {"debian:trixie-slim": "trixie", "debian:bookworm-slim": "bookworm"}
KIND_NODE = "kindest/node:v1.34.0"
PROBE_SECONDS = 4.0
_PULL_SECONDS = 600.0
# As in Docker's own Debian images: packages that were installed do not stay in a layer as archives.
_DOCKER_CLEAN = (
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'
)


def present(reference: str) -> bool:
    """Whether the engine has an image."""
    return process.succeeds(["docker", "image", "inspect", reference])


def _remote(reference: str) -> str:
    registry = os.environ.get("FAULTLINE_REGISTRY", "").rstrip("/")
    if not registry:
        return reference
    return f"{registry}/{reference}" if "/" in reference else f"{registry}/library/{reference}"


def pull(reference: str, log: process.Log) -> bool:
    """Pull an image if its registry answers within seconds. The engine itself asks: its network may not be ours."""
    remote = _remote(reference)
    log.line(f"$ docker pull {remote}")
    client = subprocess.Popen(
        ["docker", "pull", remote], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        with process.piped(client) as printed:
            for raw in printed:
                lines.put(raw.decode(errors="replace").rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    wait = PROBE_SECONDS
    try:
        while (line := lines.get(timeout=wait)) is not None:
            log.line(line)
            if "Pulling from" in line or "Pulling" in line:
                # It answered: now it may take its time.
                wait = _PULL_SECONDS
    except queue.Empty:
        log.line(f"no answer within {wait:g} s")
        return False
    finally:
        if client.poll() is None:
            try:
                client.wait(timeout=1)
            except subprocess.TimeoutExpired:
                client.kill()
                client.wait()
    if client.returncode == 0 and remote != reference:
        process.output(["docker", "tag", remote, reference])
    return client.returncode == 0


def bring_debian(log: process.Log) -> Done:
    """The Debian base images. Raises HostProblem (FL511) where they can be neither pulled nor built."""
    absent = [reference for reference in DEBIAN if not present(reference)]
    if not absent:
        return Done("there already", skipped=True)
    # One refusal is enough: asking again would wait again.
    while absent and pull(absent[0], log):
        del absent[0]
    if not absent:
        return Done("pulled")
    _require_mmdebstrap(absent[0], log)
    with ThreadPoolExecutor() as pool:
        try:
            for built in [pool.submit(_bootstrap, reference, DEBIAN[reference], log) for reference in absent]:
                built.result()
        except BaseException:
            # The pool waits for its threads, and they for their commands.
            process.end_all()
            raise
    return Done("built from packages")


def _require_mmdebstrap(reference: str, log: process.Log) -> None:
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise HostProblem(
            "FL511",
            f"{reference} can be neither pulled (no registry answers) nor built (mmdebstrap is not installed)",
            "set FAULTLINE_REGISTRY=host:port to a registry that has it, or `apt-get install mmdebstrap` as root",
        )
    engine.install(["mmdebstrap", "debian-archive-keyring"], log)


def _bootstrap(reference: str, suite: str, log: process.Log) -> None:
    with tempfile.TemporaryDirectory(prefix="faultline-") as folder:
        clean = Path(folder) / "docker-clean"
        clean.write_text(_DOCKER_CLEAN)
        archive = Path(folder) / "root.tar"
        exclude = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "info", "locale")]
        hook = f"--customize-hook=copy-in {clean} /etc/apt/apt.conf.d"
        options = ["--variant=minbase", *exclude, hook]
        process.run(["mmdebstrap", *options, suite, str(archive)], log, prefix=f"{suite}: ")
        change = ["--change", 'CMD ["bash"]', "--change", f"LABEL {LABEL}"]
        process.run(["docker", "import", *change, str(archive), reference], log, prefix=f"{suite}: ")
