"""The dashboard on the real cluster: seen in a browser, over a port that outlives its pod."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import aiohttp
import pytest
from playwright.sync_api import expect, sync_playwright
from tests.conftest import until
from tests.e2e.lab import Lab, kubectl, wait_for

from faultline import catalogue
from faultline.cli._cluster import Cluster
from faultline.names import PROMETHEUS_PORT, SYSTEM_NAMESPACE

pytestmark = pytest.mark.e2e

VIEWERS = 50
PODS = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/pods"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where `faultline dashboard` says that it is."""
    command = [sys.executable, "-m", "faultline", "dashboard", "--port", "0", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "faultline dashboard ended"
            said += line
        yield json.loads(said)["url"]
        process.terminate()


@pytest.fixture(scope="module")
def lab(tiny: Lab, cluster: Cluster) -> Iterator[Lab]:
    """The smallest lab; its lesson does not stay in the catalogue."""
    yield tiny
    cluster.delete(f"{catalogue.CONFIGMAPS}/lesson-tiny")


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=25) as reply:  # noqa: S310 - our own address
            return int(reply.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def test_a_person_sees_a_lab_starts_a_run_and_stops_it(url: str, lab: Lab) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "there is no chromium: run tools/browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        wait_for("its lesson", lambda: status_of(f"{url}/scenarios/tiny") == 200, 20)
        page.goto(f"{url}/scenarios/tiny")
        expect(page.locator("#phase")).to_have_text("Ready")
        expect(page.locator("svg.lab.wide .edge.up")).to_have_count(5, timeout=15_000)
        expect(page.locator("svg.lab.wide .node.up")).to_have_count(4)
        page.get_by_role("button", name="Chaos").click()
        expect(page.get_by_role("button", name="Stop")).to_be_enabled()
        expect(page.locator("#run-said")).to_contain_text("Baseline", timeout=120_000)
        expect(page.locator("#v-rate")).to_contain_text("/s", timeout=15_000)
        expect(page.locator("#v-faults")).to_have_text("1", timeout=20_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#v-faults")).to_have_text("0", timeout=20_000)
        expect(page.get_by_role("button", name="Chaos")).to_be_enabled()
        assert problems == []
        browser.close()
    assert lab.toxics() == []


def queries(cluster: Cluster) -> float:
    """How many range queries Prometheus has answered."""
    text = cluster.service("GET", SYSTEM_NAMESPACE, "prometheus", PROMETHEUS_PORT, "/metrics")
    rows = [each for each in text.splitlines() if each.startswith("prometheus_http_requests_total")]
    return sum(float(each.rsplit(" ", 1)[1]) for each in rows if 'handler="/api/v1/query_range"' in each)


async def test_fifty_viewers_cost_prometheus_what_one_does(url: str, lab: Lab, cluster: Cluster) -> None:
    async def watch(client: aiohttp.ClientSession, seconds: list[int]) -> None:
        async with client.get(f"{url}/api/live/{lab.name}") as stream:
            kind = b""
            async for line in stream.content:
                kind = line if line.startswith(b"event: ") else kind
                if line.startswith(b"data: ") and kind.strip() == b"event: tick":
                    seconds.append(json.loads(line[6:])["seconds"][-1])

    connector, seen = aiohttp.TCPConnector(limit=0), [list[int]() for _ in range(VIEWERS)]
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**20) as client:
        tasks = [asyncio.create_task(watch(client, each)) for each in seen]
        await until(lambda: all(seen), 30)
        before, since = await asyncio.to_thread(queries, cluster), time.monotonic()
        first = max(each[-1] for each in seen)
        await until(lambda: all(each[-1] >= first + 5 for each in seen), 30)
        asked, took = await asyncio.to_thread(queries, cluster) - before, time.monotonic() - since
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert 4 <= asked <= took + 2, f"{asked} queries in {took:.1f} s for {VIEWERS} viewers"


def test_only_the_port_forward_leads_to_it_and_a_new_pod_takes_over(url: str, cluster: Cluster) -> None:
    (pod,) = cluster.items(PODS, "app=dashboard")
    name = pod["metadata"]["name"]
    status, _ = cluster.request("GET", f"{PODS}/{name}:8080/proxy/")
    assert status >= 500, "from outside of its pod it must not answer"
    assert status_of(url) == 200
    cluster.delete(f"{PODS}/{name}")
    wait_for("the next pod", lambda: status_of(url) == 200 and name not in _names(cluster), 60)


def _names(cluster: Cluster) -> list[str]:
    return [each["metadata"]["name"] for each in cluster.items(PODS, "app=dashboard")]


@pytest.mark.parametrize(
    "what", ["get secrets -A", "create pods -A", "get pods --subresource=exec -A", "delete scenarios"]
)
def test_its_account_has_none_of(what: str) -> None:
    account = f"--as=system:serviceaccount:{SYSTEM_NAMESPACE}:dashboard"
    assert kubectl("auth", "can-i", *what.split(), account, check=False).stdout.strip() == "no"
