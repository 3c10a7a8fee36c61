"""Who wrote something sees it."""

from __future__ import annotations

from faultline.checks._contents import Contents
from faultline.checks._history import History
from faultline.checks.base import Judgement, named


class ReadYourWrites(Contents):
    """A session that got its write acknowledged and then reads that key sees its write, or a newer one.

    A session is one arrival of load.py, or what its calls name as `session`. Only reads that began after the
    acknowledgement count.
    """

    def judge(self, history: History) -> Judgement:
        """Every answered read is compared with its own session's writes before it."""
        found = self.begin(history, ("writes", self.writes), ("reads", self.reads))
        keys = self.keys(history)
        for read in history.answered(self.reads):
            contents = keys.get(read.key)
            if contents is None or not any(
                each.session == read.session and each.end < read.start for each in contents.acknowledged
            ):
                continue
            found.examined += 1
            stale = contents.stale(read, read.start, read.session)
            if stale:
                seen = [(stale.newer, "acknowledged to this session"), (read, f"the same session: {stale.text}")]
                if stale.older:
                    seen.append((stale.older, "older, and read in its place"))
                found.violated(f"{read.session} does not see its own {stale.newer.op} on {named(read.key)}", *seen)
        return found
