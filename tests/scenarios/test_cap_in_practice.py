"""What a site of `cap-in-practice` says while the other one is silent, and whose note it keeps, on a real Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import pytest
from tests import servers
from tests.scenarios.conftest import database

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("patient")]

SLUG = "cap-in-practice"

Load = Callable[[str, str, str], ModuleType]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with database(SLUG) as url:
        yield url


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[None]:
    yield
    connection = await asyncpg.connect(postgres)
    await connection.execute("TRUNCATE notes")
    await connection.close()


@pytest.fixture
async def site(
    module: Load, postgres: str, empty: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    """One site; nobody answers for the other one."""
    variant, name = request.param
    other = {"north": "south", "south": "north"}[name]
    settings = {"SITE": name, "OTHER_SITE": other, "DATABASE": "postgres", "POSTGRES_URL": postgres}
    settings[f"{other.upper()}_URL"] = f"http://127.0.0.1:{servers.free_port()}"
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    app = module(SLUG, variant, "sites.main").app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client,
    ):
        yield client


def sites(*cases: tuple[str, str]) -> Any:
    return pytest.mark.parametrize("site", cases, indirect=True, ids=[" ".join(each) for each in cases])


async def put(site: httpx.AsyncClient, value: int) -> int:
    return (await site.put("/notes/patient", json={"value": value})).status_code


async def get(site: httpx.AsyncClient) -> tuple[int, int | None]:
    answer = await site.get("/notes/patient")
    return answer.status_code, answer.json().get("value")


@sites(
    ("flawed", "north"), ("flawed", "south"), ("solution", "north"), ("solution-ap", "north"), ("solution-ap", "south")
)
async def test_a_site_that_may_goes_on_alone(site):
    assert await put(site, 1) == 204
    assert await get(site) == (200, 1)


@sites(("solution", "south"))
async def test_under_cp_the_other_site_is_not_sure_and_says_so(site):
    assert await put(site, 1) == 503
    assert await get(site) == (503, None)


@sites(("wrong/stale-reads", "south"))
async def test_stale_read_is_taken_for_an_answer(site):
    await site.put("/copies/patient", json={"value": 1})
    assert await put(site, 2) == 503
    assert await get(site) == (200, 1)


@sites(("wrong/both-or-nothing", "north"), ("wrong/both-or-nothing", "south"))
async def test_both_or_nothing_is_nothing(site):
    assert await put(site, 1) == 503


@pytest.fixture
async def notes(module: Load, postgres: str, empty: None, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    store = module(SLUG, request.param, "sites.store")
    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as pool:
        yield store, store.Notes(pool)


async def merged(notes: Any, *copies: tuple[int, float]) -> int:
    """What is there after copies (value, written_at) came in this order."""
    store, here = notes
    for value, written_at in copies:
        await here.merge([store.Copy(key="patient", value=value, written_at=written_at)])
    return int((await here.get("patient")).value)


@pytest.mark.parametrize("notes", ["solution-ap"], indirect=True)
async def test_newest_copy_wins_in_whichever_order_they_come(notes):
    assert await merged(notes, (1, 10.0), (2, 20.0)) == 2
    assert await merged(notes, (1, 10.0)) == 2
    assert await merged(notes, (5, 20.0)) == 5
    assert await merged(notes, (3, 20.0)) == 5


@pytest.mark.parametrize("notes", ["wrong/north-wins"], indirect=True)
async def test_old_copy_wins_where_times_are_not_compared(notes):
    assert await merged(notes, (2, 20.0), (1, 10.0)) == 1
