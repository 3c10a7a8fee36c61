"""What was acknowledged is still there at the end."""

from __future__ import annotations

from typing import ClassVar

from faultline.checks._contents import Contents
from faultline.checks._history import History, by_key
from faultline.checks.base import Judgement, named


class LostWrites(Contents):
    """Every acknowledged write is found by the final read of its key, unless a later or overlapping one replaced it.

    A write whose reply was lost may be there or not. The final reads have to answer for every key that was written; a
    key that was not read back is undecided.
    """

    unit: ClassVar[str] = "keys"

    def judge(self, history: History) -> Judgement:
        """One final read of each key is compared with all writes to it."""
        found = self.begin(history, ("writes", self.writes))
        finals = by_key(history.final(self.reads))
        unread = set()
        for key, contents in self.keys(history).items():
            if not contents.acknowledged:
                continue
            if key not in finals:
                unread.add(key)
                continue
            found.examined += 1
            read = finals[key][-1]
            stale = contents.stale(read, read.start)
            if stale:
                seen = [(stale.newer, "acknowledged"), (read, f"final read: {stale.text}")]
                if stale.older:
                    seen.append((stale.older, "older, and read in its place"))
                found.violated(f"{stale.newer.op} on {named(key)} was acknowledged and is lost: {stale.text}", *seen)
        found.cannot_tell(f"keys that were written and not read back by {' or '.join(self.reads)}", unread)
        return found
