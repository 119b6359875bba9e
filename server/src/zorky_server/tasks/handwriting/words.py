"""From the recogniser's frames of one line to its words, with their quads in the picture and their confidences."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration
from .ctc import BLANK, CtcWord
from .decoding import LineDecoder
from .strip import Geometry
from .values import Alternative, Layout, Line, Picture, Quad, ReadOptions, Word

_INK = 170
"""A strip's pixel darker than this is ink; its paper is near 255."""
_SCRIPTS = {"ru": ("Ѐ", "ӿ"), "en": ("A", "z")}
"""First and last letter of the script of each language."""


@dataclass(frozen=True, slots=True)
class CutLine:
    """A line on its way to the recogniser: where it stands, and its pixels as the recogniser sees them."""

    quad: Quad
    strip: Picture


class WordReader:
    """Turns frames into lines. Holds the decoder and the calibration of one model."""

    def __init__(self, charset: str, decoder: LineDecoder, calibration: Calibration, geometry: Geometry) -> None:
        self._letters = {
            language: [i for i, c in enumerate(charset, start=1) if c.isalpha() and first <= c <= last]
            for language, (first, last) in _SCRIPTS.items()
        }
        self._decoder = decoder
        self._calibration = calibration
        self._stride = geometry.stride

    def lines(self, cuts: Sequence[CutLine], frames: Sequence[NDArray[np.float32]], options: ReadOptions) -> list[Line]:
        """A page's lines that have a word as certain as options.min_confidence.

        frames: of each cut, (T, classes) probabilities of the strip, padding included.
        """
        bare = [_without_padding(one, cut.strip, self._stride) for cut, one in zip(cuts, frames, strict=True)]
        allowed = [self._restricted(one, options.languages) for one in bare]
        page = self._decoder.cyrillic_share(allowed)
        lines = [self._line(cut, one, page, options) for cut, one in zip(cuts, allowed, strict=True)]
        return [line for line in lines if line.words]

    def _line(self, cut: CutLine, frames: NDArray[np.float32], page: float, options: ReadOptions) -> Line:
        words = self._decoder.words(frames, options.layout is Layout.WORD, page)
        sure = [self._calibration.word_confidence(word.posterior, word.path_log, len(word.text)) for word in words]
        quads = _word_quads(words, cut, self._stride)
        kept = tuple(
            Word(word.text, quad, confidence, _alternatives(word, confidence, options.max_alternatives))
            for word, quad, confidence in zip(words, quads, sure, strict=True)
            if confidence >= options.min_confidence
        )
        return Line(cut.quad, self._calibration.line_confidence(sure), kept)

    def _restricted(self, frames: NDArray[np.float32], languages: tuple[str, ...]) -> NDArray[np.float32]:
        """Takes the letters of unwanted languages out, and shares their probability among the rest."""
        unwanted = [i for language in self._letters.keys() - languages for i in self._letters[language]]
        if not languages or not unwanted:
            return frames
        rest = frames.copy()
        rest[:, unwanted] = 0
        return np.asarray(rest / np.maximum(rest.sum(axis=1, keepdims=True), 1e-9), np.float32)


def _alternatives(word: CtcWord, confidence: float, most: int) -> tuple[Alternative, ...]:
    """Other readings of the word. They share what its own confidence leaves, as the beam does."""
    left = max(sum(p for _, p in word.rivals), 1e-9)
    return tuple(Alternative(text, (1 - confidence) * p / left) for text, p in word.rivals[:most])


def path_score(frames: NDArray[np.float32]) -> float:
    """How sure the recogniser is of what it saw, 0 to 1: the geometric mean of the best probabilities of letters."""
    best = frames.max(axis=1)[frames.argmax(axis=1) != BLANK]
    return float(np.exp(np.log(best).mean())) if len(best) else 0.0


def _without_padding(frames: NDArray[np.float32], strip: Picture, stride: int) -> NDArray[np.float32]:
    return frames[: max(1, -(-strip.shape[1] // stride))]


def _word_quads(words: Sequence[CtcWord], cut: CutLine, stride: int) -> Sequence[Quad]:
    """The part of the line's quad that each word's ink takes between its neighbours."""
    if not words:
        return []
    width, inked = cut.strip.shape[1], _inked_columns(cut.strip)
    spans = [_ink_span(word, inked, width, stride) for word in words]
    return _slices(cut.quad, np.array(spans, np.float64) / width)


def _inked_columns(strip: Picture) -> list[int]:
    """The columns that hold ink, in rising order."""
    height, width, _ = strip.shape
    red, green, blue = strip.reshape(height, 3 * width).min(axis=0).reshape(width, 3).T
    darkest = np.minimum(np.minimum(red, green), blue)
    inked: list[int] = np.flatnonzero(darkest < _INK).tolist()
    return inked


def _ink_span(word: CtcWord, inked: list[int], width: int, stride: int) -> tuple[float, float]:
    """Columns from the word's first ink to its last, at least where it was spelled, at most up to its neighbours."""
    left, right = word.gap_before * stride, min(word.gap_after * stride, width)
    first, last = word.start * stride, word.end * stride
    begin, end = bisect_left(inked, int(left)), bisect_left(inked, right)
    if begin < end:
        first, last = min(inked[begin], first), max(inked[end - 1] + 1, last)
    return max(left, first), min(right, last)


def _slices(quad: Quad, spans: NDArray[np.float64]) -> Sequence[Quad]:
    """The parts of a quad between fractions of its length, (n, 2)."""
    starts = quad[[0, 0, 3, 3]]
    along = quad[[1, 1, 2, 2]] - starts
    return list(starts + spans[:, [0, 1, 1, 0], None].astype(np.float32) * along)
