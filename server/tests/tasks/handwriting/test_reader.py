"""Reading whole pictures with the shipped model, driven without an event loop."""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np
import pytest

import zorky_models
from zorky_server.runtime.sessions import OnnxSession, Session
from zorky_server.tasks.handwriting.model import HandwritingModel, load_model
from zorky_server.tasks.handwriting.picture import Limits, turn
from zorky_server.tasks.handwriting.reader import Reader, warm_up_picture
from zorky_server.tasks.handwriting.strip import (
    HEIGHT,
    MAX_WIDTH,
    STRIDE,
    Geometry,
    padded_width,
    strip_from_crop,
    strip_tensor,
)
from zorky_server.tasks.handwriting.values import Ask, Layout, Picture, Reading, ReadOptions, Steps, WarningCode

LINES = ("The quick brown fox", "jumps over the lazy", "dog near 24 rivers")


def drive(steps: Steps, sessions: Mapping[str, Session]) -> tuple[Reading, list[Ask]]:
    """Runs a reading to its end, one item at a time; gives what it read and all that it asked for."""
    asks: list[Ask] = []
    outputs = None
    while True:
        try:
            ask = next(steps) if outputs is None else steps.send(outputs)
        except StopIteration as end:
            return end.value, asks
        asks.append(ask)
        outputs = [sessions[call.model].run(call.tensor[np.newaxis])[0] for call in ask.calls]


def drawn_page(*lines: str, width: int = 1100, height: int = 800) -> Picture:
    """Lines of Latin text in a plotter's hand, dark on cream paper, the first 140 pixels below the edge."""
    page = np.full((height, width, 3), (235, 230, 215), np.uint8)
    for i, line in enumerate(lines):
        cv2.putText(page, line, (70, 140 + 130 * i), cv2.FONT_HERSHEY_DUPLEX, 2.0, (70, 40, 30), 3, cv2.LINE_AA)
    return page


def as_png(picture: Picture) -> bytes:
    """The picture as a PNG file."""
    return cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes()


@pytest.fixture(scope="module")
def model() -> HandwritingModel:
    return load_model(zorky_models.ROOT / "handwriting")


@pytest.fixture(scope="module")
def reader(model: HandwritingModel) -> Reader:
    return Reader(model, Limits())


@pytest.fixture(scope="module")
def sessions(model: HandwritingModel) -> dict[str, Session]:
    return {"detector": OnnxSession(model.detector, 2), "recognizer": OnnxSession(model.recognizer, 1)}


@pytest.fixture(scope="module")
def upright(reader: Reader, sessions: dict[str, Session]) -> Reading:
    return drive(reader.read(as_png(drawn_page(*LINES)), ReadOptions()), sessions)[0]


def likeness(read: str, truth: str) -> float:
    """Share of the truth's words that were read exactly."""
    return len(set(read.split()) & set(truth.split())) / len(set(truth.split()))


def test_a_page_is_read_line_by_line_in_order(upright: Reading) -> None:
    assert len(upright.lines) == len(LINES)
    assert all(likeness(line.text, truth) >= 0.5 for line, truth in zip(upright.lines, LINES, strict=True))
    assert upright.rotation == 0
    assert upright.skew == pytest.approx(0, abs=1)
    assert upright.warnings == ()


def test_words_lie_on_their_ink_and_inside_their_line(upright: Reading) -> None:
    dark = drawn_page(*LINES)[:, :, 0] < 150
    for line in upright.lines:
        ends = [word.quad[[1, 2], 0].mean() for word in line.words]
        starts = [word.quad[[0, 3], 0].mean() for word in line.words]
        assert all(end <= start + 1 for end, start in zip(ends, starts[1:], strict=False))
        for word in line.words:
            (left, top), (right, bottom) = word.quad.min(axis=0).astype(int), word.quad.max(axis=0).astype(int)
            assert dark[top:bottom, left:right].sum() > 100
            assert line.quad[:, 0].min() - 1 <= left < right <= line.quad[:, 0].max() + 1


