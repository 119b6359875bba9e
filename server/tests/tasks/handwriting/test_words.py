"""Words stand where their ink is, and only those that were asked for are told."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import zorky_models
from zorky_server.tasks.handwriting.decoding import LineDecoder
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.values import Line, Picture, ReadOptions
from zorky_server.tasks.handwriting.words import CutLine, WordReader

MODEL = load_model(zorky_models.ROOT / "handwriting")
FRAMES, STRIDE = 40, MODEL.geometry.stride
QUAD = np.array([[100, 50], [420, 50], [420, 98], [100, 98]], np.float32)
"""Twice as long as the strip."""


@pytest.fixture(scope="module")
def reader() -> WordReader:
    decoder = LineDecoder(MODEL.charset, MODEL.language_model, MODEL.weights)
    return WordReader(MODEL.charset, decoder, MODEL.calibration, MODEL.geometry)


def frames_of(**letters: float) -> NDArray[np.float32]:
    """«да» in frames 8 to 13, a space in frame 20, «no» in frames 28 to 33; some letters' probabilities as told."""
    frames = np.full((FRAMES + 8, 1 + len(MODEL.charset)), 1e-7, np.float32)
    frames[:, 0] = 1
    for at, letter in ((8, "д"), (11, "а"), (20, " "), (28, "n"), (31, "o")):
        p = letters.get(letter, 0.99)
        frames[at : at + 3, 0] = 1 - p
        frames[at : at + 3, MODEL.charset.index(letter) + 1] = p
    return frames / frames.sum(axis=1, keepdims=True)


def strip_of(*inked: slice) -> Picture:
    strip = np.full((MODEL.geometry.height, FRAMES * STRIDE, 3), 255, np.uint8)
    for columns in inked:
        strip[20:30, columns, 1] = 60
    return strip


def read(reader: WordReader, strip: Picture, options: ReadOptions, **letters: float) -> list[Line]:
    return reader.lines([CutLine(QUAD, strip)], [frames_of(**letters)], options)


def test_a_words_quad_reaches_from_its_first_ink_to_its_last_and_not_into_its_neighbours(reader: WordReader) -> None:
    (line,) = read(reader, strip_of(slice(10, 60), slice(105, 159)), ReadOptions())
    assert line.text == "да no"
    assert [(word.quad[0, 0], word.quad[1, 0]) for word in line.words] == [(120, 220), (310, 418)]
    assert all(word.quad[:, 1].tolist() == [50, 50, 98, 98] for word in line.words)
    np.testing.assert_array_equal(line.quad, QUAD)


def test_a_word_without_ink_stands_where_it_was_spelled(reader: WordReader) -> None:
    (line,) = read(reader, strip_of(), ReadOptions())
    spelled = [(100 + 2 * STRIDE * start, 100 + 2 * STRIDE * end) for start, end in ((8, 14), (28, 34))]
    assert [(word.quad[0, 0], word.quad[1, 0]) for word in line.words] == spelled


def test_letters_of_languages_that_are_not_wanted_are_not_read(reader: WordReader) -> None:
    (line,) = read(reader, strip_of(), ReadOptions(languages=("ru",)))
    assert line.words[0].text == "да"
    assert not any(c.isascii() and c.isalpha() for c in line.text)


def test_words_less_certain_than_wanted_are_left_out_and_lines_without_words_with_them(reader: WordReader) -> None:
    (line,) = read(reader, strip_of(), ReadOptions(), o=0.6)
    sure, unsure = sorted(word.confidence for word in line.words)[::-1]
    options = ReadOptions(min_confidence=(sure + unsure) / 2)
    (kept,) = read(reader, strip_of(), options, o=0.6)
    assert [word.confidence for word in kept.words] == [sure]
    assert kept.confidence == line.confidence
    assert read(reader, strip_of(), replace(options, min_confidence=1.0), o=0.6) == []
