"""The images: what goes into each, its digest, and building those that are missing, two at a time.

An image's tag is the digest of all that decides its content (Dockerfile, files, arguments, the tags of the images that
it stands on). So "is it up to date" is "is it there", and a changed input brings a new name that a chart rolls out.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from faultline.errors import HostProblem
from faultline.host import access, process
from faultline.host.home import REPO

LABEL = "dev.faultline=1"
KUBERNETES_VERSION = "v1.34.4"
PARALLEL_BUILDS = 2
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
_SKIPPED_FOLDERS = {"__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", "node_modules"}


@dataclass(frozen=True)
class Image:
    """How one image is made.

    `sources` maps a name in the build context to a file or folder of the repository; `parents` maps a build argument
    to the image whose reference it takes. `prepare` adds files that only exist once the parents are built.
    """

    name: str
    dockerfile: str
    sources: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    prepare: Callable[[process.Log], Mapping[str, bytes | Path]] | None = None


def _go_tool(name: str, folder: str, binaries: Mapping[str, str], ldflags: str = "", for_host: bool = False) -> Image:
    args = {"BINARIES": " ".join(f"{binary}={package}" for binary, package in binaries.items()), "LDFLAGS": ldflags}
    if for_host and platform.system() != "Linux":
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        args |= {"GOOS": platform.system().lower(), "GOARCH": machine}
    sources = {"go.mod": f"tools/{folder}/go.mod", "go.sum": f"tools/{folder}/go.sum"}
    return Image(name, "tools/go.Dockerfile", sources, {"GO_BUILDER": "go-builder"}, args)


def _python(name: str, code: Mapping[str, str], base: str = "base", **parents: str) -> Image:
    sources = {"requirements.txt": f"requirements/{name}.txt", **code}
    return Image(name, f"images/{name}/Dockerfile", sources, {"BASE": base, **parents})


def _debian(name: str, **files: str) -> Image:
    return Image(name, f"images/{name}/Dockerfile", files, {"BASE": "base"})


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
        "kubernetes",
        {command: f"k8s.io/kubernetes/cmd/{command}" for command in _KUBERNETES_COMMANDS},
        _KUBERNETES_LDFLAGS,
    ),
    Image("base", "images/base/Dockerfile"),
    _go_tool("tool-coredns", "coredns", {"coredns": "github.com/coredns/coredns"}),
    _go_tool("tool-etcd", "etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    _go_tool("tool-local-path", "local-path", {"local-path-provisioner": "github.com/rancher/local-path-provisioner"}),
    _go_tool("tool-helm", "helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, _HELM_LDFLAGS),
    _go_tool("tool-kind", "kind", {"kind": "sigs.k8s.io/kind"}, for_host=True),
    _go_tool(
        "tool-toxiproxy",
        "toxiproxy",
        {
            "toxiproxy-server": "github.com/Shopify/toxiproxy/v2/cmd/server",
            "toxiproxy-cli": "github.com/Shopify/toxiproxy/v2/cmd/cli",
        },
        "-X github.com/Shopify/toxiproxy/v2.Version=2.12.0",
    ),
    # For a host that is not Linux: what runs on it is compiled for it.
    _go_tool("tool-helm-host", "helm", {"helm": "helm.sh/helm/v3/cmd/helm"}, _HELM_LDFLAGS, for_host=True),
    _go_tool(
        "tool-kubectl-host",
        "kubernetes",
        {"kubectl": "k8s.io/kubernetes/cmd/kubectl"},
        _KUBERNETES_LDFLAGS,
        for_host=True,
    ),
    _debian(
        "postgres",
        **{
            "postgres-entrypoint": "images/postgres/postgres-entrypoint",
            "postgres-ready": "images/postgres/postgres-ready",
        },
    ),
    _debian("redis"),
    _debian("pgbouncer"),
    _debian("exporters"),
    _debian("prometheus"),
    _debian("netguard", netguard="images/netguard/netguard"),
    _python("injector", {"faultline/": "operator/faultline"}, "netguard", TOXIPROXY="tool-toxiproxy"),
    _python("operator", {"faultline/": "operator/faultline", "charts/lab/": "charts/lab"}, HELM="tool-helm"),
    _python("runtime", {"services/": "services"}),
    _python("loadgen", {"services/": "services"}),
    Image(
        "local-path-provisioner",
        "images/local-path-provisioner/Dockerfile",
        parents={"BASE": "base", "LOCAL_PATH": "tool-local-path"},
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
    "exporters",
    "prometheus",
    "netguard",
    "injector",
    "operator",
    "runtime",
    "loadgen",
)


def _walk(path: Path) -> Iterable[Path]:
    """The files below a folder, sorted, without caches."""
    for entry in sorted(path.iterdir()):
        if entry.is_dir():
            if entry.name not in _SKIPPED_FOLDERS:
                yield from _walk(entry)
        elif entry.suffix != ".pyc" and not entry.name.startswith("."):
            yield entry


def source_files(image: Image) -> dict[str, Path]:
    """Each file of the repository that the image's context holds, by its name there."""
    found: dict[str, Path] = {}
    for name, source in image.sources.items():
        path = REPO / source
        if name.endswith("/"):
            if path.is_dir():
                found |= {name + file.relative_to(path).as_posix(): file for file in _walk(path)}
        elif path.is_file():
            found[name] = path
        else:
            raise HostProblem(
                "FL512", f"image {image.name} needs {source}, which is not there", "restore the file from git"
            )
    return found


