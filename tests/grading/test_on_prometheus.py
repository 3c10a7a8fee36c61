"""The validity rules' and the charts' queries on a real Prometheus, which holds a healthy run and a few unfit ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faultline.clients.prometheus import Prometheus
from faultline.grading import grade, series, wait_complete
from faultline.grading.validity.base import Question
from faultline.grading.validity.complete import Complete
from faultline.grading.validity.counts import Counts
from faultline.grading.validity.noise import Noise
from faultline.grading.validity.restarts import Restarts
from faultline.grading.validity.scrapes import Scrapes

pytestmark = pytest.mark.e2e

MARK = 1_790_000_000.0
WINDOWS = {"baseline": (0, 12), "fault": (12, 42), "recovery": (42, 57), "drain": (57, 61)}
END = 64.6
SCENARIOS = ("healthy", "gap", "restart")

Points = Callable[[int], float | None]
"""Value at a second after the mark; None for no scrape."""


def _ramp(rate: float, start: float = 0, end: float = 57) -> Points:
    return lambda at: rate * (min(max(at, start), end) - start)


def _made_up() -> dict[str, list[tuple[str, Points]]]:
    found: dict[str, list[tuple[str, Points]]] = {name: [] for name in ("up", "faultline_load_complete")}
    requests, cpu, edges = [], [], []
    for name in SCENARIOS:
        run, lab = f'run="{name}-1"', f'namespace="lab-{name}"'
        pods = (f'namespace="harness-{name}",pod="loadgen-7-a"', f'namespace="harness-{name}",pod="edges-7-b"')
        for pod in pods:
            gap = name == "gap" and "edges" in pod
            found["up"].append((pod, lambda at, gap=gap: 0 if gap and 20 <= at < 24 else 1))
        found["faultline_load_complete"].append((run, lambda at: float(at > 61)))
        for phase, (start, end) in list(WINDOWS.items())[:3]:
            rates = {"ok": 90, "failed": 10, "unknown": 0}
            requests += [
                (f'{run},phase="{phase}",op="buy",outcome="{outcome}"', _ramp(rate, start, end))
                for outcome, rate in rates.items()
            ]
        opened: Points = (lambda at: float(at % 30 + 5)) if name == "restart" else _ramp(3)
        edges.append((f'namespace="harness-{name}",part="harness",pod="edges-7-b",edge="shop->payments"', opened))
        cpu += [
            (f'{lab},pod="shop-6b5d9c7f88-x2x4z",part="app"', _ramp(0.4, 0, 70)),
            (f'{lab},pod="postgres-0",part="store"', _ramp(0.1, 0, 70)),
        ]
    found["up"].append(('namespace="faultline-system",pod="meter-abcde"', lambda at: 1))
    # Of two cores, 1.08 are busy.
    busy = {"idle": 0.9, "user": 1.0, "system": 0.08, "steal": 0.02, "iowait": 0.0}
    node = [(f'mode="{mode}"', _ramp(rate, -10, 70)) for mode, rate in busy.items()]
    return found | {
        "faultline_load_requests_total": requests,
        "faultline_edge_connections_total": edges,
        "faultline_pod_cpu_seconds_total": cpu,
        "faultline_node_cpu_seconds_total": node,
    }


def _openmetrics() -> str:
    lines = []
    for metric, rows in _made_up().items():
        family = metric.removesuffix("_total")
        lines.append(f"# TYPE {family} {'counter' if metric.endswith('_total') else 'gauge'}")
        for labels, value in rows:
            points = ((at, value(at)) for at in range(-5, 66))
            lines += [f"{metric}{{{labels}}} {each} {MARK + at + 0.3:.1f}" for at, each in points if each is not None]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="session")
def url(prometheus_server: Callable[[str], str]) -> str:
    return prometheus_server(_openmetrics())


@pytest.fixture
def question(spec, evidence, load_report):
    def ask(prometheus: Prometheus, scenario: str, **changes) -> Question:
        counts = {"buy": {"ok": 57 * 90, "failed": 57 * 10, "unknown": 0}}
        body = {
            "run": f"{scenario}-1",
            "scenario": scenario,
            "windows": {name: (MARK + start, MARK + end) for name, (start, end) in WINDOWS.items()},
            "end": MARK + END,
            "load": load_report(counts=counts),
            "faults": [],
        }
        found = evidence(**(body | changes))
        return Question(prometheus, spec, found, found.context(spec))

    return ask


@pytest.fixture
async def server(url):
    async with Prometheus(url) as client:
        yield client


@pytest.mark.parametrize("rule", [Complete, Counts, Restarts, Scrapes])
async def test_a_healthy_run_raises_no_doubt(server, question, rule):
    assert await rule().judge(question(server, "healthy")) == []


async def test_a_gap_is_found_by_the_samples_own_times(server, question):
    (doubt,) = await Scrapes().judge(question(server, "gap"))
    assert doubt.reason == "no scrape of edges for 5.0 s, 19 s into the run"


async def test_a_counter_that_went_down_is_a_restart(server, question):
    (doubt,) = await Restarts().judge(question(server, "restart"))
    assert doubt.reason == "edges-7-b restarted during the run"


@pytest.mark.parametrize(
    ("scenario", "limit", "steps"),
    [
        ("healthy", 0.3, []),
        ("healthy", 0.28, ["the lab gap used 25% meanwhile: `faultline delete --name gap`, and run it again"]),
        ("nobody", 0.5, ["is the meter's pod up?"]),
    ],
)
async def test_cpu_that_is_not_the_labs_is_noise(server, question, monkeypatch, scenario, limit, steps):
    # 1.08 of 2 cores are busy; 0.5 are the lab's, and the other labs' are noise like any other program's: 29%
    monkeypatch.setattr("faultline.grading.validity.noise.NOISE_SHARE", limit)
    assert [each.next_step for each in await Noise().judge(question(server, scenario))] == steps


async def test_numbers_that_are_too_old(server, question):
    (doubt,) = await Complete().judge(question(server, "healthy", end=MARK + 80))
    assert doubt.reason.startswith("stale data")


async def test_counts_of_another_run_are_not_this_runs(server, question, load_report):
    found = await Counts().judge(question(server, "healthy", load=load_report(counts={"buy": {"ok": 5000}})))
    assert [each.reason for each in found] == [
        "buy failed: the load generator counted 0, Prometheus holds 570",
        "buy ok: the load generator counted 5000, Prometheus holds 5130",
    ]


async def test_all_charts_have_lines(server, question):
    found = await series(server, question(server, "healthy").evidence)
    charts = {each.name: each for each in found.charts}
    assert [line.label for line in charts["load"].lines] == ["ok", "failed", "unknown"]
    assert [line.label for line in charts["cpu"].lines] == ["postgres", "shop"]
    assert charts["edges"].lines[0].label == "shop->payments"
    at_20 = found.seconds.index(20.0)
    assert charts["load"].lines[0].values[at_20] == pytest.approx(90, rel=0.01)
    assert charts["latency"].problem == "no data"
    assert [each.name for each in found.spans] == ["baseline", "fault", "recovery", "drain"]


async def test_what_is_not_there_is_inconclusive(server, question, spec):
    asked = question(server, "nobody")
    graded = await grade(server, spec, asked.evidence)
    assert (graded.verdict, graded.score) == ("inconclusive", None)
    assert any("Prometheus never scraped loadgen" in each for each in graded.reasons)
    assert await wait_complete(server, "nobody-1", patience=0.1) > MARK
