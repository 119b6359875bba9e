"""Brings a database to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from .values import CannotOpen

REVISION = "0002"
"""Of the tables in schema.py: the newest in migrations/versions."""
_BEFORE_MIGRATIONS = "0001"
_FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> str:
    """Migrates inside the caller's transaction. Returns the revision before; empty for an empty database.

    The caller sees to it that no other server migrates at the same time. Raises CannotOpen when the database is newer
    than this version of the server.
    """
    before = _revision(connection)
    if before == REVISION:
        return before
    from alembic import command  # only here: it takes half a second, and most starts need none of it
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))  # % is for references to other options
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before and before not in known:
        raise CannotOpen(
            f"the database was made by a newer zorky-server (its tables are of revision {before}, this version knows "
            f"{REVISION}): start that version, or restore the backup that was made before it ran"
        )
    tables = inspect(connection)
    if before and not tables.has_table("alembic_version"):
        command.stamp(config, before)
    command.upgrade(config, REVISION)
    return before


def _revision(connection: Connection) -> str:
    tables = inspect(connection)
    if tables.has_table("alembic_version"):
        return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    return _BEFORE_MIGRATIONS if tables.has_table("results") else ""
