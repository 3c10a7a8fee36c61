"""The images: what goes into each, and its name. `building.py` makes those that are missing.

An image's tag is the digest of all that decides its content (Dockerfile, files, arguments, the tags of the images that
it stands on). So "is it up to date" is "is it there", and a changed input brings a new name that a chart rolls out.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from faultline.errors import HostProblem
from faultline.host.home import REPO

LABEL = "dev.faultline=1"
KUBERNETES_VERSION = "v1.34.4"
GO_SCRIPT = "tools/build-go"
_GO_PARENTS = {"GO_BUILDER": "go-builder"}
_KUBERNETES_COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)
_VERSION_PACKAGE = "k8s.io/component-base/version"
_KUBERNETES_LDFLAGS = (
    f"-X {_VERSION_PACKAGE}.gitVersion={KUBERNETES_VERSION} -X {_VERSION_PACKAGE}.gitMajor=1 "
    f"-X {_VERSION_PACKAGE}.gitMinor=34 -X {_VERSION_PACKAGE}.gitTreeState=clean "
    f"-X k8s.io/client-go/pkg/version.gitVersion={KUBERNETES_VERSION}"
)
_HELM_LDFLAGS = "-X helm.sh/helm/v3/internal/version.version=v3.19.0"
_HELM = {"helm": "helm.sh/helm/v3/cmd/helm"}
_TOXIPROXY = {
    "toxiproxy-server": "github.com/Shopify/toxiproxy/v2/cmd/server",
    "toxiproxy-cli": "github.com/Shopify/toxiproxy/v2/cmd/cli",
}
_TOXIPROXY_LDFLAGS = "-X github.com/Shopify/toxiproxy/v2.Version=2.12.0"
# What of the package an image has no use for: an edit there must not roll it out, nor void what was verified on it.
_OF_THE_HOST = frozenset({"cli", "host"})
_OF_LEARNING = frozenset(
    {
        "brief.py",
        "curriculum.py",
        "dashboard",
        "diagnosis.py",
        "grafana.py",
        "hints.py",
        "learning.py",
        "lint",
        "locks.py",
        "panels.py",
        "progress.py",
        "report",
        "scaffold.py",
        "workspace.py",
    }
)
_OF_GRADING = frozenset({"checks", "controller", "grading", "lab", "measures"})
_UNUSED = {
    "operator": _OF_THE_HOST | _OF_LEARNING | {"injector"},
    "injector": _OF_THE_HOST | _OF_LEARNING | _OF_GRADING,
    "dashboard": _OF_THE_HOST | {"controller", "injector", "lab"},
}
_SKIPPED_FOLDERS = {"__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", "node_modules"}


@dataclass(frozen=True)
class Image:
    """How one image is made.

    `dockerfile` says how, or is the script that builds Go programs. `sources` maps a name in the build context to a
    file or folder of the repository; `parents` maps a build argument to the image whose reference it takes.
    """

    name: str
    dockerfile: str
    sources: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    without: frozenset[str] = frozenset()
    """Folders and files that stay out of `sources`."""

    @property
    def is_go(self) -> bool:
        """Whether it is a bag of Go programs, compiled with a cache that they share."""
        return self.dockerfile == GO_SCRIPT


def _go_tool(name: str, binaries: Mapping[str, str], ldflags: str = "", for_host: bool = False) -> Image:
    """All tools are of one module (tools/go): what they share is of one version, and is compiled once."""
    args = {"BINARIES": " ".join(f"{binary}={package}" for binary, package in binaries.items()), "LDFLAGS": ldflags}
    if for_host and platform.system() != "Linux":
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        args |= {"GOOS": platform.system().lower(), "GOARCH": machine}
    own = [package.removeprefix("./") for package in binaries.values() if package.startswith("./")]
    sources = {f"{folder}/": f"tools/go/{folder}" for folder in own}
    return Image(
        name, GO_SCRIPT, {file: f"tools/go/{file}" for file in ("go.mod", "go.sum")} | sources, _GO_PARENTS, args
    )


def _python(name: str, code: Mapping[str, str], base: str = "base", **parents: str) -> tuple[Image, Image]:
    """Packages and code apart, so that an edit of the code is an image within seconds, whatever a builder keeps."""
    packages = f"{name}-packages"
    without = frozenset(f"operator/faultline/{each}" for each in _UNUSED.get(name, ()))
    return (
        Image(packages, "images/packages/Dockerfile", {"requirements.txt": f"requirements/{name}.txt"}, {"BASE": base}),
        Image(name, f"images/{name}/Dockerfile", code, {"BASE": packages, **parents}, without=without),
    )


def _debian(name: str, **files: str) -> Image:
    return Image(name, f"images/{name}/Dockerfile", files, {"BASE": "base"})


def _command(name: str) -> str:
    return f"k8s.io/kubernetes/cmd/{name}"


_CONTROL_PLANE = {"KUBERNETES": "tool-kubernetes", "ETCD": "tool-etcd", "COREDNS": "tool-coredns"}
CONTROL_PLANE_STAGES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
)

# In the order in which they are best started: what takes longest, and what others wait for, first.
_DEFINITIONS = (
    Image("go-builder", "images/go-builder/Dockerfile"),
    _go_tool(
        "tool-kubernetes",
        {command: _command(command) for command in _KUBERNETES_COMMANDS},
        _KUBERNETES_LDFLAGS,
    ),
    Image("base", "images/base/Dockerfile"),
    _go_tool("tool-coredns", {"coredns": "./coredns"}),
    _go_tool("tool-etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    _go_tool("tool-local-path", {"local-path-provisioner": "github.com/rancher/local-path-provisioner"}),
    _go_tool("tool-helm", _HELM, _HELM_LDFLAGS),
    _go_tool("tool-kind", {"kind": "sigs.k8s.io/kind"}, for_host=True),
    _go_tool("tool-toxiproxy", _TOXIPROXY, _TOXIPROXY_LDFLAGS),
    # For the tests: a published checker, whose verdicts have to be ours.
    _go_tool("tool-porcupine", {"porcupine-register": "./porcupine"}),
    # For a host that is not Linux: what runs on it is compiled for it.
    _go_tool("tool-helm-host", _HELM, _HELM_LDFLAGS, for_host=True),
    _go_tool("tool-kubectl-host", {"kubectl": _command("kubectl")}, _KUBERNETES_LDFLAGS, for_host=True),
    _go_tool("tool-toxiproxy-host", _TOXIPROXY, _TOXIPROXY_LDFLAGS, for_host=True),
    _debian(
        "postgres",
        **{
            "postgres-entrypoint": "images/postgres/postgres-entrypoint",
            "postgres-identity": "images/postgres/postgres-identity",
            "postgres-ready": "images/postgres/postgres-ready",
        },
    ),
    _debian("redis"),
    _debian("pgbouncer"),
    _debian("rabbitmq", **{"rabbitmq.conf": "images/rabbitmq/rabbitmq.conf"}),
    _debian("exporters"),
    _debian("prometheus"),
    _debian("netguard", netguard="images/netguard/netguard"),
    *_python("injector", {"faultline/": "operator/faultline"}, "netguard", TOXIPROXY="tool-toxiproxy"),
    *_python("operator", {"faultline/": "operator/faultline", "charts/lab/": "charts/lab"}, HELM="tool-helm"),
    *_python("dashboard", {"faultline/": "operator/faultline"}),
    *_python("runtime", {"services/": "services"}),
    *_python("loadgen", {"services/": "services"}),
    Image(
        "local-path-provisioner",
        "images/local-path-provisioner/Dockerfile",
        parents={"LOCAL_PATH": "tool-local-path"},
    ),
    *(
        Image(f"cp-{stage}", "images/control-plane/Dockerfile", parents=_CONTROL_PLANE, target=stage)
        for stage in CONTROL_PLANE_STAGES
    ),
    Image(
        "node",
        "images/node/Dockerfile",
        {
            name: f"images/node/{name}"
            for name in (
                "kubelet.service",
                "kubelet.slice",
                "kubeadm",
                "images.service",
                "pod-network.service",
                "pod-network",
                "entrypoint.sh",
            )
        }
        | {"config.toml": "images/node/config.toml", "kind/manifests/": "images/node/manifests"},
        {
            "KUBERNETES": "tool-kubernetes",
            # Not build arguments of the Dockerfile: they are in the archive that `prepare` adds.
            **{f"CP_{stage.upper().replace('-', '_')}": f"cp-{stage}" for stage in CONTROL_PLANE_STAGES},
            "LOCAL_PATH": "local-path-provisioner",
        },
    ),
)
IMAGES: dict[str, Image] = {image.name: image for image in _DEFINITIONS}

# What charts name. The rest are parts of these, or of the node.
CHART_IMAGES = (
    "postgres",
    "redis",
    "pgbouncer",
    "rabbitmq",
    "exporters",
    "prometheus",
    "netguard",
    "injector",
    "operator",
    "dashboard",
    "runtime",
    "loadgen",
)


def _walk(path: Path, without: frozenset[str]) -> Iterable[Path]:
    """The files below a folder, sorted, without caches."""
    for entry in sorted(path.iterdir()):
        if entry.name in _SKIPPED_FOLDERS or entry.relative_to(REPO).as_posix() in without:
            continue
        if entry.is_dir():
            yield from _walk(entry, without)
        elif entry.suffix != ".pyc" and not entry.name.startswith("."):
            yield entry


def source_files(image: Image) -> dict[str, Path]:
    """Each file of the repository that the image's context holds, by its name there."""
    found: dict[str, Path] = {}
    for name, source in image.sources.items():
        path = REPO / source
        if name.endswith("/"):
            if path.is_dir():
                found |= {name + file.relative_to(path).as_posix(): file for file in _walk(path, image.without)}
        elif path.is_file():
            found[name] = path
        else:
            raise HostProblem(
                "FL512", f"image {image.name} needs {source}, which is not there", "restore the file from git"
            )
    return found


