"""The crash matrix: each part of a running lab is killed at each step of a run, and what is left is looked at.

Whether a fault is on is read where it is on, several times a second: in the toxics that Toxiproxy's own API lists and
in the packets that nftables drops, from below the pods, so that no part that was killed is needed to see it.
"""

from __future__ import annotations

import copy
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml

from faultline.api.run import Phase, RunStatus
from faultline.cli import _deploy, _labs, _node, _publish, _runs, _stop
from faultline.cli._cluster import Cluster
from faultline.cli._labs import SCENARIOS
from faultline.cli._runs import RUNS
from faultline.cli._show import Line
from faultline.clients.kube import Json
from faultline.errors import FaultlineError, NotReady
from faultline.host import process
from faultline.manifests import applied
from faultline.names import CANARY_EDGE_PORT, LABEL_BY, SYSTEM_NAMESPACE, TOXIPROXY_API_PORT_OFFSET, harness_namespace
from faultline.scenario import ScenarioSpec
from faultline.workspace import REPO

T = TypeVar("T")

FOLDER = REPO / "tests" / "e2e" / "scenarios" / "tiny"
NAME = "crash"
BY = "crash"
PHASES = {"baseline": "3s", "fault": "7s", "recovery": "3s", "drain": "1s"}
FAULTS: list[Json] = [
    {"name": "late", "at": "500ms", "for": "2500ms", "edge": "web->postgres", "latency": {"delay": "150ms"}},
    {"name": "hole", "at": "3500ms", "for": "2500ms", "edge": "client->web", "blackhole": {}},
]
"""One that lives in Toxiproxy, one that lives in the kernel."""

COMPONENTS = ("operator", "injector", "toxiproxy", "prometheus", "loadgen", "apiserver")
STEPS = ("before the plan", "after intent", "during late", "during hole", "during revert", "during grading")
CONTAINERS = {
    "operator": (SYSTEM_NAMESPACE, "operator"),
    "prometheus": (SYSTEM_NAMESPACE, "prometheus"),
    "injector": (harness_namespace(NAME), "injector"),
    "loadgen": (harness_namespace(NAME), "loadgen"),
    "apiserver": ("kube-system", "kube-apiserver"),
}
LEFT_SECONDS = 5.0
"""The promise: no fault is left this long after what should end it."""
EARLY_SECONDS = 0.05
"""What a clock may be read too late by."""
HEALTHY_SECONDS = 120.0
RUN_SECONDS = 180.0
KILL_SECONDS = 10.0
AFTER_SECONDS = 3.0
"""How long after a run's end nothing may begin again."""
TRIES = 3
"""Runs of a cell: grading may take less than it takes to ask for the phase."""
BACK_SECONDS = 8.0
"""How long the kubelet is left to bring the API server or the operator back by itself; it waits longer each time."""
FOLLOW_SECONDS = 60.0
"""How long what watches the API server waits, at most, before it asks again one that was away twice in two minutes.

Until then Services lead to pods that are gone, and a lab whose reset made new ones does not settle.
"""

MUST_BE_INCONCLUSIVE = {
    "operator": set(STEPS),
    "injector": {"during late", "during hole"},
    "loadgen": {"after intent", "during late", "during hole", "during revert"},
}
"""Where the harness was hurt beyond doubt. Elsewhere the part may be back before it is missed."""
NOISE = ("host noise", "the load generator dispatched", "the load generator used", "the canary", "no data: host noise")
"""Reasons of a busy machine, which say nothing of what was killed."""

# A process of the node outlives the `docker exec` that began it: this one ends when its input does.
_SAMPLER = """
import select, subprocess, sys, time, urllib.request
def read(url):
    return urllib.request.urlopen(url, timeout=1).read().decode()
def dropped():
    command = ["nft", "-j", "list", "set", "inet", "faultline_edges", "dropped"]
    return subprocess.run(command, capture_output=True, text=True).stdout
looks = [(read, url) for url in sys.argv[1:]] + [(dropped,)]
while not select.select([sys.stdin], [], [], 0.05)[0]:
    for look, *args in looks:
        began = time.time()
        try:
            found = look(*args)
        except OSError:
            continue
        print(f"@ {began:.6f} {time.time():.6f}\\n{found}", flush=True)
"""
_VICTIM = """
pid={pid}
case "$(cat /proc/$pid/comm)" in tini) pid=$(pgrep -P $pid | head -1);; esac
{toxiproxy}
read go && kill -9 $pid && date +%s.%N
"""