def test_confidences_are_probabilities(upright: Reading) -> None:
    for line in upright.lines:
        assert all(0 <= word.confidence <= 1 for word in line.words)
        assert 0 <= line.confidence <= min(word.confidence for word in line.words)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_reads_like_the_upright_one(
    quarters: int, reader: Reader, sessions: dict[str, Session], upright: Reading
) -> None:
    page = turn(drawn_page(*LINES), quarters)
    reading, _ = drive(reader.read(as_png(page), ReadOptions()), sessions)
    assert reading.text == upright.text
    assert reading.rotation == 360 - 90 * quarters
    assert (reading.width, reading.height) == (page.shape[1], page.shape[0])
    assert [notice.code for notice in reading.warnings] == [WarningCode.TURNED]
    first = reading.lines[0].words[0].quad.mean(axis=0).astype(int)
    marked = np.zeros_like(page)
    marked[first[1], first[0]] = 1
    y, x, _ = (turned[0] for turned in turn(marked, 4 - quarters).nonzero())
    assert np.abs(upright.lines[0].words[0].quad.mean(axis=0) - [x, y]).max() < 12


def test_a_page_without_text_is_an_answer_with_a_warning(reader: Reader, sessions: dict[str, Session]) -> None:
    reading, _ = drive(reader.read(as_png(drawn_page()), ReadOptions()), sessions)
    assert reading.text == ""
    assert reading.lines == ()
    assert reading.skew is None
    assert [notice.code for notice in reading.warnings] == [WarningCode.NOTHING_FOUND]


def test_a_word_that_fills_the_picture_is_found(reader: Reader, sessions: dict[str, Session]) -> None:
    word = np.full((560, 800, 3), 255, np.uint8)
    cv2.putText(word, "TEST", (80, 380), cv2.FONT_HERSHEY_SIMPLEX, 8.0, (0, 0, 0), 22, cv2.LINE_AA)
    reading, _ = drive(reader.read(as_png(word), ReadOptions()), sessions)
    assert reading.text.upper() == "TEST"


@pytest.mark.parametrize("layout", [Layout.LINE, Layout.WORD])
def test_a_cut_line_or_word_is_not_searched_for(layout: Layout, reader: Reader, sessions: dict[str, Session]) -> None:
    crop = drawn_page("river bank")[70:170, 40:460]
    reading, asks = drive(reader.read(as_png(crop), ReadOptions(layout)), sessions)
    assert {call.model for ask in asks for call in ask.calls} == {"recognizer"}
    assert len(reading.lines[0].words) == (1 if layout is Layout.WORD else 2)
    assert reading.lines[0].quad.tolist() == [[0, 0], [420, 0], [420, 100], [0, 100]]
    assert reading.skew is None


def test_letters_of_unwanted_languages_are_not_read(reader: Reader, sessions: dict[str, Session]) -> None:
    page = as_png(drawn_page(*LINES))
    russian, _ = drive(reader.read(page, ReadOptions(languages=("ru",))), sessions)
    english, _ = drive(reader.read(page, ReadOptions(languages=("en",))), sessions)
    assert not any("a" <= letter.lower() <= "z" for letter in russian.text)
    assert not any("а" <= letter.lower() <= "я" for letter in english.text)
    assert any("a" <= letter.lower() <= "z" for letter in english.text)


def test_alternatives_differ_from_the_word_and_share_what_it_leaves(
    reader: Reader, sessions: dict[str, Session]
) -> None:
    reading, _ = drive(reader.read(as_png(drawn_page(*LINES)), ReadOptions(max_alternatives=3)), sessions)
    words = [word for line in reading.lines for word in line.words]
    assert any(word.alternatives for word in words)
    for word in words:
        assert len(word.alternatives) <= 3
        assert word.text not in [other.text for other in word.alternatives]
        likely = [other.confidence for other in word.alternatives]
        assert likely == sorted(likely, reverse=True)
        assert word.confidence + sum(likely) <= 1 + 1e-6


