"""The store that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .settings import Settings
from .store import Store, StorePlace, open_store


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store, closed at the end of the block. Raises CannotOpen."""
    place = StorePlace(settings.data_dir, settings.database, settings.pictures, settings.secret_file)
    store = await open_store(place, settings.result_lifetime)
    try:
        yield store
    finally:
        await store.close()
