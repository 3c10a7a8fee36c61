"""One operator with 500 suspended Scenarios: its memory, and its CPU while nothing happens."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from faultline.cli import _labs, _publish, _usage
from faultline.cli._benches.base import Bench, Measurement
from faultline.cli._labs import SCENARIOS, Lab
from faultline.cli._show import Line
from faultline.clients.kube import Json
from faultline.errors import NotReady
from faultline.manifests import applied
from faultline.names import LABEL_BY

COUNT = 500
BY = "bench-operator"
SELECTOR = f"{LABEL_BY}={BY}"
CALLS = 8
"""At a time."""
SEEN_SECONDS = 180.0
GONE_SECONDS = 120.0
CALM_SECONDS = 10
"""After the last of them, before idleness is measured."""
IDLE_SECONDS = 30
MIB = 1024**2


def measure(bench: Bench) -> Iterator[Measurement]:
    """Make them, wait until the operator has seen each, measure, remove them."""
    cluster = bench.cluster
    with Line() as line:
        _remove(bench, line)
        try:
            slug = _labs.slugs()[0]
            _publish.folder(cluster, _labs.scenario_folder(slug))
            manifests = [_manifest(slug, index) for index in range(COUNT)]
            began = time.monotonic()
            with ThreadPoolExecutor(CALLS) as pool:
                list(pool.map(lambda each: cluster.create(SCENARIOS, each), manifests))
            _wait_seen(bench, line)
            yield Measurement("operator_500_seen_seconds", round(time.monotonic() - began, 1), "s", n=COUNT)
            line.update("at rest")
            time.sleep(CALM_SECONDS)
            idle = _usage.operator_cores(cluster, IDLE_SECONDS)
            yield Measurement("operator_500_rss_bytes", _usage.operator_memory_bytes(cluster), "bytes", 300 * MIB)
            yield Measurement("operator_500_idle_cores", round(idle, 4), "cores", 0.1)
        finally:
            _remove(bench, line)


def _manifest(slug: str, index: int) -> Json:
    """A scenario of the catalogue, suspended, under a name of its own."""
    from faultline.validation import scenario_object

    manifest = copy.deepcopy(scenario_object(_labs.scenario_folder(slug) / "scenario.yaml"))
    manifest["metadata"] = {"name": f"bench-suspended-{index:03d}", "labels": {LABEL_BY: BY}}
    manifest["spec"]["suspend"] = True
    return applied(manifest)


def _wait_seen(bench: Bench, line: Line) -> None:
    """Until the operator says of each that it is suspended. Raises NotReady (FL333)."""
    deadline = time.monotonic() + SEEN_SECONDS
    while True:
        found = [Lab(each) for each in bench.cluster.items(SCENARIOS, SELECTOR)]
        seen = sum(each.status.get("phase") == "Suspended" for each in found)
        if seen == COUNT:
            return
        if time.monotonic() > deadline:
            message = f"the operator had seen {seen} of {COUNT} Scenarios after {SEEN_SECONDS:g} s"
            raise NotReady("FL333", message, "kubectl logs -n faultline-system deploy/operator")
        line.update(f"{seen} of {COUNT} Scenarios seen")
        time.sleep(1)


def _remove(bench: Bench, line: Line) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while found := bench.cluster.items(SCENARIOS, SELECTOR):
        names = [each["metadata"]["name"] for each in found if not each["metadata"].get("deletionTimestamp")]
        with ThreadPoolExecutor(CALLS) as pool:
            list(pool.map(lambda name: bench.cluster.delete(f"{SCENARIOS}/{name}"), names))
        if time.monotonic() > deadline:
            raise NotReady("FL314", f"{len(found)} Scenarios are not gone after {GONE_SECONDS:g} s", "faultline status")
        line.update(f"{len(found)} Scenarios go")
        time.sleep(0.5)