def dns_version() -> str:
    """CoreDNS' version in the node that is built here: one that is built on the libraries of this Kubernetes."""
    found = re.search(r"github\.com/coredns/coredns (v\S+)", (REPO / "tools/go/go.mod").read_text(encoding="utf-8"))
    if not found:
        raise HostProblem("FL512", "tools/go/go.mod pins no github.com/coredns/coredns", "restore the file from git")
    return found[1]


def tag(name: str, without: frozenset[Path] = frozenset()) -> str:
    """The first 12 digits of the digest over everything that decides the image's content, but for the files `without`.

    Images are named by the tag of all their files.
    """
    return _tag(name, without)


# Apart from `tag`, whose default would make it another call than the one that names no file.
@cache
def _tag(name: str, without: frozenset[Path]) -> str:
    image = IMAGES[name]
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "big") + data)

    add((REPO / image.dockerfile).read_bytes(), image.target)
    for key, value in sorted(image.args.items()):
        add("arg", key, value)
    for key, parent in sorted(image.parents.items()):
        add("parent", key, _tag(parent, without))
    for context_name, path in sorted(source_files(image).items()):
        if path not in without:
            add("file", context_name, str(os.access(path, os.X_OK)), path.read_bytes())
    return digest.hexdigest()[:12]


def ref(name: str) -> str:
    """The full reference of an image as it is named now."""
    return f"faultline/{name}:{tag(name)}"


def in_order(names: Iterable[str]) -> list[str]:
    """The names as they are best started: parents before what stands on them."""
    wanted = set(names)
    return [image.name for image in _DEFINITIONS if image.name in wanted]


def image_refs(registry: str = "") -> dict[str, str]:
    """The images that charts name, by name; as they are called in a registry where one is given."""
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return {name: f"{prefix}{ref(name)}" for name in CHART_IMAGES}


def forget_tags() -> None:
    """Look at the files again: for a process that outlives an edit."""
    _tag.cache_clear()
