"""From the recogniser's frames of one line to its words, with their quads in the picture and their confidences."""

from __future__ import annotations

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
    """Turns frames into lines. Holds the charset, the decoder and the calibration of one model."""

    def __init__(self, charset: str, decoder: LineDecoder, calibration: Calibration, geometry: Geometry) -> None:
        self._charset = charset
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
        ctc_words = self._decoder.words(frames, options.layout is Layout.WORD, page)
        words = [self._word(word, cut, options) for word in ctc_words]
        confidence = self._calibration.line_confidence([word.confidence for word in words])
        kept = tuple(word for word in words if word.confidence >= options.min_confidence)
        return Line(cut.quad, confidence, kept)

    def _restricted(self, frames: NDArray[np.float32], languages: tuple[str, ...]) -> NDArray[np.float32]:
        """Takes the letters of unwanted languages out, and shares their probability among the rest."""
        unwanted = [_SCRIPTS[language] for language in _SCRIPTS if languages and language not in languages]
        barred = [i + 1 for i, c in enumerate(self._charset) if c.isalpha() and any(a <= c <= z for a, z in unwanted)]
        if not barred:
            return frames
        rest = frames.copy()
        rest[:, barred] = 0
        return np.asarray(rest / np.maximum(rest.sum(axis=1, keepdims=True), 1e-9), np.float32)

    def _word(self, word: CtcWord, cut: CutLine, options: ReadOptions) -> Word:
        confidence = self._calibration.word_confidence(word.posterior, word.path_log, len(word.text))
        alternatives = _alternatives(word, confidence, options.max_alternatives)
        return Word(word.text, _word_quad(word, cut, self._stride), confidence, alternatives)


def _alternatives(word: CtcWord, confidence: float, most: int) -> tuple[Alternative, ...]:
    """Other readings of the word. They share what its own confidence leaves, as the beam does."""
    left = max(sum(p for _, p in word.rivals), 1e-9)
    return tuple(Alternative(text, (1 - confidence) * p / left) for text, p in word.rivals[:most])


def path_score(frames: NDArray[np.float32]) -> float:
    """How sure the recogniser is of what it saw, 0 to 1: the geometric mean of the best probabilities of letters."""
    letters = frames[frames.argmax(axis=1) != BLANK]
    return float(np.exp(np.log(letters.max(axis=1)).mean())) if len(letters) else 0.0


def _without_padding(frames: NDArray[np.float32], strip: Picture, stride: int) -> NDArray[np.float32]:
    return frames[: max(1, -(-strip.shape[1] // stride))]


def _word_quad(word: CtcWord, cut: CutLine, stride: int) -> Quad:
    """The part of the line's quad that the word's ink takes between its neighbours."""
    width = cut.strip.shape[1]
    left, right = word.gap_before * stride, min(word.gap_after * stride, width)
    columns = (cut.strip[:, int(left) : int(np.ceil(right))].min(axis=2) < _INK).any(axis=0).nonzero()[0]
    spelled = (word.start * stride, word.end * stride)
    first = min(int(left) + int(columns[0]), spelled[0]) if len(columns) else spelled[0]
    last = max(int(left) + int(columns[-1]) + 1, spelled[1]) if len(columns) else spelled[1]
    return slice_quad(cut.quad, max(left, first) / width, min(right, last) / width)


def slice_quad(quad: Quad, start: float, end: float) -> Quad:
    """The part of a quad between two fractions of its length."""
    top_left, top_right, bottom_right, bottom_left = quad
    top, bottom = top_right - top_left, bottom_right - bottom_left
    corners = [top_left + start * top, top_left + end * top, bottom_left + end * bottom, bottom_left + start * bottom]
    return np.stack(corners).astype(np.float32)
