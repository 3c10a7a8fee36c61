"""Pods as faults on them act on them: through the API server in this lab's own namespace, and by agents in the pods."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from faultline.api.app import SERVICE_PORT
from faultline.api.cpu import millis
from faultline.api.sample import Outcome, Sample
from faultline.clients.kube import Json, Kube, path
from faultline.clients.node_orders import SELECTOR, NodeOrder
from faultline.errors import Conflict, InvalidInput, NotFound, NotReady, Unreachable
from faultline.faults.base import Pressure, choose
from faultline.injector.agent import Agent
from faultline.injector.clock import Clock
from faultline.injector.config import Config
from faultline.injector.plan import PlannedFault
from faultline.injector.probe import Lane
from faultline.injector.questions import HttpQuestion
from faultline.injector.record import Record
from faultline.injector.targets.base import FeltTarget
from faultline.names import ANNOTATION_FAULT

log = logging.getLogger(__name__)

THREADS = 4
KUBE_SECONDS = 3.0
LIST_SECONDS = 0.5
"""How old the list of a service's pods may be that the proof goes by."""
CONNECT_SECONDS = 0.4
SILENT_SECONDS = 0.4
"""A small request that is this long without an answer is not being answered."""
LANE_SECONDS = 20.0
"""How long a request to a stopped app is left waiting, for the answer that ends the proof."""
LOOK_SECONDS = 0.3
"""How old what an agent read may be; a look costs the app a fraction of a millisecond of its CPU."""
GONE_SECONDS = 0.2
"""After an agent fell silent, before it is looked whether its pod is gone."""

HELPER_SECONDS = 2.0
"""How long the helper on the host may take to answer: it looks four times a second."""
RETURN_SECONDS = 15.0
ORDER_SECONDS = 0.1

T = TypeVar("T")


class LabKube(Kube):
    """The same with short time-outs: a fault that waits longer for the API server has missed its time anyway."""

    def request(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        timeout: float = KUBE_SECONDS,
    ) -> tuple[int, Any]:
        """One call: HTTP status and decoded body."""
        return super().request(
            method, where, body, query=query, content_type=content_type, headers=headers, timeout=timeout
        )


