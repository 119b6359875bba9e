"""Stores of a test's own, closed at its end, and what is put into them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from zorky_server.store import Feedback, ResultRecord, Store, StorePlace, open_store

Open = Callable[..., Awaitable[Store]]


@pytest.fixture
async def open_at() -> AsyncIterator[Open]:
    """Opens stores."""
    opened: list[Store] = []

    async def open_one(place: StorePlace, lifetime: float = 3600) -> Store:
        opened.append(await open_store(place, lifetime))
        return opened[-1]

    yield open_one
    for one in opened:
        await one.close()


@pytest.fixture
async def store(place: StorePlace, open_at: Open) -> Store:
    """One store, on each of the databases."""
    return await open_at(place)


@pytest.fixture
def result() -> Callable[..., ResultRecord]:
    """Makes records of results by their number, two words on one line."""

    def make(number: int = 1, **facts: object) -> ResultRecord:
        usual: dict[str, object] = {
            "result_id": f"{number:032x}",
            "user_key": "",
            "model": "test",
            "model_version": "1",
            "model_sha256": "ab" * 32,
            "calibration": "c1",
            "image": b"png",
            "width": 200,
            "height": 100,
            "timings": {"decode": 0.01, "total": 0.5},
            "words_per_line": (2,),
            "confidence": 0.5,
        }
        return ResultRecord(**usual | facts)  # type: ignore[arg-type]

    return make


@pytest.fixture
def praise() -> Callable[..., Feedback]:
    """Makes good ratings of a result by its number."""

    def make(request_id: str, number: int = 1, *, allow_training: bool = False) -> Feedback:
        return Feedback(request_id, f"{number:032x}", rating="good", allow_training=allow_training)

    return make
