import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.detector import (
    CORE,
    LONGEST_SIDE,
    STEP,
    TextLine,
    detector_input,
    lines_from_map,
)
from zorky_server.tasks.handwriting.values import Quad

Map = NDArray[np.float32]
SIZE = (800, 600)


def empty() -> Map:
    return np.zeros((SIZE[1], SIZE[0]), np.float32)


def quad(centre: tuple[float, float], length: float, height: float, degrees: float = 0.0) -> Quad:
    along = np.array((math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))
    down = np.array((-along[1], along[0]))
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([centre + x * along * length / 2 + y * down * height / 2 for x, y in corners], np.float32)


def mark(
    probabilities: Map, centre: tuple[float, float], length: float, height: float, degrees: float = 0.0, p: float = 0.95
) -> None:
    """Draws the core that a perfect detector answers for a line of this size."""
    lost = (1 - CORE) * height
    core = quad(centre, length - lost, height - lost, degrees) - 0.5
    cv2.fillPoly(probabilities, [np.round(core * 16).astype(np.int32)], p, cv2.LINE_8, 4)


def found(probabilities: Map, scale: float = 1.0) -> list[TextLine]:
    size = (round(SIZE[0] / scale), round(SIZE[1] / scale))
    return sorted(lines_from_map(probabilities, scale, size), key=lambda line: float(line.quad[0, 1]))


def overlap(one: Quad, other: Quad) -> float:
    shared = cv2.intersectConvexConvex(one, other)[0]
    return float(shared / (cv2.contourArea(one) + cv2.contourArea(other) - shared))


@pytest.mark.parametrize("degrees", [0, 7, -20, 90, 84])
def test_a_line_is_recovered_from_its_core(degrees: float) -> None:
    probabilities = empty()
    mark(probabilities, (400, 300), 420, 40, degrees)
    (line,) = found(probabilities)
    assert overlap(line.quad, quad((400, 300), 420, 40, degrees)) > 0.75
    np.testing.assert_allclose(line.quad[0], quad((400, 300), 420, 40, degrees)[0], atol=12)
    assert line.score == pytest.approx(0.95, abs=0.01)


def test_a_quad_holds_its_line_and_little_more() -> None:
    probabilities = empty()
    mark(probabilities, (400, 300), 420, 40)
    (line,) = found(probabilities)
    left, top, right, bottom = *line.quad.min(0), *line.quad.max(0)
    assert 180 < left <= 190
    assert 610 <= right < 620
    assert 272 < top <= 280
    assert 320 <= bottom < 328


def test_quads_are_in_pixels_of_the_picture() -> None:
    probabilities = empty()
    mark(probabilities, (400, 300), 420, 40)
    (line,) = found(probabilities, scale=0.25)
    np.testing.assert_allclose(line.quad.mean(0), (1600, 1200), atol=4)


def test_words_of_one_line_are_joined() -> None:
    probabilities = empty()
    mark(probabilities, (200, 300), 160, 40)
    mark(probabilities, (420, 304), 220, 40)
    mark(probabilities, (640, 300), 160, 44)
    (line,) = found(probabilities)
    assert overlap(line.quad, quad((420, 302), 600, 42)) > 0.7


def test_columns_stay_apart() -> None:
    probabilities = empty()
    for row in (200, 260, 320):
        mark(probabilities, (220, row), 280, 40)
        mark(probabilities, (580, row), 280, 40)
    assert len(found(probabilities)) == 6


def test_close_lines_stay_apart() -> None:
    probabilities = empty()
    for row in range(100, 500, 30):
        mark(probabilities, (400, row), 500, 40)
    assert len(found(probabilities)) == 14


def test_a_short_word_takes_the_direction_of_the_page() -> None:
    probabilities = empty()
    for row in (100, 200, 300):
        mark(probabilities, (400, row), 500, 40, degrees=5)
    mark(probabilities, (300, 400), 52, 44, degrees=5)
    last = found(probabilities)[-1].quad
    assert math.degrees(math.atan2(*(last[1] - last[0])[::-1].tolist())) == pytest.approx(5, abs=1.5)


def test_faint_blobs_and_specks_are_dropped() -> None:
    probabilities = empty()
    mark(probabilities, (400, 300), 420, 40, p=0.4)
    cv2.circle(probabilities, (100, 100), 1, 0.9, -1)
    assert found(probabilities) == []


def test_an_empty_map_has_no_lines() -> None:
    assert found(empty()) == []


def test_quads_stay_inside_the_picture() -> None:
    probabilities = empty()
    mark(probabilities, (100, 12), 300, 40)
    (line,) = found(probabilities)
    assert line.quad.min() >= 0


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (1000, 1333), (300, 200), (5, 2000), (1, 1)])
def test_input_is_limited_and_padded(width: int, height: int) -> None:
    picture = np.full((height, width, 3), 180, np.uint8)
    seen = detector_input(picture)
    assert max(seen.tensor.shape[1:]) <= LONGEST_SIDE
    assert seen.tensor.shape[0] == 3
    assert seen.tensor.shape[1] % STEP == seen.tensor.shape[2] % STEP == 0
    assert seen.tensor.dtype == np.float32
    assert seen.size == (width, height)
    assert seen.scale <= 1.5
    assert seen.used <= seen.tensor[0].size


def test_the_picture_stands_in_the_corner_and_white_around_it() -> None:
    picture = np.full((300, 500, 3), 200, np.uint8)
    cv2.circle(picture, (100, 200), 12, (60, 20, 90), -1)
    seen = detector_input(picture, longest_side=250)
    assert seen.tensor.shape == (3, 160, 256)
    assert seen.used == 250 * 150
    assert (seen.tensor[:, 150:] == 1).all()
    assert (seen.tensor[:, :, 250:] == 1).all()
    red, green, blue = seen.tensor[:, 100, 50]
    assert green < red < blue < 0


def test_grey_paper_becomes_white_and_ink_stays_dark() -> None:
    picture = np.full((400, 600, 3), 120, np.uint8)
    cv2.line(picture, (100, 200), (500, 200), (40, 40, 40), 6)
    seen = detector_input(picture)
    assert np.median(seen.tensor) > 0.95
    assert seen.tensor.min() < -0.2
    assert seen.tensor.max() <= 1


def test_dirt_much_smaller_than_the_writing_is_dropped() -> None:
    probabilities = empty()
    for row in (100, 200, 300):
        mark(probabilities, (400, row), 500, 60)
    mark(probabilities, (100, 450), 30, 18)
    assert len(found(probabilities)) == 3


def test_lines_that_touch_are_parted_where_the_answer_is_weaker() -> None:
    probabilities = empty()
    for row in (200, 260):
        mark(probabilities, (400, row), 500, 40)
    probabilities[200:260, 300:306] = np.maximum(probabilities[200:260, 300:306], 0.6)
    assert len(found(probabilities)) == 2
