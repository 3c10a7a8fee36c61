"""How long work waits."""

from __future__ import annotations

from typing import ClassVar

from faultline.measures._queue import QueueMeasure
from faultline.measures.base import Context, Direction


class QueueAge(QueueMeasure):
    """How long the oldest item has waited in a queue; 0 when it is empty.

    Streams and tables know when an item came. A classic queue of RabbitMQ knows it by the second where publishers set
    the property `timestamp`; without it, or in a queue of another type, it is how long ago the injector, which looks
    once a second, last saw the queue empty: more than the truth. A Redis list does not know either: there it is how
    long the injector has seen an item of it, so up to a second less than the truth. A queue that the app keeps anywhere
    else than `app.queues` says, or under another name, counts as empty. No data when fewer than 80% of the seconds have
    a reading, since a store that is too busy to answer is so in the worst of them. A queue of RabbitMQ that was there
    and is gone, as after a restart, has none until it is declared again.
    """

    unit: ClassVar[str] = "s"
    better: ClassVar[Direction | None] = "lower"

    def query(self, context: Context) -> str:
        """As the injector finds it in the data store."""
        return self.read(context, "max", "faultline_queue_oldest_seconds")
