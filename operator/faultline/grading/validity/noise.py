"""Nothing else used the machine."""

from __future__ import annotations

from faultline import names
from faultline.clients.prometheus import Prometheus
from faultline.errors import InvalidInput
from faultline.grading.objectives import only
from faultline.grading.validity.base import AGAIN, Doubt, Question, Rule
from faultline.measures._load import quoted
from faultline.measures.base import length, moment

WINDOW_SECONDS = 10
WINDOW = f"[{WINDOW_SECONDS}s]"
NOISE_SHARE = 0.35
STEAL_SHARE = 0.1


class Noise(Rule):
    """In no 10 s of the run did others use over 35% of the machine's CPU, or the hypervisor take over 10%.

    Others' use is what the node used less what the pods of this lab, its harness, the platform and Kubernetes used.
    """

    async def check(self, question: Question) -> list[Doubt]:
        """The worst 10 s, looked at each second."""
        start, end = question.evidence.loaded
        own = "|".join(
            [question.context.lab_namespace, question.context.harness_namespace, names.SYSTEM_NAMESPACE, *PLATFORM]
        )
        all_time = f"sum(rate(faultline_node_cpu_seconds_total{WINDOW}))"
        busy = f'sum(rate(faultline_node_cpu_seconds_total{{mode!~"idle|iowait|steal"}}{WINDOW}))'
        ours = f"sum(rate(faultline_pod_cpu_seconds_total{{namespace=~{quoted(own)}}}{WINDOW}))"
        steal = f'sum(rate(faultline_node_cpu_seconds_total{{mode="steal"}}{WINDOW}))'
        # The first 10 s that lie within the run end 10 s after its start: fresh pods cost the kubelet CPU before it.
        over = f"{length(start + WINDOW_SECONDS, end)[:-1]}:1s] {moment(end)}"
        at = question.evidence.end
        found = (
            (f"max_over_time((({busy} - {ours}) / {all_time}){over})", NOISE_SHARE, "other programs used"),
            (f"max_over_time(({steal} / {all_time}){over})", STEAL_SHARE, "the hypervisor took"),
        )
        doubts = []
        for query, limit, who in found:
            share = await _number(question.prometheus, query, at)
            if share > limit:
                step = f"stop what else runs on this machine and {AGAIN}"
                doubts.append(Doubt(f"host noise: {who} {share:.0%} of the CPU for 10 s, over {limit:.0%}", step))
        return doubts


PLATFORM = ("kube-system", "local-path-storage")
"""Kubernetes' own pods."""


async def _number(prometheus: Prometheus, query: str, at: float) -> float:
    value, problem = only(await prometheus.instant(query, at))
    if value is None:
        raise InvalidInput("FL162", f"host noise is not known: {problem}", "is the meter's pod up?")
    return value
