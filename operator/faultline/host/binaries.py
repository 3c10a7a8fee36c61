"""kind, helm and kubectl for this host, in the pinned versions, copied out of the images that built them."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faultline.errors import NotReady
from faultline.host import images, process
from faultline.host.home import Home
from faultline.host.steps import Done


@dataclass(frozen=True)
class Binary:
    """A program of the host: where it comes from, and how it tells its version."""

    name: str
    image: str
    version: str
    version_args: tuple[str, ...]


BINARIES = (
    Binary("kind", "tool-kind", "0.30.0", ("version", "-q")),
    Binary("helm", "tool-helm-host", "v3.19.0", ("version", "--template", "{{.Version}}")),
    Binary("kubectl", "tool-kubectl-host", images.KUBERNETES_VERSION, ("version", "--client", "-o", "yaml")),
)


def image_of(binary: Binary) -> str:
    """The image that holds the binary for this host: on Linux the one that the cluster's images use as well."""
    if platform.system() == "Linux":
        return {"helm": "tool-helm", "kubectl": "tool-kubernetes"}.get(binary.name, binary.image)
    return binary.image


def has_version(path: str | Path, binary: Binary) -> bool:
    """Whether the program at `path` is the pinned one."""
    try:
        told = process.output([str(path), *binary.version_args], timeout=20)
    except (process.CommandFailed, OSError):
        return False
    return any(word in (binary.version, f"v{binary.version}") for word in told.split())


def find(home: Home, name: str) -> str:
    """The path of a pinned program. Raises NotReady (FL306) when `up` has not brought it yet."""
    own = home.bin / name
    if own.exists():
        return str(own)
    raise NotReady("FL306", f"{name} is not set up in {home.bin}", "run `make up`")


def bring(home: Home, log: process.Log, build: Callable[[list[str]], object]) -> Done:
    """Put each pinned program into the home: linked where PATH has that very version, else out of our images."""
    absent = [binary for binary in BINARIES if not has_version(home.bin / binary.name, binary)]
    if not absent:
        return Done("there already", skipped=True)
    for binary in absent:
        own = home.bin / binary.name
        own.unlink(missing_ok=True)
        elsewhere = shutil.which(binary.name)
        if elsewhere and has_version(elsewhere, binary):
            log.line(f"{binary.name} {binary.version}: {elsewhere}")
            own.symlink_to(Path(elsewhere).resolve())
            continue
        image = image_of(binary)
        build([image])
        copy_out(images.ref(image), f"/bin/{binary.name}", own)
        log.line(f"{binary.name} {binary.version}: from {images.ref(image)}")
    return Done(", ".join(f"{binary.name} {binary.version}" for binary in absent))


def copy_out(reference: str, source: str, target: Path) -> None:
    """Copy a file out of an image. It is whole or not there: a copy that is cut short keeps another name."""
    # The images have no command of their own; the container is never started.
    container = process.output(["docker", "create", "--label", images.LABEL, reference, "none"]).strip()
    part = target.with_suffix(".part")
    try:
        process.output(["docker", "cp", f"{container}:{source}", str(part)], timeout=300)
    finally:
        process.output(["docker", "rm", container])
    part.chmod(0o755)
    part.replace(target)
