"""Glyphs become contours: nothing is lost, and holes are told from ink."""

import numpy as np
import pytest
from fontTools.pens.recordingPen import RecordingPen

from zorky_training.ink import Ink, Pen, Points, draw, is_outer
from zorky_training.outlines import outline, simplified, wound


def square(left: float, top: float, side: float) -> Points:
    corners = ((0, 0), (side, 0), (side, side), (0, side))
    return np.array([(left + x, top + y) for x, y in corners], np.float32)


def inked(contours: list[Points]) -> int:
    mask = draw(Ink(fills=[contours]), Pen(0.1, 0, 0), 10, (0, 0), (120, 120))
    return int((mask > 128).sum())


def test_a_dot_without_points_on_its_curve_is_read() -> None:
    glyph = RecordingPen()
    glyph.qCurveTo((0, 0), (100, 0), (100, 100), (0, 100), None)
    glyph.closePath()
    glyph.draw = glyph.replay
    (contour,) = outline({}, glyph)
    assert contour.min(0) == pytest.approx((0, 0), abs=15)
    assert contour.max(0) == pytest.approx((100, 100), abs=15)


@pytest.mark.parametrize("step", [1, -1])
def test_a_contour_in_another_that_runs_against_it_is_a_hole(step: int) -> None:
    ring = wound([square(1, 1, 9)[::step], square(4, 4, 3)[::-step]])
    assert inked(ring) == pytest.approx(8100 - 900, rel=0.05)


def test_a_contour_in_another_that_runs_like_it_is_ink() -> None:
    assert inked(wound([square(1, 1, 9), square(4, 4, 3)])) == pytest.approx(8100, rel=0.05)


def test_contours_beside_each_other_are_ink_whichever_way_they_run() -> None:
    assert inked(wound([square(1, 1, 4), square(6, 6, 2)[::-1]])) == pytest.approx(1600 + 400, rel=0.08)


def test_simplifying_keeps_shape_and_direction() -> None:
    at = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack((np.cos(at), np.sin(at)), 1).astype(np.float32)
    for way in (1, -1):
        few = simplified(ring[::way])
        assert len(few) < 60
        assert is_outer(few) == is_outer(ring[::way])
        assert np.hypot(*few.T) == pytest.approx(np.ones(len(few)), abs=1e-3)