@cache
def tag(name: str) -> str:
    """The first 12 digits of the digest over everything that decides the image's content."""
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
        add("parent", key, tag(parent))
    for context_name, path in sorted(source_files(image).items()):
        add("file", context_name, str(os.access(path, os.X_OK)), path.read_bytes())
    return digest.hexdigest()[:12]


def ref(name: str) -> str:
    """The full reference of an image as it is named now."""
    return f"faultline/{name}:{tag(name)}"


def image_refs() -> dict[str, str]:
    """The images that charts name, by name."""
    return {name: ref(name) for name in CHART_IMAGES}


def forget_tags() -> None:
    """Look at the files again: for a process that outlives an edit."""
    tag.cache_clear()


def is_built(name: str) -> bool:
    """Whether the engine has the image as it should be now."""
    return process.succeeds(["docker", "image", "inspect", ref(name)])


def with_parents(names: Iterable[str]) -> list[str]:
    """The names and all that they stand on, in the order of the definitions."""
    wanted: set[str] = set()

    def add(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for parent in IMAGES[name].parents.values():
                add(parent)

    for name in names:
        add(name)
    return [image.name for image in _DEFINITIONS if image.name in wanted]


def missing(names: Iterable[str]) -> list[str]:
    """What has to be built for the names to be there: a parent only if something needs it anew."""
    needed: set[str] = set()

    def need(name: str) -> None:
        if name not in needed and not is_built(name):
            needed.add(name)
            for parent in IMAGES[name].parents.values():
                need(parent)

    for name in names:
        need(name)
    return [image.name for image in _DEFINITIONS if image.name in needed]


def _write_context(image: Image, log: process.Log, out: io.BufferedRandom) -> None:
    """The build context as a tar: sources, how to reach packages, and what `prepare` adds."""
    entries: dict[str, bytes | Path] = {"Dockerfile": REPO / image.dockerfile, **access.files(), **source_files(image)}
    prepare = image.prepare or _PREPARE.get(image.name)
    if prepare:
        entries |= prepare(log)
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in sorted(entries.items()):
            info = tarfile.TarInfo(name)
            info.mode = 0o755 if isinstance(content, Path) and os.access(content, os.X_OK) else 0o644
            if isinstance(content, Path):
                info.size = content.stat().st_size
                with content.open("rb") as file:
                    archive.addfile(info, file)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        # A folder that is empty in the repository has to be in the context all the same, or COPY fails.
        for name in image.sources:
            if name.endswith("/") and not any(entry.startswith(name) for entry in entries):
                info = tarfile.TarInfo(name.rstrip("/"))
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)


