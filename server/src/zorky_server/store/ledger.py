"""The statements behind the store. Each function runs inside a transaction of its caller."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import feedback as feedback_table
from .schema import results
from .values import Feedback, NoSuchWord, Receipt, RequestIdReused, UnknownResult, WordCorrection

_NOTHING_READ = {"image_sha256": None, "reading": None}


async def add(connection: AsyncConnection, feedback: Feedback, receipt: Receipt) -> Receipt:
    """Adds feedback under a fresh receipt, or finds the receipt of the same feedback sent before.

    Raises RequestIdReused, UnknownResult or NoSuchWord.
    """
    content = {key: value for key, value in asdict(feedback).items() if key != "request_id"}
    fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    if earlier := await _receipt(connection, feedback.request_id, fingerprint):
        return earlier
    words_per_line = await _words_per_line(connection, feedback.result_id, receipt.created_at)
    _check_words(feedback.words or (), words_per_line)
    row = {**asdict(receipt), "request_id": feedback.request_id, "fingerprint": fingerprint, "content": content}
    row |= {"result_id": content.pop("result_id"), "allow_training": content.pop("allow_training")}
    await connection.execute(insert(feedback_table).values(row))
    if not feedback.allow_training:
        reading = update(results).where(results.c.result_id == feedback.result_id)
        await connection.execute(reading.values(_NOTHING_READ))
    return receipt


async def keeps(connection: AsyncConnection, result_id: str, now: int) -> bool:
    """Whether the picture of a result is kept, and not expired by `now`."""
    kept = (results.c.result_id == result_id, results.c.image_sha256.is_not(None), results.c.expires_at > now)
    return await connection.scalar(select(results.c.result_id).where(*kept)) is not None


async def forget_expired(connection: AsyncConnection, now: int) -> Sequence[str]:
    """Forgets what is known of results that expired by `now`; returns the ids of those whose picture must go.

    A result with feedback keeps its record; one whose feedback allows training keeps its picture and reading too.
    """
    answered = select(feedback_table.c.result_id)
    expired = results.c.expires_at <= now
    spent = (
        expired,
        results.c.image_sha256.is_not(None),
        results.c.result_id.not_in(answered.where(feedback_table.c.allow_training)),
    )
    ids = (await connection.scalars(select(results.c.result_id).where(*spent))).all()
    await connection.execute(update(results).where(*spent).values(_NOTHING_READ))
    await connection.execute(delete(results).where(expired, results.c.result_id.not_in(answered)))
    return ids


async def with_picture(connection: AsyncConnection) -> set[str]:
    """Ids of the results whose picture is kept."""
    ids = await connection.scalars(select(results.c.result_id).where(results.c.image_sha256.is_not(None)))
    return set(ids.all())


async def _receipt(connection: AsyncConnection, request_id: str, fingerprint: str) -> Receipt | None:
    table = feedback_table.c
    found = await connection.execute(
        select(table.feedback_id, table.created_at, table.fingerprint).where(table.request_id == request_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise RequestIdReused("this request_id was used before with other content: choose a new one")
    return Receipt(row.feedback_id, row.created_at)


async def _words_per_line(connection: AsyncConnection, result_id: str, now: int) -> list[int]:
    counts: list[int] | None = await connection.scalar(
        select(results.c.words_per_line).where(results.c.result_id == result_id, results.c.expires_at > now)
    )
    if counts is None:
        raise UnknownResult("no such result, or it has expired")
    return counts


def _check_words(words: Sequence[WordCorrection], words_per_line: Sequence[int]) -> None:
    for index, word in enumerate(words):
        if word.line >= len(words_per_line):
            raise NoSuchWord(index, f"the result has {len(words_per_line)} lines, so no line {word.line}")
        if word.word >= words_per_line[word.line]:
            raise NoSuchWord(index, f"line {word.line} has {words_per_line[word.line]} words, so no word {word.word}")
