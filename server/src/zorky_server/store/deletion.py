"""The statements behind deleting people's data. Each function runs inside a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from .schema import feedback, readings, results
from .values import Deleted

_AT_ONCE = 500
"""Results: few enough that nobody who writes beside waits for long."""


def delete_some(connection: Connection, which: ColumnElement[bool]) -> tuple[Sequence[str], Deleted]:
    """Deletes some of the results of which `which` is true, with readings and feedback; none when none is left.

    Returns the ids of those whose picture must go.
    """
    # Locked, so that feedback for them that is just being added is deleted too, or finds no result.
    some = select(results.c.result_id).where(which).order_by(results.c.created_at).limit(_AT_ONCE).with_for_update()
    ids = (connection.scalars(some)).all()
    feedbacks = connection.execute(delete(feedback).where(feedback.c.result_id.in_(ids)))
    kept = delete(readings).where(readings.c.result_id.in_(ids)).returning(readings.c.result_id)
    pictures = (connection.scalars(kept)).all()
    connection.execute(delete(results).where(results.c.result_id.in_(ids)))
    return pictures, Deleted(len(ids), len(pictures), feedbacks.rowcount)
