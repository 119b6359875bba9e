"""Quads go back to where the picture as it is viewed shows their ink."""

import numpy as np
import pytest

from zorky_server.tasks.handwriting.picture import OpenedPicture, turn
from zorky_server.tasks.handwriting.placing import line_height, quad_of_whole, skew_degrees, to_viewed
from zorky_server.tasks.handwriting.values import Line, Quad, Word


def line_around(quad: Quad) -> Line:
    return Line(quad, 0.5, (Word("x", quad, 0.5),))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_mark_found_in_the_turned_picture_is_where_it_was_drawn(quarters: int) -> None:
    drawn = np.zeros((30, 50, 3), np.uint8)
    drawn[4:9, 20:32] = 255
    opened = OpenedPicture(drawn, width=100, height=60)
    ys, xs, _ = turn(drawn, quarters).nonzero()
    left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    found = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    viewed = to_viewed(line_around(found), quarters, opened)
    assert viewed.quad.min(axis=0).tolist() == [40, 8]
    assert viewed.quad.max(axis=0).tolist() == [64, 18]
    np.testing.assert_array_equal(viewed.words[0].quad, viewed.quad)


def test_corners_keep_following_the_text_when_the_picture_was_turned() -> None:
    opened = OpenedPicture(np.zeros((30, 50, 3), np.uint8), 50, 30)
    upside_down = to_viewed(line_around(np.array([[0, 0], [10, 0], [10, 5], [0, 5]], np.float32)), 2, opened)
    assert upside_down.quad[0].tolist() == [50, 30]


def test_quads_stay_inside_the_picture() -> None:
    opened = OpenedPicture(np.zeros((30, 50, 3), np.uint8), 50, 30)
    beyond = to_viewed(line_around(np.array([[-3, -2], [60, 0], [60, 40], [0, 40]], np.float32)), 0, opened)
    assert beyond.quad.min() >= 0
    assert (beyond.quad <= [50, 30]).all()


def test_skew_is_positive_where_lines_fall_and_absent_without_lines() -> None:
    falling = np.array([[0, 0], [100, 10], [99, 30], [-1, 20]], np.float32)
    assert skew_degrees([falling]) == pytest.approx(np.degrees(np.arctan(0.1)), abs=0.2)
    assert skew_degrees([]) is None


def test_line_height_is_measured_across_the_text() -> None:
    assert line_height([quad_of_whole(np.zeros((20, 300, 3), np.uint8))]) == pytest.approx(20)
