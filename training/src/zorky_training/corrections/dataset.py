"""Builds the data set of corrected lines from a server's store."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError

from zorky_server.store import Consented, Store
from zorky_server.tasks.handwriting.scripts import language_of

from ..charset import fold
from .care import Care
from .crops import crop_name, cut, opened
from .folder import PARTS, DataSet, Row
from .labels import Reason, told
from .split import NOBODY, Part, parts_of, writer_of
from .vetting import CorrectedLine, author_of, vetted


@dataclass(frozen=True, slots=True)
class Summary:
    """What a data set has, and why it has no more."""

    rows: dict[Part, list[Row]]
    left_out: Counter[Reason]

    def as_json(self) -> dict[str, Any]:
        """Counts alone."""
        every = [row for rows in self.rows.values() for row in rows]
        return {
            "lines": {part: len(rows) for part, rows in self.rows.items()},
            "writers": {part: len({row.writer for row in rows} - {NOBODY}) for part, rows in self.rows.items()},
            "languages": dict(Counter(row.kind for row in every)),
            "left_out": {reason.name.lower(): number for reason, number in self.left_out.items()},
        }


async def build(store: Store, folder: Path, since: int = 0) -> Summary:
    """Brings the data set in `folder` up to date: lines that are new are cut, those that are no longer in the store,
    because somebody deleted them or took the leave back, are deleted here, too.

    since: microseconds since 1970, UTC; what was said of a line before is left out. Raises FileExistsError where
    something else is in the folder.
    """
    data = DataSet(folder)
    lines, left_out = await asyncio.to_thread(corrected_lines, await store.consented(), since)
    parts = parts_of({writer_of(line.user_hash) for line in lines}, data.writers())
    rows: dict[Part, list[Row]] = {part: [] for part in PARTS}
    for same_result in _by_result(lines):
        part = parts[writer_of(same_result[0].user_hash)]
        if await _cut(store, data, part, same_result):
            rows[part] += map(_row, same_result)
        else:
            left_out[Reason.FORGOTTEN] += len(same_result)
    summary = Summary(rows, left_out)
    await asyncio.to_thread(data.finish, rows, summary.as_json())
    return summary


def corrected_lines(pieces: Iterable[Consented], since: int = 0) -> tuple[list[CorrectedLine], Counter[Reason]]:
    """The lines to learn from, the oldest first, and how many others there are for which reason."""
    by_result: defaultdict[str, list[Consented]] = defaultdict(list)
    for piece in sorted(pieces, key=lambda piece: piece.created_at):
        by_result[piece.result_id].append(piece)
    lines, left_out, care = list[CorrectedLine](), Counter[Reason](), defaultdict[str, Care](Care)
    for same_result in by_result.values():
        one = same_result[0]
        try:
            known = told(same_result)
        except ParseError:  # its message would quote what was read
            left_out[Reason.UNREADABLE] += len(same_result)
            continue
        new = [label for label in known.labels if label.said_at >= since]
        lines += [CorrectedLine(one.result_id, one.image_sha256, one.user_hash, label) for label in new]
        left_out += known.unknown
        care[author_of(one.user_hash, one.result_id)] += known.care
    kept, refused = vetted(lines, care)
    return kept, left_out + refused


async def _cut(store: Store, data: DataSet, part: Part, lines: Sequence[CorrectedLine]) -> bool:
    """Puts the crops of one result into the data set, if its picture is still there."""
    missing = {name: line for line in lines if not data.has(part, name := _file(line))}
    if not missing:
        return True
    try:
        file = await store.picture(lines[0].result_id)
    except FileNotFoundError:
        return False
    if hashlib.sha256(file).hexdigest() != lines[0].image_sha256:
        return False
    picture = await asyncio.to_thread(opened, file)
    for name, line in missing.items():
        data.add(part, name, cut(picture, line.label.quad))
    return True


def _by_result(lines: Iterable[CorrectedLine]) -> Iterable[list[CorrectedLine]]:
    groups: defaultdict[str, list[CorrectedLine]] = defaultdict(list)
    for line in lines:
        groups[line.result_id].append(line)
    return groups.values()


def _file(line: CorrectedLine) -> str:
    return crop_name(line.image_sha256, line.label.quad)


def _row(line: CorrectedLine) -> Row:
    text = fold(line.label.text)
    return Row(_file(line), text, language_of(text) or "ru", writer_of(line.user_hash))
