"""`python -m meter`: metrics of the pods on this node, on port 9101.

Environment: NODE_NAME (needed); KUBERNETES_SERVICE_HOST and _PORT, which every pod has; METER_CGROUPS, where the
host's /sys/fs/cgroup is mounted (/host/sys/fs/cgroup); METER_PORT (9101).
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from meter.cgroups import Reader
from meter.metrics import MeterCollector
from meter.pods import Pods, in_cluster

PORT = 9101
CGROUPS = "/host/sys/fs/cgroup"


def main() -> int:
    """Gives the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    node = os.environ.get("NODE_NAME")
    if not node:
        print("NODE_NAME must be set, it is not in the environment", file=sys.stderr)
        return 2
    # Several files stay open for each pod, and a node may have 250 pods.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    api = in_cluster(os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]))
    pods = Pods(api, node)
    reader = Reader(Path(os.environ.get("METER_CGROUPS", CGROUPS)))
    pods.start()
    registry = CollectorRegistry()
    registry.register(MeterCollector(reader, pods))
    # Blocked before the server's threads are there, so that they don't take the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    start_http_server(int(os.environ.get("METER_PORT", PORT)), registry=registry)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


if __name__ == "__main__":
    sys.exit(main())
