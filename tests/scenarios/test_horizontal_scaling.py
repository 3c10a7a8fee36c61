"""The service of `horizontal-scaling` on the scenario's own fans, and the connections that its versions may open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import ModuleType

import httpx
import pytest
import yaml
from tests.scenarios.conftest import BUSY_SECONDS, SCENARIOS, database

from faultline import catalogue, tuning
from faultline.scenario import ScenarioSpec

SLUG = "horizontal-scaling"
KEPT_FOR_ADMINISTRATORS = 3
ROLLING = 2
"""Pods beside those that are wanted, in the middle of a roll-out: a new one, and one that is ending."""

Load = Callable[[str, str, str], ModuleType]


def wanted_and_there(variant: str) -> tuple[int, int]:
    """Connections that the pods of a version may open during a roll-out, and those that Postgres has."""
    spec = ScenarioSpec.model_validate(yaml.safe_load((SCENARIOS / SLUG / "scenario.yaml").read_text())["spec"])
    app = tuning.applied(spec, catalogue.version(SCENARIOS / SLUG, variant).files).app
    [service], postgres = app.services, app.postgres
    assert postgres is not None
    pods = service.replicas + ROLLING
    return pods * int(service.env["POOL_SIZE"]), postgres.max_connections - KEPT_FOR_ADMINISTRATORS


def test_reference_solution_fits_into_postgres_during_a_roll_out_too():
    wanted, there = wanted_and_there("solution")
    assert wanted <= there


def test_replicas_alone_want_more_than_there_is():
    wanted, there = wanted_and_there("wrong/scale-only")
    assert wanted > there


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with database(SLUG) as found:
        yield found


@asynccontextmanager
async def door(
    module: Load, variant: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a pod of `signin`."""
    for name in ("POSTGRES_URL", "PGBOUNCER_URL"):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("POOL_SIZE", "2")
    main = module(SLUG, variant, "signin.main")
    monkeypatch.setattr(main, "ACQUIRE_SECONDS", BUSY_SECONDS)
    app = main.app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://signin") as client,
    ):
        yield client


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    return await client.post("/sessions", json={"name": name, "password": password})


@pytest.mark.e2e
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("variant", ["flawed", "solution-pgbouncer", "wrong/threads"])
async def test_fans_get_in_with_their_own_password_only(module, url, monkeypatch, variant):
    async with door(module, variant, url, monkeypatch) as client:
        for number in (0, 7, 1023):
            assert (await sign_in(client, f"fan{number}", f"secret-{number}")).status_code == 201
        assert (await sign_in(client, "fan7", "secret-8")).status_code == 401
        assert (await sign_in(client, "fan1024", "secret-1024")).status_code == 401
        assert (await client.get("/me", headers={"Authorization": "Bearer of-nobody"})).status_code == 401


@pytest.mark.e2e
@pytest.mark.usefixtures("patient")
async def test_another_pod_knows_who_has_signed_in(module, url, monkeypatch):
    async with door(module, "flawed", url, monkeypatch) as client:
        token = (await sign_in(client, "fan5", "secret-5")).json()["token"]
    async with door(module, "flawed", url, monkeypatch) as another:
        answer = await another.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"name": "fan5"}


@pytest.mark.e2e
@pytest.mark.usefixtures("patient")
async def test_the_cheat_lets_in_who_has_no_password(module, url, monkeypatch):
    async with door(module, "wrong/let-everybody-in", url, monkeypatch) as client:
        assert (await sign_in(client, "fan7", "anything")).status_code == 201