class MomentMissed(NotReady):
    """The run was over before it was seen at the step of the kill."""


@dataclass
class Cell:
    """One kill and what came of it."""

    component: str
    step: str
    leaks: list[str] = field(default_factory=list)
    """Faults that were on when they should not be."""
    clean_seconds: float = 0.0
    """From the kill, or the planned end if later, until the last fault was seen for the last time."""
    verdict: str = ""
    problems: list[str] = field(default_factory=list)
    """What else was not as promised: the verdict, something that ran twice."""

    @property
    def name(self) -> str:
        """As the matrix has it."""
        return f"{self.component}, {self.step}"

    @property
    def held(self) -> bool:
        """Whether every promise did."""
        return not self.leaks and not self.problems


@dataclass(frozen=True)
class Sighting:
    """A fault that was on at some moment of a look (Unix seconds), by its name."""

    began: float
    ended: float
    fault: str


class Sampler:
    """Looks at what is on in one lab from the node, until closed."""

    def __init__(self, lab: str, ports: dict[int, str], faults: dict[str, str]) -> None:
        """`ports` has each edge by its listen port, `faults` the fault that drops packets on an edge."""
        self.sightings: list[Sighting] = []
        self.looks = 0
        self._ports = ports
        self._faults = faults
        # In the pod's network, with the injector's programs: the node's nft may be too old to read what another wrote.
        # The process keeps both, also when the injector's container goes.
        node, pid = find(harness_namespace(lab), "injector")
        inside = ["nsenter", "-t", str(pid), "-n", "-m"]
        urls = [f"http://127.0.0.1:{port + TOXIPROXY_API_PORT_OFFSET}/proxies" for port in ports]
        command = ["docker", "exec", "-i", node, *inside, "python3", "-c", _SAMPLER, *urls]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._child.kill()
        self._thread.join()
        self._child.communicate()

    def _read(self) -> None:
        # What a look found follows the line with its times.
        times, text = "", ""
        for raw in process.piped(self._child):
            line = raw.decode(errors="replace")
            if line.startswith("@ "):
                self._take(times, text)
                times, text = line[2:], ""
            else:
                text += line

    def _take(self, times: str, text: str) -> None:
        for found in documents(text):
            self.looks += 1
            names = dropped(found, self._ports, self._faults) if "nftables" in found else toxics(found)
            began, ended = map(float, times.split())
            self.sightings += [Sighting(began, ended, each) for each in names]


def documents(text: str) -> Iterator[Json]:
    """The JSON objects that stand one after the other; one that was cut off is left out."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except ValueError:
            return
        yield found
        rest = rest[end:].strip()


def toxics(proxies: Json) -> list[str]:
    """The faults whose toxics a Toxiproxy lists: they are named `fault.suffix`."""
    return [toxic["name"].partition(".")[0] for proxy in proxies.values() for toxic in proxy["toxics"]]


def dropped(listing: Json, ports: dict[int, str], faults: dict[str, str]) -> list[str]:
    """The faults whose edges' packets nftables drops."""
    found = []
    for each in listing["nftables"]:
        for element in each.get("set", {}).get("elem", []):
            port = element["elem"]["val"] if isinstance(element, dict) else element
            edge = ports.get(port, str(port))
            found.append(faults.get(edge, f"packets of {edge}"))
    return found


