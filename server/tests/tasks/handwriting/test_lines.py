import math

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.lines import crop, mostly_vertical, reading_order, side_lengths, slope
from zorky_server.tasks.handwriting.values import Quad


def box(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def turned(quads: list[Quad], degrees: float) -> list[Quad]:
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]], np.float32)
    return [quad @ matrix for quad in quads]


PAGE = [box(50 + 5 * (n % 3), 60 * n, 700 - 90 * (n % 4), 60 * n + 48) for n in range(12)]
COLUMNS = [box(50, 60 * n, 350, 60 * n + 45) for n in range(6)] + [
    box(450, 60 * n + 20, 740, 60 * n + 65) for n in range(6)
]


@pytest.mark.parametrize("degrees", [0, 4, -9])
@pytest.mark.parametrize("quads", [PAGE, COLUMNS], ids=["page", "columns"])
def test_lines_are_read_top_to_bottom_and_column_by_column(quads: list[Quad], degrees: float) -> None:
    shuffled = np.random.default_rng(3).permutation(len(quads))
    placed = turned(quads, degrees)
    order = reading_order([placed[i] for i in shuffled])
    assert [int(shuffled[i]) for i in order] == list(range(len(quads)))


def test_a_title_over_columns_is_read_first_and_a_footer_last() -> None:
    quads = [box(100, -80, 700, -30), *COLUMNS, box(60, 450, 720, 490)]
    assert reading_order(quads) == list(range(len(quads)))


def test_pieces_of_one_row_are_read_together() -> None:
    quads = [box(50, 0, 380, 40), box(400, 4, 700, 44), box(50, 60, 300, 100), box(330, 58, 690, 98)]
    assert reading_order(quads) == [0, 1, 2, 3]


def test_numbers_of_a_list_stay_with_their_items() -> None:
    quads = [quad for n in range(4) for quad in (box(40, 60 * n, 70, 60 * n + 40), box(120, 60 * n, 600, 60 * n + 44))]
    assert reading_order(quads) == list(range(8))


def test_no_lines_have_no_order() -> None:
    assert reading_order([]) == []
    assert not mostly_vertical([])


def test_vertical_text_is_noticed_by_length_and_not_by_number() -> None:
    upright = [box(0, 0, 400, 40)]
    on_its_side = turned(upright, 90)
    assert mostly_vertical(on_its_side + turned(upright, -88))
    assert not mostly_vertical(upright + turned([box(0, 0, 60, 40)] * 3, 90))


def test_slope_and_sides_of_a_turned_quad() -> None:
    (quad,) = turned([box(0, 0, 300, 50)], 30)
    assert math.degrees(slope(quad)) == pytest.approx(30, abs=0.01)
    assert side_lengths(quad) == pytest.approx((300, 50), abs=0.01)


def test_a_crop_is_upright_whatever_the_quad() -> None:
    rng = np.random.default_rng(1)
    line = cv2.GaussianBlur(rng.integers(0, 256, (40, 200, 3), np.uint8), (0, 0), 3)
    picture = np.full((400, 400, 3), 255, np.uint8)
    picture[100:140, 50:250] = line
    np.testing.assert_array_equal(crop(picture, box(50, 100, 250, 140)), line)
    side = np.ascontiguousarray(np.rot90(picture, -1))
    quad = np.array([(400 - 100, 50), (400 - 100, 250), (400 - 140, 250), (400 - 140, 50)], np.float32)
    np.testing.assert_allclose(crop(side, quad).astype(int), line.astype(int), atol=2)


def test_a_crop_beyond_the_picture_repeats_its_border() -> None:
    picture = np.full((100, 100, 3), 200, np.uint8)
    assert crop(picture, box(-10, 80, 60, 120)).shape == (40, 70, 3)
    assert (crop(picture, box(-10, 80, 60, 120)) == 200).all()
