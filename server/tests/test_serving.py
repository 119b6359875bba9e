"""The end of a run: a broken worker ends the process, so that health never lies."""

import asyncio

from zorky_server.serving import _until_told
from zorky_server.settings import Settings


class FakeServer:
    """Counts how it was ended."""

    def __init__(self) -> None:
        self.aborted = 0

    async def abort(self) -> None:
        self.aborted += 1


async def test_a_broken_worker_ends_the_process_with_status_1():
    async def work() -> None:
        raise RuntimeError("a worker's last words")

    server = FakeServer()
    status = await _until_told(asyncio.Queue(), asyncio.create_task(work()), server, None, Settings())
    assert (status, server.aborted) == (1, 1)
