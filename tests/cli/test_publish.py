"""Commands that bring scenarios into the cluster at the same time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from tests.cli.conftest import FakeCluster

from faultline.cli import _publish


class Race(FakeCluster):
    """Whoever sees that an object is missing waits for another who sees it too: in vain where they take turns."""

    def __init__(self):
        super().__init__()
        self._both = Barrier(2)

    def get(self, where):
        found = super().get(where)
        if found is None:
            with suppress(BrokenBarrierError):
                self._both.wait(timeout=1)
        return found


@pytest.mark.parametrize(
    ("publish", "nothing"),
    [(lambda cluster, root: _publish.folder(cluster, root / "shop"), False), (_publish.folders, [])],
)
def test_two_commands_at_once_take_turns(scenarios, publish, nothing):
    cluster = Race()
    with ThreadPoolExecutor(2) as pool:
        changed = list(pool.map(lambda _: publish(cluster, scenarios), range(2)))
    assert changed.count(nothing) == 1  # The second one finds all of it there.
