"""Names that several parts must agree on: namespaces, labels, ports, Services."""

from __future__ import annotations

SYSTEM_NAMESPACE = "faultline-system"

PROGRESS_CONFIGMAP = "progress"
"""In the system namespace: the dashboard's copy of the learner's progress, under PROGRESS_KEY."""
PROGRESS_KEY = "progress.json"

LABEL_BY = "faultline.dev/by"
"""On a Scenario that a command made for itself (demo, verify, bench): it is nobody's lab."""
LABEL_SCENARIO = "faultline.dev/scenario"
LABEL_PART = "faultline.dev/part"
"""app (the learner's), shared (ours, in the lab), store, harness, platform."""
ANNOTATION_CODE = "faultline.dev/code"
"""On a Scenario: the ConfigMap in the system namespace with the learner's code. It outlives `kubectl apply`."""
ANNOTATION_CPU = "faultline.dev/cpu"
"""On a pod of a lab, as `CONTAINER=CPU`: the limit that the container gets once it is Ready."""
ANNOTATION_FAULT = "faultline.dev/fault"
"""On a pod or a Deployment that a fault has changed: whose it is and what undoing it takes, as JSON."""
ANNOTATION_SCRAPE = "faultline.dev/scrape"
"""On a pod: the port of its /metrics."""

HELD_OUT = "held-out"
"""In metrics, instead of name and type of a fault that is not told of before its run has ended."""

CODE_PORT = 8001
"""Where an app pod takes other code while it serves (services/labkit/supervisor.py)."""
INJECTOR_PORT = 8090
LOADGEN_PORT = 8091
LOADGEN_METRICS_PORT = 9646
CANARY_EDGE_PORT = 20999
PROMETHEUS_PORT = 9090
TOXIPROXY_API_PORT_OFFSET = 1000
"""The API port of an edge's Toxiproxy process is its listen port plus this, on loopback."""

MAX_SEED = 2**31 - 1
"""A run's largest seed."""


def lab_namespace(scenario: str) -> str:
    """Where the system under test runs."""
    return f"lab-{scenario}"


def harness_namespace(scenario: str) -> str:
    """Where Toxiproxy, injector, load generator and canary run."""
    return f"harness-{scenario}"


def code_configmap(digest: str) -> str:
    """The content-named ConfigMap of a version of some scenario's code."""
    return f"code-{digest[:12]}"
