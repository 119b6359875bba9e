"""Thinning: a filled letter becomes the path of the pen that could have written it."""

import cv2
import numpy as np
import pytest

from zorky_training.skeleton import paths, thinned


def blank() -> np.ndarray:
    return np.zeros((80, 80), np.uint8)


def test_a_thick_bar_becomes_its_middle() -> None:
    mask = blank()
    mask[30:39, 10:70] = 255
    (path,) = paths(thinned(mask), least=6)
    assert path[:, 1] == pytest.approx(np.full(len(path), 34), abs=1.5)
    assert np.ptp(path[:, 0]) > 48


def test_a_ring_becomes_one_closed_path() -> None:
    mask = blank()
    cv2.circle(mask, (40, 40), 25, 255, 9)
    (path,) = paths(thinned(mask), least=6)
    assert np.hypot(*(path - 40).T) == pytest.approx(np.full(len(path), 25), abs=2)
    assert np.hypot(*(path[0] - path[-1])) < 2


def test_a_cross_has_four_arms_that_meet() -> None:
    mask = blank()
    mask[36:44, 8:72] = 255
    mask[8:72, 36:44] = 255
    arms = paths(thinned(mask), least=6)
    assert len(arms) == 4
    assert all(min(np.hypot(*(end - 39.5)) for end in (arm[0], arm[-1])) < 4 for arm in arms)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 8])
def test_a_dot_is_kept(side: int) -> None:
    mask = blank()
    mask[20 : 20 + side, 50 : 50 + side] = 255
    found = paths(thinned(mask), least=6)
    assert np.concatenate(found).mean(0) == pytest.approx((50 + side / 2, 20 + side / 2), abs=1.5)
