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
STEAL_SHARE = 0.2
"""Of 26 runs that lost 10 to 23% and had nothing else wrong with them, all measured what their variants had to show:
solutions 100 points, flawed apps and wrong fixes the objectives that they miss. What steal does is seen by the rules on
the generator's lateness, the faults' times and the canary."""
LAB_SHARE = 0.03
"""Of the CPU, over the whole run: what makes another lab worth naming. One that idles uses about 10% of two cores."""


class Noise(Rule):
    """In no 10 s of the run did others use over 35% of the machine's CPU, or the hypervisor take over 20%.

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
                step = await _other_lab(question, own) or f"stop what else runs on this machine and {AGAIN}"
                doubts.append(Doubt(f"host noise: {who} {share:.0%} of the CPU for 10 s, over {limit:.0%}", step))
        return doubts


PLATFORM = ("kube-system", "local-path-storage")
"""Kubernetes' own pods."""


async def _other_lab(question: Question, own: str) -> str:
    """What to do about the other lab that used most, where it used a part that counts; else nothing."""
    start, end = question.evidence.loaded
    over = f"{length(start, end)} {moment(end)}"
    labs = f'namespace=~"(lab|harness)-.+",namespace!~{quoted(own)}'
    used = f"sum by (namespace) (increase(faultline_pod_cpu_seconds_total{{{labs}}}{over}))"
    query = f"{used} / scalar(sum(increase(faultline_node_cpu_seconds_total{over})))"
    shares: dict[str, float] = {}
    for each in await question.prometheus.instant(query, question.evidence.end):
        name = each.labels["namespace"].partition("-")[2]
        shares[name] = shares.get(name, 0.0) + each.value
    name = max(shares, key=lambda each: shares[each], default="")
    if shares.get(name, 0.0) < LAB_SHARE:
        return ""
    return f"the lab {name} used {shares[name]:.0%} meanwhile: `faultline delete --name {name}`, and {AGAIN}"


async def _number(prometheus: Prometheus, query: str, at: float) -> float:
    value, problem = only(await prometheus.instant(query, at))
    if value is None:
        raise InvalidInput("FL162", f"host noise is not known: {problem}", "is the meter's pod up?")
    return value
