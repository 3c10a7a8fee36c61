"""replies_lost: the work is done, the reply never comes, the connection ends."""

from __future__ import annotations

from typing import Any

from faultline.faults.replies_lost import RepliesLost


async def test_work_is_done_and_the_connection_cut(port: int, on: Any, tools: Any, backend: Any) -> None:
    old = await tools.Client.open(port)
    assert (await old.ask())[0] == b"pong\n"
    async with on(RepliesLost()):
        backend.lines.clear()
        assert (await old.ask(b"charge 1"))[0] == b""
        new = await tools.Client.open(port)
        assert (await new.ask(b"charge 2"))[0] == b""
        assert backend.lines == [b"charge 1", b"charge 2"]
    assert await tools.works(port)
    old.close()
    new.close()