class Matrix:
    """A lab on which cells are done one after the other."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.spec = ScenarioSpec.model_validate(manifest()["spec"])
        edges = self.spec.app.edges()
        self._ports = {edge.port: name for name, edge in edges.items()} | {CANARY_EDGE_PORT: "client->canary"}
        self._drops = {each["edge"]: each["name"] for each in FAULTS if "blackhole" in each}
        self._count = 0
        self._api_kills = 0

    def up(self, line: Line) -> None:
        """Bring the lab up anew."""
        _deploy.delete(self.cluster, NAME, line)
        _publish.folder(self.cluster, FOLDER)
        self.cluster.create(SCENARIOS, applied(manifest()))
        _deploy.wait_ready(self.cluster, NAME, line)

    def down(self) -> None:
        """Remove it; also after an error at a moment when the API server is only coming back."""
        patiently(lambda: _stop.stop(self.cluster, [NAME]))
        patiently(lambda: self.cluster.delete(f"{SCENARIOS}/{NAME}"))

    def undisturbed(self, line: Line) -> Cell:
        """A run in which nothing is killed: what is right, and that the runs before it left nothing."""
        return self._cell("nothing", "the next run", None, line)

    def cell(self, component: str, step: str, line: Line) -> Cell:
        """One run in which `component` is killed at `step`; another run where one was past that between two looks.

        Raises NotReady (FL333) when that happens in each of three runs, or when the lab does not become healthy.
        """
        missed = 0
        while True:
            try:
                return self._cell(component, step, lambda status: self._moment(step, status), line)
            except MomentMissed:
                missed += 1
                if missed == TRIES:
                    raise

    def _cell(self, component: str, step: str, moment: Callable[[RunStatus], float | None] | None, line: Line) -> Cell:
        found = Cell(component, step)
        line.update(f"{found.name}: waiting for a healthy lab")
        self._healthy(found)
        with self._sampling() as sampler:
            run = self._start()
            killed = None
            if moment:
                with self._victim(component) as kill:
                    self._await(run, moment, line, found)
                    killed = kill()
            if component == "apiserver":
                self._bring_back_api()
                self._api_kills += 1
            line.update(f"{found.name}: waiting for the run's end")
            status = self._done(run, component)
            time.sleep(AFTER_SECONDS)
        if component == "apiserver" and self._api_kills > 1:
            line.update(f"{found.name}: waiting for what follows the API server")
            time.sleep(FOLLOW_SECONDS)
        self._judge(found, status, sampler, killed)
        return found

    def _start(self) -> str:
        self._count += 1
        name = time.strftime(f"{NAME}-%Y%m%d-%H%M%S-{self._count}", time.gmtime())
        body = {
            "apiVersion": "faultline.dev/v1alpha1",
            "kind": "Run",
            "metadata": {"name": name},
            "spec": {"scenario": NAME, "seed": 1},
        }
        self.cluster.create(RUNS, body)
        return name

    def _moment(self, step: str, status: RunStatus) -> float | None:
        """When to kill, in Unix seconds, as soon as that is known."""
        now = time.time()
        late, hole = status.faults[:2] or (None, None)
        known: dict[str, float | None] = {
            "before the plan": now if status.phase in (Phase.RESET, Phase.SETTLE) else None,
            "after intent": now if status.phase is Phase.BASELINE else None,
            "during late": late.planned_start + 1.0 if late else None,
            "during hole": hole.planned_start + 1.0 if hole else None,
            "during revert": hole.planned_end if hole else None,
            "during grading": now if status.phase is Phase.GRADING else None,
        }
        return known[step]

    def _await(self, run: str, moment: Callable[[RunStatus], float | None], line: Line, found: Cell) -> None:
        """Return at the moment of the kill."""
        line.update(f"{found.name}: waiting for the moment")
        deadline = time.monotonic() + RUN_SECONDS
        while (at := moment(status := self._status(run))) is None:
            if status.phase is Phase.DONE or time.monotonic() > deadline:
                reasons = "; ".join(status.reasons)
                message = f"{found.name}: the run ended before that: {reasons}"
                raise MomentMissed("FL333", message, "measure again")
            time.sleep(0.02)
        time.sleep(max(0.0, at - time.time()))

    @contextmanager
    def _victim(self, component: str) -> Iterator[Callable[[], float]]:
        """Found beforehand, so that the kill takes a millisecond; gives when it was."""
        toxiproxy = component == "toxiproxy"
        node, pid = find(*CONTAINERS["injector" if toxiproxy else component])
        script = _VICTIM.format(pid=pid, toxiproxy="pid=$(pgrep -P $pid toxiproxy-serve)" if toxiproxy else "")
        command = ["docker", "exec", "-i", node, "sh", "-c", script]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603

        def kill() -> float:
            try:
                answer, _ = child.communicate(b"go\n", timeout=KILL_SECONDS)
                return float(answer)
            except (subprocess.TimeoutExpired, ValueError) as error:
                message = f"{component} could not be killed: {error}"
                raise NotReady("FL333", message, "measure again") from error

        try:
            yield kill
        finally:
            child.kill()
            child.communicate()

    def _bring_back_api(self) -> None:
        """The kubelet brings it back; as it waits longer after each end, it is begun anew when it does."""
        deadline = time.monotonic() + BACK_SECONDS
        while not self._api_answers():
            if time.monotonic() > deadline:
                _begin_kubelets_anew()
                deadline = time.monotonic() + 30
            time.sleep(0.3)

    def _api_answers(self) -> bool:
        """It is back when it also knows again who may do what: until then it refuses all."""
        try:
            return self.cluster.request("GET", "/readyz", timeout=2)[0] == 200 and bool(self.cluster.items(RUNS))
        except FaultlineError:
            return False

    def _status(self, run: str) -> RunStatus:
        found = patiently(lambda: self.cluster.get(f"{RUNS}/{run}"))
        return RunStatus.model_validate((found or {}).get("status") or {})

    def _done(self, run: str, component: str) -> RunStatus:
        now = time.monotonic()
        deadline, back = now + RUN_SECONDS, now + BACK_SECONDS
        while (status := self._status(run)).phase is not Phase.DONE and (now := time.monotonic()) < deadline:
            if component == "operator" and now > back:
                # Without it no run ends, and in the end the kubelet would have it wait longer than for that.
                self._forgive(self._platform())
                back = now + BACK_SECONDS
            time.sleep(0.3)
        return status

    def _platform(self) -> list[Json]:
        return self.cluster.items(f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods")

    def _healthy(self, found: Cell) -> None:
        """The lab is Ready, its harness answers and holds no plan, the platform is up; else the cell says so."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        while problems := self._unhealthy():
            if time.monotonic() > deadline:
                message = f"{found.name}: not healthy after {HEALTHY_SECONDS:g} s: {'; '.join(problems)}"
                raise NotReady("FL333", message, "make doctor")
            time.sleep(0.5)

    def _unhealthy(self) -> list[str]:
        try:
            pods = self._platform() + _labs.app_pods(self.cluster, NAME) + _labs.harness_pods(self.cluster, NAME)
            late = [each["metadata"]["name"] for each in pods if not _labs.is_ready(each)]
            if late:
                # A part that is killed again and again is held back for minutes; a new kubelet has forgotten it.
                self._forgive(pods)
            if not _labs.find(self.cluster, None, NAME).ready:
                late.append(f"lab {NAME}")
            return late + [f"run {each.name}" for each in _runs.under_way(self.cluster) if each.scenario == NAME]
        except FaultlineError as error:
            return [error.message]

    def _forgive(self, pods: Sequence[Json]) -> None:
        statuses = [each for pod in pods for each in (pod.get("status") or {}).get("containerStatuses") or []]
        waiting = [(each.get("state") or {}).get("waiting") or {} for each in statuses]
        if any(each.get("reason") == "CrashLoopBackOff" for each in waiting):
            _begin_kubelets_anew()
            time.sleep(3)

    @contextmanager
    def _sampling(self) -> Iterator[Sampler]:
        sampler = Sampler(NAME, self._ports, self._drops)
        try:
            yield sampler
        finally:
            sampler.close()

    def _judge(self, cell: Cell, status: RunStatus, sampler: Sampler, killed: float | None) -> None:
        cell.verdict = status.verdict or f"none, {status.phase}"
        cell.leaks, cell.clean_seconds = leaks(cell.component, status, sampler.sightings, killed)
        if sampler.looks < 10:
            cell.problems.append(f"only {sampler.looks} looks at what is on")
        cell.problems += wrong(cell, status)
        if not killed:
            cell.problems += unclean(status, {each.fault for each in sampler.sightings})


