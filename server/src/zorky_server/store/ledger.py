"""The statements behind results and feedback. Each function runs inside a transaction of its caller."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, insert, select

from .database import insert_into
from .schema import feedback as feedback_table
from .schema import readings, results
from .values import (
    Consented,
    Feedback,
    MissedLine,
    NoSuchWord,
    OutsidePicture,
    Receipt,
    RequestIdReused,
    UnknownResult,
    WordCorrection,
)

_AT_ONCE = 500
"""Ids that one statement asks for."""
# Locks the result, so that nobody deletes it before there is feedback that would be deleted with it.
_UNEXPIRED = (
    select(results.c.words_per_line, results.c.width, results.c.height)
    .add_columns(exists().where(readings.c.result_id == results.c.result_id).label("is_kept"))
    .where(results.c.result_id == bindparam("asked"), results.c.expires_at > bindparam("now"))
    .with_for_update(read=True, key_share=True, of=results)
)


def add_result(connection: Connection, result: Mapping[str, object], reading: Mapping[str, object] | None) -> None:
    """Adds rows of `results` and, where the picture is kept, of `readings`."""
    connection.execute(insert(results), result)
    if reading:
        connection.execute(insert(readings), reading)


def add_feedback(connection: Connection, feedback: Feedback, receipt: Receipt) -> tuple[Receipt, bool]:
    """Adds feedback under a fresh receipt, or finds the receipt of the same feedback sent before.

    Returns the receipt, and whether the picture of the result must go. Raises RequestIdReused, UnknownResult,
    NoSuchWord or OutsidePicture, before anything is written.
    """
    content = _content(feedback)
    fingerprint = _fingerprint(feedback, content)
    result = _unexpired(connection, feedback.result_id, receipt.created_at)
    if result is None:
        if earlier := _receipt(connection, feedback.request_id, fingerprint):
            return earlier, False
        raise UnknownResult("no such result, or it has expired")
    _check_words(feedback.words or (), result["words_per_line"])
    _check_lines(feedback.missed or (), result["width"], result["height"])
    row = {**asdict(receipt), "request_id": feedback.request_id, "fingerprint": fingerprint, "content": content}
    row |= {"result_id": feedback.result_id, "kind": feedback.kind, "rating": feedback.rating}
    row["allow_training"] = feedback.allow_training
    once = insert_into(connection, feedback_table).on_conflict_do_nothing(index_elements=["request_id"])
    while not connection.execute(once, row).rowcount:  # this request_id came before
        if earlier := _receipt(connection, feedback.request_id, fingerprint):  # else it was deleted meanwhile
            return earlier, False
    goes: bool = result["is_kept"] and not feedback.allow_training
    if goes:
        connection.execute(delete(readings).where(readings.c.result_id == feedback.result_id))
    return receipt, goes


def keeps(connection: Connection, result_id: str, now: int) -> bool:
    """Whether the picture of a result is kept, and not expired by `now`."""
    kept = select(readings.c.result_id).join(results).where(readings.c.result_id == result_id)
    return connection.scalar(kept.where(results.c.expires_at > now)) is not None


def forget_expired(connection: Connection, now: int) -> Sequence[str]:
    """Forgets the readings of results that expired by `now`; returns the ids of those, whose picture must go.

    One whose feedback allows training keeps picture and reading. The record of facts stays: the numbers are counted on
    it.
    """
    expired = select(results.c.result_id).where(results.c.expires_at <= now)
    given = exists().where(feedback_table.c.result_id == readings.c.result_id, feedback_table.c.allow_training)
    spent = delete(readings).where(expired.where(results.c.result_id == readings.c.result_id).exists(), ~given)
    return (connection.scalars(spent.returning(readings.c.result_id))).all()


def with_picture(connection: Connection, result_ids: Sequence[str]) -> set[str]:
    """Which of these results have their picture kept."""
    known: set[str] = set()
    for start in range(0, len(result_ids), _AT_ONCE):
        asked = readings.c.result_id.in_(result_ids[start : start + _AT_ONCE])
        known.update(connection.scalars(select(readings.c.result_id).where(asked)))
    return known


def consented(connection: Connection, since: int) -> list[Consented]:
    """Feedback from the moment `since` on that may be used for training and whose picture is kept, the oldest first."""
    table = feedback_table.c
    rows = connection.execute(
        select(
            table.feedback_id, table.request_id, table.result_id, table.created_at, table.content,
            results.c.user_hash, results.c.model_version, readings.c.reading, readings.c.image_sha256,
        )
        .select_from(feedback_table.join(results).join(readings, readings.c.result_id == results.c.result_id))
        .where(table.allow_training, table.created_at >= since)
        .order_by(table.created_at, table.feedback_id)
    )  # fmt: skip
    return [_consented(row) for row in rows.mappings()]


def _consented(row: RowMapping) -> Consented:
    facts = dict(row)
    feedback = _feedback(facts.pop("request_id"), row["result_id"], facts.pop("content"))
    return Consented(**facts, feedback=feedback)


def _feedback(request_id: str, result_id: str, content: dict[str, Any]) -> Feedback:
    """Feedback that allows training, from what `_content` made of it."""
    words = content.get("words")
    missed = content.get("missed")
    return Feedback(
        request_id,
        result_id,
        rating=content["rating"],
        text=content["text"],
        words=None if words is None else tuple(WordCorrection(**word) for word in words),
        missed=None if missed is None else tuple(MissedLine(tuple(line["quad"]), line["text"]) for line in missed),
        comment=content["comment"],
        allow_training=True,
    )


def _content(feedback: Feedback) -> dict[str, Any]:
    """What the person says, for JSON."""
    content = asdict(feedback)
    for elsewhere in ("request_id", "result_id", "allow_training"):
        del content[elsewhere]
    if feedback.missed is None:
        del content["missed"]  # it came later: fingerprints made before must stay what they are
    return content


def _fingerprint(feedback: Feedback, content: Mapping[str, Any]) -> str:
    """Equal for equal feedback under whatever request id."""
    whole = {**content, "result_id": feedback.result_id, "allow_training": feedback.allow_training}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _receipt(connection: Connection, request_id: str, fingerprint: str) -> Receipt | None:
    table = feedback_table.c
    found = connection.execute(
        select(table.feedback_id, table.created_at, table.fingerprint).where(table.request_id == request_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise RequestIdReused("this request_id was used before with other content: choose a new one")
    return Receipt(row.feedback_id, row.created_at)


def _unexpired(connection: Connection, result_id: str, now: int) -> RowMapping | None:
    """words_per_line, width and height of a result, and whether its reading is kept."""
    if "\0" in result_id:  # PostgreSQL has no such character
        return None
    return connection.execute(_UNEXPIRED, {"asked": result_id, "now": now}).mappings().one_or_none()


def _check_words(words: Sequence[WordCorrection], words_per_line: Sequence[int]) -> None:
    for index, word in enumerate(words):
        if word.line >= len(words_per_line):
            raise NoSuchWord(index, f"the result has {len(words_per_line)} lines, so no line {word.line}")
        if word.word >= words_per_line[word.line]:
            raise NoSuchWord(index, f"line {word.line} has {words_per_line[word.line]} words, so no word {word.word}")


def _check_lines(lines: Sequence[MissedLine], width: int, height: int) -> None:
    for index, line in enumerate(lines):
        corners = zip(line.quad[::2], line.quad[1::2], strict=True)
        if not all(0 <= x <= width and 0 <= y <= height for x, y in corners):  # so NaN is refused too
            raise OutsidePicture(index, f"the picture is {width}x{height}: put every corner of the line inside it")
