"""Fixtures: a server that does as told, the real server, a page for it, and both clients behind one face."""

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import font_source_sans_pro
import pytest
from PIL import Image, ImageDraw, ImageFont

from zorky_client import AsyncClient, Client

from .contract import Servicer, served

START_SECONDS = 120
PAGE_LINES = ("Сегодня хорошая погода", "We went to the river", "Москва, дом 25")


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


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `zorky-server serve` with the installed weights and a data folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    command = [Path(sys.executable).with_name("zorky-server"), "serve", "--port", "0", "--port-file", folder / "port"]
    with (folder / "log").open("wb") as log:
        settings = ["--data-dir", folder, "--lame-duck", "0"]
        server = subprocess.Popen([*map(str, command), *settings], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield f"localhost:{_port(server, folder)}"
    finally:
        server.terminate()
        assert server.wait(30) == 0, "the server did not stop well"


def _port(server: "subprocess.Popen[bytes]", folder: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        if (folder / "port").exists() and (port := (folder / "port").read_text().strip()):
            return port
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start; it said: {(folder / 'log').read_text()}")


@pytest.fixture(scope="session")
def page_lines() -> tuple[str, ...]:
    """What stands on the page, line by line."""
    return PAGE_LINES


@pytest.fixture(scope="session")
def page() -> bytes:
    """A PNG with a few printed lines, dark ink on light paper."""
    font = ImageFont.truetype(Path(font_source_sans_pro.font_directory) / "SourceSansPro-Regular.ttf", 44)
    image = Image.new("RGB", (760, 360), (246, 243, 235))
    for row, line in enumerate(PAGE_LINES):
        ImageDraw.Draw(image).text((60, 50 + 90 * row), line, (40, 40, 90), font)
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()
