"""Brings the images onto the cluster's nodes: only what a node lacks, all in one stream, shared layers once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from faultline.host import cluster, images, process
from faultline.host.process import CommandFailed, Log
from faultline.host.steps import Done


def on_node(node: str) -> set[str]:
    """The references of all images that a node has."""
    return set(process.output(["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images", "ls", "-q"]).split())


def load(references: Iterable[str], log: Log) -> Done:
    """Load what is missing into every node."""
    wanted = sorted(set(references))
    total = 0
    for node in cluster.node_containers(running_only=True):
        there = on_node(node)
        absent = [reference for reference in wanted if f"docker.io/{reference}" not in there]
        if absent:
            log.line(f"{node}: {' '.join(absent)}")
            _pipe(node, absent, log)
            total += len(absent)
    return Done(f"{total} loaded") if total else Done("all there", skipped=True)


def push(registry: str, log: Log) -> Done:
    """Push the charts' images into a registry that a cluster of the user's own pulls from."""
    remote = images.image_refs(registry)
    for name, reference in remote.items():
        process.output(["docker", "tag", images.ref(name), reference])
        process.run(["docker", "push", reference], log)
        process.output(["docker", "image", "rm", reference])
    return Done(f"{len(remote)} in {registry}")


def _pipe(node: str, references: list[str], log: Log) -> None:
    save = subprocess.Popen(["docker", "save", *references], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    into = ["docker", "exec", "--interactive", node, "ctr", "--namespace", "k8s.io", "images", "import"]
    try:
        process.run([*into, "--snapshotter", "overlayfs", "-"], log, stdin=save.stdout, prefix=f"{node}: ")
    finally:
        process.piped(save).close()
        status = save.wait()
    if status:
        raise CommandFailed(["docker", "save", *references], status, "docker save failed", log.path)
