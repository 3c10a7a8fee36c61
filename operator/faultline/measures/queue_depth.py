"""How much work waits."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._queue import QueueMeasure
from faultline.measures.base import Context, Direction


class QueueDepth(QueueMeasure):
    """Items that wait in a queue.

    In a stream of Redis and in RabbitMQ those that a consumer has taken and not acknowledged count as well. No data
    when fewer than 80% of the seconds have a reading, since a store that is too busy to answer is so in the worst of
    them. A queue of RabbitMQ that was there and is gone, as after a restart, has no reading until it is declared again.
    """

    unit: ClassVar[str] = "items"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """As the injector counts them in the data store."""
        return self.read(context, "sum", "faultline_queue_depth")