class Pods:
    """The pods of one lab, for all its faults on pods."""

    def __init__(self, config: Config, connect: Callable[[], Kube] = LabKube.connect) -> None:
        self.namespace = config.lab_namespace
        self.harness = config.harness_namespace
        self.node = config.node
        self._caps = config.caps
        self._connect = connect
        self._kube: Kube | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kube")
        self._taken: dict[str, tuple[str, set[str]]] = {}
        self._lists: dict[str, tuple[float, list[Json]]] = {}

    @property
    def kube(self) -> Kube:
        """The API server. Raises NotReady (FL302) where there is none."""
        if self._kube is None:
            self._kube = self._connect()
        return self._kube

    async def call(self, work: Callable[[Kube], T]) -> T:
        """Some calls to the API server, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(self.kube))

    async def running(self, service: str) -> list[Json]:
        """A service's pods that run and are not going away, the oldest first."""
        found = await self.call(lambda kube: kube.items(path("Pod", namespace=self.namespace), f"app={service}"))
        usable = [each for each in found if _is_running(each)]
        self._lists[service] = time.monotonic(), usable
        return sorted(usable, key=lambda each: (each["metadata"]["creationTimestamp"], each["metadata"]["name"]))

    async def recent(self, service: str) -> list[Json]:
        """The same, half a second old at most."""
        asked, found = self._lists.get(service, (-1.0, []))
        return found if time.monotonic() - asked < LIST_SECONDS else await self.running(service)

    async def exists(self, pod: str) -> bool:
        """Whether the pod is there and not going away."""
        found = await self.call(lambda kube: kube.get(path("Pod", pod, self.namespace)))
        return found is not None and _is_running(found)

    def free(self, owner: str, service: str, found: Sequence[Json]) -> list[Json]:
        """Those of a service's pods that no other fault has."""
        self.release(owner)
        taken = self._taken_of(service)
        return [each for each in found if each["metadata"]["name"] not in taken]

    def take(self, owner: str, service: str, pods: Collection[str]) -> None:
        """Note that a fault has these. Raises Conflict (FL423)."""
        self.allow(owner, service, len(pods))
        self._taken[owner] = service, set(pods)

    def allow(self, owner: str, service: str, count: int) -> None:
        """Raises Conflict (FL423) when faults would take more of a service's pods than it says."""
        cap, taken = self._caps.get(service), len(self._taken_of(service))
        if cap is not None and taken + count > cap:
            raise Conflict(
                "FL423",
                f"{owner} would take {count} pods of {service}, of which faults have {taken}: at most {cap} at once",
                f"lower `pods` or `percent`, or raise maxUnavailable of {service}",
            )

    def release(self, owner: str) -> None:
        """The fault has none any more."""
        self._taken.pop(owner, None)

    async def change(self, service: str, owner: str, operations: Sequence[Json], undo: Sequence[Json]) -> None:
        """Changes a Deployment, and has it remember what undoes that; done already is fine."""
        where = path("Deployment", service, self.namespace)

        def work(kube: Kube) -> None:
            mark = _mark(kube.get(where))
            if mark and mark["owner"] == owner:
                return
            if mark:
                raise Conflict("FL424", f"{service} is changed by {mark['owner']} already", "give them other times")
            kube.operate(where, [*operations, _annotate({"owner": owner, "undo": list(undo)})])

        await self.call(work)

    async def restore_deployment(self, service: str, owner: str | None = None) -> None:
        """Undoes what a fault changed: that of `owner`, or of whoever it is. Not changed is fine."""
        where = path("Deployment", service, self.namespace)

        def work(kube: Kube) -> None:
            mark = _mark(kube.get(where))
            if mark and owner in (None, mark["owner"]):
                kube.operate(where, [*mark["undo"], _unannotate()])

        await self.call(work)

    async def limit_cpu(self, pod: str, owner: str, cpu: str) -> None:
        """Gives a pod another CPU limit, and has it remember its own. Raises InvalidInput (FL131) unless lower."""
        where = path("Pod", pod, self.namespace)

        def work(kube: Kube) -> None:
            found = kube.get(where)
            mark = _mark(found)
            if found is None or (mark and mark["owner"] == owner):
                return
            if mark:
                raise Conflict("FL424", f"{pod} is changed by {mark['owner']} already", "give them other times")
            own = _cpu(found)
            if millis(cpu) >= millis(own):
                raise InvalidInput("FL131", f"cpu must be below the limit {own} of {pod}, got {cpu}", "lower it")
            # The mark first: what is marked is put back whatever dies, and left alone by who sets limits otherwise.
            kube.operate(where, [_annotate({"owner": owner, "cpu": own})])
            _resize(kube, where, cpu)

        await self.call(work)

    async def unlimit_cpu(self, pod: str, owner: str | None = None) -> None:
        """Gives a pod its own CPU limit again. Gone, or not limited, is fine."""
        where = path("Pod", pod, self.namespace)

        def work(kube: Kube) -> None:
            found = kube.get(where)
            mark = _mark(found)
            if found is None or not mark or owner not in (None, mark["owner"]):
                return
            with contextlib.suppress(NotFound):
                _resize(kube, where, mark["cpu"])
                kube.operate(where, [_unannotate()])

        await self.call(work)

    async def restore(self, kept: Collection[str]) -> None:
        """Undoes every change in this lab whose fault is none of `kept`."""
        if not self.namespace:
            return
        await self._take_orders_back({each.partition("/")[2] for each in kept})
        for kind, undo in (("Deployment", self.restore_deployment), ("Pod", self.unlimit_cpu)):
            found = await self.call(lambda kube, kind=kind: kube.items(path(kind, namespace=self.namespace)))  # type: ignore[misc]
            for each in found:
                if (mark := _mark(each)) and mark["owner"] not in kept:
                    log.warning("%s %s: undoing what %s did", kind, each["metadata"]["name"], mark["owner"])
                    await undo(each["metadata"]["name"], mark["owner"])

    async def _take_orders_back(self, faults: Collection[str]) -> None:
        """The helper on the host brings a node back when its order is gone."""
        if not self.harness:
            return
        for each in await self.call(lambda kube: kube.items(path("ConfigMap", namespace=self.harness), SELECTOR)):
            name = each["metadata"]["name"]
            if name.removeprefix("node-loss-") not in faults:
                await self.call(lambda kube, name=name: kube.delete(path("ConfigMap", name, self.harness)))  # type: ignore[misc]

    def close(self) -> None:
        """Lets the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _taken_of(self, service: str) -> set[str]:
        return {pod for name, pods in self._taken.values() if name == service for pod in pods}


class PodTarget(FeltTarget):
    """faultline.faults.base.PodTarget for one fault."""

    def __init__(self, pods: Pods, planned: PlannedFault, record: Record, clock: Clock, ended: asyncio.Event) -> None:
        super().__init__(planned, record, clock, ended)
        self._pods = pods
        self._end = planned.end
        self._agents: dict[str, Agent] = {}
        self._lanes: dict[str, Pulse] = {}
        self._looks: dict[str, tuple[float, Pressure]] = {}
        self._throttled: dict[str, tuple[float, float]] = {}

    async def running(self, service: str) -> list[str]:
        """Names, the oldest first."""
        return [each["metadata"]["name"] for each in await self._pods.running(service)]

    async def take(self, service: str, count: int | None, percent: float | None, skip: int = 0) -> list[str]:
        """Chooses by the seed, after those that the plan has before it."""
        await self._record.turn(self.fault)
        try:
            return await self._choose(service, count, percent, skip)
        finally:
            self._record.chose(self.fault)

    async def _choose(self, service: str, count: int | None, percent: float | None, skip: int) -> list[str]:
        found = self._pods.free(self.owner, service, await self._pods.running(service))
        if not found:
            raise NotFound("FL223", f"no pod of {service} runs that no other fault has", "give the service replicas")
        random = self.random
        for _ in range(skip):
            random.random()
        chosen = [each["metadata"]["name"] for each in choose(found, random, count=count, percent=percent)]
        self._pods.take(self.owner, service, chosen)
        self.hit(chosen)
        return chosen

    async def agents(self, pods: Sequence[str]) -> None:
        """One in each pod that is still there."""
        await asyncio.gather(*(self._agent(each) for each in pods))

    async def _agent(self, pod: str) -> Agent | None:
        """The pod's agent, a new one if need be; None when the pod is gone."""
        agent = self._agents.get(pod)
        if agent and agent.alive:
            return agent
        if agent:
            await agent.close()
            del self._agents[pod]
        try:
            self._agents[pod] = await Agent.start(self._pods.kube, self._pods.namespace, pod)
        except Unreachable:
            if await self._pods.exists(pod):
                raise
            return None
        return self._agents[pod]

    async def tell(self, pods: Sequence[str], order: str) -> list[int]:
        """One order to all of them at once."""
        return list(await asyncio.gather(*(self._tell(each, order) for each in pods)))

    async def _tell(self, pod: str, order: str) -> int:
        agent = await self._agent(pod)
        if agent is None:
            return 0
        try:
            return int(await agent.tell(order))
        except Unreachable:
            await asyncio.sleep(GONE_SECONDS)
            if await self._pods.exists(pod):
                raise
            return 0

    async def dismiss(self) -> None:
        """Ends the agents."""
        agents, self._agents = self._agents, {}
        await asyncio.gather(*(each.close() for each in agents.values()))

    async def delete(self, pods: Sequence[str]) -> None:
        """All at once, without a grace period."""
        wheres = [path("Pod", each, self._pods.namespace) for each in pods]
        await asyncio.gather(*(self._pods.call(lambda kube, to=to: kube.delete(to, grace=0)) for to in wheres))  # type: ignore[misc]

    async def limit_cpu(self, pods: Sequence[str], cpu: str) -> None:
        """All at once."""
        await asyncio.gather(*(self._pods.limit_cpu(each, self.owner, cpu) for each in pods))

    async def unlimit_cpu(self, pods: Sequence[str]) -> None:
        """All at once."""
        await asyncio.gather(*(self._pods.unlimit_cpu(each, self.owner) for each in pods))

    async def deployment(self, service: str) -> Json:
        """As the API server has it. Raises NotFound (FL223)."""
        found = await self._pods.call(lambda kube: kube.get(path("Deployment", service, self._pods.namespace)))
        if found is None:
            raise NotFound("FL223", f"there is no Deployment {service}", "faultline status")
        return found

    async def allow(self, service: str, count: int) -> None:
        """By the service's maxUnavailable."""
        self._pods.allow(self.owner, service, count)

    async def change(self, service: str, operations: Sequence[Json], undo: Sequence[Json]) -> None:
        """In this fault's name."""
        await self._pods.change(service, self.owner, operations, undo)

    async def restore(self, service: str) -> None:
        """What this fault changed."""
        await self._pods.restore_deployment(service, self.owner)

    async def node_of(self, service: str) -> str:
        """By the seed, of those in the order of their names."""
        nodes = {str(each["spec"]["nodeName"]) for each in await self._pods.running(service)} - {self._pods.node}
        if not nodes:
            raise NotReady(
                "FL324",
                f"no node but {self._pods.node or 'this one'}, which runs the harness, has pods of {service}",
                "KIND_NODES=3 make up, and more replicas",
            )
        return choose(sorted(nodes), self.random, count=1, percent=None)[0]

    def _order(self, node: str) -> NodeOrder:
        return NodeOrder(
            name=f"node-loss-{self.fault}", namespace=self._pods.harness, node=node, start=self.moment, end=self._end
        )

    async def lose_node(self, node: str) -> None:
        """By the helper on the host, who has its own clock."""
        order = self._order(node)
        with contextlib.suppress(Conflict):  # there already: of this fault before a restart
            await self._pods.call(order.place)
        await self._answer(order, "seen", HELPER_SECONDS)
        await self.due()
        self.done = await self._answer(order, "killed", HELPER_SECONDS)

    async def regain_node(self) -> None:
        """The order goes once the helper says that the node runs."""
        order = self._order(self.state["node"])
        found = await self._pods.call(lambda kube: kube.get(order.where))
        if found is None:
            return
        there = NodeOrder.read(found)
        if there.seen and not there.refused and there.start <= self._clock.now():
            await self._pods.call(lambda kube: order.answer(kube, end=min(self._clock.now(), there.end)))
            self.done = await self._answer(order, "started", RETURN_SECONDS)
        await self._pods.call(lambda kube: kube.delete(order.where))

    async def _answer(self, order: NodeOrder, what: str, seconds: float) -> float:
        """When the helper did something. Raises NotReady (FL325)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = await self._pods.call(lambda kube: kube.get(order.where))
            there = NodeOrder.read(found) if found else order
            if there.refused:
                raise NotReady("FL325", f"the helper on the host refuses: {there.refused}", "see docs/faults.md")
            if at := getattr(there, what):
                return float(at)
            await asyncio.sleep(ORDER_SECONDS)
        raise NotReady(
            "FL325", f"no helper on the host said that {order.node} was {what}", "KIND_NODES=3 make up starts it"
        )

    async def missing(self, service: str, wanted: int) -> float:
        """By connecting to each pod that the API server names."""
        addresses = [each["status"].get("podIP") for each in await self._pods.recent(service)]
        up = sum(await asyncio.gather(*(_accepts(each) for each in addresses if each)))
        return (wanted - up) / max(wanted, 1)

    async def silent(self, pods: Sequence[str]) -> float | None:
        """By one request at a time to each pod, which is left waiting."""
        for pod in pods:
            if pod not in self._lanes:
                found = await self._pods.call(lambda kube, pod=pod: kube.get(path("Pod", pod, self._pods.namespace)))  # type: ignore[misc]
                if found and found["status"].get("podIP"):
                    self._lanes[pod] = Pulse((found["status"]["podIP"], SERVICE_PORT), self._clock)
        found_silent = [self._lanes[pod].silent for pod in pods if pod in self._lanes]
        if not found_silent or None in found_silent:
            return None
        return sum(map(float, found_silent)) / len(pods)  # type: ignore[arg-type]

    async def pressure(self, pods: Sequence[str]) -> list[Pressure]:
        """By the agents, a few times a second at most."""
        return [each for each in await asyncio.gather(*map(self._pressure, pods)) if each]

    async def _pressure(self, pod: str) -> Pressure | None:
        asked, known = self._looks.get(pod, (-1.0, None))
        now = time.monotonic()
        if known and now - asked < LOOK_SECONDS:
            return known
        agent = await self._agent(pod)
        if agent is None:
            return None
        look = await agent.look()
        before, throttled = self._throttled.get(pod, (now, look.throttled))
        share = min(1.0, (look.throttled - throttled) / (now - before)) if now > before else 0.0
        found = Pressure(look.used, look.limit, look.held > 0, share, look.quota)
        self._looks[pod], self._throttled[pod] = (now, found), (now, look.throttled)
        return found

    async def close(self) -> None:
        """Ends requests and agents, and gives the pods free."""
        for lane in self._lanes.values():
            lane.close()
        await self.dismiss()
        self._pods.release(self.owner)


class Pulse:
    """Asks one pod, past every edge, one small request at a time."""

    def __init__(self, address: tuple[str, int], clock: Clock) -> None:
        self._last: Sample | None = None
        self._lane = Lane(HttpQuestion(address, 0), clock, self._hear, LANE_SECONDS)
        self._task = asyncio.create_task(self._lane.run(), name=f"pulse {address[0]}")

    @property
    def silent(self) -> bool | None:
        """Whether a request is being left without an answer; None before the first one."""
        pending = self._lane.pending
        if pending and pending.seconds >= SILENT_SECONDS:
            return True
        return None if self._last is None else self._last.outcome is Outcome.SILENT

    def close(self) -> None:
        """Stop asking."""
        self._task.cancel()

    def _hear(self, sample: Sample) -> None:
        self._last = sample


async def _accepts(address: str) -> bool:
    """Whether a connection comes about: an app listens once it has started."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(address, SERVICE_PORT)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def _is_running(pod: Json) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") == "Running"


def _mark(found: Json | None) -> Json | None:
    text = (found or {}).get("metadata", {}).get("annotations", {}).get(ANNOTATION_FAULT)
    return json.loads(text) if text else None


def _annotate(mark: Json) -> Json:
    # Pods and Deployments of a lab have annotations of ours, so that the map is there.
    return {"op": "add", "path": _ANNOTATION, "value": json.dumps(mark)}


def _unannotate() -> Json:
    return {"op": "remove", "path": _ANNOTATION}


_ANNOTATION = "/metadata/annotations/" + ANNOTATION_FAULT.replace("/", "~1")


def _cpu(pod: Json) -> str:
    return str(pod["spec"]["containers"][0]["resources"]["limits"]["cpu"])


def _resize(kube: Kube, where: str, cpu: str) -> None:
    place = "/spec/containers/0"
    test = {"op": "test", "path": f"{place}/name", "value": "app"}
    kube.operate(f"{where}/resize", [test, {"op": "replace", "path": f"{place}/resources/limits/cpu", "value": cpu}])