def build(name: str, log: process.Log) -> None:
    """Build one image whose parents are there."""
    image = IMAGES[name]
    command = ["docker", "build", "--tag", ref(name), "--label", LABEL]
    if image.target:
        command += ["--target", image.target]
    if access.needs_host_network():
        command += ["--network", "host"]
    args = {**access.build_args(), **image.args, **{key: ref(parent) for key, parent in image.parents.items()}}
    for key, value in args.items():
        command += ["--build-arg", f"{key}={value}"]
    with tempfile.TemporaryFile() as context:
        _write_context(image, log, context)
        context.seek(0)
        # The classic builder unless BuildKit is what this Docker has: the Dockerfiles build with either.
        process.run([*command, "-"], log, stdin=context, env=_builder(), prefix=f"{name}: ")


@cache
def _builder() -> dict[str, str]:
    if "DOCKER_BUILDKIT" in os.environ:
        return {}
    return {} if process.succeeds(["docker", "buildx", "version"]) else {"DOCKER_BUILDKIT": "0"}


def build_all(names: Iterable[str], log: process.Log) -> list[str]:
    """Build what is missing, each as soon as its parents are there. Gives the names that were built."""
    todo = missing(names)
    waiting = list(todo)
    running: dict[Future[None], tuple[str, float]] = {}
    failed: BaseException | None = None
    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        while (waiting and not failed) or running:
            busy = {name for name, _ in running.values()}
            for name in list(waiting):
                blocked = any(parent in waiting or parent in busy for parent in IMAGES[name].parents.values())
                if len(running) < PARALLEL_BUILDS and not blocked and not failed:
                    waiting.remove(name)
                    busy.add(name)
                    running[pool.submit(build, name, log)] = (name, time.monotonic())
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name, started = running.pop(future)
                failed = failed or future.exception()
                log.line(f"{name}: {'failed' if future.exception() else 'built'} in {time.monotonic() - started:.0f} s")
    if failed:
        raise failed
    return todo


def _node_files(log: process.Log) -> dict[str, bytes | Path]:
    """The archive of the control plane's images under kubeadm's names, and the files that name images."""
    kubeadm_names = output_of_tool(
        "tool-kubernetes", "kubeadm", "config", "images", "list", "--kubernetes-version", KUBERNETES_VERSION
    ).split()
    by_stage = {name.rsplit("/", 1)[1].split(":")[0]: name for name in kubeadm_names}
    for stage in CONTROL_PLANE_STAGES:
        process.output(["docker", "tag", ref(f"cp-{stage}"), by_stage[stage]])
    provisioner = ref("local-path-provisioner")
    archive = Path(tempfile.gettempdir()) / f"faultline-control-plane-{os.getpid()}.tar"
    process.run(["docker", "save", "--output", str(archive), *by_stage.values(), provisioner], log, prefix="node: ")
    manifest = (REPO / "images/node/manifests/default-storage.yaml").read_text()
    config = (REPO / "images/node/config.toml").read_text()
    return {
        "kind/images/control-plane.tar": archive,
        "kind/version": KUBERNETES_VERSION.encode(),
        "kind/manifests/default-storage.yaml": manifest.replace("@LOCAL_PATH_IMAGE@", provisioner).encode(),
        "config.toml": config.replace("@PAUSE_IMAGE@", by_stage["pause"]).encode(),
    }


def output_of_tool(image: str, binary: str, *args: str) -> str:
    """What a static binary of a tool image prints."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", f"/bin/{binary}", ref(image), *args]
    return process.output(command)


_PREPARE: dict[str, Callable[[process.Log], Mapping[str, bytes | Path]]] = {"node": _node_files}
