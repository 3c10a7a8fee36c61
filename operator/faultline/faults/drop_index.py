"""An index is gone: the queries that lived on it read whole tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from faultline.faults.base import On, PostgresAccess, PostgresFault, PostgresTarget, StoreError, first
from faultline.faults.base.postgres import DATABASE

# Marked invalid, an index is what DROP INDEX leaves to every query: nothing. It is kept up to date all the same, so
# that its end is as sudden as its beginning: building it again would take long, hold up writes, and fail where a unique
# one had let duplicates in. Cached plans go with the table's entry in pg_class.
#
# The app's role owns the index and may build it again, which would end the fault: what it builds with the same columns
# is hidden as well, by an event trigger that only a superuser can drop.
PREPARE = """
PERFORM pg_advisory_xact_lock(hashtext('faultline drop_index'));
CREATE SCHEMA IF NOT EXISTS faultline;
CREATE TABLE IF NOT EXISTS faultline.dropped (index oid PRIMARY KEY, name text, rel oid, key text, expressions text);
CREATE OR REPLACE FUNCTION faultline.hide() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $hide$
BEGIN
  INSERT INTO faultline.dropped
    SELECT i.indexrelid, d.name, d.rel, d.key, d.expressions FROM pg_index i, faultline.dropped d
    WHERE i.indrelid = d.rel AND i.indkey::text = d.key AND pg_get_expr(i.indexprs, i.indrelid) IS NOT DISTINCT FROM
      d.expressions
    ON CONFLICT DO NOTHING;
  UPDATE pg_index SET indisvalid = false FROM faultline.dropped d WHERE indexrelid = d.index AND indisvalid;
  UPDATE pg_class SET relhasindex = relhasindex FROM faultline.dropped d WHERE oid = d.rel;
END $hide$;
CREATE OR REPLACE FUNCTION faultline.hide_new() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
AS $hide$ BEGIN PERFORM faultline.hide(); END $hide$;
IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'faultline_hide') THEN
  CREATE EVENT TRIGGER faultline_hide ON ddl_command_end WHEN TAG IN ('CREATE INDEX', 'REINDEX')
    EXECUTE FUNCTION faultline.hide_new();
END IF;
"""
HIDE = """
INSERT INTO faultline.dropped
  SELECT indexrelid, '{name}', indrelid, indkey::text, pg_get_expr(indexprs, indrelid) FROM pg_index
  WHERE indexrelid = 'public.{name}'::regclass
  ON CONFLICT DO NOTHING;
PERFORM faultline.hide();
"""
SHOW = """
PERFORM pg_advisory_xact_lock(hashtext('faultline drop_index'));
IF to_regclass('faultline.dropped') IS NOT NULL THEN
  UPDATE pg_index SET indisvalid = true FROM faultline.dropped d WHERE indexrelid = d.index AND {which};
  UPDATE pg_class SET relhasindex = relhasindex FROM faultline.dropped d WHERE oid = d.rel AND {which};
  DELETE FROM faultline.dropped d WHERE {which};
  IF NOT EXISTS (SELECT FROM faultline.dropped) THEN
    SET LOCAL client_min_messages = warning;
    DROP SCHEMA faultline CASCADE;
  END IF;
END IF;
"""
FIND = """
SELECT i.indrelid::regclass::text, a.amname, pg_get_expr(i.indpred, i.indrelid),
       (SELECT array_agg(pg_get_indexdef(i.indexrelid, k, true)) FROM generate_series(1, i.indnkeyatts) k)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE c.relname = $1 AND c.relnamespace = 'public'::regnamespace
"""


NO_DATABASE = "3D000"


class DropIndex(PostgresFault):
    """No query can use the index while it lasts; what the app's own role builds in its place neither.

    To the planner, to `\\d` (which says INVALID) and to ON CONFLICT the index is gone. A unique one goes on refusing
    duplicates, and writes still pay for it: that is what lets it be whole again at once at the end. It has to be a
    B-tree or hash index of database `lab`, schema `public`; one with a twin of the same columns is never felt.
    """

    index: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$", max_length=63)] = Field(
        description="the index's name"
    )

    async def prepare(self, target: PostgresTarget) -> None:
        """Finds the index. Raises StoreError when there is none of that name and kind."""
        await self._query(target)
        target.hit([self.index])

    async def hold(self, target: PostgresTarget, on: On) -> None:
        """Hidden behind a guard that shows it again; what was hidden stands in a table next to it."""
        undo = SHOW.format(which=f"d.name = '{self.index}'")
        async with target.guarded(f"drop_index {self.index}", undo, database=DATABASE) as lost:
            await target.do(PREPARE, database=DATABASE)
            await target.due()
            # Prepared again, which is quick: the end of another such fault may have cleaned up meanwhile.
            await target.do(PREPARE + HIDE.format(name=self.index), database=DATABASE)
            on()
            await first([lost])

    async def felt(self, target: PostgresTarget) -> float | None:
        """1 while Postgres plans a query for the index's columns without it, though it is told to avoid doing so."""
        try:
            query = await self._query(target)
            await target.ask("SET enable_seqscan = off", database=DATABASE)
            plan = await target.ask(f"EXPLAIN {query}", database=DATABASE)
        except StoreError:
            return None
        return float(not any(f" {self.index} on" in line or f" on {self.index} " in line for [line] in plan))

    async def _query(self, target: PostgresTarget) -> str:
        found = await target.ask(FIND, self.index, database=DATABASE)
        if not found:
            raise StoreError(f"index must be one of database lab, schema public, got {self.index}")
        [[table, method, predicate, columns]] = found
        if method not in ("btree", "hash"):
            raise StoreError(f"index must be a B-tree or hash index, got {self.index}, which is {method}")
        # A value that the planner does not know, so that what is in the table makes no difference.
        conditions = [f"({each}) = (SELECT {each} FROM {table} LIMIT 1)" for each in columns]  # noqa: S608
        if predicate:
            conditions.append(f"({predicate})")
        return f"SELECT 1 FROM {table} WHERE {' AND '.join(conditions)}"  # noqa: S608 names from the catalogue

    @classmethod
    async def restore(cls, target: PostgresAccess) -> None:
        """Every index is shown."""
        try:
            await target.do(SHOW.format(which="true"), database=DATABASE)
        except StoreError as error:
            # A reset that was cut short left no database.
            if error.state != NO_DATABASE:
                raise
