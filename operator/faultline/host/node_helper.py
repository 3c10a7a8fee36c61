"""`python -m faultline.host.node_helper`: takes nodes of the lab's own kind cluster down and brings them back.

The fault `node_loss` needs somebody outside the cluster. This helper runs on the host while a cluster of several nodes
is up. It sees the injectors' orders (faultline.clients.node_orders), kills a node's container at the time that it was
given and starts it again at its end, by its own clock: it needs no word from the cluster for that. Before it kills, it
starts a timer in a process of its own, which brings the node back even when the helper is gone.

It refuses what is no worker of this cluster, what runs the platform or a harness, and what lasts over ten minutes.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kubernetes import config
from pydantic import ValidationError

from faultline.clients.kube import Kube, path
from faultline.clients.node_orders import SELECTOR, NodeOrder
from faultline.errors import FaultlineError, HostProblem, NotFound
from faultline.host import process
from faultline.host.cluster import node_containers
from faultline.host.home import CONTEXT, Home
from faultline.names import LABEL_PART, SYSTEM_NAMESPACE

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
LONGEST_SECONDS = 600.0
SLACK_SECONDS = 2.0
"""How much later than the helper its timer brings a node back."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ENGINE_SECONDS = 30.0
_OUTLIVING: list[subprocess.Popen[bytes]] = []
"""What was started to outlive this process; kept so that nobody warns of one that still runs."""


class Engine(Protocol):
    """What runs the nodes."""

    def nodes(self) -> list[str]:
        """The containers of this cluster's nodes."""

    def kill(self, node: str) -> None:
        """End a node at once."""

    def start(self, node: str) -> None:
        """Start it again; one that runs is fine."""

    def start_later(self, node: str, seconds: float) -> None:
        """Start it again after so long, whatever becomes of this process."""


class Docker:
    """The engine that kind uses."""

    def nodes(self) -> list[str]:
        """By kind's label."""
        return node_containers()

    def kill(self, node: str) -> None:
        """SIGKILL for all of it."""
        process.output(["docker", "kill", node], timeout=ENGINE_SECONDS)

    def start(self, node: str) -> None:
        """As kind left it."""
        process.output(["docker", "start", node], timeout=ENGINE_SECONDS)

    def start_later(self, node: str, seconds: float) -> None:
        """A shell in a session of its own, which tries for a minute."""
        script = 'sleep "$1"; for _ in $(seq 60); do docker start "$0" && break; sleep 1; done'
        timer = subprocess.Popen(
            ["sh", "-c", script, node, f"{seconds:.1f}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _OUTLIVING[:] = [each for each in _OUTLIVING if each.poll() is None] + [timer]


class Helper:
    """Carries out orders, one look after the other. `down` has what it took down, by the order's place."""

    def __init__(self, kube: Kube, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._kube = kube
        self._engine = engine
        self._clock = clock
        self.down: dict[str, NodeOrder] = {}

    def look(self) -> None:
        """Whatever is due now. The cluster may not answer, as when a node that it needs is down: then by the clock."""
        try:
            found = self._kube.items(path("ConfigMap"), SELECTOR)
        except FaultlineError as error:
            log.warning("orders are not known: %s", error.message)
            found = None
        orders = {}
        for each in found or []:
            try:
                order = NodeOrder.read(each)
            except ValidationError as error:
                log.error("%s is no order: %s", each["metadata"]["name"], error)
                continue
            orders[order.where] = order
        if found is not None:
            self._take(orders)
        for where, order in list(self.down.items()):
            current = orders.get(where)
            # An order that was taken back, or whose end was moved, ends now.
            end = order.end if found is None else (current.end if current else 0.0)
            if min(end, order.end) <= self._clock():
                self._bring_back(where)

    def _take(self, orders: dict[str, NodeOrder]) -> None:
        for where, order in orders.items():
            if order.refused or where in self.down:
                continue
            if order.killed:
                if not order.started:
                    # A helper before this one took it down.
                    self.down[where] = order
                continue
            try:
                if order.seen is None:
                    refused = self._refusal(order)
                    order.answer(self._kube, **({"refused": refused} if refused else {"seen": self._clock()}))
                elif order.start <= self._clock() < order.end:
                    self._take_down(where, order)
            except FaultlineError as error:
                log.error("order %s: %s", order.name, error.message)

    def _refusal(self, order: NodeOrder) -> str:
        """Why this may not be done; empty when it may."""
        if order.node not in self._engine.nodes():
            return f"{order.node} is no node of this machine's cluster"
        node = self._kube.get(path("Node", order.node))
        if node is None or CONTROL_PLANE in (node["metadata"].get("labels") or {}):
            return f"{order.node} is no worker"
        if order.end - max(order.start, self._clock()) > LONGEST_SECONDS:
            return f"it would be gone for over {LONGEST_SECONDS:g} s"
        for pod in self._kube.items(path("Pod")):
            if pod["spec"].get("nodeName") != order.node:
                continue
            owners = {each["kind"] for each in pod["metadata"].get("ownerReferences") or []}
            harness = (pod["metadata"].get("labels") or {}).get(LABEL_PART) == "harness"
            if harness or (pod["metadata"]["namespace"] == SYSTEM_NAMESPACE and "DaemonSet" not in owners):
                return f"{order.node} runs {pod['metadata']['namespace']}/{pod['metadata']['name']}"
        return ""

    def _take_down(self, where: str, order: NodeOrder) -> None:
        self._engine.start_later(order.node, order.end - self._clock() + SLACK_SECONDS)
        self.down[where] = order
        log.warning("%s: killing %s for %.1f s", order.name, order.node, order.end - self._clock())
        self._engine.kill(order.node)
        order.answer(self._kube, killed=self._clock())

    def _bring_back(self, where: str) -> None:
        order = self.down[where]
        try:
            self._engine.start(order.node)
        except HostProblem as error:
            # Again at the next look; and the timer tries as well.
            log.error("%s does not start: %s", order.node, error.message)
            return
        del self.down[where]
        log.warning("%s: %s is back", order.name, order.node)
        with suppress(NotFound):
            try:
                order.answer(self._kube, started=self._clock())
            except NotFound:
                raise
            except FaultlineError as error:
                log.warning("%s: that %s is back was not written: %s", order.name, order.node, error.message)


def start(home: Home) -> int:
    """Start the helper, or find the one that runs; its pid."""
    if pid := running(home):
        return pid
    with (home.logs / "node-helper.log").open("ab") as out:
        helper = subprocess.Popen(
            [sys.executable, "-m", "faultline.host.node_helper"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    _OUTLIVING.append(helper)
    _pid_file(home).write_text(str(helper.pid))
    return helper.pid


def running(home: Home) -> int | None:
    """The pid of the helper that runs."""
    try:
        pid = int(_pid_file(home).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # The number may be another process' by now.
    return pid if b"faultline.host.node_helper" in command else None


def stop(home: Home) -> bool:
    """End it; whether there was one. Nodes that are down come back by their timers."""
    pid = running(home)
    if pid:
        os.kill(pid, 15)
    _pid_file(home).unlink(missing_ok=True)
    return bool(pid)


def _pid_file(home: Home) -> Path:
    return home.root / "node-helper.pid"


def main() -> None:
    """Looks four times a second, until it is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = Home.from_environment()
    client = config.new_client_from_config(config_file=str(home.kubeconfig), context=CONTEXT)  # type: ignore[no-untyped-call]
    helper = Helper(Kube(client, CONTEXT), Docker())
    while True:
        helper.look()
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
