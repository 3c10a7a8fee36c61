"""A variant of a scenario's code, and a real Postgres with the scenario's data."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from tests import servers
from tests.conftest import BUSY_SECONDS

import labkit.redis
from faultline import catalogue

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], ModuleType]]:
    """`module(slug, variant, name)` imports a module of a variant; all of them are forgotten afterwards."""
    known = set(sys.modules)

    def load(slug: str, variant: str, name: str) -> ModuleType:
        for path, text in catalogue.version(SCENARIOS / slug, variant).files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(name)

    yield load
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apps wait for their stores as long as a busy machine takes. For tests of what they do, not of how soon."""
    create_pool, create_client = asyncpg.create_pool, labkit.redis.create_client

    def pool(url: str, **options: Any) -> Any:
        return create_pool(url, **{**options, "timeout": BUSY_SECONDS, "command_timeout": BUSY_SECONDS})

    def client(url: str, **options: Any) -> Any:
        return create_client(url, **{**options, "timeout": BUSY_SECONDS})

    monkeypatch.setattr(asyncpg, "create_pool", pool)
    monkeypatch.setattr(labkit.redis, "create_client", client)
    monkeypatch.setattr("labkit.migrations.LONGEST_SECONDS", BUSY_SECONDS)


@contextmanager
def database(slug: str) -> Iterator[str]:
    """The URL of a Postgres with a scenario's data. For tests marked e2e: it needs the images."""
    port = servers.free_port()
    seed = (SCENARIOS / slug / "seed.sql").read_text()
    with servers.server(
        port,
        ROLE="primary",
        SEED_SQL=seed,
        POSTGRES_ADMIN_PASSWORD=servers.ADMIN,
        POSTGRES_ARGS=f"{servers.FAST} -c port={port}",
    ):
        yield f"postgresql://app:app@127.0.0.1:{port}/lab"