def leaks(
    component: str, status: RunStatus, sightings: Sequence[Sighting], killed: float | None
) -> tuple[list[str], float]:
    """Faults that were on out of their time, and how long the last of them took to go."""
    planned = {each.name: (each.planned_start, each.planned_end) for each in status.faults}
    found, slowest = [], 0.0
    for name in sorted({each.fault for each in sightings}):
        seen = [each for each in sightings if each.fault == name]
        if name not in planned:
            found.append(f"{name} is no fault of the run")
            continue
        start, due = planned[name]
        if component == "operator" and killed:
            due = min(due, killed)
        if status.ended:
            due = min(due, status.ended)
        # A look under load may take longer than what it looks for: no doubt of its own is held against a fault.
        first, last = seen[0].ended, seen[-1].began
        slowest = max(slowest, last - max(due, min(killed or due, last)))
        if first < start - EARLY_SECONDS:
            found.append(f"{name} was on {start - first:.2f} s early")
        if last > due + LEFT_SECONDS:
            found.append(f"{name} was on {last - due:.2f} s after it was due to end")
    return found, round(slowest, 2)


def wrong(cell: Cell, status: RunStatus) -> list[str]:
    """What of the run's end is not right: its verdict, or a phase that came twice."""
    found = []
    phases = [each.name for each in status.phases]
    found += [f"{each} came twice" for each in sorted(set(phases)) if phases.count(each) > 1]
    must = cell.step in MUST_BE_INCONCLUSIVE.get(cell.component, set())
    allowed = ["inconclusive"] if must else ["inconclusive", "fail"]
    if status.verdict not in allowed:
        found.append(f"verdict {status.verdict or 'missing'} where {' or '.join(allowed)} is right")
    if status.verdict == "inconclusive" and not status.reasons:
        found.append("inconclusive without a reason")
    return found


