"""Crops have the pixels that serving saw, whichever way the picture lies."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from zorky_server.tasks.handwriting.lines import crop
from zorky_server.tasks.handwriting.picture import Limits, open_picture, turn
from zorky_server.tasks.handwriting.placing import to_viewed
from zorky_server.tasks.handwriting.values import Line, Picture, Quad
from zorky_training.corrections.crops import crop_name, cut, opened


def drawn(height: int, width: int) -> Picture:
    """Smooth blotches, so that every place looks different and nothing aliases."""
    noise = np.random.default_rng(1).integers(0, 256, (height // 20, width // 20, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def file_of(picture: Picture, orientation: int = 1) -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(file, "PNG", exif=exif, compress_level=1)
    return file.getvalue()


QUAD: Quad = np.array([(102, 203), (415, 215), (413, 262), (100, 250)], np.float32)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("size", "orientation"), [((900, 700), 1), ((900, 700), 3), ((700, 900), 6), ((900, 700), 8), ((2700, 1400), 6)]
)
def test_a_line_is_cut_as_it_was_read(size: tuple[int, int], orientation: int, quarters: int) -> None:
    file = file_of(drawn(*size), orientation)
    picture = open_picture(file, Limits())
    served = crop(turn(picture.pixels, quarters), QUAD)
    quad = to_viewed(Line(QUAD, 1.0, ()), quarters, picture).quad
    own = cut(opened(file), quad)
    assert own.shape == served.shape
    assert float(np.abs(own.astype(int) - served).mean()) < 1


def test_a_crop_is_named_by_its_picture_and_its_place() -> None:
    names = {crop_name(sha256, QUAD + shift) for sha256 in ("a" * 64, "b" * 64) for shift in (0, 1)}
    assert len(names) == 4
    assert crop_name("a" * 64, QUAD + np.float32(0.2)) in names
