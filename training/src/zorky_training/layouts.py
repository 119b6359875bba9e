"""What stands where on a sheet: notebook pages, columns, notes, forms, tables and printed pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from .clutter import strike_out
from .ink import Ink, Pen, deform
from .manner import Manner
from .scribe import Hand
from .sheet import Sheet, Stain
from .text import Texts


@dataclass(frozen=True)
class Style:
    """What stays the same on a page: hand, size of its letters in pixels, pen, restlessness."""

    hand: Hand
    x_height: float
    pen: Pen
    stain: Stain
    jitter: float
    strength: float
    manner: Manner

    @classmethod
    def random(cls, hand: Hand, x_height: float, rng: Generator) -> Style:
        width = float(rng.choice((rng.uniform(0.06, 0.13), rng.uniform(0.12, 0.26))))
        pen = Pen(width, float(rng.uniform(0, 0.6)), float(rng.normal(0, 0.03)) * x_height)
        if hand.printed:
            black = Stain((30, 30, 35), float(rng.uniform(0.6, 1)), 0.0)
            return cls(hand, x_height, Pen(0.1, 0, 0), black, 0.0, 0.0, Manner.random(rng, 0.0))
        jitter, strength = float(rng.uniform(0.2, 1.2)), float(rng.uniform(0.1, 0.9))
        return cls(hand, x_height, pen, Stain.random(rng), jitter, strength, Manner.random(rng, jitter))


class Writer:
    """Hands and texts, and how a line of one comes onto a sheet."""

    def __init__(self, families: Sequence[Sequence[Hand]], printed: Sequence[Hand]) -> None:
        self._families, self._printed, self._texts = families, printed, Texts()

    def put(self, sheet: Sheet, style: Style, text: str, origin: tuple[float, float], limit: float = np.inf) -> float:
        """Writes `text`, as many of its words as fit before column `limit`; returns the column where it ends."""
        rng = sheet.rng
        words = text.split(" ")
        while words:
            ink = self._written(style, " ".join(words), rng)
            end = origin[0] + ink.width * style.x_height
            if end <= limit or len(words) == 1:
                break
            words.pop()
        if not words or not len(ink.points()) or end > limit + 2 * style.x_height:
            return origin[0]
        sheet.write(ink, " ".join(words), style.x_height, origin, style.pen, style.stain)
        if rng.random() < 0.05 and not style.hand.printed:
            strike_out(sheet, sheet.bands[-1], style)
        return float(end)

    def _written(self, style: Style, text: str, rng: Generator) -> Ink:
        return deform(style.hand.write(text, rng, style.jitter, style.manner), rng, style.strength)

    def text_of(self, style: Style, reach: float, rng: Generator) -> str:
        """Text about `reach` pixels long that the hand has all letters for."""
        wanted, text = max(2, int(reach / style.x_height / 0.85)), ""
        while len(text) < wanted:
            more = self._texts.draw(rng)
            more = more.upper() if style.hand.capitals_only else more
            known = [word for word in more.split(" ") if style.hand.covers(word)]
            text = " ".join([text, *known]).strip()
        return text[:wanted].strip()

    def style(self, rng: Generator, pitch: float) -> tuple[Style, float]:
        """A hand whose letters take a quarter to half of the line pitch; some lines touch."""
        family = self._families[int(rng.integers(len(self._families)))]
        hand = family[int(rng.integers(len(family)))]
        return Style.random(hand, pitch * rng.uniform(0.24, 0.46), rng), pitch

    def printed_hand(self, rng: Generator) -> Hand:
        return self._printed[int(rng.integers(len(self._printed)))]


def _notebook(writer: Writer, sheet: Sheet) -> None:
    """One hand from top to bottom, 1 to 30 lines."""
    rng = sheet.rng
    style, pitch = writer.style(rng, sheet.height / rng.uniform(6, 34))
    start = pitch * rng.uniform(1.2, 3)
    if rng.random() < 0.75:
        sheet.rule(pitch, start + style.x_height * rng.uniform(0, 0.4))
    left, right = sheet.width * rng.uniform(0.03, 0.14), sheet.width * rng.uniform(0.86, 0.985)
    if rng.random() < 0.35:
        column = sheet.margin()
        left, right = (column + 5, right) if column < sheet.width / 2 else (left, column)
    end = sheet.height * (0.985 if rng.random() < 0.6 else rng.uniform(0.2, 0.98))
    slope = rng.normal(0, 0.012)
    for row in np.arange(start, end - 0.5 * pitch, pitch):
        _paragraph_line(writer, sheet, style, float(row), (left, right), pitch, slope)
    if rng.random() < 0.25:
        number = str(rng.integers(1, 200))
        writer.put(sheet, style, number, (sheet.width * rng.uniform(0.8, 0.93), pitch * rng.uniform(0.5, 0.9)))


def _paragraph_line(
    writer: Writer, sheet: Sheet, style: Style, row: float, span: tuple[float, float], pitch: float, slope: float
) -> None:
    """One line of running text between the columns of `span`; some are indented, short, centred or left out."""
    rng = sheet.rng
    if rng.random() < 0.06:
        return
    left, right = span
    kind = rng.random()
    begin = left + rng.normal(0, 0.3) * style.x_height
    reach = right - begin
    if kind < 0.12:
        begin, reach = begin + pitch * rng.uniform(0.5, 1.5), reach - pitch * 1.5
    elif kind < 0.27:
        reach *= rng.uniform(0.12, 0.7)
    elif kind < 0.33:
        begin, reach = begin + reach * rng.uniform(0.2, 0.4), reach * 0.5
    origin = (max(2.0, begin), row + rng.normal(0, 0.06) * pitch + slope * begin)
    writer.put(sheet, style, writer.text_of(style, reach, rng), origin, limit=right)


def _columns(writer: Writer, sheet: Sheet) -> None:
    """Two or three columns of notes, a gutter of a few letters between them."""
    rng = sheet.rng
    count = 2 if rng.random() < 0.75 else 3
    style, pitch = writer.style(rng, sheet.height / rng.uniform(14, 34))
    if rng.random() < 0.5:
        sheet.rule(pitch, rng.uniform(0, pitch))
    width = sheet.width / count
    for number in range(count):
        left, right = width * number + 0.05 * width, width * (number + 1) - 0.05 * width
        offset = rng.uniform(0, pitch)
        for row in np.arange(2 * pitch + offset, sheet.height - pitch, pitch):
            _paragraph_line(writer, sheet, style, float(row), (left, right - 1.5 * style.x_height), pitch, 0.0)


def _note(writer: Writer, sheet: Sheet) -> None:
    """A few words here and there, of any size."""
    rng = sheet.rng
    row = sheet.height * rng.uniform(0.05, 0.4)
    if rng.random() < 0.3:
        sheet.rule(sheet.height / rng.uniform(15, 40), row)
    for _ in range(int(rng.integers(1, 8))):
        style, pitch = writer.style(rng, sheet.height / rng.uniform(5, 30))
        row += pitch * rng.uniform(0.9, 1.6)
        if row > sheet.height - 0.6 * pitch:
            break
        left = sheet.width * rng.uniform(0.04, 0.55)
        reach = (sheet.width * 0.97 - left) * rng.uniform(0.15, 1)
        writer.put(sheet, style, writer.text_of(style, reach, rng), (left, row), limit=sheet.width)


def _form(writer: Writer, sheet: Sheet) -> None:
    """Printed labels, most of them filled in by hand on a dotted or drawn line."""
    rng = sheet.rng
    style, pitch = writer.style(rng, sheet.height / rng.uniform(12, 30))
    printed = Style.random(writer.printed_hand(rng), pitch * rng.uniform(0.17, 0.28), rng)
    for row in np.arange(pitch * 1.5, sheet.height - pitch, pitch * rng.uniform(1, 1.3)):
        left = sheet.width * rng.uniform(0.04, 0.1)
        label = writer.text_of(printed, sheet.width * rng.uniform(0.1, 0.9), rng)
        end = writer.put(sheet, printed, label, (left, float(row)), limit=sheet.width)
        room = sheet.width * 0.95 - end
        if room < 6 * style.x_height or rng.random() < 0.3:
            continue
        colour = rng.uniform(60, 150, 3).tolist()
        low = round(row + 3)
        cv2.line(sheet.canvas, (round(end + 4), low), (round(sheet.width * 0.96), low), colour, 1)
        if rng.random() < 0.8:
            gap = style.x_height * rng.uniform(1, 4)
            text = writer.text_of(style, (room - gap) * rng.uniform(0.2, 0.95), rng)
            writer.put(sheet, style, text, (end + gap, float(row)), limit=sheet.width)


def _table(writer: Writer, sheet: Sheet) -> None:
    """A ruled table with writing in most of its cells."""
    rng = sheet.rng
    style, pitch = writer.style(rng, sheet.height / rng.uniform(10, 26))
    columns = np.cumsum(rng.uniform(1, 3, rng.integers(2, 6)))
    edges = np.concatenate(([0.0], columns / columns[-1])) * sheet.width * 0.9 + sheet.width * 0.05
    rows = np.arange(pitch, sheet.height * rng.uniform(0.5, 0.97), pitch * 1.25)
    colour, thick = rng.uniform(20, 140, 3).tolist(), int(rng.integers(1, 3))
    ends = [((edge, rows[0]), (edge, rows[-1])) for edge in edges] + [
        ((edges[0], row), (edges[-1], row)) for row in rows
    ]
    for start, end in np.round(ends).astype(int).tolist():
        cv2.line(sheet.canvas, start, end, colour, thick, cv2.LINE_AA)
    for row in rows[:-1]:
        for left, right in pairwise(edges.tolist()):
            if rng.random() < 0.75:
                origin = (left + style.x_height * rng.uniform(0.4, 1), float(row) + 0.9 * pitch)
                reach = (right - left) * rng.uniform(0.3, 0.85)
                writer.put(sheet, style, writer.text_of(style, reach, rng), origin, limit=right)


def _printed_page(writer: Writer, sheet: Sheet) -> None:
    """A printed page, at times with a remark in handwriting."""
    rng = sheet.rng
    pitch = sheet.height / rng.uniform(16, 40)
    style = Style.random(writer.printed_hand(rng), pitch * rng.uniform(0.35, 0.48), rng)
    left, right = sheet.width * 0.07, sheet.width * 0.93
    for row in np.arange(2 * pitch, sheet.height - 2 * pitch, pitch):
        if rng.random() < 0.9:
            reach = (right - left) * (1 if rng.random() < 0.8 else rng.uniform(0.2, 0.9))
            writer.put(sheet, style, writer.text_of(style, reach, rng), (left, float(row)), limit=right)


LAYOUTS: dict[Callable[[Writer, Sheet], None], float] = {
    _notebook: 0.52, _columns: 0.08, _note: 0.16, _form: 0.09, _table: 0.07, _printed_page: 0.08,
}  # fmt: skip
"""And how often each is drawn."""