def unclean(status: RunStatus, seen: set[str]) -> list[str]:
    """What shows that an undisturbed run was not."""
    found = [each for each in status.reasons if not each.startswith(NOISE)]
    if status.verdict == "fail" or all(each.startswith(NOISE) for each in status.reasons):
        found = []
    for each in status.faults:
        if not (each.applied and each.reverted and each.observed) or each.gap or each.error:
            found.append(f"fault {each.name} did not go as planned: {each.model_dump(exclude_none=True)}")
    return found + [f"fault {each['name']} was never on" for each in FAULTS if each["name"] not in seen]


def patiently(ask: Callable[[], T], seconds: float = 90.0) -> T:
    """Ask an API server that may be down just now."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except FaultlineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _begin_kubelets_anew() -> None:
    """A new kubelet has forgotten what it held back, and for how long."""
    patiently(lambda: _node.everywhere("systemctl restart kubelet", timeout=60))


def find(namespace: str, container: str) -> tuple[str, int]:
    """Node and process id of a running container; while one ends beside it, the node may not say for seconds."""
    return patiently(lambda: _node.find(namespace, container))


def manifest() -> Json:
    """The smallest scenario of the tests, with a short run and two faults."""
    found: Json = copy.deepcopy(yaml.safe_load((FOLDER / "scenario.yaml").read_text()))
    found["metadata"] = {"name": NAME, "labels": {LABEL_BY: BY}}
    found["spec"] |= {"phases": PHASES, "faults": FAULTS}
    return found


def cells() -> list[tuple[str, str]]:
    """All of them."""
    return [(component, step) for component in COMPONENTS for step in STEPS]


def as_row(cell: Cell) -> dict[str, Any]:
    """A cell for programs."""
    return {
        "cell": cell.name,
        "leaks": len(cell.leaks),
        "seconds": cell.clean_seconds,
        "verdict": cell.verdict,
        "problems": cell.leaks + cell.problems,
    }
