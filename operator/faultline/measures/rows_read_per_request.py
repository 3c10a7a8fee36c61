"""How much Postgres looks at for what it gives."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._load import PhasedMeasure, quoted
from faultline.measures.base import SCRAPE_SECONDS, Context, Direction, length, moment


class RowsReadPerRequest(PhasedMeasure):
    """Rows and index entries that the primary read in the lab's database for each request that was answered well.

    As Postgres counts them (`pg_stat_database.tup_returned`): each row of a table that is read from end to end, and
    each entry that an index gives. Reads on replicas do not count.
    """

    unit: ClassVar[str] = "rows/request"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """By the exporter beside the primary, which is none of the learner's."""
        labels = f'namespace={quoted(context.lab_namespace)},part="store",app="postgres",datname="lab"'
        counter = f"pg_stat_database_tup_returned{{{labels}}}"
        start, end = (each + SCRAPE_SECONDS / 2 for each in context.span(self.phases))
        after = f"last_over_time({counter}{length(start, end)} {moment(end)})"
        # A reset makes another database of the same name, whose counter has a series of its own: only that one counts.
        before = f"last_over_time({counter}[9s] {moment(start)}) or {after} * 0"
        phases = quoted("|".join(self.phases))
        good = f'sum(faultline_load_requests_total{{run={quoted(context.run)},phase=~{phases},fault="",outcome="ok"}})'
        return f"sum({after} - ({before})) / ({good} > 0)"
