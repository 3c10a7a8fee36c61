from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client import REGISTRY
from tests import preloaded

from labkit import create_app, settings
from labkit.metrics import RequestMetrics
from labkit.settings import SettingsError


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
def app() -> FastAPI:
    app = create_app("shop")

    @app.get("/orders/{order}")
    async def read(order: int) -> dict[str, int]:
        return {"order": order}

    @app.get("/refuse")
    async def refuse() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/break")
    async def break_() -> None:
        raise RuntimeError("secret details")

    return app


async def test_health_and_metrics_answer(app, monkeypatch):
    monkeypatch.setenv("CODE_DIGEST", "abc123")
    async with client(create_app("pay")) as http:
        assert (await http.get("/healthz")).json() == {"status": "ok"}
        assert (await http.get("/healthz?pad=5")).json() == {"status": "ok", "pad": "xxxxx"}
        metrics = await http.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'app_info{digest="abc123",service="pay"} 1.0' in metrics.text


async def test_requests_are_counted_by_template_not_by_path(app):
    labels = {"method": "GET", "route": "/orders/{order}", "status": "200"}
    before = value("app_requests_total", **labels)
    async with client(app) as http:
        for order in range(3):
            await http.get(f"/orders/{order}")
    assert value("app_requests_total", **labels) == before + 3
    assert value("app_request_seconds_count", method="GET", route="/orders/{order}") >= 3
    assert value("app_requests_in_flight") == 0


async def test_what_matches_no_route_shares_one_label(app):
    labels = {"method": "GET", "route": "unmatched", "status": "404"}
    before = value("app_requests_total", **labels)
    async with client(app) as http:
        for path in ("/a", "/b"):
            response = await http.get(path)
            assert response.json() == {"detail": "Not Found"}
    assert value("app_requests_total", **labels) == before + 2


async def test_probes_and_scrapes_are_not_counted(app):
    before = value("app_requests_total", method="GET", route="/healthz", status="200")
    async with client(app) as http:
        await http.get("/healthz")
    assert value("app_requests_total", method="GET", route="/healthz", status="200") == before


async def test_errors_are_json_and_tell_nothing(app, caplog):
    labels = {"method": "GET", "route": "/break", "status": "500"}
    before = value("app_requests_total", **labels)
    async with client(app) as http:
        refused = await http.get("/refuse")
        broken = await http.get("/break")
    assert (refused.status_code, refused.json()) == (418, {"detail": "short and stout"})
    assert (broken.status_code, broken.json()) == (500, {"detail": "internal error"})
    assert value("app_requests_total", **labels) == before + 1
    assert "secret details" in caplog.text


async def test_one_traceback_a_second(app, caplog):
    async with client(app) as http:
        for _ in range(20):
            await http.get("/break")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 20
    assert 1 <= sum(record.exc_info is not None for record in errors) < 20


async def test_an_answer_that_breaks_off_is_cut():
    async def half(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    sent = []

    async def send(message):
        sent.append(message["type"])

    with pytest.raises(RuntimeError, match="in the middle"):
        await RequestMetrics(half)({"type": "http", "method": "GET", "path": "/half"}, None, send)
    assert sent == ["http.response.start"]


@pytest.mark.parametrize(
    ("read", "environment", "expected"),
    [
        (lambda: settings.url("payments"), {"PAYMENTS_URL": "http://p:1/"}, "http://p:1"),
        (lambda: settings.url("postgres-replica"), {"POSTGRES_REPLICA_URL": "postgresql://r"}, "postgresql://r"),
        (lambda: settings.integer("N", 3), {}, 3),
        (lambda: settings.integer("N", 3), {"N": "4"}, 4),
        (lambda: settings.number("N"), {"N": "0.5"}, 0.5),
        (lambda: settings.flag("F"), {"F": "Off"}, False),
        (lambda: settings.text("T", ""), {}, ""),
    ],
)
def test_settings(monkeypatch, read, environment, expected):
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert read() == expected


@pytest.mark.parametrize(
    ("read", "environment", "message"),
    [
        (lambda: settings.url("payments"), {}, "PAYMENTS_URL must be set, it is not in the environment"),
        (lambda: settings.integer("N"), {"N": "1.5"}, "N must be a whole number, got '1.5'"),
        (lambda: settings.number("N"), {"N": "a"}, "N must be a number, got 'a'"),
        (
            lambda: settings.flag("F"),
            {"F": "maybe"},
            "F must be one of 1, true, yes, on, 0, false, no, off, got 'maybe'",
        ),
    ],
)
def test_bad_settings(monkeypatch, read, environment, message):
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError) as error:
        read()
    assert str(error.value) == message


def check(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "shop.py").write_text(source)
    return preloaded.run(arguments, str(folder))


GOOD = "from labkit import create_app\napp = create_app('shop')\n"


@pytest.mark.integration
def test_check_imports_and_stops(tmp_path):
    done = check(tmp_path, GOOD, "--check", "shop:app")
    assert (done.returncode, done.stdout) == (0, "shop:app imports\n")


@pytest.mark.integration
@pytest.mark.parametrize("mode", [["--check"], []])
@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("import no_such_module", "shop:app", "No module named 'no_such_module'"),
        ("x = (", "shop:app", "SyntaxError"),
        (GOOD, "shop:other", "has no attribute 'other'"),
        ("app = 3", "shop:app", "shop:app must be an ASGI app, got int"),
        (GOOD, "shop", "the app must be given as module:name, got 'shop'"),
        ("import sys; sys.exit(0)", "shop:app", "SystemExit"),
    ],
)
def test_an_app_that_does_not_import_says_so(tmp_path, mode, source, target, problem):
    done = check(tmp_path, source, *mode, target)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert problem in done.stderr


@pytest.mark.integration
def test_a_lifespan_that_fails_ends_the_process(tmp_path):
    source = (
        "from contextlib import asynccontextmanager\nfrom labkit import create_app\n"
        "@asynccontextmanager\nasync def life(app):\n    raise RuntimeError('no database')\n    yield\n"
        "app = create_app('shop', lifespan=life)\n"
    )
    done = check(tmp_path, source, "--host", "127.0.0.1", "--port", "0", "shop:app")
    assert done.returncode != 0
    assert "no database" in done.stderr


SLOW = f"""{GOOD}
import asyncio
import os

@app.get("/slow")
async def slow(seconds: float, after: str):
    while not os.path.exists(after):
        await asyncio.sleep(0.02)
    await asyncio.sleep(seconds)
    return 1
"""


@pytest.mark.parametrize(("seconds", "answered"), [(0.5, True), (60, False)])
def test_sigterm_gives_requests_in_flight_two_seconds(serve_process, tmp_path, seconds, answered):
    url, process = serve_process("shop:app", SLOW)
    answers, told = [], tmp_path / "told"

    def ask() -> None:
        try:
            asked = {"seconds": seconds, "after": str(told)}
            answers.append(httpx.get(f"{url}/slow", params=asked, timeout=120).status_code == 200)
        except httpx.TransportError:
            answers.append(False)

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 60
    with httpx.Client(timeout=60) as http:
        while "app_requests_in_flight 1.0" not in http.get(f"{url}/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)  # between two polls
    told.touch()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    thread.join(60)
    assert answers == [answered]
