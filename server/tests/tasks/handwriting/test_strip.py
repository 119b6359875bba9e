"""Strips: the height the recogniser was built for, bounded width, white to the right."""

import numpy as np
import pytest

from zorky_server.tasks.handwriting.strip import HEIGHT, MAX_WIDTH, padded_width, strip_from_crop, strip_tensor


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(96, 400, 200), (24, 100, 200), (1, 1, HEIGHT), (2, 30_000, MAX_WIDTH)]
)
def test_a_strip_keeps_its_shape_up_to_the_greatest_width(height: int, width: int, expected: int) -> None:
    strip = strip_from_crop(np.full((height, width, 3), 200, np.uint8))
    assert strip.shape == (HEIGHT, expected, 3)


def test_widths_are_padded_to_their_bucket() -> None:
    assert [padded_width(width) for width in (1, 64, 65, 2048)] == [64, 64, 128, 2048]


def test_the_tensor_is_the_strip_and_then_white() -> None:
    strip = np.zeros((HEIGHT, 10, 3), np.uint8)
    tensor = strip_tensor(strip, 64)
    assert tensor.shape == (3, HEIGHT, 64)
    assert (tensor[:, :, :10] == -1).all()
    assert (tensor[:, :, 10:] == 1).all()
