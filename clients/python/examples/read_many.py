"""Reads all pictures of a folder at once with asyncio, and prints each text as soon as it is there."""

import asyncio
import sys
from pathlib import Path

from zorky_client import AsyncClient, Recognition


async def main(pictures: list[Path]) -> None:
    """Nobody waits for a folder: these pictures yield to those that people wait for."""
    async with AsyncClient() as client:
        await client.wait_ready()
        async for name, outcome in client.recognize_many(pictures, concurrency=8, priority="bulk"):
            print(f"{name}:", outcome.text if isinstance(outcome, Recognition) else f"not read: {outcome}", sep="\n")


asyncio.run(main(sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in {".jpg", ".png"})))
