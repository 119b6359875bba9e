"""Readings as text, as JSON lines and as CSV, in UTF-8."""

import csv
import io
import json
from collections.abc import Iterable
from typing import BinaryIO, Protocol

from zorky_client.formats.picture import Picture
from zorky_client.results import Point, Recognition


class Writer(Protocol):
    """Writes readings to a file, one after the other."""

    def add(self, picture: Picture, result: Recognition) -> None:
        """Takes one more reading."""

    def close(self) -> None:
        """Writes what is still held back; leaves the file open."""


class TextWriter:
    """The text alone; under a heading for each picture where there are several."""

    def __init__(self, out: BinaryIO, headings: bool) -> None:
        self._out = out
        self._headings = headings
        self._empty = True

    def add(self, picture: Picture, result: Recognition) -> None:
        """Writes one text."""
        heading = f"{'' if self._empty else chr(10)}== {picture.name} ==\n" if self._headings else ""
        self._out.write(f"{heading}{result.text}\n".encode())
        self._out.flush()
        self._empty = False

    def close(self) -> None:
        """Has held nothing back."""


class JsonWriter:
    """One object a line: the contract's JSON mapping of the result, and `image` and `text`; keys are sorted."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def add(self, picture: Picture, result: Recognition) -> None:
        """Writes one line."""
        keys = {**result.to_dict(), "image": picture.name, "text": result.text}
        self._out.write(json.dumps(keys, ensure_ascii=False, sort_keys=True).encode() + b"\n")
        self._out.flush()

    def close(self) -> None:
        """Has held nothing back."""


class CsvWriter:
    """One word a row: its text, confidence, corners in pixels, line counted from 0, and picture. With a header."""

    COLUMNS = ("word", "confidence", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "line", "image")

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._write([self.COLUMNS])

    def add(self, picture: Picture, result: Recognition) -> None:
        """Writes the words of one picture."""
        self._write(
            (word.text, f"{word.confidence:.4f}", *_coordinates(word.quad.points), number, picture.name)
            for number, line in enumerate(result.lines)
            for word in line.words
        )

    def close(self) -> None:
        """Has held nothing back."""

    def _write(self, rows: Iterable[Iterable[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._out.write(text.getvalue().encode())
        self._out.flush()


def _coordinates(points: Iterable[Point]) -> list[str]:
    return [f"{number:.1f}" for point in points for number in (point.x, point.y)]
