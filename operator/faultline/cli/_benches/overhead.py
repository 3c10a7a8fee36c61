"""What the proxy on an edge costs each request: the same target asked past its edge and through it, by turns."""

from __future__ import annotations

import json
from collections.abc import Iterator

from faultline.cli._benches._field import EDGES, field
from faultline.cli._benches.base import Bench, Measurement, quantile
from faultline.cli._show import Line

REQUESTS = 5000
P50_BOUND_MS, P99_BOUND_MS = 1.0, 5.0


def measure(bench: Bench) -> Iterator[Measurement]:
    """The difference of the quantiles with the proxy and without it, in milliseconds."""
    with field(bench.cluster) as ground, Line() as line:
        ground.start_tools(line)
        ground.grow(1, line)
        line.update(f"{REQUESTS} requests each way")
        [lab] = ground.labs
        host, port = lab.ways[EDGES[0]]
        command = ["python", "/scripts/ping.py", lab.target, host, str(port), str(REQUESTS)]
        took = json.loads(ground.run("reader", command, seconds=180))
    at = {(way, share): quantile(seconds, share) * 1000 for way, seconds in took.items() for share in (0.5, 0.99)}
    for share, name, bound in ((0.5, "p50", P50_BOUND_MS), (0.99, "p99", P99_BOUND_MS)):
        direct, proxied = at["direct", share], at["proxied", share]
        yield Measurement(f"direct_{name}_ms", round(direct, 3), "ms", n=REQUESTS)
        yield Measurement(f"proxied_{name}_ms", round(proxied, 3), "ms", n=REQUESTS)
        yield Measurement(f"proxy_overhead_{name}_ms", round(proxied - direct, 3), "ms", bound, n=REQUESTS)
