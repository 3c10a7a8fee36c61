"""The emergency stop by way of the nodes, which are containers of this host: no API server is needed.

Begun before anything else of the command is loaded, for loading the Kubernetes client takes as long as the stop itself.
Each injector is told on its own loopback; one that hangs is ended with its Toxiproxy processes, its lease first, so
that its successor does not go on with the plan and ends what outlives an injector. Its own nft ends what the kernel
drops: a node's may be too old to read what it wrote.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from faultline.host.home import CLUSTER
from faultline.names import INJECTOR_PORT

SECONDS = 5.0
"""How long the nodes are waited for."""
ON_NODE = f"""
for pid in $(pgrep -f '^python -m faultline.injector'); do (
  own() {{ tr '\\0' '\\n' < /proc/$pid/environ | sed -n "s/^$1=//p"; }}
  lab=$(own FAULTLINE_SCENARIO)
  answer=$(printf 'X-Faultline-Token: %s' "$(own FAULTLINE_TOKEN)" |
    nsenter -t "$pid" -n curl -s -m 1.2 -X POST -H @- http://127.0.0.1:{INJECTOR_PORT}/stop)
  case "$answer" in
    *'"ended"'*) ;;
    *) kill -STOP "$pid"
       printf '{{"lease": 0, "at": %s}}\\n' "$(date +%s.%N)" >> /proc/$pid/root/var/lib/faultline-injector/journal.jsonl
       nsenter -t "$pid" -n -m nft flush set inet faultline_edges dropped
       kill -9 "$pid" && answer='{{"ended": [], "killed": true}}' ;;
  esac
  echo "$lab $answer"
) & done
wait
"""
_ON_HOST = f"""
for node in $(docker ps --quiet --filter label=io.x-k8s.kind.cluster={CLUSTER}); do
  docker exec "$node" sh -c "$0" &
done
wait
"""


@dataclass
class Stopped:
    """What ended in one lab."""

    lab: str
    faults: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    problem: str = ""
    by_node: bool = False
    """By way of the node alone: the API server's way did not work."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class NodeStop:
    """A stop under way on all nodes of the lab's own cluster."""

    def __init__(self, child: subprocess.Popen[str] | None) -> None:
        self._child = child

    @classmethod
    def begin(cls) -> Self:
        """Tell every injector on every node. Without nodes, or without docker, there is nobody to tell."""
        command = ["sh", "-c", _ON_HOST, ON_NODE]
        try:
            return cls(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))  # noqa: S603
        except OSError:
            return cls(None)  # the usual way says what is wrong with this host

    def result(self) -> list[Stopped]:
        """What each injector answered; empty when the nodes do not answer in time either."""
        if self._child is None:
            return []
        try:
            answer, _ = self._child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            answer, _ = self._child.communicate()
        return parse(answer)


def parse(answer: str) -> list[Stopped]:
    """Lines of a lab's name and its injector's JSON."""
    found = []
    for line in answer.splitlines():
        lab, _, text = line.partition(" ")
        if text.startswith("{"):
            found.append(Stopped(lab, faults=[str(each) for each in json.loads(text)["ended"]], by_node=True))
        else:
            found.append(Stopped(lab, problem="its injector was neither told nor ended", by_node=True))
    return found
