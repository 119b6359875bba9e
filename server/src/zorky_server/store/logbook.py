"""The statements behind failures and promotions. Each function runs inside a transaction of its caller."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from .database import insert_into
from .schema import failures, promotions
from .values import Failure, Promotion

_HOUR = 3_600_000_000
"""Microseconds."""


def count_failures(connection: Connection, counts: Mapping[Failure, int]) -> None:
    """Adds to the counts."""
    rows = [asdict(failure) | {"count": count} for failure, count in counts.items()]
    if not rows:
        return
    # Rows in one order: two servers that add to the same ones then wait for each other, and never in a circle.
    rows.sort(key=lambda row: tuple(map(str, row.values())))
    upsert = insert_into(connection, failures).values(rows)
    added = {"count": failures.c.count + upsert.excluded.count}
    connection.execute(upsert.on_conflict_do_update(index_elements=failures.primary_key.columns, set_=added))


def forget_failures(connection: Connection, before: int) -> None:
    """Deletes the counts of hours that ended before this moment."""
    connection.execute(delete(failures).where(failures.c.hour < before // _HOUR))


def add_promotion(connection: Connection, promotion: Promotion) -> None:
    """Keeps what became of a model."""
    connection.execute(insert(promotions).values(promotion_id=uuid.uuid4().hex, **asdict(promotion)))


def all_promotions(connection: Connection) -> list[Promotion]:
    """The oldest first."""
    columns = [column for column in promotions.c if column is not promotions.c.promotion_id]
    rows = connection.execute(select(*columns).order_by(promotions.c.created_at, promotions.c.promotion_id))
    return [Promotion(**row) for row in rows.mappings()]
