"""Strips: the height the recogniser was built for, bounded width, white to the right."""

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.strip import HEIGHT, MAX_WIDTH, padded_width, strip_from_crop, strip_tensor


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(96, 400, 200), (24, 100, 200), (1, 1, HEIGHT), (2, 30_000, MAX_WIDTH)]
)
def test_a_strip_keeps_its_shape_up_to_the_greatest_width(height: int, width: int, expected: int) -> None:
    strip = strip_from_crop(np.full((height, width, 3), 200, np.uint8))
    assert strip.shape == (HEIGHT, expected, 3)


def test_chalk_on_a_board_becomes_ink_on_paper() -> None:
    board = np.full((HEIGHT, 300, 3), (30, 60, 50), np.uint8)
    cv2.putText(board, "chalk", (20, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (230, 235, 230), 2, cv2.LINE_AA)
    strip, chalk = strip_from_crop(board), board[:, :, 0] > 200
    assert np.median(strip[~chalk]) > 240
    assert strip[chalk].mean() < 100


def test_ink_on_paper_stays_ink_under_a_bright_spot() -> None:
    paper = np.full((HEIGHT, 300, 3), 150, np.uint8)
    cv2.putText(paper, "ink", (20, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (60, 60, 60), 2, cv2.LINE_AA)
    ink = paper[:, :, 0] < 70
    paper[:, 250:] = np.minimum(paper[:, 250:].astype(int) + 90, 255)
    assert strip_from_crop(paper)[ink].mean() < 130


def test_widths_are_padded_to_their_bucket() -> None:
    assert [padded_width(width) for width in (1, 64, 65, 2048)] == [64, 64, 128, 2048]


def test_the_tensor_is_the_strip_and_then_white() -> None:
    strip = np.zeros((HEIGHT, 10, 3), np.uint8)
    tensor = strip_tensor(strip, 64)
    assert tensor.shape == (3, HEIGHT, 64)
    assert (tensor[:, :, :10] == -1).all()
    assert (tensor[:, :, 10:] == 1).all()
