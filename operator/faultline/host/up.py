"""`faultline up`: the steps from a bare machine to a platform that answers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from faultline.host import (
    bases,
    binaries,
    building,
    capability,
    cluster,
    doctor,
    engine,
    images,
    loading,
    node_helper,
    platform,
    priority,
    stale,
)
from faultline.host.home import Home
from faultline.host.process import Log
from faultline.host.steps import Done, Result, Step, only_one, run_steps


class _Up:
    """What later steps learn from earlier ones."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.node_image = ""

    def check_host(self, log: Log) -> Done:
        findings = doctor.check_host(self.home)
        for finding in findings:
            log.line(f"{finding.state}: {finding.name}: {finding.found} {finding.meaning}")
        doctor.refuse_hopeless(findings)
        warnings = sum(finding.state == "warning" for finding in findings)
        return Done(f"{len(findings)} checks, {warnings} warning(s)")

    def bring_engine(self, log: Log) -> Done:
        return engine.bring_up(self.home, log)

    def bring_bases(self, log: Log) -> Done:
        return bases.bring_debian(log)

    def bring_images(self, log: Log) -> Done:
        images.forget_tags()
        pulled = not building.is_built("node") and (bases.present(bases.KIND_NODE) or bases.pull(bases.KIND_NODE, log))
        self.node_image = bases.KIND_NODE if pulled else images.ref("node")
        wanted = [*images.CHART_IMAGES, *([] if pulled else ["node", "local-path-provisioner"])]
        # In the same go as the rest, so that the two builders stay busy.
        wanted += binaries.images_to_build(self.home)
        built = building.build_all(wanted, log)
        node = "node image pulled" if pulled else "node image built"
        return Done(f"{len(built)} built; {node}") if built else Done(f"{len(wanted)} there", skipped=True)

    def bring_binaries(self, log: Log) -> Done:
        return binaries.bring(self.home, log)

    def bring_cluster(self, log: Log) -> Done:
        done = cluster.bring_up(self.home, self.node_image, log)
        priority.raise_pods(cluster.node_containers(), log)
        if engine.our_pid(self.home):
            priority.raise_containers(log)
        return done

    def load_images(self, log: Log) -> Done:
        return loading.load(images.image_refs().values(), log)

    def bring_crds(self, log: Log) -> Done:
        return platform.apply_crds(self.home, log)

    def test_cluster(self, log: Log) -> Done:
        return capability.require(self.home, log)

    def bring_platform(self, log: Log) -> Done:
        return platform.install(self.home, log)

    def bring_node_helper(self, log: Log) -> Done:
        """Only a cluster of several nodes can lose one."""
        node_helper.stop(self.home)
        if len(cluster.node_containers()) == 1:
            return Done("one node: none is needed", skipped=True)
        return Done(f"pid {node_helper.start(self.home)}")

    def remove_stale(self, log: Log) -> Done:
        return stale.remove(self.home, log)


def up(home: Home, console: Console, more: Sequence[Step] = ()) -> list[Result]:
    """Run every step, `more` once the platform serves.

    Raises the failing step's error; running it again goes on where it stopped.
    """
    work = _Up(home)
    steps = [
        Step("doctor", "Host", work.check_host),
        Step("engine", "Docker engine", work.bring_engine),
        Step("bases", "Debian base images", work.bring_bases),
        Step("images", "Images", work.bring_images),
        Step("binaries", "Programs", work.bring_binaries),
        Step("cluster", "Cluster", work.bring_cluster),
        Step("load", "Images onto the nodes", work.load_images),
        Step("capability", "What the cluster can do", work.test_cluster),
        Step("crds", "Resource definitions", work.bring_crds),
        Step("platform", "Platform", work.bring_platform),
        Step("node-helper", "Helper that takes nodes down", work.bring_node_helper),
        *more,
        Step("stale", "Stale images", work.remove_stale),
    ]
    with only_one(home):
        return run_steps(steps, home, console)


def up_elsewhere(home: Home, console: Console, context: str, registry: str, more: Sequence[Step] = ()) -> list[Result]:
    """Bring the platform onto a cluster of the user's own, which pulls our images from `registry`."""
    work = _Up(home)
    steps = [
        Step("doctor", "Host", work.check_host),
        Step("engine", "Docker engine", work.bring_engine),
        Step("bases", "Debian base images", work.bring_bases),
        Step("images", "Images", lambda log: _build(images.CHART_IMAGES, log)),
        Step("binaries", "Programs", work.bring_binaries),
        Step("push", "Images into the registry", lambda log: loading.push(registry, log)),
        Step("capability", "What the cluster can do", lambda log: capability.require(home, log, context, registry)),
        Step("crds", "Resource definitions", lambda log: platform.apply_crds(home, log, context)),
        Step("platform", "Platform", lambda log: platform.install(home, log, context, registry)),
        *more,
    ]
    with only_one(home):
        return run_steps(steps, home, console)


def _build(names: Sequence[str], log: Log) -> Done:
    built = building.build_all(names, log)
    return Done(f"{len(built)} built") if built else Done(f"{len(names)} there", skipped=True)


def bring_tools(home: Home, console: Console, names: Sequence[str]) -> list[Result]:
    """Bring pinned programs alone, for checks that need no cluster. An engine is asked for only to build one."""
    absent = [name for name in names if not binaries.is_there(home, name)]
    if not absent:
        return []
    work = _Up(home)
    steps = [
        Step("doctor", "Host", work.check_host),
        Step("engine", "Docker engine", work.bring_engine),
        Step("bases", "Debian base images", work.bring_bases),
        Step("binaries", ", ".join(absent), lambda log: binaries.bring(home, log, absent)),
    ]
    with only_one(home):
        return run_steps(steps, home, console)