def test_words_below_the_wanted_confidence_are_left_out(
    reader: Reader, sessions: dict[str, Session], upright: Reading
) -> None:
    confidences = sorted(word.confidence for line in upright.lines for word in line.words)
    wanted = (confidences[0] + confidences[-1]) / 2
    reading, _ = drive(reader.read(as_png(drawn_page(*LINES)), ReadOptions(min_confidence=wanted)), sessions)
    kept = [word for line in reading.lines for word in line.words]
    assert 0 < len(kept) < len(confidences)
    assert all(word.confidence >= wanted for word in kept)


def test_small_text_and_large_pictures_are_warned_of(reader: Reader, sessions: dict[str, Session]) -> None:
    small = drawn_page(*LINES)[::5, ::5]
    reading, _ = drive(reader.read(as_png(np.ascontiguousarray(small)), ReadOptions()), sessions)
    assert {notice.code for notice in reading.warnings} & {WarningCode.LOW_RESOLUTION, WarningCode.NOTHING_FOUND}
    large = np.kron(drawn_page(*LINES), np.ones((3, 3, 1), np.uint8))
    reading, _ = drive(reader.read(as_png(large), ReadOptions()), sessions)
    assert WarningCode.DOWNSCALED in [notice.code for notice in reading.warnings]
    assert (reading.width, reading.height) == (3300, 2400)
    assert max(line.quad.max() for line in reading.lines) > 2000


def test_a_line_reads_the_same_alone_and_in_company(sessions: dict[str, Session]) -> None:
    crops = [drawn_page(text)[60:190, 40:600] for text in ("river bank", "old stones")]
    strips = np.stack([strip_tensor(strip_from_crop(crop), 256) for crop in crops])
    together = sessions["recognizer"].run(strips)
    for i in range(len(strips)):
        np.testing.assert_allclose(sessions["recognizer"].run(strips[i : i + 1])[0], together[i], atol=1e-5)


def test_warming_up_takes_every_model(reader: Reader, sessions: dict[str, Session]) -> None:
    reading, asks = drive(reader.read(warm_up_picture(), ReadOptions()), sessions)
    assert {call.model for ask in asks for call in ask.calls} == {"detector", "recognizer"}
    assert reading.lines


class Halving:
    """The recogniser behind strips of twice its height."""

    def __init__(self, recognizer: Session) -> None:
        self._recognizer = recognizer

    def run(self, batch: np.ndarray) -> np.ndarray:
        n, channels, height, width = batch.shape
        assert height == 2 * HEIGHT
        halves = batch.reshape(n, channels, height // 2, 2, width // 2, 2).mean((3, 5))
        frames = self._recognizer.run(np.ascontiguousarray(np.pad(halves, ((0, 0),) * 3 + ((0, width // 2 % 64),))))
        return frames[:, : width // (2 * STRIDE)]


def test_a_recogniser_of_another_geometry_finds_the_same_words_in_the_same_places(
    model: HandwritingModel, upright: Reading, sessions: dict[str, Session]
) -> None:
    larger = replace(model, geometry=Geometry(2 * HEIGHT, 2 * STRIDE))
    halved = sessions | {"recognizer": Halving(sessions["recognizer"])}
    reading = drive(Reader(larger, Limits()).read(as_png(drawn_page(*LINES)), ReadOptions()), halved)[0]
    assert likeness(reading.text, upright.text) >= 0.8
    for line, expected in zip(reading.lines, upright.lines, strict=True):
        assert np.abs(line.words[0].quad - expected.words[0].quad).max() < 12
        assert np.abs(line.words[-1].quad - expected.words[-1].quad).max() < 12


def test_every_strip_falls_into_one_of_the_buckets(reader: Reader) -> None:
    buckets = {call.key for call in reader.bucket_calls()}
    for width in (1, 63, 64, 65, 700, MAX_WIDTH, 10 * MAX_WIDTH):
        strip = strip_from_crop(np.full((HEIGHT, width, 3), 255, np.uint8))
        assert (HEIGHT, padded_width(strip.shape[1])) in buckets
