"""Faults on Postgres and Redis in a real lab: felt while they last, gone afterwards, whatever dies in between."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from tests.e2e.lab import Lab, kubectl, wait_for

from faultline.errors import Unreachable

pytestmark = pytest.mark.beside

LASTS, PAUSE = 2.5, 3.0
TOGETHER: list[dict[str, dict[str, Any]]] = [
    {"replay_pause": {}, "drop_index": {"index": "pages_pkey"}, "flush": {}},
    {"replay_delay": {"delay": "1s"}, "lock_table": {"table": "pages"}, "expire_wave": {}},
    {"exhaust_connections": {}, "redis_pause": {}},
    {"kill_backends": {"every": "500ms"}, "evict": {"policy": "allkeys-lru"}},
    {"restart_cold": {}},
]


def planned(type: str, start: float, seconds: float, params: dict[str, Any]) -> dict[str, Any]:
    """One fault of a plan."""
    name = type.replace("_", "-")
    return {"name": name, "type": type, "start": start, "end": start + seconds, "params": params, "seed": 7}


@pytest.fixture(scope="module")
def results(tiny: Lab) -> dict[str, dict[str, Any]]:
    """What became of each fault: those of one group at the same time, one group after the other."""
    tiny.visit("/visits")
    start = time.time() + 3
    faults = [
        planned(type, start + index * (LASTS + PAUSE), LASTS, params)
        for index, group in enumerate(TOGETHER)
        for type, params in group.items()
    ]
    tiny.injector("PUT", "/plan", {"run": "e2e-stores", "lease_seconds": 60, "faults": faults}, seconds=60)
    time.sleep(max(0.0, faults[-1]["end"] + PAUSE - time.time()))
    return {each["type"]: each for each in tiny.injector("DELETE", "/plan/e2e-stores", seconds=60)}


@pytest.mark.parametrize("type", [type for group in TOGETHER for type in group])
def test_is_felt_while_it_lasts_and_gone_afterwards(results: dict[str, dict[str, Any]], type: str) -> None:
    fault = results[type]
    assert fault["error"] == ""
    assert fault["observed"], fault
    assert fault["cleared"], fault
    assert fault["plannedStart"] <= fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["applied"] - fault["plannedStart"] < 1
    assert fault["reverted"] - fault["plannedEnd"] < 1
    assert fault["cleared"] - fault["plannedEnd"] < PAUSE


def test_the_app_works_afterwards(results: dict[str, dict[str, Any]], tiny: Lab) -> None:
    assert tiny.injector("GET", "/ready") == {"problems": []}
    assert tiny.visit("/visits")["visits"] >= 1
    tiny.visit("/pages/afterwards", "PUT")
    wait_for("the page at the replica", lambda: "afterwards" in tiny.visit("/pages"), 3)


def paused(lab: Lab) -> bool:
    """Whether the replica's replay is paused, as the replica itself says."""
    ask = ["psql", "-h", "/run/postgresql", "-U", "postgres", "-Atc", "SELECT pg_get_wal_replay_pause_state()"]
    return (
        kubectl("-n", lab.namespace, "exec", "postgres-replica-0", "-c", "postgres", "--", *ask).stdout
        != "not paused\n"
    )


def test_readers_miss_writes_while_replay_is_paused(results: dict[str, dict[str, Any]], tiny: Lab) -> None:
    faults = [planned("replay_pause", time.time(), 30, {})]
    tiny.injector("PUT", "/plan", {"run": "e2e-pause", "lease_seconds": 60, "faults": faults}, seconds=60)
    wait_for("the pause", lambda: paused(tiny), 5)
    tiny.visit("/pages/unseen", "PUT")
    time.sleep(1)
    assert "unseen" not in tiny.visit("/pages")
    tiny.injector("DELETE", "/plan/e2e-pause", seconds=60)
    wait_for("the page at the replica", lambda: "unseen" in tiny.visit("/pages"), 3)


def writes(lab: Lab) -> bool:
    """Whether the app can write."""
    try:
        lab.visit("/pages/during", "PUT")
    except Unreachable:
        return False
    return True


def all_answer(lab: Lab) -> bool:
    """Whether every data store answers the injector, as a run waits for after a reset."""
    with suppress(Unreachable):
        return bool(lab.injector("GET", "/ready") == {"problems": []})
    return False


def follows(lab: Lab, pod: str) -> str:
    """`t` where that server is a replica, `f` where it takes writes, empty where it does not answer."""
    ask = ["psql", "-h", "/run/postgresql", "-U", "postgres", "-Atc", "SELECT pg_is_in_recovery()"]
    return kubectl("-n", lab.namespace, "exec", pod, "-c", "postgres", "--", *ask, check=False).stdout.strip()


def test_after_a_failover_the_app_writes_to_the_replica_until_a_reset(
    results: dict[str, dict[str, Any]], tiny: Lab
) -> None:
    start = time.time() + 3
    faults = [planned("failover", start, 8, {"detection": "1s"})]
    tiny.injector("PUT", "/plan", {"run": "e2e-failover", "lease_seconds": 60, "faults": faults}, seconds=60)
    assert writes(tiny)
    wait_for("the end of writes", lambda: not writes(tiny), 8, every=0.05)
    assert time.time() >= start
    wait_for("writes again", lambda: writes(tiny), 8)
    time.sleep(max(0.0, start + 8 + PAUSE - time.time()))
    [fault] = tiny.injector("DELETE", "/plan/e2e-failover", seconds=60)
    assert fault["error"] == ""
    assert fault["target"] == "postgres-replica-0"
    assert fault["plannedStart"] <= fault["applied"] <= fault["observed"] < fault["reverted"] <= fault["cleared"]
    assert fault["applied"] - fault["plannedStart"] < 1
    assert follows(tiny, "postgres-replica-0") == "f"
    wait_for("the old primary as a replica", lambda: follows(tiny, "postgres-0") == "t", 30)

    tiny.injector("POST", "/reset", seconds=60)
    assert follows(tiny, "postgres-0") == "f"
    wait_for("all stores", lambda: all_answer(tiny), 20)
    tiny.visit("/pages/home-again", "PUT")
    wait_for("the page at the replica", lambda: "home-again" in tiny.visit("/pages"), 5)
    assert "during" not in tiny.visit("/pages")


def test_nothing_is_left_when_the_injectors_pod_is_gone(results: dict[str, dict[str, Any]], tiny: Lab) -> None:
    faults = [planned("replay_pause", time.time(), 60, {}), planned("evict", time.time(), 60, {"percent": 1})]
    tiny.injector("PUT", "/plan", {"run": "e2e-gone", "lease_seconds": 60, "faults": faults}, seconds=60)
    wait_for("the pause", lambda: paused(tiny), 5)
    kubectl("-n", tiny.harness, "delete", "pod", "-l", "app=edges", "--grace-period=0", "--force")
    wait_for("replay without the injector", lambda: not paused(tiny), 5)
    capped = ["exec", "deploy/redis", "-c", "redis", "--", "redis-cli", "CONFIG", "GET", "maxmemory"]
    wait_for("the cap's end", lambda: "16777216" in kubectl("-n", tiny.namespace, *capped).stdout, 60)
    tiny.wait_ready()
    wait_for("a write, past edges that are new", lambda: writes(tiny), 20)
    wait_for("the page at the replica, past an edge that is new", lambda: "during" in tiny.visit("/pages"), 20)
