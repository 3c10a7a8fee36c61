"""The pinned programs of the host (kind, helm, kubectl, toxiproxy-server), copied out of the images that built them."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faultline.errors import NotReady
from faultline.host import bases, building, images, process
from faultline.host.home import Home
from faultline.host.process import Log
from faultline.host.steps import Done


@dataclass(frozen=True)
class Binary:
    """A program of the host: where it comes from, and how it tells its version.

    A version that ends in a dot stands for all of that release: kubectl is taken from a pulled node too.
    """

    name: str
    image: str
    version: str
    version_args: tuple[str, ...]


def _for_host(tool: str) -> str:
    """On Linux the images of the cluster hold the very program; other hosts need one that is compiled for them."""
    return tool if platform.system() == "Linux" else f"{tool}-host"


_KUBECTL_IMAGE = "tool-kubernetes" if platform.system() == "Linux" else "tool-kubectl-host"
BINARIES = (
    Binary("kind", "tool-kind", "0.30.0", ("version", "-q")),
    Binary("helm", _for_host("tool-helm"), "v3.19.0", ("version", "--template", "{{.Version}}")),
    Binary("kubectl", _KUBECTL_IMAGE, "v1.34.", ("version", "--client", "-o", "yaml")),
    Binary("toxiproxy-server", _for_host("tool-toxiproxy"), "2.12.0", ("--version",)),
)
_BY_NAME = {binary.name: binary for binary in BINARIES}


def has_version(path: str | Path, binary: Binary) -> bool:
    """Whether the program at `path` is the pinned one."""
    try:
        told = process.output([str(path), *binary.version_args], timeout=20)
    except (process.CommandFailed, OSError):
        return False
    words = [word.strip("'\"") for word in told.split()]
    if binary.version.endswith("."):
        return any(word.startswith(binary.version) for word in words)
    return any(word in (binary.version, f"v{binary.version}") for word in words)


def is_there(home: Home, name: str) -> bool:
    """Whether the home has the pinned program."""
    return has_version(home.bin / name, _BY_NAME[name])


def _in_pulled_node(binary: Binary) -> bool:
    return binary.name == "kubectl" and platform.system() == "Linux" and bases.present(bases.KIND_NODE)


def images_to_build(home: Home) -> list[str]:
    """The images that missing programs come out of."""
    absent = [binary for binary in BINARIES if not is_there(home, binary.name)]
    return [binary.image for binary in absent if not _in_pulled_node(binary)]


def find(home: Home, name: str) -> str:
    """The path of a pinned program. Raises NotReady (FL306) when `up` has not brought it yet."""
    own = home.bin / name
    if own.exists():
        return str(own)
    raise NotReady("FL306", f"{name} is not set up in {home.bin}", "run `make up`")


def bring(home: Home, log: Log, names: Iterable[str] = tuple(_BY_NAME)) -> Done:
    """Put pinned programs into the home: linked where PATH has that very version, else out of our images."""
    absent = [_BY_NAME[name] for name in names if not is_there(home, name)]
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
        if _in_pulled_node(binary):
            reference, source = bases.KIND_NODE, f"/usr/bin/{binary.name}"
        else:
            building.build_all([binary.image], log)
            reference, source = images.ref(binary.image), f"/bin/{binary.name}"
        copy_out(reference, source, own)
        log.line(f"{binary.name} {binary.version}: from {reference}")
    return Done(", ".join(binary.name for binary in absent))


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
