"""A kept reading: the lines that a person saw when they corrected them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from google.protobuf.json_format import Parse

from zorky.v1 import geometry_pb2, recognition_pb2
from zorky_server.tasks.handwriting.lines import side_lengths
from zorky_server.tasks.handwriting.values import Quad

_ENDS = slice(0, 2)
"""The corners of a quad's upper edge: where its text begins and where it ends."""
_SAME_PLACE = 0.5
"""Part of the smaller of two quads that they share when they are the same line."""


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word as it was read, and the calibrated probability that it is right."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as it was read. quad: in pixels of the picture as it is viewed. widest_gap: the longest stretch without a
    word, before, between or after them, in heights of the line."""

    words: tuple[ReadWord, ...]
    quad: Quad
    widest_gap: float

    @property
    def text(self) -> str:
        """The words separated by one space."""
        return " ".join(word.text for word in self.words)


def read_lines(reading: str) -> list[ReadLine]:
    """The lines of a reading, in their order. reading: JSON of the contract's Recognition.

    Raises google.protobuf.json_format.ParseError when it is none.
    """
    recognition = Parse(reading, recognition_pb2.Recognition(), ignore_unknown_fields=True)  # of newer servers
    return [_line(line) for line in recognition.page.lines]


def is_same_place(one: Quad, other: Quad) -> bool:
    """Whether two quads are around the same line; quads that are not convex are around none."""
    if not (cv2.isContourConvex(one) and cv2.isContourConvex(other)):
        return False
    shared, _ = cv2.intersectConvexConvex(one, other)
    return shared > _SAME_PLACE * min(cv2.contourArea(one), cv2.contourArea(other))


def _line(line: recognition_pb2.Line) -> ReadLine:
    words = tuple(ReadWord(word.text, word.confidence) for word in line.words)
    quad = _quad(line.quad)
    return ReadLine(words, quad, _widest_gap(quad, [_quad(word.quad) for word in line.words]))


def _quad(quad: geometry_pb2.Quad) -> Quad:
    corners = (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left)
    return np.array([(corner.x, corner.y) for corner in corners], np.float32)


def _widest_gap(line: Quad, words: list[Quad]) -> float:
    begin, end = line[_ENDS]
    edges = [begin, *(corner for word in words for corner in word[_ENDS]), end]
    gaps = [math.dist(edges[i], edges[i + 1]) for i in range(0, len(edges), 2)]
    return max(gaps) / max(side_lengths(line)[1], 1.0)
