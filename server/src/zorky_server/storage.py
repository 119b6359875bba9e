"""The store that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .settings import Settings
from .store import Store, StorePlace, open_store


@asynccontextmanager
async def opened_store(settings: Settings, *, must_exist: bool = False) -> AsyncIterator[Store]:
    """The store, made on first use, and closed at the end of the block. Raises CannotOpen.

    must_exist: for commands, which are told the wrong place at times.
    """
    place = StorePlace(settings.data_dir, settings.database, settings.pictures, settings.secret_file)
    store = await open_store(place, settings.result_lifetime, must_exist=must_exist)
    try:
        yield store
    finally:
        await store.close()
