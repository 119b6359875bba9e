"""Looks at a page: one where the text is large and clear, more where it is not. The detector is played here."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.detector import CORE, TextLine
from zorky_server.tasks.handwriting.looking import SIDES, lines_of
from zorky_server.tasks.handwriting.values import Ask

PAGE = np.full((1200, 1600, 3), 230, np.uint8)

Probability = Callable[[int], float]
"""Of text, as the detector tells it of a page that it sees this many pixels wide."""


def looked(
    heights: list[int], probability: Probability, page: NDArray[np.uint8] = PAGE
) -> tuple[list[TextLine], list[int]]:
    """What is found on a page with lines of these heights in its pixels, and how wide it was seen each time."""
    steps = lines_of(page)
    widths: list[int] = []
    ask = next(steps)
    while True:
        widths.append(_width(ask, page))
        try:
            ask = steps.send([_map(heights, ask, page, probability(widths[-1]))])
        except StopIteration as end:
            return end.value, widths


def _width(ask: Ask, page: NDArray[np.uint8]) -> int:
    (call,) = ask.calls
    assert call.model == "detector"
    assert call.tensor[0].size == call.cost >= call.used
    return round((call.used * page.shape[1] / page.shape[0]) ** 0.5)


def _map(heights: list[int], ask: Ask, page: NDArray[np.uint8], probability: float) -> NDArray[np.float32]:
    answer = np.zeros((1, *ask.calls[0].tensor.shape[1:]), np.float32)
    scale, top = _width(ask, page) / page.shape[1], 20.0
    for height in heights:
        lost = (1 - CORE) * height / 2
        ends = ((60 + lost, top + lost), (0.9 * page.shape[1] - lost, top + height - lost))
        (left, high), (right, low) = (tuple(round(side * scale) for side in end) for end in ends)
        answer[0, high:low, left:right] = probability
        top += 1.5 * height
    return answer


def test_large_clear_text_is_seen_at_a_glance() -> None:
    lines, widths = looked([80] * 8, lambda _width: 0.92)
    assert len(lines) == 8
    assert widths == [SIDES[0]]


@pytest.mark.parametrize(("height", "widths"), [(48, [640, 768]), (36, [640, 1024]), (25, [640, 1024])])
def test_small_text_is_looked_at_as_closely_as_it_needs(height: int, widths: list[int]) -> None:
    lines, seen = looked([height] * 16, lambda _width: 0.92)
    assert len(lines) == 16
    assert seen == widths


def test_a_tenth_of_small_text_is_enough_for_a_closer_look() -> None:
    assert looked([80] * 7 + [36], lambda _width: 0.92)[1] == [SIDES[0], 1024]


def test_doubtful_text_is_looked_at_closer() -> None:
    lines, widths = looked([80] * 8, lambda width: 0.84 if width == SIDES[0] else 0.9)
    assert widths == [SIDES[0], 1024]
    assert lines[0].score == pytest.approx(0.9, abs=0.01)


def test_what_is_unclear_from_near_is_looked_at_from_far_and_the_clearest_look_counts() -> None:
    lines, widths = looked([300] * 2, lambda width: {640: 0.7, 1024: 0.6, 320: 0.75}[width])
    assert widths == [SIDES[0], 1024, 320]
    assert lines[0].score == pytest.approx(0.75, abs=0.01)


def test_less_than_a_tenth_of_small_text_is_not() -> None:
    assert looked([64] * 11 + [44], lambda _width: 0.92)[1] == [SIDES[0]]


def test_a_page_on_its_side_is_not_looked_at_closer() -> None:
    upright = [36] * 16
    steps = lines_of(np.ascontiguousarray(np.rot90(PAGE)))
    ask, probability = next(steps), 0.92
    sideways = np.rot90(_map(upright, ask, PAGE, probability), axes=(1, 2))
    with pytest.raises(StopIteration) as end:
        steps.send([sideways])
    assert len(end.value.value) == 16


def test_a_small_picture_is_not_looked_at_twice_at_one_scale() -> None:
    small = np.full((300, 400, 3), 230, np.uint8)
    assert looked([12] * 4, lambda _width: 0.9, small)[1] == [600]


def test_an_empty_page_has_no_lines() -> None:
    assert looked([], lambda _width: 0.0)[0] == []
