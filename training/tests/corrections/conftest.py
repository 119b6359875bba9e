"""Readings as the store keeps them, and what people say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToJson

from zorky_server.rpc.answers import recognition_of
from zorky_server.store import Consented, Feedback, WordCorrection
from zorky_server.tasks.handwriting.values import Line, Quad, Reading, Word

ReadWords = Sequence[tuple[str, float]]
MakeReading = Callable[..., str]
MakePiece = Callable[..., Consented]

LETTER, LEFT, PITCH, HEIGHT = 20, 30, 60, 40
"""Pixels: each letter is as wide, lines begin there, are so far apart and so high."""


def words_of(line: str | ReadWords) -> ReadWords:
    return [(word, 0.95) for word in line.split()] if isinstance(line, str) else line


def box(left: float, top: float, width: float, height: float = HEIGHT) -> Quad:
    return np.array([(left, top), (left + width, top), (left + width, top + height), (left, top + height)], np.float32)


def drawn_line(number: int, words: ReadWords) -> Line:
    left, drawn = LEFT, list[Word]()
    for text, confidence in words:
        drawn.append(Word(text, box(left, PITCH * number, LETTER * len(text)), confidence))
        left += LETTER * (len(text) + 1)
    return Line(box(LEFT, PITCH * number, left - LETTER - LEFT), 0.5, tuple(drawn))


@pytest.fixture(scope="session")
def make_reading() -> MakeReading:
    """The JSON of a reading of lines, each a text of sure words or words with their confidences."""

    def make(*lines: str | ReadWords) -> str:
        read = tuple(drawn_line(number, words_of(line)) for number, line in enumerate(lines))
        return MessageToJson(recognition_of(Reading(2000, 2000, 0, 0.0, read)))

    return make


@pytest.fixture
def make_piece() -> MakePiece:
    """Feedback for training on a reading, each piece a moment after the one before. words: {(line, word): text}."""
    moments = count(1_000_000)

    def make(
        reading: str,
        *,
        words: dict[tuple[int, int], str] | None = None,
        result: str = "r",
        user: str | None = "u",
        picture: str = "p",
        **said: Any,
    ) -> Consented:
        corrections = tuple(WordCorrection(*place, text) for place, text in words.items()) if words else None
        feedback = Feedback("q", result, words=corrections, allow_training=True, **said)
        return Consented("f", result, user, next(moments), "1", reading, picture, feedback)

    return make
