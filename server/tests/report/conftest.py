"""Stores to fill with drawn lives, and reports on them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from random import Random

import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from traffic import DAY, Day, life, write

from zorky_server.report import Report, make_report
from zorky_server.store import Store, StorePlace, open_store


def engine_of(place: StorePlace) -> AsyncEngine:
    """Of the database at a place, past the store: it takes no results of another time than now."""
    if place.database is None:
        return create_async_engine(f"sqlite+aiosqlite:///{place.folder / 'zorky.sqlite3'}")
    return create_async_engine(make_url(place.database).set(drivername="postgresql+asyncpg"))


async def filled(place: StorePlace, days: Iterable[Day]) -> Store:
    """The store at a place, with these days in it."""
    store = await open_store(place, lifetime=3600)
    engine = engine_of(place)
    async with engine.begin() as connection:
        await write(connection, iter(days))
    await engine.dispose()
    return store


@pytest.fixture
def fill() -> Callable[[StorePlace, Iterable[Day]], Awaitable[None]]:
    """Makes a store at a place, with days in it."""

    async def fill(place: StorePlace, days: Iterable[Day]) -> None:
        await (await filled(place, days)).close()

    return fill


@pytest.fixture
def reported(place) -> Callable[[Iterable[Day], int, int], Awaitable[Report]]:
    """Makes a report on days, after they were written into a store on each of the databases."""

    async def report(days: Iterable[Day], start: int, end: int) -> Report:
        store = await filled(place, days)
        async with store.snapshot() as connection:
            made = await make_report(connection, start, end)
        await store.close()
        return made

    return report


@pytest.fixture(scope="session")
def year(tmp_path_factory) -> Report:
    """Of a year with a few thousand pictures."""
    return asyncio.run(drawn(tmp_path_factory.mktemp("year"), days=365))


@pytest.fixture(scope="session")
def month(tmp_path_factory) -> Report:
    """Of thirty days."""
    return asyncio.run(drawn(tmp_path_factory.mktemp("month"), days=30))


@pytest.fixture(scope="session")
def nothing(tmp_path_factory) -> Report:
    """Of thirty days on which nothing happened."""
    return asyncio.run(drawn(tmp_path_factory.mktemp("nothing"), days=0))


async def drawn(folder, days: int) -> Report:
    store = await filled(StorePlace(folder), life(Random(1), date(2026, 1, 1), days, pictures=3000, users=300))
    start = (datetime(2026, 1, 1) - datetime(1970, 1, 1)).days * DAY
    async with store.snapshot() as connection:
        report = await make_report(connection, start, start + (days or 30) * DAY)
    await store.close()
    return report
