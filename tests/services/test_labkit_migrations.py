"""`migrate` on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests import servers

from labkit.migrations import migrate

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = servers.free_port()
    with servers.server(
        port,
        ROLE="primary",
        SEED_SQL="",
        POSTGRES_ADMIN_PASSWORD=servers.ADMIN,
        POSTGRES_ARGS=f"{servers.FAST} -c port={port}",
    ):
        yield f"postgresql://app:app@127.0.0.1:{port}/lab"


@pytest.fixture
async def pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(url, min_size=1, max_size=4) as one:
        yield one
        await one.execute("DROP TABLE IF EXISTS things, schema_migrations")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    return lambda name, sql: (tmp_path / name).write_text(sql) and None


async def test_files_are_run_in_the_order_of_their_names(pool, write, tmp_path):
    write("002_more.sql", "ALTER TABLE things ADD COLUMN name text; CREATE INDEX things_name ON things (name);")
    write("001_things.sql", "CREATE TABLE things (id int);")
    assert await migrate(pool, tmp_path) == ["001_things.sql", "002_more.sql"]
    assert await pool.fetchval("SELECT count(*) FROM pg_indexes WHERE indexname = 'things_name'") == 1


async def test_a_file_is_run_once(pool, write, tmp_path):
    write("001_things.sql", "CREATE TABLE things (id int);")
    await migrate(pool, tmp_path)
    write("002_one.sql", "INSERT INTO things VALUES (1);")
    assert await migrate(pool, tmp_path) == ["002_one.sql"]
    assert await migrate(pool, tmp_path) == []
    assert await pool.fetchval("SELECT count(*) FROM things") == 1


async def test_a_file_that_fails_leaves_nothing_behind(pool, write, tmp_path):
    write("001_things.sql", "CREATE TABLE things (id int); CREATE TABLE things (id int);")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(pool, tmp_path)
    write("001_things.sql", "CREATE TABLE things (id int);")
    assert await migrate(pool, tmp_path) == ["001_things.sql"]


async def test_of_several_that_start_together_one_does_it(pool, write, tmp_path):
    write("001_things.sql", "CREATE TABLE things (id int);")
    done = await asyncio.gather(*(migrate(pool, tmp_path) for _ in range(4)))
    assert sorted(done, key=len) == [[], [], [], ["001_things.sql"]]
