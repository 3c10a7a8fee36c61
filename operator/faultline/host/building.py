"""Builds the images that are missing, each as soon as its parents are there, two at a time.

Docker builds all but Go programs. Those are compiled in a container of the Go builder's, on a volume with Go's caches:
the tools share much of what they import, and what was compiled before an interruption is not compiled again.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path

from faultline.host import access, process
from faultline.host.home import REPO
from faultline.host.images import (
    CONTROL_PLANE_STAGES,
    IMAGES,
    KUBERNETES_VERSION,
    LABEL,
    Image,
    dns_version,
    in_order,
    ref,
    source_files,
)
from faultline.host.process import CommandFailed, Log

PARALLEL_BUILDS = 2
GO_CACHE = "faultline-go"
_BUILDER_PID = "dev.faultline.build"
Content = bytes | Path


def is_built(name: str) -> bool:
    """Whether the engine has the image as it should be now."""
    return process.succeeds(["docker", "image", "inspect", ref(name)])


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
    return in_order(needed)


def _write_tar(entries: Mapping[str, Content], folders: Iterable[str], out: io.BufferedRandom) -> None:
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
        for name in folders:
            if not any(entry.startswith(name) for entry in entries):
                info = tarfile.TarInfo(name.rstrip("/"))
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
    out.seek(0)


def build(name: str, log: Log) -> None:
    """Build one image whose parents are there."""
    image = IMAGES[name]
    args = {**access.build_args(), **image.args, **{key: ref(parent) for key, parent in image.parents.items()}}
    recipe = "build-go" if image.is_go else "Dockerfile"
    entries: dict[str, Content] = {recipe: REPO / image.dockerfile, **access.files(), **source_files(image)}
    with tempfile.TemporaryDirectory(prefix="faultline-") as scratch, tempfile.TemporaryFile() as context:
        if name == "node":
            entries |= _node_files(Path(scratch), log)
        _write_tar(entries, (source for source in image.sources if source.endswith("/")), context)
        if image.is_go:
            _compile(image, args, context, log)
        else:
            _docker_build(image, args, context, log)


def _docker_build(image: Image, args: Mapping[str, str], context: io.BufferedRandom, log: Log) -> None:
    command = ["docker", "build", "--tag", ref(image.name), "--label", LABEL]
    if image.target:
        command += ["--target", image.target]
    if access.needs_host_network():
        command += ["--network", "host"]
    for key, value in args.items():
        command += ["--build-arg", f"{key}={value}"]
    process.run([*command, "-"], log, stdin=context, env=_builder(), prefix=f"{image.name}: ")


def _compile(image: Image, args: Mapping[str, str], context: io.BufferedRandom, log: Log) -> None:
    """Run the build script in a container of the Go builder's, and make an image of what it left in /out."""
    prefix = f"{image.name}: "
    settings = {**args, "GOCACHE": "/cache/build", "GOMODCACHE": "/cache/mod"}
    command = ["docker", "create", "--label", LABEL, "--label", f"{_BUILDER_PID}={os.getpid()}", "--init"]
    command += ["--volume", f"{GO_CACHE}:/cache"]
    if access.needs_host_network():
        command += ["--network", "host"]
    for key, value in settings.items():
        command += ["--env", f"{key}={value}"]
    process.output(["docker", "volume", "create", "--label", LABEL, GO_CACHE])
    container = process.output([*command, ref("go-builder"), "sh", "/src/build-go"]).strip()
    try:
        process.run(["docker", "cp", "-", f"{container}:/src"], log, stdin=context, prefix=prefix)
        process.run(["docker", "start", "--attach", container], log, prefix=prefix)
        _import(f"{container}:/out/.", ref(image.name), log)
    finally:
        process.output(["docker", "rm", "--force", container])


def remove_leftovers(log: Log) -> None:
    """Remove build containers whose `up` is gone: killed, it could not do so itself."""
    listing = ["docker", "ps", "--all", "--filter", f"label={_BUILDER_PID}", "--format"]
    for line in process.output([*listing, '{{.ID}} {{.Label "' + _BUILDER_PID + '"}}']).splitlines():
        container, pid = line.split()
        if not process.is_alive(int(pid)):
            process.run(["docker", "rm", "--force", container], log)


def _import(source: str, reference: str, log: Log) -> None:
    """An image of one layer out of a container's folder."""
    copy = subprocess.Popen(["docker", "cp", source, "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    change = ["--change", f"LABEL {LABEL}"]
    try:
        process.run(["docker", "import", *change, "-", reference], log, stdin=process.piped(copy))
    finally:
        process.piped(copy).close()
        status = copy.wait()
    if status:
        raise CommandFailed(["docker", "cp", source], status, "docker cp failed", log.path)


@cache
def _builder() -> dict[str, str]:
    if "DOCKER_BUILDKIT" in os.environ:
        return {}
    return {} if process.succeeds(["docker", "buildx", "version"]) else {"DOCKER_BUILDKIT": "0"}


def build_all(names: Iterable[str], log: Log) -> list[str]:
    """Build what is missing. Gives the names that were built. The first failure ends it."""
    todo = missing(names)
    if todo:
        remove_leftovers(log)
    waiting = list(todo)
    running: dict[Future[None], tuple[str, float]] = {}
    failed: BaseException | None = None
    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        try:
            while (waiting and not failed) or running:
                for name in [] if failed else _ready(waiting, {name for name, _ in running.values()}):
                    waiting.remove(name)
                    running[pool.submit(build, name, log)] = (name, time.monotonic())
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name, started = running.pop(future)
                    failed = failed or future.exception()
                    how = "failed" if future.exception() else "built"
                    log.line(f"{name}: {how} in {time.monotonic() - started:.0f} s")
        except BaseException:
            # The pool waits for its threads, and they for their commands.
            process.end_all()
            raise
    if failed:
        raise failed
    if any(IMAGES[name].is_go for name in todo):
        process.run(["docker", "volume", "rm", GO_CACHE], log)
    return todo


def _ready(waiting: list[str], busy: set[str]) -> list[str]:
    """What can be started now. One Go build at a time: it takes all cores, and two would compile the same twice."""
    ready: list[str] = []
    for name in waiting:
        image = IMAGES[name]
        blocked = any(parent in waiting or parent in busy for parent in image.parents.values())
        compiling = image.is_go and any(IMAGES[other].is_go for other in (*busy, *ready))
        if not blocked and not compiling and len(busy) + len(ready) < PARALLEL_BUILDS:
            ready.append(name)
    return ready


def _node_files(scratch: Path, log: Log) -> dict[str, Content]:
    """The archive of the control plane's images under kubeadm's names, and the files that name images."""
    kubeadm_names = output_of_tool(
        "tool-kubernetes", "kubeadm", "config", "images", "list", "--kubernetes-version", KUBERNETES_VERSION
    ).split()
    by_stage = {name.rsplit("/", 1)[1].split(":")[0]: name for name in kubeadm_names}
    # kubeadm knows the version that was new when it was; kind-config's says which one it is (cluster.py).
    by_stage["coredns"] = f"{by_stage['coredns'].rsplit(':', 1)[0]}:{dns_version()}"
    for stage in CONTROL_PLANE_STAGES:
        process.output(["docker", "tag", ref(f"cp-{stage}"), by_stage[stage]])
    provisioner = ref("local-path-provisioner")
    archive = scratch / "control-plane.tar"
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
