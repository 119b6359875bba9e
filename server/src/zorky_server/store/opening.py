"""Opens a store: its database with the tables of this version, its place for pictures, its secret."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .database import Database
from .pictures import Pictures
from .schema import properties
from .secret import fingerprint, load_secret
from .sqlite import SqliteDatabase
from .store import Store
from .values import CannotOpen, StorePlace

_PUT_BACK = "copy it from the server that made the store, or set secret_file, else nobody's data could be found again"


async def open_store(place: StorePlace, lifetime: float, *, must_exist: bool = False) -> Store:
    """Opens a store, making what it needs on first use. See Store.

    must_exist: a store that was not made before is refused. Raises CannotOpen.
    """
    try:
        return await _open(place, lifetime, must_exist)
    except (OSError, SQLAlchemyError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        where = "PostgreSQL" if place.database else place.folder
        raise CannotOpen(f"cannot keep results in {where}: {reason}") from error


async def _open(place: StorePlace, lifetime: float, must_exist: bool) -> Store:
    if must_exist and place.database is None and not place.file.exists():
        raise CannotOpen(f"there is no {place.file}: set data_dir as for the server")
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pictures = await asyncio.to_thread(Pictures, place.pictures or str(place.folder / "pictures"))
    database = _database(place)
    try:
        file = place.secret_file or place.folder / "secret"
        needs_known = must_exist and place.database is not None  # first files of SQLite's note no secret
        secret = await database.setup(partial(_secret, file=file, needs_known=needs_known))
    except BaseException:
        await database.close()
        raise
    return Store(database, pictures, secret, lifetime)


def _database(place: StorePlace) -> Database:
    if place.database is None:
        return SqliteDatabase(place.file)
    if not place.database.startswith(("postgresql://", "postgres://")):
        raise CannotOpen("database must begin with postgresql:// (or be left out, for SQLite in data_dir)")
    try:
        from .postgresql import PostgresDatabase  # only here: its driver is an extra
    except ModuleNotFoundError as error:
        raise CannotOpen("the driver of PostgreSQL is not installed: pip install 'zorky-server[postgres]'") from error
    return PostgresDatabase(place.database)


def _secret(connection: Connection, file: Path, needs_known: bool) -> bytes:
    """The secret that the store was made with; a new store takes the file's, or a new one."""
    known = connection.scalar(select(properties.c.value).where(properties.c.name == "secret"))
    if known is None and needs_known:
        raise CannotOpen("no server has kept anything in this database: set database as for the server")
    secret = load_secret(file) if known is None else _kept_secret(file)
    if known is None:
        connection.execute(insert(properties).values(name="secret", value=fingerprint(secret)))
    elif known != fingerprint(secret):
        raise CannotOpen(f"the secret in {file} is not the one that the store was made with: {_PUT_BACK}")
    return secret


def _kept_secret(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise CannotOpen(f"there is no {file}, but the store was made with a secret: {_PUT_BACK}") from error
