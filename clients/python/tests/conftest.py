"""Fixtures: a server that does as told, and both clients behind one face."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from zorky_client import AsyncClient, Client

from .contract import Servicer, served


class InThreads:
    """A Client with the face of an AsyncClient: each call blocks a thread of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.client = Client(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        return lambda *args, **kwargs: asyncio.to_thread(method, *args, **kwargs)

    async def recognize_many(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Each answer is waited for in a thread."""
        answers = self.client.recognize_many(*args, **kwargs)
        try:
            while (answer := await asyncio.to_thread(next, answers, None)) is not None:
                yield answer
        finally:
            answers.close()

    async def __aenter__(self) -> "InThreads":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.close()


@pytest.fixture
def servicer() -> Servicer:
    """What the scripted server does."""
    return Servicer()


@pytest.fixture
def server(servicer: Servicer) -> Iterator[str]:
    """Address of the scripted server."""
    with served(servicer) as address:
        yield address


@pytest.fixture(params=[InThreads, AsyncClient], ids=["sync", "async"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Any]]:
    """Opens clients of either kind and closes them after the test."""
    async with AsyncExitStack() as stack:
        opened = []

        def open_client(*args: Any, **kwargs: Any) -> Any:
            opened.append(client := request.param(*args, **kwargs))
            return client

        yield open_client
        for client in opened:
            await stack.enter_async_context(client)


@pytest.fixture
async def client(connect: Callable[..., Any], server: str) -> Any:
    """A client of either kind at the scripted server."""
    return connect(server, timeout=10)
