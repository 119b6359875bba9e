"""Bursts: gRPC's own limits must not answer in the server's place: they say CANCELLED, or UNAVAILABLE without when."""

import asyncio

from drawn import LAYOUT_WORD, request, text_picture
from load import Caller
from replica import Replica

PICTURE = request(text_picture("2026", 40), LAYOUT_WORD)


async def test_more_callers_than_a_connection_takes_are_all_served_when_some_hang_up(tmp_path):
    with Replica(tmp_path, "--max-pending", "1000") as server:
        async with Caller(server.address) as caller:
            calls = [asyncio.create_task(caller.call(PICTURE)) for _ in range(800)]
            await asyncio.sleep(0.3)
            for call in calls[90:100]:
                call.cancel()
            await asyncio.wait(calls)
    stayed = [call.result() for call in calls if not call.cancelled()]
    assert [answer.details for answer in stayed if not answer.ok] == []


async def test_everyone_in_a_burst_of_thousands_is_served_or_told_when_to_come_again(server):
    async with Caller(server.address, connections=30) as caller:
        answers = await asyncio.gather(*(caller.call(PICTURE) for _ in range(3000)))
    assert {answer.code.name for answer in answers if not answer.ok and answer.retry_after is None} == set()
