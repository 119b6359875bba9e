"""The statements behind deleting people's data. Each function runs inside a transaction of its caller."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from .database import insert_into
from .schema import feedback, properties, readings, results
from .values import Deleted

_AT_ONCE = 500
"""Results: few enough that nobody who writes beside waits for long."""
_UNERASED = properties.c.name == "unerased"


def some_of(connection: Connection, which: ColumnElement[bool]) -> tuple[Sequence[str], Sequence[str]]:
    """Some of the results of which `which` is true, none when none is left.

    Returns their ids, and the ids of those whose picture is kept.
    """
    some = select(results.c.result_id).where(which).order_by(results.c.created_at).limit(_AT_ONCE)
    ids = connection.scalars(some).all()
    return ids, connection.scalars(select(readings.c.result_id).where(readings.c.result_id.in_(ids))).all()


def delete_results(connection: Connection, ids: Sequence[str]) -> Deleted:
    """Deletes results with readings and feedback."""
    # Locked, so that feedback for them that is just being added is deleted too, or finds no result.
    locked = select(results.c.result_id).where(results.c.result_id.in_(ids)).order_by(results.c.result_id)
    connection.execute(locked.with_for_update())
    feedbacks = connection.execute(delete(feedback).where(feedback.c.result_id.in_(ids)))
    kept = connection.execute(delete(readings).where(readings.c.result_id.in_(ids)))
    gone = connection.execute(delete(results).where(results.c.result_id.in_(ids)))
    _note_unerased(connection)
    return Deleted(gone.rowcount, kept.rowcount, feedbacks.rowcount)


def unerased(connection: Connection) -> str | None:
    """Names the last deletion after which nothing was erased; None where that was done."""
    return connection.scalar(select(properties.c.value).where(_UNERASED))


def note_erased(connection: Connection, deletion: str) -> None:
    """Erasing was done after this deletion; one that came meanwhile is noted still."""
    connection.execute(delete(properties).where(_UNERASED, properties.c.value == deletion))


def _note_unerased(connection: Connection) -> None:
    note = {"name": "unerased", "value": uuid.uuid4().hex}
    upsert = insert_into(connection, properties).values(note)
    connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_={"value": upsert.excluded.value}))
