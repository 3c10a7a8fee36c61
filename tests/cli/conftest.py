"""A cluster in memory, with the API server's rules that the verbs rely on: names, 404s, merge patches."""

import copy
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from faultline.cli import build
from faultline.cli._cluster import Cluster
from faultline.cli.base import console
from faultline.errors import Conflict, NotFound, Unreachable

SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
RUNS = "/apis/faultline.dev/v1alpha1/runs"


class FakeCluster:
    """Objects by path; `services` answers calls through the service proxy."""

    context = "kind-faultline"

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.services: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.swaps: dict[str, tuple[int, Any]] = {}
        """What a pod answers to new code; by default nothing listens there."""

    def request(self, method, where, body=None, timeout=10):
        pod = where.rsplit("/pods/", 1)[-1].split(":")[0]
        self.calls.append((method, pod, (body or {}).get("digest", "")))
        return self.swaps.get(pod, (503, {"message": "connection refused"}))

    def put(self, path: str, **fields: Any) -> None:
        self.objects[path] = {"metadata": {"name": path.rsplit("/", 1)[-1], "generation": 1}, **fields}

    def get(self, where):
        return copy.deepcopy(self.objects.get(where))

    def items(self, where, labels=""):
        wanted = dict(each.split("=") for each in labels.split(",") if each)
        inside = [each for path, each in self.objects.items() if path.rsplit("/", 1)[0] == where]
        return [
            copy.deepcopy(each) for each in inside if wanted.items() <= (each["metadata"].get("labels") or {}).items()
        ]

    def create(self, where, body):
        path = f"{where}/{body['metadata']['name']}"
        if path in self.objects:
            raise Conflict("FL404", f"{path} exists")
        self.objects[path] = copy.deepcopy(body)
        self.objects[path]["metadata"].setdefault("generation", 1)
        return self.get(path)

    def patch(self, where, body):
        if where not in self.objects:
            raise NotFound("FL205", where)
        self.objects[where] = merge(self.objects[where], body)
        return self.get(where)

    def delete(self, where):
        return self.objects.pop(where, None) is not None

    def logs(self, namespace, pod, *, previous=False, lines=40):
        return self.services.get((namespace, pod), "")

    def execute(self, namespace, pod, command):
        raise Unreachable("FL606", f"{pod} in {namespace} runs no command")

    def service(self, method, namespace, name, port, path, body=None, *, query=None, token="", timeout=10):
        self.calls.append((method, f"{name}.{namespace}{path}", token))
        answer = self.services.get((f"{name}.{namespace}", path))
        if answer is None:
            raise Unreachable("FL601", f"{name}.{namespace}{path} answered 503: no endpoints")
        return answer() if callable(answer) else answer


def merge(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FAULTLINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("FAULTLINE_CONTEXT", raising=False)
    monkeypatch.setattr("faultline.cli._record.REPO", tmp_path)
    monkeypatch.setattr(console, "quiet", False)
    # As in a shell that has neither: the words that are printed depend on both.
    monkeypatch.setattr("faultline.cli.base.which", lambda name: None)
    monkeypatch.delenv("MAKELEVEL", raising=False)
    # A cluster that runs on this machine is not this one.
    monkeypatch.setattr("faultline.cli._node.node_containers", lambda **options: [])
    monkeypatch.setattr("faultline.cli._emergency._ON_HOST", "true")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def scenarios(tmp_path, monkeypatch):
    """A scenarios folder with one small scenario, `shop`."""
    root = tmp_path / "scenarios"
    for path, text in FOLDER.items():
        (root / "shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "shop" / path).write_text(text)
    monkeypatch.setattr("faultline.cli._labs.scenarios_root", lambda: root)
    return root


FOLDER = {
    "scenario.yaml": """
apiVersion: faultline.dev/v1alpha1
kind: Scenario
metadata: {name: shop}
spec:
  slug: shop
  title: A small shop
  tier: crawling
  app:
    entry: web
    services: [{name: web, module: "web:app"}]
  load: {stages: [{rate: 10}]}
  phases: {baseline: 2s, fault: 3s, recovery: 2s, drain: 1s}
  faults: [{for: 2s, none: {}}]
  objectives: [{name: answers, weight: 1, target: 0.99, worst: 0.9, reason: answer people, availability: {}}]
""",
    "app/web.py": "app = 1\n",
    "solution/web.py": "app = 2\n",
    "wrong/slower/web.py": "app = 3\n",
    "wrong/slower/wrong.yaml": "objective: answers\nreason: it is slower\n",
    "load.py": "",
    "HINTS.md": "# Hints\n\n## Rung 1: Symptom\n\nLook.\n\n## Rung 2: Cause\n\nThink.\n",
}


@pytest.fixture
def cluster(monkeypatch):
    fake = FakeCluster()
    monkeypatch.setattr(Cluster, "open", classmethod(lambda cls, context: fake))
    return fake


@pytest.fixture
def run():
    """Runs a command line; gives exit status, standard output and standard error."""
    return lambda *args, **options: CliRunner().invoke(build(*args[:1]), list(args), **options)


@pytest.fixture
def run_json(run):
    """Runs a command line with -o json; gives the exit status and what was printed, decoded."""

    def call(*args):
        result = run(*args, "-o", "json")
        return result.exit_code, json.loads(result.stdout)

    return call


@pytest.fixture
def lab(cluster, scenarios):
    """Puts a Ready lab of `shop` into the cluster; `digest` is what runs in it."""

    def make(name="shop", digest="d1", variant="flawed", **status):
        cluster.put(
            f"{SCENARIOS}/{name}",
            spec={
                "slug": "shop",
                "title": "A small shop",
                "tier": "walking",
                "app": {"services": [{"name": "web"}]},
                "phases": {},
            },
            status={
                "phase": "Ready",
                "observedGeneration": 1,
                "code": {"digest": digest, "variant": variant},
                "conditions": [{"type": "Ready", "status": "True"}],
                **status,
            },
        )
        return name

    return make


@pytest.fixture
def done_run(cluster):
    """Puts a graded run into the cluster."""

    def make(name, scenario="shop", *, digest="d1", variant="flawed", verdict="fail", score=40, at="10:00:00", **more):
        cluster.put(
            f"{RUNS}/{name}",
            spec={"scenario": scenario, "seed": 1},
            status={
                "phase": "Done",
                "started": 1000.0,
                "ended": 1081.0,
                "code": {"digest": digest, "variant": variant},
                "score": score,
                "verdict": verdict,
                **more,
            },
        )
        cluster.objects[f"{RUNS}/{name}"]["metadata"]["creationTimestamp"] = f"2026-11-21T{at}Z"
        return name

    return make
