"""How many connections the app holds to a data store."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from faultline.measures._load import quoted
from faultline.measures._sampled import SampledMeasure
from faultline.measures.base import Context, Direction

Store = Literal["postgres", "postgres-replica", "redis", "pgbouncer"]


class ConnectionsInUse(SampledMeasure):
    """Connections open to a data store, over all of its servers, as the store itself counts them.

    For Postgres those to the lab's database, whoever opened them (the app or pgbouncer); for pgbouncer its clients'.
    For Redis all, so that two of the harness' own are among them.
    """

    unit: ClassVar[str] = "connections"
    better: ClassVar[Direction | None] = "lower"

    store: Store = Field("postgres", description="whose connections")

    def query(self, context: Context) -> str:
        """By the exporter beside the store, which is none of the learner's."""
        labels = f'namespace={quoted(context.lab_namespace)},part="store",app={quoted(self.store)}'
        match self.store:
            case "redis":
                return self.over(context, f"sum(redis_connected_clients{{{labels}}})")
            case "pgbouncer":
                database = f'{labels},database="lab"'
                active = f"sum(pgbouncer_pools_client_active_connections{{{database}}})"
                return self.over(context, f"{active} + sum(pgbouncer_pools_client_waiting_connections{{{database}}})")
        return self.over(context, f'sum(pg_stat_activity_count{{{labels},datname="lab"}})')
